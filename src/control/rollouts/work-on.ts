/**
 * What goes on behind commands and ticks: effects that wait for the network are carried out, homes are written, and the
 * engine is asked again when something has come of it, always at the clock of the last tick. Ticks wait for it; alarms
 * do not, because publishing must not wait for probes. What an eviction interrupts stays in the outbox for the next tick.
 */
import { BREAK_GLASS_KEY } from "../../contracts/maps.ts";
import type { ReplacementState } from "../../contracts/replacement.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { createCalendarMemo } from "../../core/calendar/memo.ts";
import { commandTime } from "../clock.ts";
import type { SendHook } from "../../adapters/hook-sender.ts";
import type { SeenIsolate } from "../../contracts/telemetry.ts";
import { noteEdges } from "../data/facts.ts";
import { createHookRunner } from "../data/runner.ts";
import type { Db } from "../db.ts";
import { documentAt, noteBreakGlass } from "../history/break-glass.ts";
import type { RunPreflight } from "../preflight/run.ts";
import type { PublisherPorts } from "../publisher/ports.ts";
import { nextSeq } from "../store/changes.ts";
import { driveReplacement } from "../replacements/drive.ts";
import { sweepBatch } from "../replacements/sweep.ts";
import { readCounter, writeMeta } from "../store/meta.ts";
import {
  hasActiveReplacement,
  loadActiveReplacements,
  type ReplacementRecord,
} from "../store/replacements.ts";
import {
  hasActiveRollout,
  loadActiveRollouts,
  loadRollout,
  loadWaitingSteps,
  type RolloutRecord,
} from "../store/rollouts.ts";
import { advanceRollout } from "./drive.ts";
import { homesBatch } from "./homes.ts";
import { runSteps } from "./probe-steps.ts";
import { hasTally, tallyBatch } from "./tally.ts";

/** The ways out to hooks, and to what edges report. */
export interface HookPorts {
  readonly sendHook: SendHook;
  /** Isolates that reported lately; null, or a rejection: it is not known. */
  seenIsolates(): Promise<readonly SeenIsolate[] | null>;
}

export interface RolloutWork {
  /** Takes every running rollout and replacement to a tick's time; inside the tick's transaction. @returns what happened. */
  advanceAll(moment: { readonly seq: number; readonly nowMs: EpochMs }): readonly string[];
  /** Does what waits, until nothing does. @returns what happened. Never throws for one version's sake. */
  carryOn(): Promise<readonly string[]>;
  /** When it wants to run; null: when something changes. */
  nextDueAt(): EpochMs | null;
  /** Resolves when no hook is being called. */
  idle(): Promise<void>;
  /** Reads break-glass: notes it, and whether it says halt. What cannot be read stays as it was known. */
  lookAtBreakGlass(): Promise<void>;
}

/** A probe's answer may ask for another one; a bug beyond this many. */
const MAX_ROUNDS = 20;

export function createRolloutWork(
  ports: PublisherPorts & HookPorts,
  { runPreflight, onOver }: { readonly runPreflight: RunPreflight; readonly onOver: () => void },
): RolloutWork {
  const { db, clock } = ports;
  const hooks = createHookRunner({ db, clock, send: ports.sendHook, onOver });
  const memo = createCalendarMemo();
  let last: Promise<unknown> = Promise.resolve();
  let running = 0;
  const advanceTo = (
    seq: number,
    timeOf: (state: RolloutState | ReplacementState) => EpochMs,
  ): readonly string[] => {
    const rolledOut = loadActiveRollouts(db).flatMap(({ id }) => {
      // Read again: an effect of another one may have split its groups.
      const record = loadRollout(db, id);
      if (record === null) return [];
      return advanceRollout({ db, seq, nowMs: timeOf(record.state), memo }, record).happened;
    });
    // Afterwards, in the same transaction: one root shows both, and a rollout that has just ended holds no rule.
    const replaced = loadActiveReplacements(db).flatMap(
      (record) => driveReplacement({ db, seq, nowMs: timeOf(record.state), memo }, record).happened,
    );
    return [...rolledOut, ...replaced];
  };
  const again = (): readonly string[] =>
    db.transaction(() => {
      const [tickMs, wallMs] = [readCounter(db, "clock"), commandTime(db, clock)];
      // Who is held must not wait for the next tick. Everything else must: its pace would make a root of every alarm.
      return advanceTo(nextSeq(db), (state) =>
        Math.max(state.clockMs, "data" in state && isMoving(state) ? wallMs : tickMs),
      );
    });
  const lookAtEdges = async (): Promise<void> => {
    if (isMovingData(db)) noteEdges(db, await ports.seenIsolates().catch(() => null), clock.nowMs());
  };
  const goOn = async (): Promise<readonly string[]> => {
    const happened: string[] = [];
    hooks.kick();
    for (let round = 0; round < MAX_ROUNDS && isGoing(db); round += 1) {
      await runSteps(ports, runPreflight);
      while (writeSomeHomes(db, commandTime(db, clock))) await clock.sleep(0);
      await lookAtEdges();
      happened.push(...again());
      hooks.kick();
      while (tallyBatch(db)) await clock.sleep(0);
      if (!isWaiting(db)) break;
    }
    return happened;
  };
  return {
    advanceAll: ({ seq, nowMs }) => advanceTo(seq, () => nowMs),
    carryOn: () => {
      running += 1;
      const mine = last.then(goOn).finally(() => {
        running -= 1;
      });
      last = mine.catch(() => undefined);
      return mine;
    },
    nextDueAt: () =>
      running === 0 ? nextDueAt(db, { nowMs: clock.nowMs(), hooksMs: hooks.nextDueAt() }) : null,
    idle: () => hooks.idle(),
    lookAtBreakGlass: () => lookAtBreakGlass(ports),
  };
}

/** Some rollout holds accounts, or waits for edges to know that it will. */
function isMovingData(db: Db): boolean {
  return movingStates(db).length > 0;
}

function movingStates(db: Db): readonly RolloutState[] {
  return loadActiveRollouts(db)
    .map(({ state }) => state)
    .filter(isMoving);
}

function isMoving({ data, cause }: RolloutState): boolean {
  return data !== undefined && (data.batch !== null || cause === "hold");
}

function nextDueAt(
  db: Db,
  { nowMs, hooksMs }: { readonly nowMs: EpochMs; readonly hooksMs: EpochMs | null },
): EpochMs | null {
  // What `goOn` would leave alone must not wake anybody: the alarm would come again at once, for ever.
  if (isGoing(db) && isWaiting(db)) return nowMs;
  const times = movingStates(db).flatMap(({ nextAtMs }) => nextAtMs ?? []);
  if (hooksMs !== null) times.push(hooksMs);
  return times.length === 0 ? null : Math.min(...times);
}

function isGoing(db: Db): boolean {
  return hasActiveRollout(db) || hasActiveReplacement(db) || hasTally(db);
}

function isWaiting(db: Db): boolean {
  const writing = homesUnderWay(db) !== null || sweepUnderWay(db) !== null;
  return loadWaitingSteps(db).length > 0 || writing || hasTally(db);
}

function homesUnderWay(db: Db): RolloutRecord | null {
  return loadActiveRollouts(db).find(({ homes }) => homes === "writing" || homes === "restoring") ?? null;
}

function sweepUnderWay(db: Db): ReplacementRecord | null {
  return loadActiveReplacements(db).find(({ homes }) => homes === "writing") ?? null;
}

/** One batch. @returns false when nothing is under way. */
function writeSomeHomes(db: Db, nowMs: EpochMs): boolean {
  return db.transaction(() => {
    const record = homesUnderWay(db);
    const sweep = record === null ? sweepUnderWay(db) : null;
    if (record !== null) homesBatch(db, { seq: nextSeq(db), nowMs }, record);
    if (sweep !== null) sweepBatch(db, { seq: nextSeq(db), nowMs }, sweep);
    return record !== null || sweep !== null;
  });
}

async function lookAtBreakGlass({ db, store, config, clock }: PublisherPorts): Promise<void> {
  try {
    const texts = { stored: (await store.get(BREAK_GLASS_KEY)) ?? "", variable: config.breakGlass };
    noteBreakGlass(db, texts, commandTime(db, clock));
    const halts = documentAt(texts, clock.nowMs())?.halt === true;
    writeMeta(db, "break_glass_halt", halts ? "on" : null);
  } catch {
    // KV is down: what was known stays.
  }
}
