/**
 * Looking without touching: explain, status, metrics. All of them answer from this node when the control plane is down,
 * to whoever has a token that can be checked without it.
 */
import * as z from "../../contracts/api/zod.ts";
import { ExplainQuerySchema, ExplainSchema } from "../../contracts/api/operations.ts";
import { StatusSchema } from "../../contracts/api/status.ts";
import { ok } from "../../contracts/result.ts";
import { explainAt } from "../explain-at.ts";
import { explain } from "../explain.ts";
import { formatMetrics, METRICS_MEDIA_TYPE } from "../metrics.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";
import { textResponse } from "../respond.ts";
import { loadStatus } from "../status.ts";

const TAG = "insight";

const EXPLAIN_DESCRIPTION = `Which version a request with this Host and method gets from this node, and why: the same functions on the
same maps that serve. Any spelling of a Host may be asked about, malformed ones too. With \`at\`, what it got then (from the
maps that were published, with how certain that is) or what it is expected to get (from the forecast of a rollout, with
what may change it). Other times need the control plane; now does not.`;

export const INSIGHT_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "explain",
    method: "get",
    path: "/api/v1/explain",
    tag: TAG,
    summary: "Explain what a request gets",
    description: EXPLAIN_DESCRIPTION,
    params: NOTHING,
    query: ExplainQuerySchema,
    body: NO_BODY,
    answer: { status: 200, description: "What it gets, and why", schema: ExplainSchema },
    run: async ({ query }, { services, context }) => {
      const question = { host: query.host ?? null, method: query.method };
      if (query.at === undefined || query.at === "now") return ok(await explain(question, services, context));
      const timed = { ...question, atMs: Date.parse(query.at), rollout: query.rollout ?? null };
      return explainAt(timed, services, context);
    },
  }),
  defineOperation({
    id: "status",
    method: "get",
    path: "/api/v1/status",
    tag: TAG,
    summary: "How things stand",
    description:
      "Published against seen, halt, break-glass, what waits. With warnings, from this node alone, while the control plane is down.",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The status", schema: StatusSchema },
    run: async (_input, { services, context }) => ok((await loadStatus(services, context)).status),
  }),
  defineOperation({
    id: "metrics",
    method: "get",
    path: "/api/v1/metrics",
    tag: TAG,
    summary: "The status as Prometheus text",
    description:
      "What only the control plane knows is left out while it is down; `firebreak_control_up` says so.",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: {
      status: 200,
      description: "Prometheus exposition",
      schema: z.string(),
      mediaType: METRICS_MEDIA_TYPE,
    },
    run: async (_input, { services, context }) =>
      ok(textResponse(formatMetrics(await loadStatus(services, context)), 200, METRICS_MEDIA_TYPE)),
  }),
];
