/**
 * What the API answers about rollouts beside the rollout itself: lists, plans, who is left behind. Shapes only; a plan is
 * made by `core/rollout` over the accounts as they are, and crosses RPC as in `contracts/rollout-port`. Times are ISO 8601
 * in UTC, and local as well where the people of a zone are told about them. Design §5, `plan`.
 */
import * as z from "./zod.ts";
import { LEFT_BEHIND_REASONS } from "../rollout.ts";
import {
  InstantSchema,
  PageQuerySchema,
  ProductNameSchema,
  SlugSchema,
  VersionNameSchema,
} from "./common.ts";
import { FreezeInputSchema, FreezeScopeSchema } from "./calendar.ts";
import { LeftBehindSchema, RolloutIdSchema, RolloutSchema } from "./rollouts.ts";

export const RolloutListSchema = z
  .object({ items: z.array(RolloutSchema), cursor: z.string().nullable() })
  .openapi("RolloutList");

export const LeftBehindQuerySchema = PageQuerySchema.strict();

export const LeftBehindAccountSchema = z
  .object({
    account: SlugSchema,
    reason: z.enum(LEFT_BEHIND_REASONS),
    detail: z
      .string()
      .nullable()
      .default(null)
      .openapi({ description: "What else there is to say: until when, on what it stays" }),
  })
  .openapi("LeftBehindAccount");

export const LeftBehindPageSchema = z
  .object({ items: z.array(LeftBehindAccountSchema).readonly(), cursor: z.string().nullable() })
  .openapi("LeftBehindPage");

export const AdoptInputSchema = z
  .strictObject({
    from: RolloutIdSchema.optional().openapi({
      description:
        "The ended rollout whose left-behind accounts a new draft takes. Left out: a running one takes its own late ones",
    }),
  })
  .openapi("AdoptInput");

/** What a rollback of this body would do with everything as it is. */
export const RollbackPreviewSchema = z
  .object({
    id: RolloutIdSchema,
    accounts: z.int().openapi({ description: "That go back" }),
    stay: z.int().openapi({ description: "Moved ones that stay" }),
    waves: z.array(z.object({ name: z.string(), accounts: z.int() })).readonly(),
    defaults: z
      .array(
        z.object({
          product: ProductNameSchema,
          to: VersionNameSchema.nullable().openapi({ description: "null: it stays, see problem" }),
          problem: z.string().nullable(),
        }),
      )
      .readonly(),
    confirm: z.array(z.string()).readonly().openapi({ description: "What `confirmed` must be said for" }),
    refused: z.string().nullable().openapi({ description: "Why it would be refused, confirmed or not" }),
    marksBad: z.array(z.string()).readonly().openapi({ description: "As `PRODUCT VERSION`" }),
  })
  .openapi("RollbackPreview");

/** A freeze in an address: the body of `PUT freezes/{name}` as JSON. */
const JsonOfFreezeSchema = z
  .string()
  .max(2000)
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: "custom", message: "must be a freeze as JSON" });
      return z.NEVER;
    }
  })
  .pipe(FreezeInputSchema)
  .openapi({
    type: "string",
    description: "A freeze as JSON, as if it were added: what does it change?",
    example: '{"from":"2026-12-20","to":"2027-01-03","zone":"account","reason":"year end"}',
  });

export const PlanQuerySchema = z.strictObject({
  before: InstantSchema.optional().openapi({ description: "Who cannot be reached before this time?" }),
  at: InstantSchema.optional().openapi({ description: "As if it were started then; left out: now" }),
  label: z.string().max(64).optional().openapi({ description: "Name of a label to count accounts by" }),
  withFreeze: JsonOfFreezeSchema.optional(),
});

const PlanFindingSchema = z
  .object({ path: z.array(z.union([z.string(), z.int()])).readonly(), message: z.string() })
  .openapi("PlanFinding");

/** One point in time, as the people of a zone read it and in UTC. */
const LocalAndUtcSchema = z.object({ local: z.string(), utc: z.string() }).openapi("LocalAndUtc");

const PlannedZoneSchema = z
  .object({ zone: z.string(), accounts: z.int(), first: LocalAndUtcSchema, last: LocalAndUtcSchema })
  .openapi("PlannedZone");

const PlannedWaveSchema = z
  .object({
    name: z.string(),
    accounts: z.int().openapi({ description: "That it moves, those of earlier waves not counted" }),
    threshold: z.int(),
    startAt: InstantSchema,
    shiftedAt: InstantSchema.nullable().openapi({ description: "Null: it never ends, see its warnings" }),
    bakedAt: InstantSchema.nullable(),
    zones: z.array(PlannedZoneSchema).readonly(),
    oneWay: z.array(z.string()).readonly().openapi({ description: "Targets that it cannot come back from" }),
    warnings: z.array(z.string()).readonly(),
    labels: z
      .record(z.string(), z.int())
      .readonly()
      .nullable()
      .openapi({ description: "Accounts by the value of the label that was asked about" }),
  })
  .openapi("PlannedWave");

const PlannedStepSchema = z
  .object({ what: z.string(), from: InstantSchema, until: InstantSchema })
  .openapi("PlannedStep");

const NotReachedSchema = z
  .object({ before: InstantSchema, accounts: z.int(), zones: z.array(z.string()).readonly() })
  .openapi("NotReached");

const PlanWhatIfSchema = z
  .object({
    freeze: z.object({
      from: z.string(),
      to: z.string(),
      zone: z.string(),
      scope: FreezeScopeSchema.readonly(),
    }),
    waves: z
      .array(
        z.object({
          name: z.string(),
          accounts: z.int(),
          startAt: InstantSchema,
          shiftedAt: InstantSchema.nullable().openapi({ description: "Null: it never ends" }),
          bakedAt: InstantSchema.nullable(),
        }),
      )
      .readonly(),
    defaults: z.array(z.object({ product: ProductNameSchema, at: InstantSchema })).readonly(),
    endAt: InstantSchema.nullable(),
    notReached: z.object({ accounts: z.int(), zones: z.array(z.string()).readonly() }).nullable(),
  })
  .openapi("PlanWhatIf");

export const RolloutPlanSchema = z
  .object({
    id: RolloutIdSchema,
    targets: z.record(ProductNameSchema, VersionNameSchema).readonly(),
    digest: z.string().openapi({ description: "`start` can require it" }),
    salt: z.string().nullable().openapi({ description: "Null: not stored, so another one will be drawn" }),
    at: InstantSchema,
    problems: z
      .array(PlanFindingSchema)
      .readonly()
      .openapi({ description: "It can be started when there are none" }),
    warnings: z.array(PlanFindingSchema).readonly(),
    accounts: z.int().openapi({ description: "That it is for: whom its waves move, and whom they do not" }),
    moves: z.int().openapi({ description: "Of these, whom its waves move when their windows come" }),
    groups: z.int(),
    waves: z
      .array(PlannedWaveSchema)
      .readonly()
      .openapi({ description: "Without those after one that never ends" }),
    criticalPath: z.array(PlannedStepSchema).readonly(),
    endAt: InstantSchema.nullable().openapi({
      description: "If nothing fails and people say yes at once; null: never",
    }),
    leftBehind: z.array(LeftBehindSchema.extend({ examples: z.array(z.string()).readonly() })).readonly(),
    irreversible: z
      .array(z.string())
      .readonly()
      .openapi({ description: "Targets that are not declared reversible, as `PRODUCT VERSION`" }),
    notReached: NotReachedSchema.nullable(),
    whatIf: PlanWhatIfSchema.nullable()
      .optional()
      .openapi({ description: "What the freeze that was asked about would make of it" }),
  })
  .openapi("RolloutPlan");

export type RolloutPlanAnswer = z.infer<typeof RolloutPlanSchema>;
export type PlannedWaveAnswer = RolloutPlanAnswer["waves"][number];
export type RollbackPreview = z.infer<typeof RollbackPreviewSchema>;
export type LeftBehindAccount = z.infer<typeof LeftBehindAccountSchema>;
export type PlanQuery = z.infer<typeof PlanQuerySchema>;
