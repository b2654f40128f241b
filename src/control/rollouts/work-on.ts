/**
 * What goes on behind commands and ticks: effects that wait for the network are carried out, homes are written, and the
 * engine is asked again when something has come of it, always at the clock of the last tick. Ticks wait for it; alarms
 * do not, because publishing must not wait for probes. What an eviction interrupts stays in the outbox for the next tick.
 */
import type { Actor } from "../../contracts/control.ts";
import type { RolloutEffect } from "../../contracts/rollout-input.ts";
import { BREAK_GLASS_KEY } from "../../contracts/maps.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { createCalendarMemo } from "../../core/calendar/memo.ts";
import { commandTime } from "../clock.ts";
import type { Db } from "../db.ts";
import { documentAt, noteBreakGlass } from "../history/break-glass.ts";
import type { RunPreflight } from "../preflight/run.ts";
import type { PublisherPorts } from "../publisher/ports.ts";
import { nextSeq } from "../store/changes.ts";
import { readCounter, writeMeta } from "../store/meta.ts";
import {
  finishStep,
  hasActiveRollout,
  loadActiveRollouts,
  loadRollout,
  loadWaitingSteps,
  type RolloutRecord,
  type StepRecord,
} from "../store/rollouts.ts";
import { advanceRollout } from "./drive.ts";
import { homesBatch } from "./homes.ts";

export interface RolloutWork {
  /** Takes every running rollout to a tick's time; inside the tick's transaction. @returns what happened. */
  advanceAll(moment: { readonly seq: number; readonly nowMs: EpochMs }): readonly string[];
  /** Does what waits, until nothing does. @returns what happened. Never throws for one version's sake. */
  carryOn(): Promise<readonly string[]>;
  /** When it wants to run; null: when something changes. */
  nextDueAt(): EpochMs | null;
  /** Reads break-glass: notes it, and whether it says halt. What cannot be read stays as it was known. */
  lookAtBreakGlass(): Promise<void>;
}

/** A probe's answer may ask for another one; a bug beyond this many. */
const MAX_ROUNDS = 20;

const ROLLOUT: Actor = { name: "rollout", role: "admin", products: null };

export function createRolloutWork(ports: PublisherPorts, runPreflight: RunPreflight): RolloutWork {
  const { db, clock } = ports;
  const memo = createCalendarMemo();
  let last: Promise<unknown> = Promise.resolve();
  let running = 0;
  const advanceAll: RolloutWork["advanceAll"] = ({ seq, nowMs }) =>
    loadActiveRollouts(db).flatMap(({ id }) => {
      // Read again: an effect of another one may have split its groups.
      const record = loadRollout(db, id);
      return record === null ? [] : advanceRollout({ db, seq, nowMs, memo }, record).happened;
    });
  const again = (): readonly string[] =>
    db.transaction(() => {
      const nowMs = Math.max(
        readCounter(db, "clock"),
        ...loadActiveRollouts(db).map(({ state }) => state.clockMs),
      );
      return advanceAll({ seq: nextSeq(db), nowMs });
    });
  const goOn = async (): Promise<readonly string[]> => {
    const happened: string[] = [];
    for (let round = 0; round < MAX_ROUNDS && hasActiveRollout(db); round += 1) {
      await runSteps(ports, runPreflight);
      while (writeSomeHomes(db, commandTime(db, clock))) await clock.sleep(0);
      happened.push(...again());
      if (!isWaiting(db)) break;
    }
    return happened;
  };
  return {
    advanceAll,
    carryOn: () => {
      running += 1;
      const mine = last.then(goOn).finally(() => {
        running -= 1;
      });
      last = mine.catch(() => undefined);
      return mine;
    },
    nextDueAt: () => (running === 0 && isWaiting(db) ? clock.nowMs() : null),
    lookAtBreakGlass: () => lookAtBreakGlass(ports),
  };
}

function isWaiting(db: Db): boolean {
  return loadWaitingSteps(db).length > 0 || homesUnderWay(db) !== null;
}

/** Runs the probes that wait, one run for each version however many ask for it. */
async function runSteps({ db, clock }: PublisherPorts, runPreflight: RunPreflight): Promise<void> {
  const byVersion = Map.groupBy(loadWaitingSteps(db), ({ effect }) => versionOf(effect));
  await Promise.all(
    [...byVersion].map(async ([name, steps]) => {
      const outcome = await probe(runPreflight, steps[0]);
      db.transaction(() => {
        for (const { rollout, effect } of steps) {
          finishStep(
            db,
            { rollout, step: effect.step },
            { at: commandTime(db, clock), outcome: `${name}: ${outcome}` },
          );
        }
      });
    }),
  );
}

function versionOf(effect: RolloutEffect): string {
  return "version" in effect ? `${effect.product} ${effect.version}` : effect.kind;
}

async function probe(runPreflight: RunPreflight, step: StepRecord | undefined): Promise<string> {
  if (step === undefined || !("version" in step.effect)) return "nothing to send";
  const { product, version } = step.effect;
  try {
    const done = await runPreflight(
      { product, version, purpose: "wave" },
      { actor: ROLLOUT, ifMatch: null, idempotencyKey: null },
    );
    return done.ok ? `run ${done.value.run}` : done.error.detail;
  } catch (error) {
    // The rollout waits for a fresh run and asks again; a bug here must not stop the others.
    return error instanceof Error ? error.message : String(error);
  }
}

function homesUnderWay(db: Db): RolloutRecord | null {
  return loadActiveRollouts(db).find(({ homes }) => homes === "writing" || homes === "restoring") ?? null;
}

/** One batch. @returns false when nothing is under way. */
function writeSomeHomes(db: Db, nowMs: EpochMs): boolean {
  return db.transaction(() => {
    const record = homesUnderWay(db);
    if (record === null) return false;
    homesBatch(db, { seq: nextSeq(db), nowMs }, record);
    return true;
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
