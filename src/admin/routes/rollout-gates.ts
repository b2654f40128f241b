/**
 * What watches a rollout: verdicts with their numbers and series, and words from outside. What a signal does is decided
 * by the control plane with the rollout at hand.
 */
import {
  ImpactQuerySchema,
  ImpactSchema,
  RolloutGatesSchema,
  SignalInputSchema,
  SignalListSchema,
} from "../../contracts/api/gates.ts";
import { GridQuerySchema, RolloutGridSchema } from "../../contracts/api/rollout-grid.ts";
import { RolloutParamsSchema, RolloutSchema } from "../../contracts/api/rollouts.ts";
import { ok } from "../../contracts/result.ts";
import { findImpact } from "../impact.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";

const TAG = "rollouts";
const ONE = "/api/v1/rollouts/{id}";

export const ROLLOUT_GATES: readonly Operation[] = [
  defineOperation({
    id: "rollouts.gates.get",
    method: "get",
    path: `${ONE}/gates`,
    tag: TAG,
    summary: "Get the verdicts of a rollout",
    description:
      "The last verdict over each wave and product with counts, bounds and what is missing, how it came to that minute by minute, signals from outside, accounts put back alone.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "Verdicts and their series", schema: RolloutGatesSchema },
    run: ({ params }, { services }) => services.control.query("rollout.gates", params),
  }),
  defineOperation({
    id: "rollouts.grid.get",
    method: "get",
    path: `${ONE}/grid`,
    tag: TAG,
    summary: "Get waves and groups of a rollout",
    description:
      "What each wave moves in each zone, how far that is, the dates still ahead (local and UTC), the moves to come by the hour, who is not reached by a time, and for how many there is a way back. Of a draft: as if it were started now.",
    params: RolloutParamsSchema,
    query: GridQuerySchema,
    body: NO_BODY,
    answer: { status: 200, description: "The grid", schema: RolloutGridSchema },
    run: ({ params, query: { before = null } }, { services }) =>
      services.control.query("rollout.grid", { ...params, before }),
  }),
  defineOperation({
    id: "rollouts.impact.list",
    method: "get",
    path: `${ONE}/impact`,
    tag: TAG,
    summary: "List the accounts that a rollout hurt",
    description:
      "Accounts that the targets failed since it began, worst first, with how long and when they were put back. Counts of single accounts are kept for 14 days.",
    params: RolloutParamsSchema,
    query: ImpactQuerySchema,
    body: NO_BODY,
    answer: { status: 200, description: "The accounts, worst first", schema: ImpactSchema },
    run: ({ params, query }, { services }) => findImpact(services, { ...params, ...query }),
  }),
  defineOperation({
    id: "rollouts.signals.list",
    method: "get",
    path: `${ONE}/signals`,
    tag: TAG,
    summary: "List the signals that a rollout has heard",
    description: "The newest of each source, expired ones too.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The signals, newest first", schema: SignalListSchema },
    run: async ({ params }, { services }) => {
      const found = await services.control.query("rollout.gates", params);
      return found.ok ? ok({ items: [...found.value.signals], cursor: null }) : found;
    },
  }),
  defineOperation({
    id: "rollouts.signals.send",
    method: "post",
    path: `${ONE}/signals`,
    tag: TAG,
    summary: "Tell a rollout how its targets do",
    description:
      "`fail` stops the wave at once, as the plan says what a failed gate does; it counts until it expires or its source says something else.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: SignalInputSchema,
    example: {
      verdict: "fail",
      reason: "Twice as many tickets as on a usual Friday",
      source: "support-tickets",
      ttlSeconds: 3600,
    },
    answer: { status: 200, description: "The rollout as it is now", schema: RolloutSchema },
    run: ({ params, body }, { services, write }) =>
      services.control.execute("rollout.signal", { ...params, input: body }, write),
  }),
];
