/** Alarms on the wire: what is in force, what waits to be told, and the table of all of them. */
import * as z from "./zod.ts";
import { ALARM_LEVELS, ALARM_NAMES } from "../alarms.ts";

const NameSchema = z.enum(ALARM_NAMES);
const LevelSchema = z.enum(ALARM_LEVELS).openapi({
  description: "`page` wakes somebody, `ticket` waits for the morning",
});

export const AlarmSchema = z
  .object({
    name: NameSchema,
    subject: z.string().openapi({ description: "What it is about; empty: there can be only one" }),
    level: LevelSchema,
    words: z.string(),
    firstCommand: z.string().openapi({ description: "What to type first" }),
    since: z.string().openapi({ description: "Since when the condition holds" }),
    raisedAt: z.string().nullable().openapi({ description: "null: not for long enough yet to be told" }),
  })
  .openapi("Alarm");

export const AlarmRuleSchema = z
  .object({
    name: NameSchema,
    level: LevelSchema,
    condition: z.string(),
    forSeconds: z.int().openapi({ description: "How long it must hold before it is told" }),
    firstCommand: z.string(),
  })
  .openapi("AlarmRule");

export const AlarmListSchema = z
  .object({
    items: z.array(AlarmSchema),
    cursor: z.null(),
    table: z.array(AlarmRuleSchema).openapi({ description: "Every alarm there is" }),
  })
  .openapi("AlarmList");

export type AlarmView = z.infer<typeof AlarmSchema>;
export type AlarmList = z.infer<typeof AlarmListSchema>;
