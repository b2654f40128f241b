/**
 * What people declare about moves that carry data: pairs of versions, hooks, and what a plan bears. Shapes only; they are
 * kept as `contracts/move-data` says. For `VersionInput` (`mixed`, `migration`), `RolloutInput` (`data`) and the views.
 */
import * as z from "./zod.ts";
import { BATCH_STAGES, DATA_PLAN, MAX_BATCH_ACCOUNTS } from "../move-data.ts";
import { InstantSchema, VersionNameSchema } from "./common.ts";

const MixedWordSchema = z.enum(["ok", "never"]);

/** One word for every version that accounts come from, or one for each; versions that are not named are `never`. */
export const MixedSchema = z
  .union([MixedWordSchema, z.record(VersionNameSchema, MixedWordSchema)])
  .openapi("Mixed", {
    description:
      "May this version and the one before serve one account for the minutes that maps take to spread?",
  });

/** An address of an origin that is called; which hosts it may have is decided where it is registered. */
export const HookUrlSchema = z
  .string()
  .max(500)
  .regex(
    /^https?:\/\/[a-z0-9.-]+(:[1-9]\d{0,4})?\/[\w.~!$&'()*+,;=:@%/?-]*$/,
    "must be https://host[:port]/path, without user, fragment or braces",
  )
  .openapi("HookUrl", { example: "https://kiln-2-9-0.origins.example.net/firebreak/prepare" });

const HooksSchema = z.strictObject({
  prepare: HookUrlSchema,
  verify: HookUrlSchema,
  undo: HookUrlSchema.nullable()
    .default(null)
    .openapi({ description: "null: what was migrated stays migrated, and nothing rolls back by itself" }),
  timeoutSeconds: z.int().min(1).max(600).default(30).openapi({ description: "Of one call" }),
  concurrency: z.int().min(1).max(100).default(10).openapi({ description: "Calls at once" }),
});

export const MigrationSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("none") }),
    HooksSchema.extend({ kind: z.literal("perAccount") }),
    HooksSchema.extend({ kind: z.literal("perCell") }),
  ])
  .openapi("Migration", { description: "Hooks that migrate an account's data before it is switched" });

const MINUTE_MS = 60_000;

export const DataPlanSchema = z
  .strictObject({
    maxFailures: z.int().min(0).max(1_000_000).optional().openapi({
      description:
        "Accounts of a wave that may fail to migrate; left out: 0.2 %, but at least 5 (20 from 2,000 on)",
    }),
    batch: z.int().min(1).max(MAX_BATCH_ACCOUNTS).optional().openapi({
      description: "Accounts held at once at most; left out: as many as fit into maxHoldMinutes",
    }),
    maxHoldMinutes: z
      .number()
      .min(1)
      .max(240)
      .default(DATA_PLAN.maxHoldMs / MINUTE_MS)
      .openapi({ description: "Time that hooks of one batch may take, undoing them included" }),
  })
  .openapi("DataPlan");

export type MigrationView = z.infer<typeof MigrationSchema>;

/** The batch that is held, as a rollout's view shows it. */
export const HeldBatchSchema = z
  .object({
    number: z.int(),
    direction: z.enum(["forward", "back"]),
    stage: z.enum(BATCH_STAGES),
    accounts: z.int(),
    heldAt: InstantSchema,
    endsBy: InstantSchema.openapi({ description: "When its hold is over at the latest, edges keeping up" }),
    calledOff: z.string().nullable(),
  })
  .openapi("HeldBatch");

/** How a rollout that holds its accounts does. */
export const DataMovesSchema = z
  .object({
    batches: z.int().openapi({ description: "Held so far" }),
    failed: z
      .int()
      .openapi({ description: "Accounts whose hooks failed or did not answer; they stay behind" }),
    longestHoldSeconds: z
      .number()
      .openapi({ description: "From the hold of a batch to the publish that ended it" }),
    held: HeldBatchSchema.nullable().openapi({ description: "null: nobody is held" }),
  })
  .openapi("DataMoves");
