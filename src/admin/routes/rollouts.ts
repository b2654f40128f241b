/**
 * Rollouts: read, planned, written down. Each route names the command or question it passes on; whether a plan fits the
 * world is decided by the control plane. What a draft's body names is checked here already, before it is asked: the id
 * of the address, and only products of the token. What is done with a rollout is in rollout-steps.ts.
 */
import type * as z from "../../contracts/api/zod.ts";
import {
  LeftBehindPageSchema,
  LeftBehindQuerySchema,
  PlanQuerySchema,
  RolloutListSchema,
  RolloutPlanSchema,
} from "../../contracts/api/rollout-plan.ts";
import {
  RolloutInputSchema,
  RolloutParamsSchema,
  RolloutSchema,
  type RolloutInput,
} from "../../contracts/api/rollouts.ts";
import type { FreezeInput } from "../../contracts/api/calendar.ts";
import type { Actor } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { err, ok } from "../../contracts/result.ts";
import { invalid } from "../issues.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";
import { refuseProduct } from "../permissions.ts";

const TAG = "rollouts";
const ALL = "/api/v1/rollouts";
const ONE = `${ALL}/{id}`;
const ROLLOUT = { status: 200, description: "The rollout as it is now", schema: RolloutSchema } as const;
const PLAN = {
  status: 200,
  description: "What it would do, and the digest that `start` can require",
  schema: RolloutPlanSchema,
} as const;

const EXAMPLE: z.input<typeof RolloutInputSchema> = {
  id: "2026-11-autumn",
  targets: { kiln: "2.9.0", fogbugz: "8.8.0" },
  waves: [
    { name: "staff", cohorts: ["internal"], percent: 100, bake: { minutes: 60, requests: 200 } },
    { name: "forty", cohorts: ["*"], percent: 40, window: "weekend-nights", percentPerMinute: 2 },
    { name: "rest", cohorts: ["*"], percent: 100, window: "weekend-nights", approve: "before" },
  ],
  default: {
    move: true,
    afterDays: 3,
    window: {
      days: ["mon", "tue", "wed", "thu"],
      from: "10:00",
      to: "15:00",
      zone: "America/New_York",
    },
    approve: "before",
  },
};

interface Asked {
  readonly before?: string | undefined;
  readonly at?: string | undefined;
  readonly label?: string | undefined;
  readonly withFreeze?: FreezeInput | undefined;
}

function planOptions({ before, at, label, withFreeze }: Asked): {
  before: string | null;
  at: string | null;
  label: string | null;
  withFreeze: FreezeInput | null;
} {
  return {
    before: before ?? null,
    at: at ?? null,
    label: label ?? null,
    withFreeze: withFreeze ?? null,
  };
}

/** Everything that speaks against writing this draft, which the address and the token alone show. */
function refuseDraft(id: string, input: RolloutInput, actor: Actor): Refusal | null {
  if (input.id !== id) {
    return invalid([{ path: "body.id", message: `is "${input.id}", but the address says "${id}"` }]);
  }
  for (const product of Object.keys(input.targets)) {
    const refused = refuseProduct(actor, product);
    if (refused !== null) return refused;
  }
  return null;
}

const READING: readonly Operation[] = [
  defineOperation({
    id: "rollouts.list",
    method: "get",
    path: ALL,
    tag: TAG,
    summary: "List the rollouts",
    description: "Newest first, those that are over too.",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The rollouts", schema: RolloutListSchema },
    run: async (_input, { services }) => {
      const found = await services.control.query("rollouts", {});
      return found.ok ? ok({ items: [...found.value], cursor: null }) : found;
    },
  }),
  defineOperation({
    id: "rollouts.get",
    method: "get",
    path: ONE,
    tag: TAG,
    summary: "Get a rollout",
    description: "Its phase, why it is in it, when something happens next, and how far each wave is.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: ROLLOUT,
    run: ({ params }, { services }) => services.control.query("rollout", params),
  }),
  defineOperation({
    id: "rollouts.input.get",
    method: "get",
    path: `${ONE}/input`,
    tag: TAG,
    summary: "Get what a rollout was written down with",
    description: "The body that `PUT` takes, in its one spelling: a plan file for the next one.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The plan", schema: RolloutInputSchema },
    run: ({ params }, { services }) => services.control.query("rollout.input", params),
  }),
  defineOperation({
    id: "rollouts.plan",
    method: "post",
    path: `${ALL}/plan`,
    tag: TAG,
    summary: "Plan without writing anything down",
    description:
      "What a rollout of this body would do over the accounts as they are. Which accounts go first is settled when it is written down.",
    params: NOTHING,
    query: PlanQuerySchema,
    body: RolloutInputSchema,
    example: EXAMPLE,
    unconditional: true,
    answer: PLAN,
    run: ({ query, body }, { services }) =>
      services.control.query("rollout.plan", { input: body, ...planOptions(query) }),
  }),
  defineOperation({
    id: "rollouts.plan.get",
    method: "get",
    path: `${ONE}/plan`,
    tag: TAG,
    summary: "Plan a draft",
    description:
      "Accounts per wave, zone and label, first and last move, critical path, who is not reached before a time, who cannot go back, who is left behind, what a freeze would change.",
    params: RolloutParamsSchema,
    query: PlanQuerySchema,
    body: NO_BODY,
    answer: PLAN,
    run: ({ params, query }, { services }) =>
      services.control.query("rollout.plan", { ...params, ...planOptions(query) }),
  }),
  defineOperation({
    id: "rollouts.left-behind.list",
    method: "get",
    path: `${ONE}/left-behind`,
    tag: TAG,
    summary: "List the accounts that a rollout left behind",
    description: "Each with the reason. A later rollout can adopt them.",
    params: RolloutParamsSchema,
    query: LeftBehindQuerySchema,
    body: NO_BODY,
    answer: {
      status: 200,
      description: "A page of accounts, and where the next one starts",
      schema: LeftBehindPageSchema,
    },
    run: ({ params, query: { cursor = null, limit } }, { services }) =>
      services.control.query("rollout.left-behind", { ...params, cursor, limit }),
  }),
];

const DRAFTING: readonly Operation[] = [
  defineOperation({
    id: "rollouts.put",
    method: "put",
    path: ONE,
    tag: TAG,
    summary: "Write a draft down, or replace it",
    description: "Moves nobody. A rollout that was started keeps the plan it was started with.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: RolloutInputSchema,
    example: EXAMPLE,
    answer: ROLLOUT,
    run: async ({ params, body }, { services, write }) => {
      const refused = refuseDraft(params.id, body, write.actor);
      if (refused !== null) return err(refused);
      return services.control.execute("rollout.create", { ...params, input: body }, write);
    },
  }),
  defineOperation({
    id: "rollouts.delete",
    method: "delete",
    path: ONE,
    tag: TAG,
    summary: "Delete a draft",
    description: "One that was started stays for the record: stop it or roll it back.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: { ...ROLLOUT, description: "The draft that was there" },
    run: ({ params }, { services, write }) => services.control.execute("rollout.delete", params, write),
  }),
];

export const ROLLOUT_OPERATIONS: readonly Operation[] = [...READING, ...DRAFTING];
