/**
 * What every build of a shard changed in the rows that edges are given, kept after the shard itself is collected. Kept as
 * lines `KEY<tab>VALUE`, VALUE numbering the rest of the row and 0 saying that the key is gone; a shard's first record is
 * whole. Written where shards are built, whatever the cause of the change, so it cannot miss one. A record numbered `seq`
 * is what edges see from the first root on whose shards go up to `seq`.
 */
import type { AccountRow } from "../../contracts/maps.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { shardOf } from "../../core/maps/key-hash.ts";
import { readRow, rowToJson } from "../../core/maps/row-json.ts";
import { complaint, newSite } from "../../core/maps/shape.ts";
import type { Db } from "../db.ts";
import { parseObject, readInt, readText } from "../row.ts";
import { loadValue, type ValueBook } from "./values.ts";

/** VALUE of a key that is not there any more. */
const GONE = 0;

export interface BuiltShard {
  readonly number: number;
  readonly shards: number;
  /** The last change that is in it. */
  readonly seq: number;
  readonly rows: readonly AccountRow[];
}

/**
 * Notes how a shard differs from its last build. Made once for a piece of work: it remembers rows alike.
 * @returns of each shard whether a row is another one now, or gone: new ones alone are no such change.
 */
export function createShardRecorder(db: Db, values: ValueBook): (built: BuiltShard) => boolean {
  const numberOf = createRowNumbers(values);
  return ({ number, shards, seq, rows }) => {
    const lines = rows.map((row) => `${row.key}\t${numberOf(row)}`).sort();
    const text = textOfLines(lines);
    const before = loadNow(db, shards, number);
    if (before === text) return false;
    const known = before === null ? [] : linesOf(before);
    const changes = before === null ? lines : changesOf(known, lines);
    saveRecord(db, { shards, number, seq, whole: before === null, changes });
    db.run(
      "INSERT OR REPLACE INTO history_now (shards, shard, lines) VALUES (?, ?, ?)",
      shards,
      number,
      text,
    );
    // Another number of shards: every row may be another one.
    return before === null || known.length + changes.length !== lines.length;
  };
}

/** Most rows are alike in homes (the same object), group and cell, and have nothing else: those are written out once. */
function createRowNumbers(values: ValueBook): (row: AccountRow) => number {
  const homesNumbers = new WeakMap<object, number>();
  const known = new Map<string, number>();
  let homesSeen = 0;
  return (row) => {
    const { homes, group, cell, pins, quarantine, hold, deleted, product } = row;
    if (pins !== null || quarantine !== null || hold !== null || deleted || product !== null)
      return values.idOf(textOf(row));
    const homesNumber = homesNumbers.get(homes) ?? (homesSeen += 1);
    homesNumbers.set(homes, homesNumber);
    const kind = `${homesNumber} ${group} ${cell ?? ""}`;
    const before = known.get(kind);
    if (before !== undefined) return before;
    const id = values.idOf(textOf(row));
    known.set(kind, id);
    return id;
  };
}

function textOf(row: AccountRow): string {
  return canonicalJson({ ...rowToJson(row), key: undefined });
}

/** Lines stand in the order of their keys: a tab comes before everything that keys are made of. */
function textOfLines(lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function linesOf(text: string): readonly string[] {
  return text === "" ? [] : text.slice(0, -1).split("\n");
}

function keyOf(line: string): string {
  return line.slice(0, line.indexOf("\t"));
}

function loadNow(db: Db, shards: number, shard: number): string | null {
  const row = db.rows("SELECT lines FROM history_now WHERE shards = ? AND shard = ?", shards, shard)[0];
  return row === undefined ? null : readText(row, "lines");
}

/** What makes `before` into `after`, both in order: one walk along the two. */
function changesOf(before: readonly string[], after: readonly string[]): readonly string[] {
  const changes: string[] = [];
  let at = 0;
  for (const line of after) {
    const key = keyOf(line);
    for (; at < before.length && keyOf(before[at] ?? "") < key; at += 1)
      changes.push(`${keyOf(before[at] ?? "")}\t${GONE}`);
    if (before[at] === line) at += 1;
    else {
      changes.push(line);
      if (keyOf(before[at] ?? "") === key) at += 1;
    }
  }
  for (; at < before.length; at += 1) changes.push(`${keyOf(before[at] ?? "")}\t${GONE}`);
  return changes;
}

/** What records say together, the later ones winning. */
function mergeLines(...records: readonly (readonly string[])[]): Map<string, string> {
  return new Map(records.flatMap((lines) => lines.map((line) => [keyOf(line), line] as const)));
}

interface ShardRecord {
  readonly shards: number;
  readonly number: number;
  readonly seq: number;
  readonly whole: boolean;
  readonly changes: readonly string[];
}

function saveRecord(db: Db, { shards, number, seq, whole, changes }: ShardRecord): void {
  const same = db.rows(
    "SELECT whole, lines FROM history_shards WHERE shards = ? AND shard = ? AND seq = ?",
    shards,
    number,
    seq,
  )[0];
  // Built twice at one change (the first batch was given up): what both say together.
  const all =
    same === undefined ? changes : [...mergeLines(linesOf(readText(same, "lines")), changes).values()].sort();
  db.run(
    "INSERT OR REPLACE INTO history_shards (shards, shard, seq, whole, lines) VALUES (?, ?, ?, ?, ?)",
    shards,
    number,
    seq,
    whole || (same !== undefined && readInt(same, "whole") === 1) ? 1 : 0,
    textOfLines(all),
  );
}

/** What edges were told of a key from `seq` on. `row` null: that it is not there. */
export interface KeyRecord {
  readonly seq: number;
  readonly row: AccountRow | null;
}

/** Everything recorded of a key, oldest first; nothing is known of the time before the first. */
export function loadKeyRecords(db: Db, key: string): readonly KeyRecord[] {
  const counts = db.rows("SELECT DISTINCT shards FROM history_now").map((row) => readInt(row, "shards"));
  const parsed = new Map<number, AccountRow>();
  const found = counts.flatMap((shards) =>
    db
      .rows(
        "SELECT seq, whole, lines FROM history_shards WHERE shards = ? AND shard = ?",
        shards,
        shardOf(key, shards),
      )
      .flatMap((record): KeyRecord[] => {
        const id = findLine(readText(record, "lines"), key);
        if (id === null && readInt(record, "whole") === 0) return [];
        return [{ seq: readInt(record, "seq"), row: rowOf(db, { key, id: id ?? GONE, parsed }) }];
      }),
  );
  return found.sort((a, b) => a.seq - b.seq);
}

function findLine(lines: string, key: string): number | null {
  const start = `${key}\t`;
  const at = lines.startsWith(start) ? 0 : lines.indexOf(`\n${start}`) + 1;
  if (at === 0 && !lines.startsWith(start)) return null;
  return Number(lines.slice(at + start.length, lines.indexOf("\n", at)));
}

function rowOf(
  db: Db,
  {
    key,
    id,
    parsed,
  }: { readonly key: string; readonly id: number; readonly parsed: Map<number, AccountRow> },
): AccountRow | null {
  if (id === GONE) return null;
  const row = parsed.get(id) ?? parseRow(loadValue(db, id), key);
  parsed.set(id, row);
  return row;
}

/** @throws when what was written here cannot be read: a bug, or a damaged database. */
function parseRow(text: string, key: string): AccountRow {
  const site = newSite(key);
  const row = readRow({ ...parseObject(text), key }, site);
  const problem = complaint(site);
  if (problem !== null) throw new TypeError(`the history holds a row that cannot be read: ${problem}`);
  return row;
}

/**
 * Makes one whole record of everything up to `seq`, for shards that have several: what lies before is forgotten.
 * @returns how many shards were folded, at most `limit`.
 */
export function foldShards(db: Db, seq: number, limit: number): number {
  const many = db.rows(
    "SELECT shards, shard FROM history_shards WHERE seq <= ?1 GROUP BY shards, shard HAVING count(*) > 1 LIMIT ?2",
    seq,
    limit,
  );
  for (const one of many)
    foldShard(db, { shards: readInt(one, "shards"), shard: readInt(one, "shard"), seq });
  return many.length;
}

function foldShard(
  db: Db,
  { shards, shard, seq }: { readonly shards: number; readonly shard: number; readonly seq: number },
): void {
  const records = db.rows(
    "SELECT seq, whole, lines FROM history_shards WHERE shards = ? AND shard = ? AND seq <= ? ORDER BY seq",
    shards,
    shard,
    seq,
  );
  const whole = records.some((record) => readInt(record, "whole") === 1);
  const last = Math.max(...records.map((record) => readInt(record, "seq")));
  const rows = mergeLines(...records.map((record) => linesOf(readText(record, "lines"))));
  // In a whole record, what is not there is gone.
  const lines = [...rows.values()].filter((line) => !whole || !line.endsWith(`\t${GONE}`)).sort();
  db.run("DELETE FROM history_shards WHERE shards = ? AND shard = ? AND seq <= ?", shards, shard, seq);
  db.run(
    "INSERT INTO history_shards (shards, shard, seq, whole, lines) VALUES (?, ?, ?, ?, ?)",
    shards,
    shard,
    last,
    whole ? 1 : 0,
    textOfLines(lines),
  );
}
