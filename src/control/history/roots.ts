/**
 * What every published root said, kept after its copy in KV is dropped: since when edges could have it, everything that
 * is no threshold (interned: it seldom changes), urgent rows, and the thresholds of each rollout where they rose or fell.
 * So a step of a move costs one row and two bytes a group, whatever the number of accounts. Whoever is held to go back
 * counts as moved until the hold ends, because its data is the target's until then. Written when a root is noted as
 * published; times are the object's own clock, so that they never run backwards.
 */
import type { AccountRow, Root, RootRollout } from "../../contracts/maps.ts";
import type { EpochMs, Generation } from "../../contracts/units.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { readRow, rowToJson } from "../../core/maps/row-json.ts";
import { complaint, newSite } from "../../core/maps/shape.ts";
import { batchOf } from "../../core/rollout/data/state.ts";
import type { Db, SqlRow } from "../db.ts";
import { readBytes, readInt, readIntOrNull, readText } from "../row.ts";
import { readCounter } from "../store/meta.ts";
import { loadRollout } from "../store/rollouts.ts";
import { loadValue, openValueBook } from "./values.ts";

/** A root without what changes at every step. */
export type RootBase = Omit<
  Root,
  | "generation"
  | "publishedAt"
  | "accounts"
  | "domains"
  | "removed"
  | "rowsFrom"
  | "index"
  | "urgent"
  | "rollouts"
> & { readonly rollouts: readonly Omit<RootRollout, "moved" | "held">[] };

export interface PublishedNow {
  readonly root: Root;
  /** Changes up to this one are in its shards. */
  readonly shardSeq: number;
  /** Wall time at which it was found to be out. */
  readonly nowMs: EpochMs;
}

/** Notes a root that is out. The same one again changes nothing. */
export function noteRoot(db: Db, { root, shardSeq, nowMs }: PublishedNow): void {
  const values = openValueBook(db);
  const last = db.rows("SELECT max(at) AS at FROM history_roots")[0];
  const at = Math.max(nowMs, readCounter(db, "clock"), readIntOrNull(last ?? { at: null }, "at") ?? 0);
  // It was written to KV somewhere between its making and now.
  const fromAt = Math.max(
    readIntOrNull(last ?? { at: null }, "at") ?? 0,
    at - Math.max(0, nowMs - root.publishedAt),
  );
  const urgent = root.urgent.length === 0 ? null : values.idOf(canonicalJson(root.urgent.map(rowToJson)));
  db.run(
    "INSERT OR IGNORE INTO history_roots (generation, from_at, at, shard_seq, base, urgent) VALUES (?, ?, ?, ?, ?, ?)",
    root.generation,
    fromAt,
    at,
    shardSeq,
    values.idOf(baseText(root)),
    urgent,
  );
  for (const rollout of root.rollouts) noteThresholds(db, root.generation, rollout);
}

/** What is kept elsewhere, or means nothing without the index. */
const VARYING = [
  "generation",
  "publishedAt",
  "accounts",
  "domains",
  "removed",
  "rowsFrom",
  "index",
  "urgent",
  "rollouts",
];
const THRESHOLDS = ["moved", "held"];

/** A `RootBase` as text. */
function baseText(root: Root): string {
  const rollouts = root.rollouts.map((rollout) => without(rollout, THRESHOLDS));
  return canonicalJson({ ...without(root, VARYING), rollouts });
}

function without(value: object, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}

/**
 * While accounts are held, `moved` is up to where they count as moved and `held` the other end of who is held: above it on
 * the way forward, below it on the way back.
 */
function noteThresholds(db: Db, generation: Generation, { id, moved, held }: RootRollout): void {
  const holds = held.some((one) => one > 0);
  const upper = moved.map((low, group) => Math.max(low, held[group] ?? 0));
  const back = holds && isGoingBack(db, id);
  const bytes = {
    moved: toBytes(back ? upper : moved),
    held: holds ? toBytes(back ? moved : upper) : new Uint8Array(),
  };
  const last = db.rows(
    "SELECT moved, held FROM history_thresholds WHERE rollout = ? ORDER BY generation DESC LIMIT 1",
    id,
  )[0];
  if (
    last !== undefined &&
    isSame(readBytes(last, "moved"), bytes.moved) &&
    isSame(readBytes(last, "held"), bytes.held)
  )
    return;
  db.run(
    "INSERT OR IGNORE INTO history_thresholds (rollout, generation, moved, held) VALUES (?, ?, ?, ?)",
    id,
    generation,
    bytes.moved,
    bytes.held,
  );
}

/** A batch does not go on before its hold is out, so the state is of the same batch as the root. */
function isGoingBack(db: Db, rollout: string): boolean {
  const record = loadRollout(db, rollout);
  return record !== null && batchOf(record.state)?.direction === "back";
}

/** Little-endian, whatever the machine. */
function toBytes(thresholds: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(thresholds.length * 2);
  for (const [at, threshold] of thresholds.entries()) {
    bytes[at * 2] = threshold & 255;
    bytes[at * 2 + 1] = threshold >>> 8;
  }
  return bytes;
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

export interface RootRecord {
  readonly generation: Generation;
  /** From then on edges could have it. */
  readonly fromMs: EpochMs;
  /** By then it was written. */
  readonly atMs: EpochMs;
  readonly shardSeq: number;
  /** Null: published before the history was kept. */
  readonly base: number | null;
  readonly urgent: number | null;
}

const COLUMNS = "generation, from_at, at, shard_seq, base, urgent";

function toRecord(row: SqlRow): RootRecord {
  return {
    generation: readInt(row, "generation"),
    fromMs: readInt(row, "from_at"),
    atMs: readInt(row, "at"),
    shardSeq: readInt(row, "shard_seq"),
    base: readIntOrNull(row, "base"),
    urgent: readIntOrNull(row, "urgent"),
  };
}

/** The newest first, of those that edges could have at `atMs`, and those before. */
export function loadRootsUpTo(db: Db, atMs: EpochMs, limit: number): readonly RootRecord[] {
  return db
    .rows(
      `SELECT ${COLUMNS} FROM history_roots WHERE from_at <= ? ORDER BY generation DESC LIMIT ?`,
      atMs,
      limit,
    )
    .map(toRecord);
}

/** The newest first, below a generation. */
export function loadRootsBelow(db: Db, generation: Generation, limit: number): readonly RootRecord[] {
  return db
    .rows(
      `SELECT ${COLUMNS} FROM history_roots WHERE generation < ? ORDER BY generation DESC LIMIT ?`,
      generation,
      limit,
    )
    .map(toRecord);
}

export function loadRootRecord(db: Db, generation: Generation): RootRecord | null {
  const row = db.rows(`SELECT ${COLUMNS} FROM history_roots WHERE generation = ?`, generation)[0];
  return row === undefined ? null : toRecord(row);
}

/** Oldest first: those after one generation, up to and with another. */
export function loadRootsBetween(db: Db, after: Generation, upTo: Generation): readonly RootRecord[] {
  return db
    .rows(
      `SELECT ${COLUMNS} FROM history_roots WHERE generation > ? AND generation <= ? ORDER BY generation`,
      after,
      upTo,
    )
    .map(toRecord);
}

/** The oldest generation that is recorded whole; null: none. */
export function firstComparable(db: Db): Generation | null {
  const row = db.rows("SELECT min(generation) AS first FROM history_roots WHERE base IS NOT NULL")[0];
  return row === undefined ? null : readIntOrNull(row, "first");
}

/** Since when roots are recorded; null: nothing was published yet. */
export function firstRecordedMs(db: Db): EpochMs | null {
  const row = db.rows("SELECT from_at FROM history_roots ORDER BY generation LIMIT 1")[0];
  return row === undefined ? null : readInt(row, "from_at");
}

/** What a root said besides thresholds and urgent rows. */
export function loadBase(db: Db, id: number): RootBase {
  // Written by this file alone, from a checked root.
  return JSON.parse(loadValue(db, id)) as RootBase;
}

/** @throws when a row cannot be read: a bug, or a damaged database. */
export function loadUrgent(db: Db, id: number): readonly AccountRow[] {
  const list: unknown = JSON.parse(loadValue(db, id));
  const site = newSite("urgent");
  const rows = Array.isArray(list) ? list.map((row: unknown) => readRow(row, site)) : [];
  const problem = complaint(site);
  if (problem !== null) throw new TypeError(`the history holds urgent rows that cannot be read: ${problem}`);
  return rows;
}

/** Thresholds of one group from a generation on. */
export interface GroupThreshold {
  readonly generation: Generation;
  /** As edges were told; `held` is 0 where nobody was held. */
  readonly moved: number;
  readonly held: number;
  /** Accounts below it count as moved: those that are held to go back as well. */
  readonly counted: number;
}

/** Up to where accounts counted as moved by the maps of a generation: of all groups of a rollout, by their number. */
export function loadThresholds(db: Db, rollout: string, at: Generation): readonly number[] {
  const row = db.rows(
    "SELECT moved FROM history_thresholds WHERE rollout = ? AND generation <= ? ORDER BY generation DESC LIMIT 1",
    rollout,
    at,
  )[0];
  if (row === undefined) return [];
  const bytes = readBytes(row, "moved");
  return Array.from({ length: bytes.length / 2 }, (_unused, group) =>
    toThreshold(bytes.subarray(2 * group, 2 * group + 2)),
  );
}

/** Rollouts whose thresholds changed after one generation, up to and with another. */
export function loadSteppedRollouts(db: Db, after: Generation, upTo: Generation): readonly string[] {
  return db
    .rows(
      "SELECT DISTINCT rollout FROM history_thresholds WHERE generation > ? AND generation <= ?",
      after,
      upTo,
    )
    .map((row) => readText(row, "rollout"));
}

/** Every change of a group's thresholds in a rollout, oldest first. */
export function loadGroupThresholds(
  db: Db,
  { rollout, group }: { readonly rollout: string; readonly group: number },
): readonly GroupThreshold[] {
  return db
    .rows(
      `SELECT generation, coalesce(substr(moved, ?2, 2), x'') AS moved, coalesce(substr(held, ?2, 2), x'') AS held
       FROM history_thresholds WHERE rollout = ?1 ORDER BY generation`,
      rollout,
      2 * group + 1,
    )
    .map((row) => {
      const counted = toThreshold(readBytes(row, "moved"));
      const bytes = readBytes(row, "held");
      const end = bytes.length === 0 ? counted : toThreshold(bytes);
      const [moved, held] = [Math.min(counted, end), Math.max(counted, end)];
      return { generation: readInt(row, "generation"), moved, held: held > moved ? held : 0, counted };
    });
}

function toThreshold(bytes: Uint8Array): number {
  return (bytes[0] ?? 0) + ((bytes[1] ?? 0) << 8);
}
