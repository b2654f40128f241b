/**
 * One shard of account rows as text: a JSON header line, then one line a row, sorted by key, columns apart by tabs:
 * key, number of its homes in the header, group, number of its cell, and JSON for what few rows have.
 * A million rows must stay within 40 MB, so a shard is kept as this one string and a small table of where its lines are
 * (`shard-search`); no row becomes an object before it is asked for. Equal rows give equal bytes, hence the same name.
 * Called by publisher (encode) and reader (open). Everything is checked on opening, so that finding cannot fail.
 */
import { MAX_SHARD_BYTES } from "../../contracts/limits.ts";
import { MAPS_SCHEMA, NO_GROUP, type AccountRow } from "../../contracts/maps.ts";
import { err, ok, type Result } from "../../contracts/result.ts";
import { CONTENT_HASH_CHARS, sha256HexOfBytes } from "../sha256.ts";
import { canonicalJson } from "./canonical.ts";
import { isShardCount, keyHash, shardOf } from "./key-hash.ts";
import { refuse, type MapsRefusal } from "./refusal.ts";
import { rareToJson } from "./row-json.ts";
import {
  checkLines,
  findLine,
  lineStarts,
  readRow,
  type ShardLines,
  type ShardTables,
} from "./shard-search.ts";
import {
  below,
  CELL,
  complain,
  complaint,
  describeValue,
  isKey,
  isRecord,
  newSite,
  parseJson,
  readEach,
  readName,
  readVersions,
  readWhole,
  type Site,
} from "./shape.ts";

/** Counts of what a shard holds. Live rows only, except `rows` and `tombstones`. */
export interface ShardCounts {
  readonly rows: number;
  readonly accounts: number;
  readonly domains: number;
  readonly tombstones: number;
}

export interface ShardSource {
  readonly shard: number;
  readonly shards: number;
  readonly rows: readonly AccountRow[];
}

/** An opened shard: checked text, and the way to rows. */
export interface Shard extends ShardCounts {
  /** Flat one-byte string of its own, whatever the text it was opened from was part of. */
  readonly text: string;
  readonly shard: number;
  readonly shards: number;
  /**
   * The row of a slug or custom host, or null when this shard has none. Below a microsecond; allocates the row only.
   * @param hash the key's `keyHash`, from who has it already.
   */
  find(key: string, hash?: number): AccountRow | null;
  /** All rows in order of their keys, made one by one. */
  list(): Iterable<AccountRow>;
}

interface ShardHeader extends ShardCounts, ShardTables {
  readonly shard: number;
  readonly shards: number;
}

/**
 * Writes a shard. The rows may come in any order.
 * @throws Error when a key is twice there, belongs to another shard or is neither slug nor domain: that is a bug of the
 *   caller, and writing it would make the row unfindable.
 */
export function encodeShard(source: ShardSource): string {
  const rows = source.rows.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  rows.forEach((row, position) => assertKey(row, rows[position - 1], source));
  const homes = tableOf(rows.map((row) => canonicalJson(row.homes)));
  const cells = tableOf(rows.flatMap((row) => (row.cell === null ? [] : [row.cell])));
  const header = {
    schema: MAPS_SCHEMA,
    shard: source.shard,
    shards: source.shards,
    ...countRows(rows),
    homes: [...homes.keys()].map((json): unknown => JSON.parse(json)),
    cells: [...cells.keys()],
  };
  const lines = rows.map((row) => encodeRow(row, homes, cells));
  return [canonicalJson(header), ...lines, ""].join("\n");
}

function assertKey(row: AccountRow, previous: AccountRow | undefined, source: ShardSource): void {
  const key: string = row.key;
  if (!isKey(key)) throw new Error(`shard row "${key}" is neither slug nor domain`);
  if (key === previous?.key) throw new Error(`shard row "${key}" is there twice`);
  if (shardOf(key, source.shards) !== source.shard)
    throw new Error(`shard row "${key}" does not belong to shard ${source.shard}`);
}

/** The distinct texts in order, each with its number. */
function tableOf(texts: readonly string[]): ReadonlyMap<string, number> {
  return new Map([...new Set(texts)].toSorted().map((text, number) => [text, number]));
}

function countRows(rows: readonly AccountRow[]): ShardCounts {
  const live = rows.filter((row) => !row.deleted);
  const accounts = live.filter((row) => row.product === null).length;
  return {
    rows: rows.length,
    accounts,
    domains: live.length - accounts,
    tombstones: rows.length - live.length,
  };
}

function encodeRow(
  row: AccountRow,
  homes: ReadonlyMap<string, number>,
  cells: ReadonlyMap<string, number>,
): string {
  const rare = canonicalJson(rareToJson(row));
  const columns = [
    row.key,
    homes.get(canonicalJson(row.homes)),
    row.group === NO_GROUP ? "" : row.group,
    row.cell === null ? "" : cells.get(row.cell),
    rare === "{}" ? "" : rare,
  ];
  return columns.join("\t").trimEnd();
}

/**
 * Opens the shard called `hash`.
 * @returns the shard, or the refusal: `too-large`, `hash`, `not-json`, `schema` or `shape`.
 */
export function openShard(text: string, hash: string): Result<Shard, MapsRefusal> {
  if (text.length > MAX_SHARD_BYTES)
    return refuse("too-large", `shard has ${text.length} characters, at most ${MAX_SHARD_BYTES}`);
  const bytes = new TextEncoder().encode(text);
  if (sha256HexOfBytes(bytes).slice(0, CONTENT_HASH_CHARS) !== hash) {
    return refuse("hash", `shard ${hash} has other content than its name says`);
  }
  // What came may be a slice or a rope that keeps something bigger alive; what is decoded here is a string of its own.
  const flat = new TextDecoder().decode(bytes);
  const body = flat.indexOf("\n") + 1;
  const value = parseJson(flat.slice(0, body));
  if (!isRecord(value)) return refuse("not-json", `shard ${hash} does not begin with a JSON header`);
  if (value["schema"] !== MAPS_SCHEMA)
    return refuse("schema", `shard has schema ${describeValue(value["schema"])}`);
  const site = newSite("");
  const header = readHeader(value, site);
  const problem = complaint(site) ?? (bytes.length === flat.length ? null : "not ASCII");
  const lines = problem === null ? checkLines(flat, body, header) : err(problem);
  if (!lines.ok) return refuse("shape", `shard ${hash}: ${lines.error}`);
  return ok(makeShard(lines.value, header));
}

function readHeader(record: Record<string, unknown>, site: Site): ShardHeader {
  const count = (name: string): number => readWhole(record[name], below(site, name), 0);
  const shards = count("shards");
  const shard = count("shard");
  if (!isShardCount(shards) || shard >= shards) complain(shard, below(site, "shard"), `a shard of ${shards}`);
  return {
    shard,
    shards,
    rows: count("rows"),
    accounts: count("accounts"),
    domains: count("domains"),
    tombstones: count("tombstones"),
    homes: readEach(record["homes"], below(site, "homes"), readVersions),
    cells: readEach(record["cells"], below(site, "cells"), (name, at) => readName(name, at, CELL)),
  };
}

function makeShard(lines: ShardLines, header: ShardHeader): Shard {
  const { homes, cells, ...rest } = header;
  const tables = { ...rest, homes, cells };
  const { text, body } = lines;
  return {
    ...rest,
    text,
    find(key, hash = keyHash(key)) {
      const start = findLine(lines, key, hash);
      return start === -1 ? null : readRow({ text, start }, tables, key);
    },
    *list() {
      for (const start of lineStarts(text, body)) yield readRow({ text, start }, tables);
    },
  };
}
