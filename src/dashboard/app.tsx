/**
 * The dashboard of one isolate: routes to pages and actions, each for a signed-in reader. Everything is asked of the
 * admin API with the reader's own session, so it knows nothing the reader may not. It must not act on GET, and it has no
 * host but the admin's (the edge sees to that).
 * Called by the composition root for what is not the API's. What throws is a bug: logged, answered 500 without a word of it.
 */
import { Hono, type Context } from "hono";
import type { RefusalNotes } from "../admin/refusal-notes.ts";
import type { AccessConfig } from "../contracts/access-env.ts";
import { StoredFreezeListSchema } from "../contracts/api/calendar.ts";
import { StatusSchema } from "../contracts/api/status.ts";
import { WhoamiSchema } from "../contracts/api/sessions.ts";
import { createApi, type Api, type Handler, type Problem } from "./api.ts";
import { serveAsset } from "./assets.ts";
import { exportAudit } from "./audit-export.ts";
import { refuseThrough, sendToDoor, showDoor, signIn, signOut } from "./door.tsx";
import { isOwnPage, readOwnForm, refuseForm } from "./forms.ts";
import { Page, ProblemNote, type Frame } from "./layout.tsx";
import { pageResponse, seeOther, textResponse } from "./respond.ts";
import { ACTION_ROUTES, PAGE_ROUTES } from "./routes.ts";
import { proofOf, readCredential, type Credential } from "./session.ts";
import type { ActionRoute, DrawPage, Visit } from "./visit.ts";

export interface DashboardDeps {
  readonly admin: Handler;
  /** Where forms that are not ours are noted, for the audit. The API notes what it refuses itself. */
  readonly notes: RefusalNotes;
  /** Null: the word of Cloudflare Access counts for nothing. */
  readonly access: AccessConfig | null;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly nowMs: () => number;
  readonly requestId: (request: Request) => string;
}

interface Bindings {
  readonly waitUntil: (work: Promise<unknown>) => void;
}

type Asked = Context<{ Bindings: Bindings }>;
type Tried = Pick<Visit, "problem" | "written">;
type ApiFor = (c: Asked) => (credential: Credential) => Api;

/** What every route needs beside its request. */
interface Serving {
  readonly apiFor: ApiFor;
  readonly credentialOf: (c: Asked) => Credential | null;
  readonly nowMs: () => number;
  readonly refuse: (c: Asked) => Response;
}

const UNTRIED: Tried = { problem: null, written: {} };

/** Builds the dashboard. Its answers never carry a secret but in `Set-Cookie`. */
export function createDashboard({ admin, notes, access, log, nowMs, requestId }: DashboardDeps): Handler {
  const app = new Hono<{ Bindings: Bindings }>();
  const apiFor: ApiFor =
    ({ req, env }) =>
    (credential) =>
      createApi({ admin, request: req.raw, waitUntil: env.waitUntil, credential });
  const credentialOf = (c: Asked): Credential | null => readCredential(c.req.raw.headers, access !== null);

  const refuse = (c: Asked): Response => {
    const kind = isOwnPage(c.req.raw) ? "form" : "foreign-site";
    notes.note({ kind, request: c.req.raw, actor: null, operation: `form ${c.req.path}` }, c.env);
    return refuseForm();
  };
  const serving: Serving = { apiFor, credentialOf, nowMs, refuse };

  app.get("/assets/:name", (c) => serveAsset(c.req.param("name")));
  app.get("/sign-in", (c) => showDoor(c.req.raw, credentialOf(c)?.kind === "access"));
  app.post("/sign-in", (c) => signIn(c.req.raw, apiFor(c), { nowMs: nowMs(), refuse: () => refuse(c) }));
  app.post("/sign-out", (c) => signOut(c.req.raw, apiFor(c), () => refuse(c)));
  app.get("/audit/export", (c) => sendAudit(c, serving));
  for (const { path, draw } of PAGE_ROUTES) app.get(path, (c) => show(c, serving, draw));
  for (const route of ACTION_ROUTES) app.post(route.path, (c) => take(c, serving, route));
  app.notFound((c) => show(c, serving, drawNothing));
  app.onError((cause, c) => {
    log("dashboard.bug", { requestId: requestId(c.req.raw), path: c.req.path, cause });
    return textResponse("The dashboard failed; the log has more. The API and serving go on.", 500);
  });
  return async (request, { waitUntil }) => {
    const response = await app.fetch(request, { waitUntil });
    response.headers.set("firebreak-request-id", requestId(request));
    return response;
  };
}

/** The audit as a file, for who is signed in. */
async function sendAudit(c: Asked, serving: Serving): Promise<Response> {
  const visit = await visitOf(c, serving, UNTRIED);
  return visit instanceof Response ? visit : exportAudit(visit);
}

async function show(c: Asked, serving: Serving, draw: DrawPage): Promise<Response> {
  const visit = await visitOf(c, serving, UNTRIED);
  return visit instanceof Response ? visit : drawInto(visit, draw);
}

/** Takes a form: does what it asks and shows what is next, or the page again with the reason why not. */
async function take(c: Asked, serving: Serving, { act, draw }: ActionRoute): Promise<Response> {
  const credential = serving.credentialOf(c);
  if (credential === null) return sendToDoor(c.req.raw);
  const fields = await readOwnForm(c.req.raw, credential.secret);
  if (fields === null) return serving.refuse(c);
  const visit = await visitOf(c, serving, { problem: null, written: fields });
  if (visit instanceof Response) return visit;
  if (act === null) return drawInto(visit, draw);
  const done = await act(visit, fields);
  return done.ok ? seeOther(done.value) : drawInto({ ...visit, problem: done.error }, draw);
}

/** Who asks, and the state of the whole; or the way to the door. */
async function visitOf(
  c: Asked,
  { apiFor, credentialOf, nowMs }: Serving,
  tried: Tried,
): Promise<Visit | Response> {
  const credential = credentialOf(c);
  if (credential === null) return sendToDoor(c.req.raw);
  const api = apiFor(c)(credential);
  const who = await api.ask(WhoamiSchema, { path: "/whoami" });
  if (!who.ok) {
    const { status, detail } = who.error;
    if (credential.kind === "access") return refuseThrough(who.error);
    return status === 401 ? sendToDoor(c.req.raw) : textResponse(detail, status);
  }
  const [status, freezes] = await Promise.all([
    api.ask(StatusSchema, { path: "/status" }),
    api.ask(StoredFreezeListSchema, { path: "/freezes" }),
  ]);
  const inForce = freezes.ok ? freezes.value.items.filter(({ span }) => span?.state === "in-force") : [];
  const url = new URL(c.req.url);
  const frame: Frame = {
    who: who.value,
    status: status.ok ? status.value : null,
    freezes: inForce.map(({ name }) => name),
    proof: await proofOf(credential.secret),
    through: credential.kind === "access",
    here: url.pathname,
  };
  return { api, frame, url, params: c.req.param(), nowMs: nowMs(), ...tried };
}

async function drawInto(visit: Visit, draw: DrawPage): Promise<Response> {
  const { frame, problem } = visit;
  const drawn = await draw(visit);
  if (!drawn.ok) return pageResponse(<ProblemPage frame={frame} problem={drawn.error} />, drawn.error.status);
  const { title, body, live = true, status = problem?.status ?? 200 } = drawn.value;
  return pageResponse(
    <Page title={title} frame={frame} live={live}>
      {body}
    </Page>,
    status,
  );
}

function ProblemPage({ frame, problem }: { frame: Frame; problem: Problem }) {
  return (
    <Page title={problem.status === 404 ? "Not here" : "This cannot be shown"} frame={frame}>
      <ProblemNote detail={problem.detail} />
    </Page>
  );
}

const drawNothing: DrawPage = async () => ({
  ok: false,
  error: {
    status: 404,
    type: "about:blank",
    detail: "There is no such page. The pages are listed at the top.",
  },
});
