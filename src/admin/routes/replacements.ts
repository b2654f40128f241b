/**
 * Replacements: a hotfix takes the place of a version for whoever is on it, beside any rollout. Each route names the
 * command or question it passes on; whether the versions are compatible and what is allowed in which phase is decided by
 * the control plane. Addressed by the version that is replaced: at most one replacement of it is active.
 */
import { ProductParamsSchema } from "../../contracts/api/products.ts";
import {
  ReplacementInputSchema,
  ReplacementListSchema,
  ReplacementParamsSchema,
  ReplacementPauseInputSchema,
  ReplacementPlanInputSchema,
  ReplacementPlanSchema,
  ReplacementResumeInputSchema,
  ReplacementRollbackInputSchema,
  ReplacementSchema,
  ReplacementStopInputSchema,
} from "../../contracts/api/replacements.ts";
import { ok } from "../../contracts/result.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";

const TAG = "replacements";
const ALL = "/api/v1/products/{product}/replacements";
const ONE = `${ALL}/{from}`;
const REPLACEMENT = {
  status: 200,
  description: "The replacement as it is now",
  schema: ReplacementSchema,
} as const;

const READING: readonly Operation[] = [
  defineOperation({
    id: "replacements.list",
    method: "get",
    path: ALL,
    tag: TAG,
    summary: "List the replacements of a product's versions",
    description: "Newest first, those that are over too.",
    params: ProductParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The replacements", schema: ReplacementListSchema },
    run: async ({ params }, { services }) => {
      const found = await services.control.query("replacements", params);
      return found.ok ? ok({ items: [...found.value], cursor: null }) : found;
    },
  }),
  defineOperation({
    id: "replacements.get",
    method: "get",
    path: ONE,
    tag: TAG,
    summary: "Get the replacement of a version",
    description: "The active one, else the last.",
    params: ReplacementParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: REPLACEMENT,
    run: ({ params }, { services }) => services.control.query("replacement", params),
  }),
  defineOperation({
    id: "replacements.plan",
    method: "post",
    path: `${ONE}/plan`,
    tag: TAG,
    summary: "What replacing a version would mean",
    description:
      "Problems that refuse it, what it would not do by itself, whom it is about. Changes nothing.",
    params: ReplacementParamsSchema,
    query: NOTHING,
    body: ReplacementPlanInputSchema,
    example: { to: "2.8.1", steps: [1, 25, 100], percentPerMinute: 5 },
    unconditional: true,
    answer: {
      status: 200,
      description: "It can be begun when there are no problems",
      schema: ReplacementPlanSchema,
    },
    run: ({ params, body }, { services }) =>
      services.control.query("replacement.plan", { ...params, input: body }),
  }),
];

const CHANGING: readonly Operation[] = [
  defineOperation({
    id: "replacements.put",
    method: "put",
    path: ONE,
    tag: TAG,
    summary: "Replace a version, for whoever is on it",
    description:
      "Preflight of the new version first, then its ramp; homes, pins, quarantines and stable follow at the end. The default (unknown accounts) never does. Refused while the version is being replaced already.",
    params: ReplacementParamsSchema,
    query: NOTHING,
    body: ReplacementInputSchema,
    example: { to: "2.8.1", steps: [1, 25, 100], percentPerMinute: 5, reason: "Attachments over 10 MB" },
    answer: REPLACEMENT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("replacement.start", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "replacements.pause",
    method: "post",
    path: `${ONE}/pause`,
    tag: TAG,
    summary: "Pause a replacement",
    description: "The ramp stays where it is until somebody resumes it.",
    params: ReplacementParamsSchema,
    query: NOTHING,
    body: ReplacementPauseInputSchema,
    example: { reason: "Support sees slow searches" },
    answer: REPLACEMENT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("replacement.pause", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "replacements.resume",
    method: "post",
    path: `${ONE}/resume`,
    tag: TAG,
    summary: "Resume a replacement",
    description: "Preflight runs again before anybody moves.",
    params: ReplacementParamsSchema,
    query: NOTHING,
    body: ReplacementResumeInputSchema,
    example: { reason: "Searches are fast again" },
    answer: REPLACEMENT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("replacement.resume", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "replacements.stop",
    method: "post",
    path: `${ONE}/stop`,
    tag: TAG,
    summary: "Stop a replacement for good",
    description: "Who has moved stays and gets the new version as home; nobody else moves.",
    params: ReplacementParamsSchema,
    query: NOTHING,
    body: ReplacementStopInputSchema,
    example: { reason: "2.8.2 comes instead" },
    answer: REPLACEMENT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("replacement.stop", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "replacements.rollback",
    method: "post",
    path: `${ONE}/rollback`,
    tag: TAG,
    summary: "Take a replacement back",
    description: "Everybody at once. Freezes and halt do not bind it; the old version is probed first.",
    params: ReplacementParamsSchema,
    query: NOTHING,
    body: ReplacementRollbackInputSchema,
    example: { confirmed: false, reason: "It loses drafts" },
    answer: REPLACEMENT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("replacement.rollback", { ...params, input: body }, write),
  }),
];

export const REPLACEMENT_OPERATIONS: readonly Operation[] = [...READING, ...CHANGING];
