/** Waves × groups of a rollout, with dates ahead, on the wire. Shapes only; drawn up by `core/rollout/grid`. */
import * as z from "./zod.ts";
import { InstantSchema } from "./common.ts";

const ShownSchema = z.object({ local: z.string(), utc: z.string() });

const GridCellSchema = z
  .object({
    accounts: z.int().openapi({ description: "That the wave moves here" }),
    moved: z.int(),
    held: z
      .int()
      .openapi({ description: "Of a batch that is held while its data moves: prepared, not moved yet" }),
    back: z.int().openapi({ description: "Moved, and moved back" }),
    first: ShownSchema.nullable().openapi({ description: "First move that is still to come; null: none" }),
    last: ShownSchema.nullable(),
  })
  .openapi("GridCell");

const GridRowSchema = z
  .object({
    zone: z.string(),
    cell: z.string().nullable(),
    ownWindow: z.boolean().openapi({ description: "Its accounts have a window of their own" }),
    cohorts: z.array(z.string()).readonly(),
    accounts: z.int(),
    moved: z.int(),
    failed: z.int().openapi({ description: "Whose data could not be moved: they stay" }),
    waves: z.array(GridCellSchema).readonly().openapi({ description: "One for each wave, in order" }),
  })
  .openapi("GridRow");

export const RolloutGridSchema = z
  .object({
    id: z.string(),
    waves: z.array(z.string()).readonly(),
    rows: z.array(GridRowSchema).readonly().openapi({
      description: "Groups that share zone, cell and kind of window, most accounts first",
    }),
    hours: z
      .array(z.object({ from: InstantSchema, accounts: z.int() }))
      .readonly()
      .openapi({ description: "Moves that are still to come, hour by hour; hours without any are left out" }),
    endAt: InstantSchema.nullable().openapi({ description: "If nothing fails and people say yes at once" }),
    wayBack: z
      .object({ accounts: z.int(), oneWay: z.array(z.string()).readonly() })
      .openapi({ description: "Moved accounts, and the targets that they cannot come back from" }),
    notReached: z
      .object({ before: InstantSchema, accounts: z.int(), zones: z.array(z.string()).readonly() })
      .nullable()
      .openapi({ description: "Who will not have moved by the time that was asked about" }),
  })
  .openapi("RolloutGrid");

export const GridQuerySchema = z.strictObject({
  before: InstantSchema.optional().openapi({ description: "Who will not have moved by then?" }),
});

export type RolloutGrid = z.infer<typeof RolloutGridSchema>;
export type GridRow = RolloutGrid["rows"][number];
export type GridCell = GridRow["waves"][number];
