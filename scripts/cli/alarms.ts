/** `alarms`: what is wrong now and what to type first; with `--rules` everything that can be told. */
import type { Command } from "commander";
import { AlarmListSchema, type AlarmList, type AlarmView } from "../../src/contracts/api/alarms.ts";
import { asTyped } from "./command-line.ts";
import { clean, instant, renderTable } from "./render.ts";
import { duration } from "./rollout-render.ts";
import { addVerb, print, type ProgramContext } from "./verb.ts";

const FIRST_COMMAND = "first command";
const SECOND_MS = 1000;

export function addAlarms(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "alarms",
      summary: "what is wrong now, since when, and what to type first",
      seeAlso: ["status", "doctor", "audit list"],
      options: [{ flags: "--rules", about: "every alarm there is, with when it is told" }],
      notes: [
        "A page wakes somebody, a ticket waits for the morning. Each is told once when it begins and once when it is over,",
        "in the audit (`alarm.raised`, `alarm.cleared`); conditions that must hold for a while are `not yet` until then.",
      ],
      examples: ["alarms", "alarms --rules", "alarms --json"],
      run: async (session) =>
        print(
          session,
          await session.api().send(AlarmListSchema, { method: "GET", path: "/alarms" }),
          session.words.on("rules") ? renderRules : renderAlarms,
        ),
    },
    context,
  );
}

function renderAlarms({ items }: AlarmList): string {
  return items.length === 0 ? "No alarm.\n" : renderAlarmTable(items);
}

/** Alarms as a table, pages first. */
export function renderAlarmTable(alarms: readonly AlarmView[]): string {
  return renderTable(
    ["level", "alarm", "since", "told", "what", FIRST_COMMAND],
    alarms
      .toSorted((a, b) => a.level.localeCompare(b.level))
      .map(({ level, name, since, raisedAt, words, firstCommand }) => [
        level,
        name,
        instant(since),
        raisedAt === null ? "not yet" : instant(raisedAt),
        clean(words),
        asTyped(clean(firstCommand)),
      ]),
  );
}

function renderRules({ table }: AlarmList): string {
  return renderTable(
    ["level", "alarm", "when", "for", FIRST_COMMAND],
    table.map(({ level, name, condition, forSeconds, firstCommand }) => [
      level,
      name,
      condition,
      forSeconds === 0 ? "at once" : duration(forSeconds * SECOND_MS),
      asTyped(firstCommand),
    ]),
  );
}
