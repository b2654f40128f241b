/** Other times than now, on the wire: what `explain --at` adds to its answer, and the moves of an account. */
import * as z from "./zod.ts";
import { MOVE_CAUSES } from "../history-port.ts";
import { InstantSchema, PageQuerySchema, ProductNameSchema } from "./common.ts";

const ShownInstantSchema = z
  .object({ local: z.string(), utc: z.string() })
  .openapi({ example: { local: "2026-11-28T22:14:00+01:00", utc: "2026-11-28T21:14:00Z" } });

/** Another answer that was possible at the time. */
export const OtherAnswerSchema = z.object({
  generation: z.int(),
  version: z.string().nullable(),
  origin: z.string().nullable(),
  reason: z.string(),
  sentence: z.string(),
});

export const ExplainedMoveSchema = z
  .object({
    product: z.string(),
    to: z.string(),
    wave: z.string().nullable().openapi({ description: "null: the default moves" }),
    at: ShownInstantSchema,
    zone: z.string(),
    rollout: z.string(),
  })
  .openapi("ExplainedMove");

export const ExplainedTimeSchema = z
  .object({
    time: InstantSchema,
    tense: z.enum(["past", "ahead"]),
    source: z.enum(["kept-maps", "history", "forecast"]).openapi({
      description:
        "kept-maps: the maps of that time, read from KV; history: what the control plane keeps of them; forecast: the engine's own simulation",
    }),
    certainty: z.enum(["certain", "spreading", "expected"]).openapi({
      description:
        "spreading: a change was on its way to the edges, and `others` lists what else they may have answered; expected: if all goes as planned",
    }),
    from: InstantSchema.nullable().openapi({ description: "Since when edges could answer by these maps" }),
    others: z.array(OtherAnswerSchema),
    move: ExplainedMoveSchema.nullable().openapi({ description: "The next move that is expected" }),
    notes: z.array(z.string()).openapi({ description: "What is not known, and what may change it" }),
  })
  .openapi("ExplainedTime");

export const AccountMoveSchema = z
  .object({
    at: InstantSchema,
    generation: z.int(),
    product: z.string(),
    from: z.string().nullable(),
    to: z.string().nullable(),
    why: z.enum(MOVE_CAUSES),
    rollout: z.string().nullable(),
    by: z.string().nullable().openapi({ description: "Who asked for it, where the audit says so" }),
    reason: z.string().nullable(),
  })
  .openapi("AccountMove");

export const AccountHistorySchema = z
  .object({
    account: z.string(),
    since: InstantSchema.nullable().openapi({ description: "Nothing is recorded of the time before" }),
    items: z.array(AccountMoveSchema).openapi({ description: "Newest first" }),
    cursor: z.string().nullable(),
  })
  .openapi("AccountHistory");

export const AccountHistoryQuerySchema = PageQuerySchema.extend({
  product: ProductNameSchema.optional(),
}).strict();

export type ExplainedTime = z.infer<typeof ExplainedTimeSchema>;
export type OtherAnswer = z.infer<typeof OtherAnswerSchema>;
export type AccountHistory = z.infer<typeof AccountHistorySchema>;
export type MoveRow = z.infer<typeof AccountMoveSchema>;
