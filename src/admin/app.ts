/**
 * The admin API of one isolate: every operation routed, and nothing else. It decides which operation a request is for;
 * handle-operation.ts does the rest. It is reached on the admin host only, through a dynamic import, because it loads zod.
 * Unknown addresses are 404, known ones with another method 405 with Allow; there is no CORS. What throws is a bug: it is
 * logged, and answered 500 without a word of it. All its memory lives in the returned function.
 */
import * as z from "../contracts/api/zod.ts";
import { Hono } from "hono";
import { ReadySchema } from "../contracts/api/operations.ts";
import { ok } from "../contracts/result.ts";
import { createAuthenticator } from "./authenticate.ts";
import { createControlClient } from "./control-client.ts";
import type { AdminContext, AdminDeps, Services } from "./deps.ts";
import { createOperationHandler } from "./handle-operation.ts";
import { describeOperations } from "./openapi.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "./operation.ts";
import { createReadyCheck } from "./ready.ts";
import { jsonResponse, problemResponse, textResponse } from "./respond.ts";
import { ACCESS_OPERATIONS } from "./routes/access.ts";
import { ACCOUNT_STATE_OPERATIONS } from "./routes/account-state.ts";
import { ACCOUNT_OPERATIONS } from "./routes/accounts.ts";
import { WEBHOOK_OPERATIONS } from "./routes/webhooks.ts";
import { ALARM_OPERATIONS } from "./routes/alarms.ts";
import { CALENDAR_OPERATIONS } from "./routes/calendar.ts";
import { DEFAULT_MOVES } from "./routes/default-moves.ts";
import { HANDOVER_OPERATIONS } from "./routes/handover.ts";
import { INSIGHT_OPERATIONS } from "./routes/insight.ts";
import { MAINTENANCE_OPERATIONS } from "./routes/maintenance.ts";
import { OPERATOR_OPERATIONS } from "./routes/operations.ts";
import { PREFLIGHT_OPERATIONS } from "./routes/preflight.ts";
import { FLEET_OPERATIONS } from "./routes/fleet.ts";
import { PRODUCT_OPERATIONS } from "./routes/products.ts";
import { ROLLOUT_GATES } from "./routes/rollout-gates.ts";
import { TRAFFIC_OPERATIONS } from "./routes/traffic.ts";
import { ROLLOUT_STEPS } from "./routes/rollout-steps.ts";
import { REPLACEMENT_OPERATIONS } from "./routes/replacements.ts";
import { ROLLOUT_OPERATIONS } from "./routes/rollouts.ts";
import { SESSION_OPERATIONS } from "./routes/sessions.ts";
import { TOKEN_OPERATIONS } from "./routes/tokens.ts";
import { VERSION_BAD_OPERATIONS } from "./routes/version-bad.ts";
import { VERSION_OPERATIONS } from "./routes/versions.ts";

/** Answers one request to the admin host. Never rejects. */
export type Admin = (request: Request, context: AdminContext) => Promise<Response>;

const TAG = "open";

/** The two that answer without a token; each remembers something for its isolate. */
function openOperations(services: Services, describe: () => string): readonly Operation[] {
  const readiness = createReadyCheck(services.clock);
  return [
    defineOperation({
      id: "openapi",
      method: "get",
      path: "/api/v1/openapi.json",
      tag: TAG,
      summary: "This document",
      params: NOTHING,
      query: NOTHING,
      body: NO_BODY,
      answer: { status: 200, description: "OpenAPI 3.1", schema: z.looseObject({ openapi: z.string() }) },
      run: async () => ok(textResponse(describe(), 200, "application/json")),
    }),
    defineOperation({
      id: "ready",
      method: "get",
      path: "/readyz",
      tag: TAG,
      summary: "Can this node route, and can operators act?",
      description:
        "For people and dashboards, in words. Never for a load balancer: it would take every node out when the control plane is down. 503 only when there are no maps.",
      params: NOTHING,
      query: NOTHING,
      body: NO_BODY,
      answer: { status: 200, description: "Words", schema: ReadySchema },
      run: async (_input, { context }) => {
        const ready = await readiness.check(services, context);
        return ok(jsonResponse(ready, ready.ready === "no" ? 503 : 200));
      },
    }),
  ];
}

/** Every operation of the API, in the order of the document. */
function listOperations(services: Services): readonly Operation[] {
  let document: string | null = null;
  const operations: readonly Operation[] = [
    ...openOperations(services, () => (document ??= describeOperations(operations))),
    ...PRODUCT_OPERATIONS,
    ...DEFAULT_MOVES,
    ...FLEET_OPERATIONS,
    ...VERSION_OPERATIONS,
    ...VERSION_BAD_OPERATIONS,
    ...PREFLIGHT_OPERATIONS,
    ...CALENDAR_OPERATIONS,
    ...ROLLOUT_OPERATIONS,
    ...REPLACEMENT_OPERATIONS,
    ...ROLLOUT_STEPS,
    ...ROLLOUT_GATES,
    ...TRAFFIC_OPERATIONS,
    ...ACCOUNT_OPERATIONS,
    ...ACCOUNT_STATE_OPERATIONS,
    ...HANDOVER_OPERATIONS,
    ...OPERATOR_OPERATIONS,
    ...TOKEN_OPERATIONS,
    ...ACCESS_OPERATIONS,
    ...WEBHOOK_OPERATIONS,
    ...SESSION_OPERATIONS,
    ...INSIGHT_OPERATIONS,
    ...ALARM_OPERATIONS,
    ...MAINTENANCE_OPERATIONS,
  ];
  return operations;
}

/** What one request carries through the router; the id is asked for once, because asking may make a new one. */
interface Bindings {
  readonly context: AdminContext;
  readonly requestId: string;
}

/** Builds the admin API of one isolate. */
export function createAdmin(deps: AdminDeps): Admin {
  const control = createControlClient({ port: deps.control, clock: deps.clock, logger: deps.logger });
  const services: Services = { ...deps, control };
  const operations = listOperations(services);
  const handle = createOperationHandler({ services, authenticator: createAuthenticator(services) });
  const app = new Hono<{ Bindings: Bindings }>();

  for (const operation of operations) {
    const { method, path } = operation.spec;
    app.on(method.toUpperCase(), toPattern(path), (c) =>
      handle(operation, { request: c.req.raw, params: c.req.param(), ...c.env }),
    );
  }
  for (const [path, allow] of allowedMethods(operations)) {
    app.all(toPattern(path), (c) => refuseMethod(c.req.method, allow, c.env.requestId));
  }
  app.notFound((c) => {
    const detail = "There is nothing at this address. GET /api/v1/openapi.json lists what there is.";
    return problemResponse({ problem: "not-found", detail }, c.env.requestId);
  });
  app.onError((cause, c) => {
    const { requestId } = c.env;
    deps.logger.line("admin.bug", { requestId, method: c.req.method, cause });
    return problemResponse(
      { problem: "internal", detail: "The admin API failed. The log has more under this request id." },
      requestId,
    );
  });

  return async (request, context) => {
    const requestId = deps.requestId(request);
    const response = await app.fetch(request, { context, requestId });
    response.headers.set("firebreak-request-id", requestId);
    return response;
  };
}

function refuseMethod(method: string, allow: string, requestId: string): Response {
  const detail = `${method} is not for this address. It takes ${allow}.`;
  const response = problemResponse({ problem: "method-not-allowed", detail }, requestId);
  response.headers.set("allow", allow);
  return response;
}

/** `/products/{product}` → `/products/:product` */
function toPattern(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}

/** Per path its `Allow`: HEAD comes with GET. */
function allowedMethods(operations: readonly Operation[]): ReadonlyMap<string, string> {
  const byPath = Map.groupBy(operations, ({ spec }) => spec.path);
  return new Map(
    [...byPath].map(([path, of]) => [
      path,
      of
        .flatMap(({ spec }) => (spec.method === "get" ? ["GET", "HEAD"] : [spec.method.toUpperCase()]))
        .join(", "),
    ]),
  );
}
