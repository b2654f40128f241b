/**
 * Replacements as the API shows and takes them: a hotfix takes the place of a version for whoever is on it. Shapes only;
 * what a plan means and what is wrong with it is said by `core/rollout/replacement-plan`. Addressed by the version that is
 * replaced: at most one replacement of it is active, and the newest answers when none is. Design §5.4.
 */
import * as z from "./zod.ts";
import { REPLACEMENT_PHASES } from "../replacement.ts";
import {
  InstantSchema,
  ProductNameSchema,
  ReasonSchema,
  RevisionSchema,
  VersionNameSchema,
} from "./common.ts";

export const ReplacementParamsSchema = z.strictObject({
  product: ProductNameSchema,
  from: VersionNameSchema.openapi({ description: "The version that is replaced" }),
});

/** Percent with at most two decimals: the router counts in hundredths. */
const SharePercentSchema = z
  .number()
  .max(100)
  .refine((percent) => percent >= 0.01 && Math.abs(percent * 100 - Math.round(percent * 100)) < 1e-6, {
    message: "must be from 0.01 to 100, with at most two decimals",
  });

const MINUTES_PER_WEEK = 7 * 24 * 60;

const RAMP = {
  to: VersionNameSchema.openapi({ description: "The version that takes its place" }),
  steps: z
    .array(SharePercentSchema)
    .min(1)
    .max(20)
    .refine((steps) => steps.every((step, index) => step > (steps[index - 1] ?? 0)), {
      message: "must rise",
    })
    .refine((steps) => steps.at(-1) === 100, { message: "must end with 100" })
    .default([100])
    .openapi({
      description: "Percent of the accounts on the version, by their buckets; watched at each step",
    }),
  percentPerMinute: SharePercentSchema.optional().openapi({ description: "Left out: each step at once" }),
  bakeMinutes: z
    .int()
    .min(0)
    .max(MINUTES_PER_WEEK)
    .default(30)
    .openapi({ description: "How long each step is watched, the last one included" }),
  throughFreezes: z
    .boolean()
    .default(false)
    .openapi({ description: "It cannot wait: freezes do not hold it (halt does)" }),
};

export const ReplacementInputSchema = z
  .strictObject({ ...RAMP, reason: ReasonSchema })
  .openapi("ReplacementInput");

export const ReplacementPlanInputSchema = z.strictObject(RAMP).openapi("ReplacementPlanInput");

export const ReplacementPauseInputSchema = z
  .strictObject({ reason: ReasonSchema })
  .openapi("ReplacementPauseInput");
export const ReplacementResumeInputSchema = z
  .strictObject({ reason: ReasonSchema.optional() })
  .openapi("ReplacementResumeInput");
export const ReplacementStopInputSchema = z
  .strictObject({ reason: ReasonSchema })
  .openapi("ReplacementStopInput");
export const ReplacementRollbackInputSchema = z
  .strictObject({
    confirmed: z.boolean().default(false).openapi({
      description: "Needed where the new version is not declared reversible, or the old one fails its probe",
    }),
    reason: ReasonSchema,
  })
  .openapi("ReplacementRollbackInput");

export const ReplacementSchema = z
  .object({
    product: ProductNameSchema,
    from: VersionNameSchema,
    to: VersionNameSchema,
    number: z.int().openapi({ description: "Counts the replacements of this version" }),
    phase: z.enum(REPLACEMENT_PHASES),
    reason: z.string().openapi({ description: "Why it is in this phase" }),
    nextAt: InstantSchema.nullable(),
    percent: z.number().openapi({ description: "Of the accounts on `from` that are served `to` now" }),
    steps: z.array(z.number()).readonly(),
    step: z
      .int()
      .openapi({ description: "Index of the step at hand; as many as there are when all are done" }),
    percentPerMinute: z.number().nullable(),
    bakeMinutes: z.int(),
    throughFreezes: z.boolean(),
    accounts: z.int().openapi({ description: "Whose home is still `from`" }),
    warnings: z.array(z.string()).readonly().openapi({ description: "What it does not do by itself" }),
    why: z.string().openapi({ description: "The reason it was begun with" }),
    by: z.string(),
    startedAt: InstantSchema,
    endedAt: InstantSchema.nullable(),
    clock: InstantSchema,
    salt: z.string(),
    revision: RevisionSchema,
  })
  .openapi("Replacement");

export const ReplacementListSchema = z
  .object({ items: z.array(ReplacementSchema), cursor: z.null() })
  .openapi("ReplacementList");

/** What beginning it would mean. It can be begun when there are no problems. */
export const ReplacementPlanSchema = z
  .object({
    product: ProductNameSchema,
    from: VersionNameSchema,
    to: VersionNameSchema,
    problems: z.array(z.string()).readonly(),
    warnings: z.array(z.string()).readonly(),
    accounts: z.int().openapi({ description: "Whose home is `from`" }),
    pins: z.int().openapi({ description: "That name `from`, and follow" }),
    quarantines: z.int().openapi({ description: "That name `from`, and follow" }),
  })
  .openapi("ReplacementPlan");

export type ReplacementInput = z.infer<typeof ReplacementInputSchema>;
export type ReplacementPlanInput = z.infer<typeof ReplacementPlanInputSchema>;
export type ReplacementPauseInput = z.infer<typeof ReplacementPauseInputSchema>;
export type ReplacementResumeInput = z.infer<typeof ReplacementResumeInputSchema>;
export type ReplacementStopInput = z.infer<typeof ReplacementStopInputSchema>;
export type ReplacementRollbackInput = z.infer<typeof ReplacementRollbackInputSchema>;
export type ReplacementView = z.infer<typeof ReplacementSchema>;
export type ReplacementPlanView = z.infer<typeof ReplacementPlanSchema>;
