/**
 * What happens in a history, one thing after the other as chance has it, until everything heals and comes to rest. Short
 * histories are many and long ones few; what is common (requests, cron, time) and what is rare (restores, dying at an
 * answer) come side by side in all of them.
 */
import { BREAK_GLASS_KEY } from "../../src/contracts/maps.ts";
import { pick } from "../support/random.ts";
import {
  ACCOUNTS,
  BEGINNINGS,
  HOTFIX,
  isNeverMixed,
  PRODUCTS,
  type Beginning,
  type BeginningName,
} from "./beginnings.ts";
import { checkAtRest } from "./rest.ts";
import type { Seams } from "./seams.ts";
import { Simulation } from "./simulation.ts";
import { Violation, type Invariant } from "./tale.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** What became of a seed. */
export interface Outcome {
  readonly seed: number;
  readonly beginning: BeginningName;
  /** Null: every promise was kept. */
  readonly broken: { readonly invariant: Invariant; readonly detail: string } | null;
  readonly counts: Readonly<Record<string, number>>;
  /** Null: it was not asked for. */
  readonly story: readonly string[] | null;
}

/** The beginning that a seed has. */
export function beginningOf(seed: number): BeginningName {
  return BEGINNINGS[seed % BEGINNINGS.length] ?? "quiet";
}

/** Steps of a history: mostly a handful, some many. */
function lengthOf(draw: number): number {
  if (draw < 0.7) return 2 + Math.floor(draw * 8);
  return draw < 0.97 ? 8 + Math.floor((draw - 0.7) * 40) : 40;
}

/** Lives one history from its seed. */
export async function live(
  seed: number,
  {
    beginning,
    seams,
    isTold,
  }: { readonly beginning: Beginning; readonly seams: Seams; readonly isTold: boolean },
): Promise<Outcome> {
  const simulation = new Simulation({ seed, beginning, seams, isTold });
  const { tale } = simulation;
  let broken: Outcome["broken"] = null;
  try {
    const steps = lengthOf(simulation.random());
    for (let step = 0; step < steps; step += 1) await pick(simulation.random, STEPS)(simulation);
    await comeToRest(simulation);
  } catch (error) {
    broken =
      error instanceof Violation
        ? { invariant: error.invariant, detail: error.message }
        : {
            invariant: "no-throw",
            detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
          };
    tale.say(() => `BROKEN ${broken?.detail ?? ""}`);
  }
  const { counts, lines } = tale;
  return { seed, beginning: beginning.name, broken, counts, story: lines };
}

type Step = (simulation: Simulation) => Promise<void>;

const passSeconds: Step = (to) => to.pass(pick(to.random, [1, 5, 20, 40]) * SECOND);
const passMinutes: Step = (to) => to.pass(pick(to.random, [1, 2, 3, 5]) * MINUTE);
const passHours: Step = (to) => to.pass(pick(to.random, [20 * MINUTE, 2 * HOUR, 5 * HOUR, 24 * HOUR]));

/** Cron: in its minute, late, again, or an old one. */
const cron: Step = async (to) => {
  const minute = Math.floor(to.nowMs / MINUTE) * MINUTE;
  const late = pick(to.random, [0, 0, 0, 0, 1, 4]) * MINUTE;
  await to.tick(minute - late);
  if (to.random() < 0.25) await to.tick(minute - late);
};

const minutes: Step = async (to) => {
  const count = pick(to.random, [1, 2, 3]);
  for (let minute = 0; minute < count; minute += 1) {
    await to.pass(MINUTE);
    await cron(to);
    await requests(to);
  }
};

/** A minute or two in which much is asked: what a move shows at its edges. */
const closely: Step = async (to) => {
  const turns = pick(to.random, [3, 6]);
  for (let turn = 0; turn < turns; turn += 1) {
    await to.pass(pick(to.random, [5, 15, 25]) * SECOND);
    await requests(to);
  }
};

/** Requests of this moment; isolates that get none fall idle. */
const requests: Step = async (to) => {
  const { isolates, random } = to;
  for (const isolate of isolates) {
    if (random() < 0.35) continue;
    const count = 1 + Math.floor(random() * 3);
    for (let request = 0; request < count; request += 1) {
      const slug =
        random() < 0.92 ? pick(random, ACCOUNTS) : pick(random, ["nobody", "newcomer-0", "newcomer-1"]);
      isolate.ask(pick(random, PRODUCTS), slug);
    }
  }
  await to.clock.settle();
  await checkHealth(to);
  to.check();
};

async function checkHealth({ isolates, random, tale }: Simulation): Promise<void> {
  const status = await pick(random, isolates).health();
  if (status !== 204)
    throw new Violation("health", `OPTIONS without a Host was answered ${status ?? "late"}`);
  tale.count("health checks");
}

/** It dies at one of its next steps, and what calls it next may find it dead. */
const die: Step = async (to) => {
  to.side.dieAfter(Math.floor(to.random() * 12));
  await to.pass(pick(to.random, [1, 30, 90]) * SECOND);
};

const evict: Step = async (to) => {
  to.tale.say(() => "the control plane is evicted");
  to.side.restart();
  await to.clock.settle();
};

const restartIsolate: Step = async (to) => {
  to.replaceIsolate(Math.floor(to.random() * to.isolates.length));
};

const writesFail: Step = async (to) => {
  to.side.illness =
    to.side.illness === null ? pick(to.random, ["fails", "applies and fails"] as const) : null;
  to.tale.count("turns of KV for the publisher");
  to.tale.say(() => `KV ${to.side.illness ?? "works again"} for the publisher`);
};

const locationFails: Step = async (to) => {
  const location = pick(to.random, to.locations);
  location.illness = location.illness === null ? pick(to.random, ["throws", "hangs"] as const) : null;
  to.tale.count("turns of KV in a location");
  to.tale.say(() => `KV in location ${to.locations.indexOf(location)} ${location.illness ?? "works again"}`);
};

const versionFails: Step = async (to) => {
  const host = `${pick(to.random, PRODUCTS)}-2.origins.example.net`;
  if (!to.side.sick.delete(host)) to.side.sick.add(host);
  to.tale.say(() => `${host} is ${to.side.sick.has(host) ? "broken" : "well"}`);
};

/** By hand, past the control plane. What operators want mixed is mixed, so not where that must never be. */
const breakGlass: Step = async (to) => {
  const { nowMs, random, kv, published, tale } = to;
  const isOver = random() < 0.4 || isNeverMixed(to.beginning);
  const what = pick(random, [
    { instead: { kiln: { "2": "1" } } },
    { accounts: { [pick(random, ACCOUNTS)]: { kiln: pick(random, ["1", "2", HOTFIX]) } } },
    { default: { fogbugz: "2" } },
    { hold: { accounts: { [pick(random, ACCOUNTS)]: true } } },
    { holdGeneration: pick(random, published.all).generation },
  ]);
  const expires = new Date(nowMs + pick(random, [MINUTE, HOUR])).toISOString();
  const text = isOver ? "{}" : JSON.stringify({ reason: "simulation", expires, ...what });
  kv.put(BREAK_GLASS_KEY, text);
  tale.count("break-glass documents");
  tale.say(() => `break-glass is ${text}`);
};

/** What may happen next, and how often of all that may. */
const OFTEN: readonly (readonly [times: number, step: Step])[] = [
  [3, minutes],
  [3, requests],
  [2, closely],
  [3, cron],
  [3, passSeconds],
  [3, passMinutes],
  [1, passHours],
  [8, (to) => to.act()],
  [2, die],
  [1, evict],
  [1, restartIsolate],
  [2, writesFail],
  [1, locationFails],
  [1, versionFails],
  [1, breakGlass],
];
const STEPS = OFTEN.flatMap(([times, step]) => Array.from({ length: times }, () => step));

const MOST_ROUNDS = 60;
/** Longer than KV lags and readers wait between two reads. */
const SPREAD_MS = 200 * SECOND;

/** Everything heals; what was committed goes out, and everybody hears of it. */
async function comeToRest(to: Simulation): Promise<void> {
  const { side, locations, isolates, kv, clock, tale } = to;
  tale.say(() => "everything heals");
  side.illness = null;
  side.isCured = true;
  for (const location of locations) Object.assign(location, { illness: null, isCured: true });
  kv.put(BREAK_GLASS_KEY, "{}");
  await to.pass(10 * SECOND);
  for (let round = 0; !isQuiet(to); round += 1) {
    if (round >= MOST_ROUNDS)
      throw new Violation("outbox", "the publisher, or an alarm, does not come to rest");
    await to.alarm();
    await to.pass(Math.min(90 * SECOND, Math.max(SECOND, (side.wakeAt ?? 0) - to.nowMs)));
  }
  checkAtRest(to.beginning.db, to.published.last, to.nowMs);
  await clock.advance(SPREAD_MS);
  for (const isolate of isolates) isolate.ask("kiln", pick(to.random, ACCOUNTS));
  await clock.advance(2 * SECOND);
  const newest = to.published.last.generation;
  for (const isolate of isolates) {
    isolate.ask("fogbugz", pick(to.random, ACCOUNTS));
    await clock.settle();
    to.check();
    if (isolate.generation !== newest)
      throw new Violation(
        "recovery",
        `${isolate.name} serves generation ${isolate.generation}, and the newest is ${newest}`,
      );
  }
}

/** Nothing waits to be published, and no alarm that would come again at once. */
function isQuiet({ beginning: { db }, side, nowMs }: Simulation): boolean {
  if (side.wakeAt !== null && side.wakeAt <= nowMs) return false;
  const waiting = db.rows("SELECT 1 FROM outbox WHERE done_generation IS NULL LIMIT 1").length > 0;
  return (
    !waiting &&
    db.rows("SELECT 1 FROM meta WHERE name = 'phase' UNION SELECT 1 FROM dirty_slots LIMIT 1").length === 0
  );
}
