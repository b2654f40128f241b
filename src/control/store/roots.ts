/**
 * The publisher's book of roots: one row a generation, from the moment its text is fixed. A text once fixed for a
 * generation is never another one; what a crash left half-done is finished with the same bytes, or given up for ever
 * and followed by a higher number.
 */
import type { EpochMs, Generation } from "../../contracts/units.ts";
import type { Db, SqlRow } from "../db.ts";
import { parseObject, readInt, readText } from "../row.ts";
import { addCounter, readCounter, writeCounter } from "./meta.ts";

/** Urgent accounts in a root, with the change that their rows show. */
export interface IncludedAccount {
  readonly account: string;
  readonly seq: number;
}

export interface RootPlan {
  readonly rootSeq: number;
  readonly shardSeq: number;
  /** The root names the index of the waiting batch, not the one that was out before. */
  readonly takesBatch: boolean;
  readonly urgent: readonly IncludedAccount[];
}

export interface PendingRoot {
  readonly generation: Generation;
  readonly text: string;
  readonly plan: RootPlan;
}

/** Fixes the text of a generation. */
export function insertPendingRoot(db: Db, pending: PendingRoot, at: EpochMs): void {
  const { generation, text, plan } = pending;
  db.run(
    "INSERT INTO roots (generation, state, text, plan, root_seq, shard_seq, at) VALUES (?, 'pending', ?, ?, ?, ?, ?)",
    generation,
    text,
    JSON.stringify(plan),
    plan.rootSeq,
    plan.shardSeq,
    at,
  );
  writeCounter(db, "generation", generation);
}

export function loadPendingRoot(db: Db): PendingRoot | null {
  const row = db.rows("SELECT generation, text, plan FROM roots WHERE state = 'pending'")[0];
  if (row === undefined) return null;
  return {
    generation: readInt(row, "generation"),
    text: readText(row, "text"),
    plan: parsePlan(readText(row, "plan")),
  };
}

function parsePlan(text: string): RootPlan {
  const value = parseObject(text);
  const urgent: unknown = value["urgent"];
  if (!Array.isArray(urgent)) throw new TypeError("the plan of a root should list urgent accounts");
  return {
    rootSeq: readInt(value, "rootSeq"),
    shardSeq: readInt(value, "shardSeq"),
    takesBatch: value["takesBatch"] === true,
    urgent: urgent.map((entry: unknown) => {
      const row = parseObject(JSON.stringify(entry));
      return { account: readText(row, "account"), seq: readInt(row, "seq") };
    }),
  };
}

export function markPublished(db: Db, generation: Generation, at: EpochMs): void {
  db.run(
    "UPDATE roots SET state = 'published', text = NULL, plan = NULL, at = ? WHERE generation = ?",
    at,
    generation,
  );
}

/** Gives a half-written root up; its copy may be in KV, so it counts as one for collection. */
export function abandonPending(db: Db): void {
  db.run("UPDATE roots SET state = 'abandoned', text = NULL, plan = NULL WHERE state = 'pending'");
}

export interface PublishedRoot {
  readonly generation: Generation;
  readonly at: EpochMs;
  readonly rootSeq: number;
  readonly shardSeq: number;
}

/** The newest root that is out, or null. */
export function loadPublished(db: Db): PublishedRoot | null {
  const row = db.rows(
    "SELECT generation, at, root_seq, shard_seq FROM roots WHERE state = 'published' ORDER BY generation DESC LIMIT 1",
  )[0];
  return row === undefined ? null : toPublished(row);
}

/** The first root that had a change of the root, or null. */
export function firstWithRoot(db: Db, seq: number): PublishedRoot | null {
  const row = db.rows(
    `SELECT generation, at, root_seq, shard_seq FROM roots WHERE state = 'published' AND root_seq >= ?
     ORDER BY generation LIMIT 1`,
    seq,
  )[0];
  return row === undefined ? null : toPublished(row);
}

/** The first root that had a change of the shards, or null. */
export function firstWithShards(db: Db, seq: number): PublishedRoot | null {
  const row = db.rows(
    `SELECT generation, at, root_seq, shard_seq FROM roots WHERE state = 'published' AND shard_seq >= ?
     ORDER BY generation LIMIT 1`,
    seq,
  )[0];
  return row === undefined ? null : toPublished(row);
}

function toPublished(row: SqlRow): PublishedRoot {
  return {
    generation: readInt(row, "generation"),
    at: readInt(row, "at"),
    rootSeq: readInt(row, "root_seq"),
    shardSeq: readInt(row, "shard_seq"),
  };
}

/** Raises the generation so that the next one is above `floor`. */
export function raiseGeneration(db: Db, floor: Generation): void {
  const behind = floor - readCounter(db, "generation");
  if (behind > 0) addCounter(db, "generation", behind);
}

/** Generations whose copies may be dropped: not among the newest `keep`, published before `before`, and not `held`. */
export function loadOldCopies(
  db: Db,
  limits: {
    readonly keep: number;
    readonly before: EpochMs;
    readonly held: Generation | null;
    readonly limit: number;
  },
): readonly Generation[] {
  return db
    .rows(
      `SELECT generation FROM roots WHERE dropped_at IS NULL AND state <> 'pending' AND at < ?1
       AND generation < (SELECT coalesce(min(generation), 0) FROM (SELECT generation FROM roots ORDER BY generation DESC LIMIT ?2))
       AND generation IS NOT ?3 ORDER BY generation LIMIT ?4`,
      limits.before,
      limits.keep,
      limits.held,
      limits.limit,
    )
    .map((row) => readInt(row, "generation"));
}

export function markDropped(db: Db, generation: Generation, at: EpochMs): void {
  db.run("UPDATE roots SET dropped_at = ? WHERE generation = ?", at, generation);
}

/** Forgets rows that nothing depends on any more: dropped long ago, and no object was last named by them or later. */
export function forgetDropped(db: Db, before: EpochMs): void {
  db.run(
    `DELETE FROM roots WHERE dropped_at IS NOT NULL AND dropped_at <= ?1
     AND generation < (SELECT coalesce(min(last_generation), ?2) FROM objects WHERE last_generation IS NOT NULL)`,
    before,
    Number.MAX_SAFE_INTEGER,
  );
}
