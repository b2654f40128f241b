/** Traffic of late, for people who look: asked of the meters alone, so it can be had while the control plane is down. */
import { AccountParamsSchema } from "../../contracts/api/accounts.ts";
import {
  AccountTrafficSchema,
  FailedRequestsQuerySchema,
  FailedRequestsSchema,
  TrafficSchema,
} from "../../contracts/api/traffic.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";
import { findAccountTraffic, findFailed, findTraffic } from "../traffic.ts";

export const TRAFFIC_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "traffic",
    method: "get",
    path: "/api/v1/traffic",
    tag: "insight",
    summary: "Versions by their requests of the last minutes",
    description:
      "Share of the requests, failures and p95 of each version, and the share of requests for known accounts against yesterday. Edges report every 10 to 15 seconds.",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The traffic", schema: TrafficSchema },
    run: (_input, { services }) => findTraffic(services.meters),
  }),
  defineOperation({
    id: "accounts.traffic.get",
    method: "get",
    path: "/api/v1/accounts/{account}/traffic",
    tag: "accounts",
    summary: "Failures of an account against its own past",
    description:
      "By version, in the last hour and before. Accounts may be counted as a sample under load, so no items means that nothing was counted, not that nothing was asked.",
    params: AccountParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "Its requests and failures", schema: AccountTrafficSchema },
    run: ({ params }, { services }) => findAccountTraffic(services.meters, params.account),
  }),
  defineOperation({
    id: "failed-requests.list",
    method: "get",
    path: "/api/v1/failed-requests",
    tag: "insight",
    summary: "What became of a failed request, by its id or its account",
    description:
      "A sample, kept for a day: of each account and version the first two between two reports of an isolate. The logs have a line for more of them.",
    params: NOTHING,
    query: FailedRequestsQuerySchema,
    body: NO_BODY,
    answer: { status: 200, description: "Failed requests", schema: FailedRequestsSchema },
    run: ({ query }, { services }) => findFailed(services.meters, query),
  }),
];
