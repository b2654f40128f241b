/**
 * Signing in and out. The token goes from the form into one request to the API and nowhere else; what the browser keeps
 * is a session. Sign-in needs no proof, because there is no session yet, but must come from our own page all the same.
 */
import { SessionEndSchema, SessionSchema } from "../contracts/api/sessions.ts";
import type { Api, Problem } from "./api.ts";
import { isOwnPage, readForm, readOwnForm, safePath } from "./forms.ts";
import { SignIn } from "./pages/sign-in.tsx";
import { pageResponse, seeOther } from "./respond.ts";
import { NO_SESSION_COOKIE, readSession, sessionCookie, type Credential } from "./session.ts";

/** The API with what somebody has. */
type ApiWith = (credential: Credential) => Api;

/**
 * Whoever is not signed in is shown the door, and comes back to the page that was asked for. A session that opens nothing any
 * more is forgotten; without one nothing is, because a form of another site comes without the cookie that the browser has.
 */
export function sendToDoor(request: Request): Response {
  const back = request.method === "GET" ? new URL(request.url).pathname : "/";
  const forget = readSession(request.headers) === null ? null : NO_SESSION_COOKIE;
  return seeOther(`/sign-in?back=${encodeURIComponent(back)}`, forget);
}

/** The admin host of `npm start`; in a deployment the admin surface answers to its own name alone. */
function isLocal({ url }: Request): boolean {
  return new URL(url).hostname === "localhost";
}

/** @param through whether the request came through Cloudflare Access, whose word opens the pages without a token. */
export function showDoor(request: Request, through: boolean): Promise<Response> {
  const back = new URL(request.url).searchParams.get("back") ?? "/";
  return pageResponse(
    <SignIn back={safePath(back)} problem={null} through={through} local={isLocal(request)} />,
  );
}

/** For whoever Access lets through and the API does not: why, and the other way in. */
export function refuseThrough({ status, detail }: Pick<Problem, "status" | "detail">): Promise<Response> {
  const words =
    status === 401 ? "Cloudflare Access' word was refused: it is not for this place, or too old." : detail;
  return pageResponse(<SignIn back="/" problem={words} />, status);
}

export async function signIn(
  request: Request,
  apiWith: ApiWith,
  { nowMs, refuse }: { readonly nowMs: number; readonly refuse: () => Response },
): Promise<Response> {
  const fields = isOwnPage(request) ? await readForm(request) : null;
  if (fields === null) return refuse();
  const back = safePath(fields["back"]);
  const api = apiWith({ kind: "session", secret: (fields["token"] ?? "").trim() });
  const begun = await api.ask(SessionSchema, { method: "POST", path: "/sessions" });
  if (begun.ok) {
    const { secret, expires } = begun.value;
    return seeOther(back, sessionCookie(secret, (Date.parse(expires) - nowMs) / 1000));
  }
  const { status, detail } = begun.error;
  const words = status === 401 ? "This token opens nothing. It may be mistyped, revoked or expired." : detail;
  return pageResponse(<SignIn back={back} problem={words} local={isLocal(request)} />, status);
}

export async function signOut(request: Request, apiWith: ApiWith, refuse: () => Response): Promise<Response> {
  const secret = readSession(request.headers);
  if (secret === null) return seeOther("/sign-in");
  if ((await readOwnForm(request, secret)) === null) return refuse();
  await apiWith({ kind: "session", secret }).ask(SessionEndSchema, { method: "DELETE", path: "/sessions" });
  return seeOther("/sign-in", NO_SESSION_COOKIE);
}
