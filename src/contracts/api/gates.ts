/** Gates as plan files say them, and as the API shows their verdicts, signals from outside and whom they hurt. Shapes only. */
import * as z from "./zod.ts";
import { InstantSchema, ProductNameSchema, ReasonSchema } from "./common.ts";
import { GATE_ACTIONS, GATE_PARTS } from "../gate.ts";

const MAX_REQUESTS = 1_000_000_000;

const GateActionSchema = z.enum(GATE_ACTIONS);

export const GateSchema = z
  .strictObject({
    errorIncreasePercent: z.number().positive().max(100).default(1),
    alpha: z.number().gt(0).max(0.5).default(0.05),
    minAccounts: z.int().min(1).max(1_000_000).default(20),
    onFail: z.enum(["pause", "rollback"]).default("pause"),
    onInconclusive: z
      .enum(["hold", "approve"], {
        error: ({ input }) =>
          input === "advance" || input === "pause"
            ? `"${input}" is not taken any more: "hold" waits for more requests or a waiver, "approve" asks a person`
            : undefined,
      })
      .default("hold")
      .openapi({ description: "After the bake, when the gate cannot tell: wait, or ask a person" }),
    mustHave: z
      .array(z.string().min(1).max(100))
      .max(32)
      .default([])
      .openapi({ description: "Sources of signals without which nothing passes" }),
    minRequests: z
      .int()
      .min(1)
      .max(MAX_REQUESTS)
      .optional()
      .openapi({ description: "Of moved accounts; left out: 300" }),
    latency: z
      .strictObject({
        ratio: z.number().gt(1).max(100).optional(),
        floorMs: z.number().min(0).max(60_000).optional(),
        minRequests: z.int().min(1).max(MAX_REQUESTS).optional(),
      })
      .nullable()
      .optional()
      .openapi({
        description:
          "p95 of moved over that of not moved accounts; left out: 1.5 and 250 ms; null: not watched",
      }),
    quarantineLimit: z.int().min(0).max(10_000).optional().openapi({
      description: "Accounts put back alone, beyond which the wave stops; left out: max(5, 0.2 %)",
    }),
    actions: z
      .strictObject({
        errors: GateActionSchema.optional(),
        accounts: GateActionSchema.optional(),
        latency: GateActionSchema.optional(),
        signals: GateActionSchema.optional(),
      })
      .optional()
      .openapi({ description: "What is done when a part fails; left out: onFail, and hold for latency" }),
    dryRun: z
      .array(z.enum(GATE_PARTS))
      .max(GATE_PARTS.length)
      .optional()
      .openapi({ description: "Parts that only say what they would have done" }),
  })
  .openapi("Gate");

const VerdictSchema = z.enum(["pass", "fail", "inconclusive"]);
const MAX_TTL_SECONDS = 7 * 24 * 60 * 60;
const DEFAULT_TTL_SECONDS = 60 * 60;

export const SignalInputSchema = z
  .strictObject({
    verdict: VerdictSchema,
    reason: ReasonSchema,
    source: z
      .string()
      .regex(
        /^[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?$/,
        "must be lower-case letters, digits and . _ -, at most 100",
      )
      .openapi({
        example: "support-tickets",
        description:
          "Who says so, as the plan's mustHave names it; its next word takes the place of this one",
      }),
    ttlSeconds: z
      .int()
      .min(1)
      .max(MAX_TTL_SECONDS)
      .default(DEFAULT_TTL_SECONDS)
      .openapi({ description: "After this it says nothing any more, whatever it said" }),
    product: ProductNameSchema.optional().openapi({ description: "Left out: about all targets" }),
  })
  .openapi("SignalInput");

export const SignalSchema = z
  .object({
    source: z.string(),
    product: z.string().nullable(),
    verdict: VerdictSchema,
    reason: z.string(),
    by: z.string(),
    at: InstantSchema,
    expires: InstantSchema,
    expired: z.boolean(),
  })
  .openapi("Signal");
export const SignalListSchema = z
  .object({ items: z.array(SignalSchema), cursor: z.null() })
  .openapi("SignalList");

const BoundsSchema = z
  .object({ estimate: z.number(), lower: z.number(), upper: z.number() })
  .openapi("Bounds", { description: "Shares, 0-1; each bound holds at all times at once" });

const MissingSchema = z
  .object({
    part: z.enum(GATE_PARTS),
    what: z.string(),
    sentence: z.string(),
    have: z.number(),
    need: z.number(),
  })
  .openapi("GateMissing");

const SuspectSchema = z
  .object({
    account: z.string(),
    nowShare: z.number(),
    pastShare: z.number(),
    requests: z.int(),
    failures: z.int(),
  })
  .openapi("GateSuspect");

/** A verdict with the numbers behind it. */
export const GateViewSchema = z
  .object({
    product: z.string(),
    version: z.string(),
    at: InstantSchema,
    verdict: VerdictSchema,
    cause: z.string(),
    sentence: z.string(),
    action: z.enum(GATE_ACTIONS).nullable().openapi({ description: "What the plan wants done now" }),
    wouldDo: z.enum(GATE_ACTIONS).nullable().openapi({ description: "The same if no part ran dry" }),
    parts: z.array(
      z.object({ part: z.enum(GATE_PARTS), verdict: VerdictSchema, cause: z.string(), sentence: z.string() }),
    ),
    moved: z.object({ accounts: z.int(), requests: z.int(), failures: z.int(), rate: z.number() }),
    notMoved: z.object({ accounts: z.int(), requests: z.int(), failures: z.int(), rate: z.number() }),
    syntheticRequests: z.int(),
    against: z.enum(["not-moved", "own-past", "nothing"]),
    tolerated: z.number().openapi({ description: "Increase of the share of failures that is tolerated" }),
    increase: BoundsSchema.nullable().openapi({ description: "null: it cannot be computed yet" }),
    baseline: BoundsSchema.nullable(),
    latency: z.object({
      movedP95Ms: z.number().nullable(),
      notMovedP95Ms: z.number().nullable(),
      slowWindows: z.int(),
      windows: z.int(),
    }),
    suspects: z.array(SuspectSchema),
    missing: z.array(MissingSchema),
  })
  .openapi("GateView");

const GatePointSchema = z
  .object({
    at: InstantSchema,
    verdict: VerdictSchema,
    accountsMoved: z.int(),
    moved: z.object({ accounts: z.int(), requests: z.int(), failures: z.int(), rate: z.number() }),
    notMoved: z.object({ requests: z.int(), failures: z.int(), rate: z.number() }),
    increase: BoundsSchema.nullable(),
    p95Ms: z
      .object({ moved: z.number().nullable(), notMoved: z.number().nullable() })
      .openapi({ description: "Of the newest window with enough answers; null: there was none" }),
  })
  .openapi("GatePoint");

/** Everything that gates have said and done in a rollout. */
export const RolloutGatesSchema = z
  .object({
    waves: z.array(
      z.object({
        wave: z.int(),
        name: z.string(),
        product: z.string(),
        verdict: GateViewSchema.nullable(),
        points: z.array(GatePointSchema).openapi({
          description:
            "What had been counted since the wave began to move: each minute of the last three hours, before that each quarter of an hour, for two weeks",
        }),
      }),
    ),
    signals: z.array(SignalSchema),
    putBack: z.array(
      z.object({
        account: z.string(),
        product: z.string(),
        version: z.string(),
        was: z.string(),
        at: InstantSchema,
        reason: z.string(),
      }),
    ),
  })
  .openapi("RolloutGates");

export const ImpactQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
});

/** One account that a rollout's target failed. */
export const HurtAccountSchema = z
  .object({
    account: z.string(),
    product: z.string(),
    minutes: z.number().openapi({
      description: "As if nothing but failures had come for so long: the share of failures times the time",
    }),
    failures: z.int(),
    requests: z.int(),
    putBackAt: InstantSchema.nullable().openapi({ description: "null: it is still on the target" }),
    putBackBy: z.enum(["gate", "rollback"]).nullable(),
  })
  .openapi("HurtAccount");
export const ImpactSchema = z
  .object({ items: z.array(HurtAccountSchema), cursor: z.null() })
  .openapi("Impact");

export type SignalInput = z.infer<typeof SignalInputSchema>;
export type SignalView = z.infer<typeof SignalSchema>;
export type GateView = z.infer<typeof GateViewSchema>;
export type GatePointView = z.infer<typeof GatePointSchema>;
export type RolloutGatesView = z.infer<typeof RolloutGatesSchema>;
export type HurtAccountView = z.infer<typeof HurtAccountSchema>;
