/**
 * What edges were told of all keys of one range of hashes at two moments, from the records of its shards. Where nothing
 * was built in between the shard as it is now answers for both, so comparing two roots that differ in thresholds alone
 * reads one text a shard. Values are the numbers of `history/values`, 0: the key is not there. Reads only.
 */
import { shardOf } from "../../core/maps/key-hash.ts";
import type { Db } from "../db.ts";
import { readInt, readText } from "../row.ts";
import { readCounter } from "../store/meta.ts";

/** One shard of the present number of shards. */
export interface Range {
  readonly shards: number;
  readonly number: number;
}

/** VALUE of a key that is not there. */
export const GONE = 0;

/** A key's value from a change on. */
export interface KeyChange {
  readonly seq: number;
  readonly value: number;
}

export interface RangePast {
  /** At the earlier moment. */
  readonly before: ReadonlyMap<string, number>;
  /** At the later one. */
  readonly after: ReadonlyMap<string, number>;
  /** Changes after the earlier moment, oldest first, of those keys that have any. */
  readonly changes: ReadonlyMap<string, readonly KeyChange[]>;
}

/** Number of shards that the newest records are of. */
export function shardCount(db: Db): number {
  return Math.max(1, readCounter(db, "shard_count"));
}

/** @param seqs the last changes in the earlier and in the later maps. */
export function loadRange(
  db: Db,
  range: Range,
  seqs: { readonly before: number; readonly after: number },
): RangePast {
  const now = loadUnchanged(db, range, seqs.before);
  if (now !== null) return { before: now, after: now, changes: new Map() };
  const state = new Map<string, number>();
  let before: ReadonlyMap<string, number> | null = null;
  const changes = new Map<string, KeyChange[]>();
  for (const record of loadRecords(db, range, seqs.after)) {
    if (before === null && record.seq > seqs.before) before = new Map(state);
    const noted = record.seq > seqs.before ? changes : null;
    applyRecord({ state, record, range, changes: noted });
  }
  return { before: before ?? new Map(state), after: state, changes };
}

/** The shard as it is, if nothing of the range was built after `seq`. */
function loadUnchanged(db: Db, range: Range, seq: number): ReadonlyMap<string, number> | null {
  const [newest] = shardsAbove(range)
    .map(({ shards, number }) =>
      db.rows(
        "SELECT 1 AS found FROM history_shards WHERE shards = ? AND shard = ? AND seq > ? LIMIT 1",
        shards,
        number,
        seq,
      ),
    )
    .filter((rows) => rows.length > 0);
  if (newest !== undefined) return null;
  const row = db.rows(
    "SELECT lines FROM history_now WHERE shards = ? AND shard = ?",
    range.shards,
    range.number,
  )[0];
  return row === undefined ? null : new Map(parseLines(readText(row, "lines")));
}

/** The range itself, and the larger ones that held it while there were fewer shards. */
function shardsAbove({ shards, number }: Range): readonly Range[] {
  const above: Range[] = [];
  for (let count = shards; count >= 1; count /= 2)
    above.push({ shards: count, number: Math.floor((number * count) / shards) });
  return above;
}

interface RangeRecord {
  readonly shards: number;
  readonly seq: number;
  readonly whole: boolean;
  readonly lines: readonly (readonly [key: string, value: number])[];
}

/** In the order in which they came true; a shard that was split begins anew under its new number. */
function loadRecords(db: Db, range: Range, upTo: number): readonly RangeRecord[] {
  return shardsAbove(range)
    .flatMap(({ shards, number }) =>
      db
        .rows(
          "SELECT seq, whole, lines FROM history_shards WHERE shards = ? AND shard = ? AND seq <= ?",
          shards,
          number,
          upTo,
        )
        .map((row) => ({
          shards,
          seq: readInt(row, "seq"),
          whole: readInt(row, "whole") === 1,
          lines: parseLines(readText(row, "lines")),
        })),
    )
    .sort((a, b) => a.seq - b.seq || a.shards - b.shards);
}

function parseLines(text: string): readonly (readonly [string, number])[] {
  return text === ""
    ? []
    : text
        .slice(0, -1)
        .split("\n")
        .map((line) => {
          const at = line.indexOf("\t");
          return [line.slice(0, at), Number(line.slice(at + 1))] as const;
        });
}

interface Applying {
  readonly state: Map<string, number>;
  readonly record: RangeRecord;
  readonly range: Range;
  /** Null: changes are not asked for. */
  readonly changes: Map<string, KeyChange[]> | null;
}

function applyRecord({ state, record, range, changes }: Applying): void {
  const note = (key: string, value: number): void => {
    if ((state.get(key) ?? GONE) === value) return;
    if (value === GONE) state.delete(key);
    else state.set(key, value);
    if (changes === null) return;
    const list = changes.get(key) ?? [];
    changes.set(key, list);
    list.push({ seq: record.seq, value });
  };
  const lines =
    record.shards === range.shards
      ? record.lines
      : record.lines.filter(([key]) => shardOf(key, range.shards) === range.number);
  if (record.whole) {
    const there = new Set(lines.map(([key]) => key));
    for (const key of state.keys()) if (!there.has(key)) note(key, GONE);
  }
  for (const [key, value] of lines) note(key, value);
}
