/**
 * Sessions: a token exchanged for a secret that lives for hours, so that a browser never keeps the token itself.
 * The secret is made here and shown in one answer; the control plane keeps its hash. Everything else treats it as a token.
 */
import { SessionEndSchema, SessionSchema, WhoamiSchema, type Session } from "../../contracts/api/sessions.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { err, ok, type Result } from "../../contracts/result.ts";
import { bearerOf, hashToken } from "../authenticate.ts";
import { makeSecret, SESSION_PREFIX } from "../secret.ts";
import { defineOperation, NO_BODY, NOTHING, type Call, type Operation } from "../operation.ts";

const TAG = "sessions";
const PATH = "/api/v1/sessions";

const NO_TOKEN: Refusal = {
  problem: "forbidden",
  detail:
    "A session is exchanged for a token, and this request came without one: whoever comes through Cloudflare Access needs no session.",
};

async function create({ services, write, request }: Call): Promise<Result<Session, Refusal>> {
  if (bearerOf(request) === "") return err(NO_TOKEN);
  const secret = makeSecret(SESSION_PREFIX);
  const [sha256, token] = await Promise.all([hashToken(secret), hashToken(bearerOf(request))]);
  // A repeat makes another session: the first one's secret is nowhere to be answered from.
  const begun = await services.control.execute(
    "session.create",
    { sha256, token },
    { ...write, idempotencyKey: null },
  );
  return begun.ok ? ok({ secret, ...begun.value }) : begun;
}

export const SESSION_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "whoami",
    method: "get",
    path: "/api/v1/whoami",
    tag: TAG,
    summary: "Who the token says you are",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "Name, role and limits", schema: WhoamiSchema },
    run: async (_input, { write: { actor } }) =>
      ok({
        name: actor.name,
        role: actor.role,
        products: actor.products === null ? null : [...actor.products],
      }),
  }),
  defineOperation({
    id: "sessions.create",
    method: "post",
    path: PATH,
    tag: TAG,
    summary: "Exchange a token for a session",
    description:
      "For browsers. Ends after 12 hours, when it is signed out, or when its token is revoked or expires.",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    unconditional: true,
    answer: { status: 201, description: "The session, once", schema: SessionSchema },
    run: (_input, call) => create(call),
  }),
  defineOperation({
    id: "sessions.end",
    method: "delete",
    path: PATH,
    tag: TAG,
    summary: "Sign out",
    description: "Ends the session that the request came with.",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    unconditional: true,
    answer: { status: 200, description: "Whether there was one", schema: SessionEndSchema },
    run: async (_input, { services, write, request }) =>
      services.control.execute(
        "session.end",
        { sha256: await hashToken(bearerOf(request)) },
        { ...write, idempotencyKey: null },
      ),
  }),
];
