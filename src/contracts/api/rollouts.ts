/**
 * Rollouts as the API and plan files show and take them. Shapes only; what a plan means and what is wrong with it in
 * the world as it is (names, versions, accounts) is said by `core/rollout/plan-check`. The default is no part of a wave:
 * a wave that names it is told so here, because "unrecognized key" would not say why.
 */
import * as z from "./zod.ts";
import { LEFT_BEHIND_REASONS, ROLLOUT_PHASES } from "../rollout.ts";
import { WindowChoiceSchema } from "./calendar.ts";
import {
  CellSchema,
  CohortSchema,
  InstantSchema,
  PercentSchema,
  ProductNameSchema,
  ReasonSchema,
  RevisionSchema,
  VersionNameSchema,
} from "./common.ts";
import { LabelsSchema } from "./accounts.ts";
import { refuseDefaultInWaves } from "./refuse-default.ts";
import { GateSchema, GateViewSchema } from "./gates.ts";
import { DataMovesSchema, DataPlanSchema } from "./move-data.ts";
import { MirrorChoiceSchema, MirrorViewSchema } from "./mirror.ts";

export const RolloutIdSchema = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/,
    "must be lower-case letters, digits and . _ -, at most 64",
  )
  .openapi({ example: "2026-11-autumn" });

export const RolloutParamsSchema = z.strictObject({ id: RolloutIdSchema });

const ApproveSchema = z
  .enum(["before"])
  .optional()
  .openapi({ description: "before: a person must say yes before the first of its accounts moves" });

const MINUTES_PER_MONTH = 31 * 24 * 60;
const MAX_REQUESTS = 1_000_000_000;

export const BakeSchema = z
  .strictObject({
    minutes: z.int().min(0).max(MINUTES_PER_MONTH).default(0),
    requests: z
      .int()
      .min(0)
      .max(MAX_REQUESTS)
      .default(0)
      .openapi({ description: "Of the moved accounts, after its last one moved" }),
    workdays: z.number().min(0).max(60).default(0).openapi({
      description: "09:00-17:00, Monday to Friday, in every zone of the moved accounts",
    }),
  })
  .openapi("Bake");

const WaveInputSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?$/, "must be a lower-case label, at most 40"),
    cohorts: z
      .array(z.union([z.literal("*"), CohortSchema]))
      .min(1)
      .max(100)
      .openapi({ description: "* is every cohort" }),
    percent: PercentSchema.openapi({
      description: "Of the accounts of its cohorts, those of earlier waves counted in",
    }),
    window: WindowChoiceSchema.optional().openapi({ description: "Left out: any time" }),
    percentPerMinute: PercentSchema.optional().openapi({ description: "Left out: at once" }),
    maxPerTick: z
      .int()
      .min(1)
      .max(10_000_000)
      .optional()
      .openapi({ description: "Accounts that one tick may move" }),
    bake: BakeSchema.optional(),
    approve: ApproveSchema,
  })
  .openapi("WaveInput");

export const DefaultStepSchema = z
  .strictObject({
    move: z.boolean(),
    afterDays: z.number().min(0).max(365).default(0),
    window: WindowChoiceSchema.optional().openapi({
      description: "Needed to move; zone must be a fixed one",
    }),
    approve: ApproveSchema,
    mirror: MirrorChoiceSchema,
    bake: z
      .strictObject({
        minutes: z.int().min(0).max(MINUTES_PER_MONTH).default(60),
        requests: z.int().min(0).max(MAX_REQUESTS).default(0),
      })
      .optional(),
  })
  .openapi("DefaultStep");

export const RolloutInputSchema = z
  .strictObject({
    id: RolloutIdSchema,
    targets: z
      .record(ProductNameSchema, VersionNameSchema)
      .refine((targets) => Object.keys(targets).length > 0, {
        message: "must name a product and its target version",
      }),
    waves: z
      .preprocess(refuseDefaultInWaves, z.array(WaveInputSchema).min(1).max(50))
      .openapi({ description: "In order; the default is none of them" }),
    gate: GateSchema.optional().openapi({
      description: "Left out: nothing is measured, only preflight and bake count",
    }),
    default: DefaultStepSchema.optional(),
    data: DataPlanSchema.optional().openapi({
      description: "For targets that data moves to: how many accounts may fail, and how long one may be held",
    }),
  })
  .openapi("RolloutInput");

export const StartInputSchema = z
  .strictObject({
    digest: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional()
      .openapi({ description: "What `plan` printed: start that and nothing else" }),
    again: z.boolean().default(false).openapi({
      description:
        "Accounts that were moved back within a day, or twice within 30 days, may go forward again",
    }),
    reason: ReasonSchema.optional(),
  })
  .openapi("StartInput");

export const PauseInputSchema = z.strictObject({ reason: ReasonSchema }).openapi("PauseInput");
export const StopInputSchema = z.strictObject({ reason: ReasonSchema }).openapi("StopInput");

export const ResumeInputSchema = z
  .strictObject({
    reason: ReasonSchema.optional(),
    again: z
      .boolean()
      .default(false)
      .openapi({ description: "Accounts that were rolled back may go forward again" }),
  })
  .openapi("ResumeInput");

/** A wave by its index (0 is the first), or the default of one product. */
export const ApproveInputSchema = z
  .union([z.strictObject({ wave: z.int().min(0).max(49) }), z.strictObject({ default: ProductNameSchema })])
  .openapi("ApproveInput");

export const WaiveGateInputSchema = z
  .strictObject({ wave: z.int().min(0).max(49), reason: ReasonSchema })
  .openapi("WaiveGateInput");

export const RollbackInputSchema = z
  .strictObject({
    toWave: z
      .int()
      .min(0)
      .max(49)
      .optional()
      .openapi({ description: "Keep what the waves up to this one moved" }),
    where: z
      .strictObject({
        cohort: CohortSchema.optional(),
        cell: CellSchema.optional(),
        labels: LabelsSchema.optional(),
      })
      .refine((where) => Object.keys(where).length > 0, { message: "must name a cohort, a cell or labels" })
      .optional(),
    percentPerMinute: PercentSchema.optional().openapi({ description: "Left out: at once" }),
    confirmed: z.boolean().default(false).openapi({
      description:
        "Needed where versions are not reversible, where the default has moved or homes were written",
    }),
    markBad: z.boolean().optional().openapi({
      description:
        "Whether the targets are marked bad. Left out: those whose gate or preflight failed, when everybody goes back",
    }),
    reason: ReasonSchema,
  })
  .refine(({ toWave, where }) => toWave === undefined || where === undefined, {
    path: ["where"],
    message: "not together with toWave",
  })
  .openapi("RollbackInput");

export const WaveViewSchema = z
  .object({
    name: z.string(),
    accounts: z.int().openapi({ description: "That this wave moves" }),
    moved: z.int(),
    progress: z.number().min(0).max(1),
    verdict: z.enum(["pass", "fail", "inconclusive"]).nullable(),
    gates: z.array(GateViewSchema).optional().openapi({
      description: "The last verdict for each target; left out: none was made",
    }),
    requests: z.int().nullable().openapi({
      description: "Requests of moved accounts since the wave was done, while it bakes; null: not known",
    }),
    threshold: z.int(),
    approved: z.object({ by: z.string(), at: InstantSchema }).nullable(),
    firstMoveAt: InstantSchema.nullable(),
    shiftedAt: InstantSchema.nullable(),
    bakedAt: InstantSchema.nullable(),
  })
  .openapi("WaveView");

const SeenSchema = z
  .object({ real: z.int(), synthetic: z.int() })
  .openapi("SeenRequests", { description: "Requests that were answered well, and probes that passed" });

export const CoverageSchema = z
  .object({
    product: ProductNameSchema,
    version: VersionNameSchema,
    known: SeenSchema,
    unknown: SeenSchema,
    none: SeenSchema,
    ip: SeenSchema,
  })
  .openapi("Coverage");

export const LeftBehindSchema = z
  .object({ reason: z.enum(LEFT_BEHIND_REASONS), accounts: z.int(), examples: z.array(z.string()) })
  .openapi("LeftBehind");

export const RolloutSchema = z
  .object({
    id: RolloutIdSchema,
    targets: z.record(ProductNameSchema, VersionNameSchema),
    phase: z.enum(ROLLOUT_PHASES),
    cause: z.string(),
    reason: z.string(),
    nextAt: InstantSchema.nullable(),
    deadline: InstantSchema.nullable(),
    wave: z.int().nullable().openapi({ description: "Index of the wave at hand" }),
    waves: z.array(WaveViewSchema),
    defaults: z.array(
      z.object({
        product: ProductNameSchema,
        state: z.enum(["pending", "moved", "baked", "put-back"]),
        at: InstantSchema.nullable(),
        mirror: MirrorViewSchema.optional().openapi({ description: "Where the plan asks for mirroring" }),
      }),
    ),
    paused: z.object({ by: z.string(), at: InstantSchema, reason: z.string() }).nullable(),
    rollback: z
      .object({
        by: z.string().openapi({ description: "`rollout`: it went back by itself" }),
        automatic: z.boolean(),
        at: InstantSchema,
        reason: z.string(),
        scope: z.enum(["all", "to-wave", "where"]),
        toWave: z.int().nullable().openapi({ description: "The last wave that stays; null: none is named" }),
        stage: z.string().openapi({ description: "`done`: everybody of whom it was is back" }),
      })
      .nullable(),
    coverage: z.array(CoverageSchema).openapi({
      description:
        "What each target has been seen to answer since the start, by class; a class with neither holds it",
    }),
    accounts: z.int(),
    moved: z.int(),
    digest: z.string().nullable(),
    salt: z.string(),
    startedAt: InstantSchema.nullable(),
    clock: InstantSchema,
    leftBehind: z.array(LeftBehindSchema),
    data: DataMovesSchema.optional().openapi({
      description: "Where accounts are held while their data moves",
    }),
    revision: RevisionSchema,
  })
  .openapi("Rollout");

export type RolloutInput = z.infer<typeof RolloutInputSchema>;
export type WaveInput = z.infer<typeof WaveInputSchema>;
export type WaveView = z.infer<typeof WaveViewSchema>;
export type RolloutView = z.infer<typeof RolloutSchema>;
export type RollbackInput = z.infer<typeof RollbackInputSchema>;
export type ApproveInput = z.infer<typeof ApproveInputSchema>;
export type StartInput = z.infer<typeof StartInputSchema>;
export type PauseInput = z.infer<typeof PauseInputSchema>;
export type ResumeInput = z.infer<typeof ResumeInputSchema>;
export type StopInput = z.infer<typeof StopInputSchema>;
export type WaiveGateInput = z.infer<typeof WaiveGateInputSchema>;
