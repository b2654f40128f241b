/**
 * Finding and reading lines in the text of a shard, in place: binary search over characters, no index of its own.
 * Works on text that `checkLines` has accepted; called by `shard-codec` only. The look-up is on the path of requests
 * whose row is not at hand, so it compares character codes and makes nothing before the line is found.
 */
import { NO_GROUP, type AccountRow } from "../../contracts/maps.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { shardOf } from "./key-hash.ts";
import { readRare } from "./row-json.ts";
import { complaint, isKey, isRecord, newSite, parseJson } from "./shape.ts";

/** What lines refer to by number, and which shard they belong to. */
export interface ShardTables {
  readonly shard: number;
  readonly shards: number;
  readonly rows: number;
  readonly homes: readonly Readonly<Record<ProductName, VersionName>>[];
  readonly cells: readonly string[];
}

const NEWLINE = 0x0a;
const TAB = 0x09;
const WHOLE = /^(?:0|[1-9]\d{0,5})$/;
const MAX_COLUMNS = 5;

/** Every line of the body, without its newline. */
export function* linesOf(text: string, body: number): Generator<string> {
  for (let start = body; start < text.length;) {
    const end = text.indexOf("\n", start);
    yield text.slice(start, end);
    start = end + 1;
  }
}

/** The line whose first column is `key`, or null. `body` is where the first line starts. */
export function findLine(text: string, body: number, key: string): string | null {
  let low = body;
  let high = text.length;
  while (low < high) {
    let start = (low + high) >>> 1;
    while (start > low && text.charCodeAt(start - 1) !== NEWLINE) start--;
    // Where line and key part ways; a key on the line ends in a tab, which sorts before everything keys are made of.
    let at = 0;
    while (at < key.length && text.charCodeAt(start + at) === key.charCodeAt(at)) at++;
    const code = text.charCodeAt(start + at);
    const wanted = at < key.length ? key.charCodeAt(at) : TAB;
    if (code === wanted) return text.slice(start, text.indexOf("\n", start));
    if (code > wanted) {
      high = start;
    } else {
      low = start + at;
      while (text.charCodeAt(low) !== NEWLINE) low++;
      low++;
    }
  }
  return null;
}

/**
 * The row of a line that was accepted by `checkLines`. A caller that knows the key passes its own string, because one
 * cut from the line would keep the whole shard alive for as long as the row.
 */
export function rowOfLine(line: string, tables: ShardTables, knownKey?: string): AccountRow {
  const [first = "", homes = "", group = "", cell = "", json = ""] = line.split("\t");
  const key = knownKey ?? first;
  const row: AccountRow = {
    key,
    slug: key,
    product: null,
    homes: tables.homes[Number(homes)] ?? {},
    group: group === "" ? NO_GROUP : Number(group),
    cell: cell === "" ? null : (tables.cells[Number(cell)] ?? null),
    deleted: false,
    pins: null,
    quarantine: null,
    hold: null,
  };
  return json === "" ? row : { ...row, ...rareOfJson(json, key) };
}

function rareOfJson(json: string, key: string): ReturnType<typeof readRare> | Record<string, never> {
  const value = parseJson(json);
  return isRecord(value) ? readRare(value, key, newSite("")) : {};
}

/**
 * Checks every line: number of lines, order, columns, numbers within their tables, keys of this shard.
 * @returns null, or what is wrong with the first bad line. Under a millisecond for a shard of usual size.
 */
export function checkLines(text: string, body: number, tables: ShardTables): string | null {
  if (!text.endsWith("\n")) return "the last line is cut off";
  let previous = "";
  let rows = 0;
  for (const line of linesOf(text, body)) {
    const columns = line.split("\t");
    const key = columns[0] ?? "";
    if (rows > 0 && key <= previous) return `line ${rows + 1} is not after the one before`;
    const problem = checkColumns(columns, tables);
    if (problem !== null) return `line ${rows + 1}: ${problem}`;
    previous = key;
    rows++;
  }
  return rows === tables.rows ? null : `${rows} lines, the header says ${tables.rows}`;
}

function checkColumns(columns: readonly string[], tables: ShardTables): string | null {
  const [key = "", homes = "", group = "", cell = "", json = ""] = columns;
  if (columns.length > MAX_COLUMNS) return "too many columns";
  if (!isKey(key)) return "the key is neither slug nor domain";
  if (shardOf(key, tables.shards) !== tables.shard) return `"${key}" belongs to another shard`;
  if (!isNumberBelow(homes, tables.homes.length)) return "no such homes";
  if (group !== "" && !WHOLE.test(group)) return "no such group";
  if (cell !== "" && !isNumberBelow(cell, tables.cells.length)) return "no such cell";
  return json === "" ? null : checkRare(json, key);
}

function isNumberBelow(text: string, limit: number): boolean {
  return WHOLE.test(text) && Number(text) < limit;
}

function checkRare(json: string, key: string): string | null {
  const value = parseJson(json);
  if (!isRecord(value)) return "the last column is not a JSON object";
  const site = newSite("");
  readRare(value, key, site);
  return complaint(site);
}
