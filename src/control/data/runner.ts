/**
 * Calls the hooks of batches: as many at once as they bear, in the background, from what is in the database alone. That a
 * call goes out is written before it does, and its answer after, so a crash between the two only makes it silent: it is
 * sent again with its key. Commands and publishing never wait for it. One runner an object; the alarm wakes it.
 * Accepts that an answer may come for a unit that has ended: then it changes nothing (see core/rollout/data/calls).
 */
import type { HookCall, HookUnit } from "../../contracts/move-data.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { SendHook } from "../../adapters/hook-sender.ts";
import { answered, elapse, sent } from "../../core/rollout/data/calls.ts";
import { dueCalls, nextCallMs } from "../../core/rollout/data/due-calls.ts";
import { commandTime, type ControlClock } from "../clock.ts";
import type { Db } from "../db.ts";
import { nextSeq } from "../store/changes.ts";
import {
  isOpen,
  loadBatch,
  loadOpenBatches,
  loadOpenUnits,
  loadUnit,
  saveBatch,
  saveUnits,
  type BatchRecord,
} from "../store/data-moves.ts";
import { letGo } from "./leave.ts";

/** Calls that one alarm may lead to: an invocation has a limit of requests, and the next alarm has its own. */
const CALLS_A_KICK = 400;
/** Answers that come together are followed by one look at what is due. */
const GATHER_MS = 20;

export interface HookRunner {
  /** Calls what is due, now and as answers come. Returns at once. */
  kick(): void;
  /** When it wants to be kicked; null: no call is to be made. */
  nextDueAt(): EpochMs | null;
  /** Resolves when no call is out. */
  idle(): Promise<void>;
}

export interface RunnerPorts {
  readonly db: Db;
  readonly clock: ControlClock;
  readonly send: SendHook;
  /** A batch has got what it waited for: the engine should hear of it. */
  readonly onOver: () => void;
}

export function createHookRunner({ db, clock, send, onOver }: RunnerPorts): HookRunner {
  const calls = new Set<Promise<void>>();
  /** When each batch wants to be looked at, as of its last look. */
  const due = new Map<string, EpochMs | null>();
  /** Told of once: what is left of them is stuck. */
  const told = new Set<string>();
  let gathering = false;
  let left = CALLS_A_KICK;

  const call = async (batch: BatchRecord, what: HookCall): Promise<void> => {
    const answer = await send(what);
    db.transaction(() => {
      const now = loadBatch(db, batch.rollout, batch.batch);
      const unit = loadUnit(db, batch, what.unit);
      if (now === null || unit === null) return;
      const when = { terms: now.terms, nowMs: commandTime(db, clock) };
      keep(db, now, { before: unit, after: answered(unit, { ...what, answer }, when), nowMs: when.nowMs });
    });
    await gather();
  };
  const gather = async (): Promise<void> => {
    if (gathering) return;
    gathering = true;
    await clock.sleep(GATHER_MS);
    gathering = false;
    look();
  };
  const look = (): void => {
    const open = loadOpenBatches(db);
    const known = new Set(open.map(nameOf));
    for (const name of due.keys()) if (!known.has(name)) due.delete(name);
    for (const batch of open) {
      const done = db.transaction(() => prepare(db, batch, { nowMs: commandTime(db, clock), most: left }));
      left -= done.calls.length;
      due.set(nameOf(batch), done.nextMs);
      for (const what of done.calls) {
        const going = call(batch, what).finally(() => calls.delete(going));
        calls.add(going);
      }
      if (!done.isOver || told.has(nameOf(batch))) continue;
      told.add(nameOf(batch));
      onOver();
    }
  };
  return {
    kick() {
      left = CALLS_A_KICK;
      look();
    },
    nextDueAt() {
      const times = loadOpenBatches(db).flatMap((batch) => {
        const name = nameOf(batch);
        // Never looked at by this process: now.
        return due.has(name) ? (due.get(name) ?? []) : clock.nowMs();
      });
      return times.length === 0 ? null : Math.min(...times);
    },
    async idle() {
      while (calls.size > 0) await Promise.all(calls);
    },
  };
}

/** Terms that changed are another batch to look at. */
function nameOf({ rollout, batch, terms }: BatchRecord): string {
  return `${rollout}/${batch}/${terms.undoUntilMs}`;
}

interface Prepared {
  readonly calls: readonly HookCall[];
  readonly nextMs: EpochMs | null;
  /** Nobody of it is waited for any more. */
  readonly isOver: boolean;
}

/** Lets time pass over the open units, and writes down which calls go out now. */
function prepare(
  db: Db,
  batch: BatchRecord,
  { nowMs, most }: { readonly nowMs: EpochMs; readonly most: number },
): Prepared {
  const { terms } = batch;
  const units = new Map<string, HookUnit>();
  for (const before of loadOpenUnits(db, batch)) {
    const after = elapse(before, terms, nowMs);
    if (after !== before) keep(db, batch, { before, after, nowMs });
    if (isOpen(after)) units.set(after.unit, after);
  }
  const calls = dueCalls([...units.values()], terms, nowMs).slice(0, Math.max(0, most));
  const touched = new Set<string>();
  for (const what of calls) {
    const unit = units.get(what.unit);
    if (unit === undefined) continue;
    units.set(what.unit, sent(unit, what, nowMs));
    touched.add(what.unit);
  }
  const open = [...units.values()];
  saveUnits(
    db,
    batch,
    open.filter(({ unit }) => touched.has(unit)),
  );
  if (open.length === 0) saveBatch(db, { ...batch, open: false });
  const isOver = open.every(({ fate }) => fate === "stuck");
  return { calls, nextMs: nextCallMs(open, terms, nowMs), isOver };
}

/** Stores a unit. One whose undo was confirmed at last is let go by name. */
function keep(
  db: Db,
  batch: Pick<BatchRecord, "rollout" | "batch">,
  { before, after, nowMs }: { before: HookUnit; after: HookUnit; nowMs: EpochMs },
): void {
  saveUnits(db, batch, [after]);
  if (before.fate !== "stuck" || after.fate !== "left") return;
  const moment = { seq: nextSeq(db), nowMs };
  for (const slug of after.accounts)
    letGo(db, moment, { id: batch.rollout, slug, why: after.why ?? "undone late" });
}
