/**
 * Carries out what the engine orders about a batch: makes units of its accounts, breaks their calls off, takes out
 * whoever does not go along. Writes only, in the transaction that stores the state, each order once for its step; the
 * calls themselves are made by the runner, from what is written here.
 */
import type { DataEffect } from "../../contracts/move-data.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { callOff, elapse } from "../../core/rollout/data/calls.ts";
import { outcomes, planUnits } from "../../core/rollout/data/units.ts";
import type { Db } from "../db.ts";
import { loadFacts } from "../rollouts/facts.ts";
import type { Moment } from "../store/changes.ts";
import {
  isOpen,
  loadBatch,
  loadLeft,
  loadOpenUnits,
  loadUnits,
  saveBatch,
  saveLeft,
  saveUnits,
  type BatchRecord,
} from "../store/data-moves.ts";
import type { RolloutRecord } from "../store/rollouts.ts";
import { takeOut } from "./leave.ts";
import { membersOf } from "./members.ts";

export interface Ordered {
  readonly record: RolloutRecord;
  readonly outcome: string;
}

/** @returns the rollout, which the caller stores, and what was done in words. */
export function carryOutOrder(db: Db, moment: Moment, { record, what }: Order): Ordered {
  switch (what.order) {
    case "call":
      return { record, outcome: begin(db, moment, { record, what }) };
    case "call-off":
      return { record, outcome: breakOff(db, moment, { record, what }) };
    case "leave":
      return leave(db, moment, { record, what });
  }
}

interface Order<K extends DataEffect["order"] = DataEffect["order"]> {
  readonly record: RolloutRecord;
  readonly what: Extract<DataEffect, { order: K }>;
}

function begin(db: Db, { nowMs }: Moment, { record, what: { batch } }: Order<"call">): string {
  const { state, id } = record;
  const { number, hooks, direction, callUntilMs, undoUntilMs } = batch;
  const terms = { rollout: id, batch: number, hooks, callUntilMs, undoUntilMs };
  const members = membersOf(db, { state, batch }, { facts: loadFacts(db), nowMs });
  const units = planUnits(members, { hooks, direction, targets: state.plan.targets });
  saveUnits(db, { rollout: id, batch: number }, units);
  saveBatch(db, { rollout: id, batch: number, terms, leftSeq: 0, open: units.some(isOpen) });
  return `${members.length} accounts`;
}

function find(db: Db, { id }: RolloutRecord, batch: number): BatchRecord {
  const found = loadBatch(db, id, batch);
  if (found === null) throw new Error(`rollout ${id} has no batch ${batch}`);
  return found;
}

function breakOff(db: Db, { nowMs }: Moment, { record, what }: Order<"call-off">): string {
  const batch = find(db, record, what.batch);
  const terms = { ...batch.terms, undoUntilMs: what.undoUntilMs };
  const units = loadUnits(db, batch).map((unit) => callOff(unit, what.why, { terms, nowMs }));
  saveUnits(db, batch, units);
  saveBatch(db, { ...batch, terms, open: units.some(isOpen) });
  return `${units.filter(isOpen).length} calls to be undone`;
}

function leave(db: Db, moment: Moment, { record, what }: Order<"leave">): Ordered {
  const batch = find(db, record, what.batch);
  const left = loadLeft(db, batch);
  const out = outcomes(loadUnits(db, batch)).filter(({ account }) => !left.has(account));
  const after = takeOut(db, moment, { record, out });
  saveLeft(db, batch, out);
  saveBatch(db, { ...batch, leftSeq: moment.seq });
  return { record: after, outcome: `${out.length} accounts` };
}

/** Units as they are although nothing was heard. To be asked before the engine is told of them. */
export function elapseUnits(db: Db, { state, id }: RolloutRecord, nowMs: EpochMs): void {
  const number = state.data?.batch?.number;
  const batch = number === undefined ? null : loadBatch(db, id, number);
  if (batch === null || !batch.open) return;
  const changed = loadOpenUnits(db, batch).flatMap((unit) => {
    const next = elapse(unit, batch.terms, nowMs);
    return next === unit ? [] : [next];
  });
  if (changed.length > 0) saveUnits(db, batch, changed);
}
