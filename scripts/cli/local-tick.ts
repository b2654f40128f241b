/**
 * `tick`: lets time pass for the control plane of a local run, to a time that is named or for some minutes, one tick a
 * minute of it as in production, and one a second of ours, so that what a tick began is done before the next.
 */
import type { Command } from "commander";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { toInstant, wholeFrom } from "./arguments.ts";
import { usageFailure } from "./failure.ts";
import { askRunner, drive, STATE_OPTION } from "./local-drive.ts";
import { instant } from "./render.ts";
import { addVerb, printJson, type ProgramContext, type Session } from "./verb.ts";

const MINUTE_MS = 60_000;
const PAUSE_MS = 1000;
/** A week: more is better said with --at. */
const MOST_MINUTES = 7 * 24 * 60;

const TickSchema = z.looseObject({
  now: z.number(),
  advanced: z.boolean(),
  happened: z.array(z.string()),
  generation: z.number(),
});
type Tick = z.infer<typeof TickSchema>;

export function addTick(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "tick",
      summary: "local run: let time pass for the control plane",
      seeAlso: ["demo", "node", "status"],
      options: [
        {
          flags: "--at <instant>",
          about: "to this time, by one tick (this or --for is needed)",
          parse: toInstant,
        },
        {
          flags: "--for <minutes>",
          about: "so many minutes from now on, by a tick for each",
          parse: wholeFrom(1),
        },
        STATE_OPTION,
      ],
      changes: true,
      offline: true,
      notes: ["The clock only goes forward: an earlier time does nothing."],
      examples: ["tick --for 5", "tick --at 2026-11-28T22:05:00Z"],
      run: async (session) => {
        const at = session.words.maybe("at");
        const minutes = session.words.number("for");
        if ((at === undefined) === (minutes === undefined)) throw usageFailure("Give either --at or --for.");
        if (minutes !== undefined) return pass(session, minutes);
        return drive(session, { path: "/tick", body: { at }, schema: TickSchema, render: tickWords });
      },
    },
    context,
  );
}

function tickWords({ now, advanced, happened, generation }: Tick): string {
  const what = advanced ? "Ticked" : "Nothing done: the clock is already at or past that time";
  return `${what}. It is ${timeOf(now)}; published so far: generation ${generation}.\n${linesOf(happened)}`;
}

const timeOf = (ms: number): string => instant(new Date(ms).toISOString()) ?? "";
const linesOf = (happened: readonly string[]): string => happened.map((line) => `  ${line}\n`).join("");

/** A tick that is too old does nothing, and says what time it is. */
async function pass(session: Session, minutes: number): Promise<void> {
  if (minutes > MOST_MINUTES)
    throw usageFailure(`--for takes at most ${MOST_MINUTES} minutes; --at goes further.`);
  const ask = (ms: number): Promise<Tick> =>
    askRunner(session, { path: "/tick", body: { at: new Date(ms).toISOString() }, schema: TickSchema });
  if (session.dryRun) {
    const body = { at: new Date(Date.now() + minutes * MINUTE_MS).toISOString() };
    return drive(session, { path: "/tick", body, schema: TickSchema, render: tickWords });
  }
  const { now } = await ask(0);
  const fromMs = Math.max(now, Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS);
  const { terminal, json } = session;
  let last: Tick | null = null;
  for (let minute = 1; minute <= minutes; minute += 1) {
    if (minute > 1) await sleep(PAUSE_MS);
    last = await ask(fromMs + minute * MINUTE_MS);
    if (!json) terminal.out.write(`${timeOf(last.now)}\n${linesOf(last.happened)}`);
  }
  if (json && last !== null) printJson(session, last);
}
