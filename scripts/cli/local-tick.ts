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
import { clean, instant } from "./render.ts";
import { createTickStory, type TickStory } from "./tick-story.ts";
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
      notes: [
        "The clock only goes forward: an earlier time does nothing. It tells what happened at each minute, and first what",
        "came of the last command before it; in the end where the rollouts stand.",
      ],
      examples: ["tick --for 5", "tick --at 2026-11-28T22:05:00Z"],
      run: async (session) => {
        const at = session.words.maybe("at");
        const minutes = session.words.number("for");
        if ((at === undefined) === (minutes === undefined)) throw usageFailure("Give either --at or --for.");
        if (minutes !== undefined) return pass(session, minutes);
        if (at !== undefined) return tickTo(session, at);
      },
    },
    context,
  );
}

function tickWords({ now, advanced, generation }: Tick): string {
  const what = advanced ? "Ticked" : "Nothing done: the clock is already at or past that time";
  return `${what}. It is ${timeOf(now)}; published so far: generation ${generation}.\n`;
}

const timeOf = (ms: number): string => instant(new Date(ms).toISOString()) ?? "";

/** What the rollouts and replacements did is in the audit too, and better told there. */
const TOLD_BY_AUDIT = /^(?:rollout|replacement) /;

/** What one tick did and began, a line each, and whether that was nothing. */
function linesOf({ now, happened }: Tick, news: readonly string[] | null): readonly string[] {
  const own = news === null ? happened : happened.filter((line) => !TOLD_BY_AUDIT.test(line));
  const lines = [...(news ?? []), ...own.map((line) => `${timeOf(now)}  ${clean(line)}`)];
  return lines.some((line) => line.startsWith(timeOf(now))) ? lines : [...lines, `${timeOf(now)}  nothing`];
}

const asTick = (at: string) => ({ path: "/tick", body: { at }, schema: TickSchema }) as const;

/** To one time by one tick. */
async function tickTo(session: Session, at: string): Promise<void> {
  if (session.dryRun || session.json) return drive(session, { ...asTick(at), render: tickWords });
  const story = createTickStory(session, await clockOf(session));
  const tick = await askRunner(session, asTick(at));
  session.terminal.out.write(tickWords(tick));
  if (tick.advanced) await tellAfter(session, story, tick);
  await tellStanding(session, story);
}

/** Some of what a tick began is done a moment later. */
async function tellAfter({ terminal }: Session, story: TickStory, tick: Tick): Promise<void> {
  await sleep(PAUSE_MS);
  for (const line of linesOf(tick, await story.news())) terminal.out.write(`${line}\n`);
}

async function tellStanding({ terminal }: Session, story: TickStory): Promise<void> {
  for (const line of await story.standing()) terminal.out.write(`${line}\n`);
}

/** A tick that is too old does nothing, and says what time it is. */
async function clockOf(session: Session): Promise<number> {
  return (await askRunner(session, asTick(new Date(0).toISOString()))).now;
}

/** One tick a minute. */
async function pass(session: Session, minutes: number): Promise<void> {
  if (minutes > MOST_MINUTES)
    throw usageFailure(`--for takes at most ${MOST_MINUTES} minutes; --at goes further.`);
  if (session.dryRun)
    return drive(session, {
      ...asTick(new Date(Date.now() + minutes * MINUTE_MS).toISOString()),
      render: tickWords,
    });
  const now = await clockOf(session);
  const fromMs = Math.max(now, Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS);
  const story = createTickStory(session, now);
  const ticks: Tick[] = [];
  for (let minute = 1; minute <= minutes; minute += 1) {
    const tick = await askRunner(session, asTick(new Date(fromMs + minute * MINUTE_MS).toISOString()));
    ticks.push(tick);
    if (session.json) await sleep(PAUSE_MS);
    else await tellAfter(session, story, tick);
  }
  if (session.json) printJson(session, { ...ticks.at(-1), ticks });
  else await tellStanding(session, story);
}
