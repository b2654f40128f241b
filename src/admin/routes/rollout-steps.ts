/**
 * What is done with a rollout: start, pause, resume, approve, stop, roll back, adopt. Each route names the command it
 * passes on; what is allowed in which phase, and to a token that is limited to products, is decided by the control plane
 * with the rollout at hand.
 */
import { AdoptInputSchema, RollbackPreviewSchema } from "../../contracts/api/rollout-plan.ts";
import {
  ApproveInputSchema,
  PauseInputSchema,
  ResumeInputSchema,
  RollbackInputSchema,
  RolloutParamsSchema,
  RolloutSchema,
  StartInputSchema,
  StopInputSchema,
  WaiveGateInputSchema,
} from "../../contracts/api/rollouts.ts";
import { defineOperation, NOTHING, type Operation } from "../operation.ts";

const TAG = "rollouts";
const ONE = "/api/v1/rollouts/{id}";
const ROLLOUT = { status: 200, description: "The rollout as it is now", schema: RolloutSchema } as const;

const GOING: readonly Operation[] = [
  defineOperation({
    id: "rollouts.start",
    method: "post",
    path: `${ONE}/start`,
    tag: TAG,
    summary: "Start a draft",
    description:
      "Freezes what it sees of the accounts and asks for preflight. With a digest: that plan and nothing else. Refused while another rollout has one of its products.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: StartInputSchema,
    example: { digest: "0".repeat(64), reason: "Planned with support" },
    answer: ROLLOUT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("rollout.start", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "rollouts.pause",
    method: "post",
    path: `${ONE}/pause`,
    tag: TAG,
    summary: "Pause a rollout",
    description: "Nothing moves until somebody resumes it; who has moved stays.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: PauseInputSchema,
    example: { reason: "Support sees slow searches" },
    answer: ROLLOUT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("rollout.pause", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "rollouts.resume",
    method: "post",
    path: `${ONE}/resume`,
    tag: TAG,
    summary: "Resume a rollout",
    description: "From a pause, or after a preflight that failed. Preflight runs again before anybody moves.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: ResumeInputSchema,
    example: { reason: "Searches are fast again" },
    answer: ROLLOUT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("rollout.resume", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "rollouts.approve",
    method: "post",
    path: `${ONE}/approve`,
    tag: TAG,
    summary: "Approve a wave, or the default of a product",
    description:
      "Names the wave by its index, so that a double click cannot approve two: the same again does nothing, another is refused.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: ApproveInputSchema,
    example: { wave: 2 },
    answer: ROLLOUT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("rollout.approve", { ...params, input: body }, write),
  }),
];

const ENDING: readonly Operation[] = [
  defineOperation({
    id: "rollouts.waive-gate",
    method: "post",
    path: `${ONE}/waive-gate`,
    tag: TAG,
    summary: "Let an inconclusive gate pass",
    description: "By name and with a reason, for the wave at hand. A gate that failed is not waived.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: WaiveGateInputSchema,
    example: { wave: 0, reason: "Staff makes too few requests at night" },
    answer: ROLLOUT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("rollout.waive-gate", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "rollouts.stop",
    method: "post",
    path: `${ONE}/stop`,
    tag: TAG,
    summary: "Stop a rollout for good",
    description: "Who has moved stays and gets it as home; nobody else moves.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: StopInputSchema,
    example: { reason: "2.9.1 comes instead" },
    answer: ROLLOUT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("rollout.stop", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "rollouts.rollback",
    method: "post",
    path: `${ONE}/rollback`,
    tag: TAG,
    summary: "Take accounts back",
    description:
      "All, down to a wave, or those that match. Windows, freezes and halt do not bind it; the version it leads to is probed first.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: RollbackInputSchema,
    example: { where: { cohort: "early" }, confirmed: false, reason: "Attachments fail" },
    answer: ROLLOUT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("rollout.rollback", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "rollouts.rollback.preview",
    method: "post",
    path: `${ONE}/rollback/preview`,
    tag: TAG,
    summary: "Say what a rollback would do, and do nothing",
    description:
      "The same body as the rollback. Accounts by wave, defaults, what has to be confirmed, why it would be refused, which versions it would mark bad.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: RollbackInputSchema,
    example: { where: { labels: { tier: "gold" } }, confirmed: false, reason: "Attachments fail" },
    unconditional: true,
    answer: { status: 200, description: "What it would do", schema: RollbackPreviewSchema },
    run: ({ params, body }, { services }) =>
      services.control.query("rollout.rollback.preview", { ...params, input: body }),
  }),
  defineOperation({
    id: "rollouts.adopt",
    method: "post",
    path: `${ONE}/adopt`,
    tag: TAG,
    summary: "Take along who was left behind",
    description:
      "With `from`: a new draft of this id for those whom that ended rollout left behind. Without: a running rollout takes those that became eligible late into its wave at hand.",
    params: RolloutParamsSchema,
    query: NOTHING,
    body: AdoptInputSchema,
    example: { from: "2026-10-autumn" },
    answer: ROLLOUT,
    run: ({ params: { id }, body: { from = id } }, { services, write }) =>
      services.control.execute("rollout.adopt", { id, from }, write),
  }),
];

export const ROLLOUT_STEPS: readonly Operation[] = [...GOING, ...ENDING];
