/**
 * Rows of moves that carry data: publishes that are waited for, batches with their terms, units with their calls, and who
 * was taken out of a batch. JSON that this file alone writes, so its type is known when it is read. Decides nothing.
 */
import type { CallTerms, Fate, HookUnit, PublishFact } from "../../contracts/move-data.ts";
import type { AccountSlug, EpochMs, Generation } from "../../contracts/units.ts";
import { runEach, type Db } from "../db.ts";
import { readInt, readIntOrNull, readText } from "../row.ts";
import { readCounter } from "./meta.ts";

/** Writes down that a publish is waited for; `seq` is the change that it is. */
export function savePublish(
  db: Db,
  { rollout, step, seq }: { rollout: string; step: number; seq: number },
): void {
  db.run(
    "INSERT OR IGNORE INTO data_publishes (rollout, step, seq, at, generation) VALUES (?, ?, ?, NULL, NULL)",
    rollout,
    step,
    seq,
  );
  db.run("DELETE FROM data_publishes WHERE rollout = ? AND step < ? - 20", rollout, step);
}

/**
 * A root is out: whatever it shows can be read from now on. Only of rollouts that have a place in it. Never before the last
 * tick, by whose clock it is judged how long it has had to spread: the machine's may have gone back.
 */
export function notePublished(
  db: Db,
  root: { rootSeq: number; shardSeq: number; generation: Generation },
  atMs: EpochMs,
): void {
  db.run(
    `UPDATE data_publishes SET at = ?1, generation = ?2 WHERE at IS NULL AND seq <= ?3
     AND rollout IN (SELECT id FROM rollouts WHERE groups_seq <= ?4)`,
    Math.max(atMs, readCounter(db, "clock")),
    root.generation,
    root.rootSeq,
    root.shardSeq,
  );
}

export function loadPublish(db: Db, rollout: string, step: number): Omit<PublishFact, "behind"> | null {
  const row = db.rows(
    "SELECT at, generation FROM data_publishes WHERE rollout = ? AND step = ?",
    rollout,
    step,
  )[0];
  return row === undefined
    ? null
    : { step, atMs: readIntOrNull(row, "at"), generation: readIntOrNull(row, "generation") };
}

export interface BatchRecord {
  readonly rollout: string;
  readonly batch: number;
  readonly terms: CallTerms;
  /** The change with which accounts were last taken out of it; 0: none was. */
  readonly leftSeq: number;
  /** A call may still have to be made for it. */
  readonly open: boolean;
}

export function saveBatch(db: Db, { rollout, batch, terms, leftSeq, open }: BatchRecord): void {
  db.run(
    "INSERT OR REPLACE INTO data_batches (rollout, batch, terms, left_seq, open) VALUES (?, ?, ?, ?, ?)",
    rollout,
    batch,
    JSON.stringify(terms),
    leftSeq,
    open ? 1 : 0,
  );
}

export function loadBatch(db: Db, rollout: string, batch: number): BatchRecord | null {
  return loadBatches(db, "WHERE rollout = ? AND batch = ?", rollout, batch)[0] ?? null;
}

export function loadOpenBatches(db: Db): readonly BatchRecord[] {
  return loadBatches(db, "WHERE open = 1 ORDER BY rollout, batch");
}

function loadBatches(db: Db, where: string, ...params: readonly (string | number)[]): readonly BatchRecord[] {
  return db
    .rows(`SELECT rollout, batch, terms, left_seq, open FROM data_batches ${where}`, ...params)
    .map((row) => ({
      rollout: readText(row, "rollout"),
      batch: readInt(row, "batch"),
      terms: JSON.parse(readText(row, "terms")) as CallTerms,
      leftSeq: readInt(row, "left_seq"),
      open: readInt(row, "open") === 1,
    }));
}

type Of = Pick<BatchRecord, "rollout" | "batch">;

/** A call may still have to be made for it. */
export function isOpen({ stage, fate }: HookUnit): boolean {
  return stage !== "over" || fate === "stuck";
}

/** Writes units as they are now; the same ones again replace what was there. */
export function saveUnits(db: Db, { rollout, batch }: Of, units: readonly HookUnit[]): void {
  runEach(
    db,
    {
      sql: `INSERT OR REPLACE INTO data_units (rollout, batch, unit, open, state)
        SELECT ?2, ?3, value ->> 'unit', CAST(value ->> 'open' AS INTEGER), value ->> 'state' FROM json_each(?1)`,
      params: [rollout, batch],
    },
    units.map((unit) => ({ unit: unit.unit, open: isOpen(unit) ? 1 : 0, state: JSON.stringify(unit) })),
  );
}

export function loadUnits(db: Db, { rollout, batch }: Of): readonly HookUnit[] {
  return readUnits(db, "rollout = ? AND batch = ? ORDER BY unit", rollout, batch);
}

/** Those that a call may still have to be made for. */
export function loadOpenUnits(db: Db, { rollout, batch }: Of): readonly HookUnit[] {
  return readUnits(db, "rollout = ? AND batch = ? AND open = 1 ORDER BY unit", rollout, batch);
}

export function loadUnit(db: Db, { rollout, batch }: Of, unit: string): HookUnit | null {
  return readUnits(db, "rollout = ? AND batch = ? AND unit = ?", rollout, batch, unit)[0] ?? null;
}

/** Accounts whose undo was asked for and never confirmed, with the rollout that still asks, also one that has ended. */
export function loadStuck(db: Db): ReadonlyMap<AccountSlug, string> {
  const rows = db.rows(
    `SELECT rollout, account.value AS account FROM data_units, json_each(state, '$.accounts') AS account
     WHERE open = 1 AND state ->> '$.fate' = 'stuck'`,
  );
  return new Map(rows.map((row) => [readText(row, "account"), readText(row, "rollout")]));
}

function readUnits(db: Db, where: string, ...params: readonly (string | number)[]): readonly HookUnit[] {
  return db
    .rows(`SELECT state FROM data_units WHERE ${where}`, ...params)
    .map((row) => JSON.parse(readText(row, "state")) as HookUnit);
}

export interface LeftRecord {
  readonly account: AccountSlug;
  readonly fate: Fate;
}

export function saveLeft(db: Db, { rollout, batch }: Of, left: readonly LeftRecord[]): void {
  runEach(
    db,
    {
      sql: `INSERT OR REPLACE INTO data_left (rollout, batch, account, fate)
        SELECT ?2, ?3, value ->> 'account', value ->> 'fate' FROM json_each(?1)`,
      params: [rollout, batch],
    },
    left,
  );
}

export function loadLeft(db: Db, { rollout, batch }: Of): ReadonlyMap<AccountSlug, string> {
  const rows = db.rows("SELECT account, fate FROM data_left WHERE rollout = ? AND batch = ?", rollout, batch);
  return new Map(rows.map((row) => [readText(row, "account"), readText(row, "fate")]));
}

export const DATA_TABLES = ["data_publishes", "data_batches", "data_units", "data_left"] as const;
