/**
 * Finding and reading lines in the text of a shard, in place. Works on text that `checkLines` has accepted, which also
 * makes the table that lines are found by; called by `shard-codec` only. The look-up is on the path of requests whose row
 * is not at hand, so it compares character codes and makes nothing but the row.
 */
import { NO_GROUP, type AccountRow } from "../../contracts/maps.ts";
import { err, ok, type Result } from "../../contracts/result.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { keyHash, shardOfHash } from "./key-hash.ts";
import { createLineSlots, putLine, type LineSlots } from "./line-slots.ts";
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
const ZERO = 0x30;
const WHOLE = /^(?:0|[1-9]\d{0,5})$/;
const MAX_COLUMNS = 5;

/** The text of a shard and where its lines are. */
export interface ShardLines {
  readonly text: string;
  /** Where the first line begins. */
  readonly body: number;
  readonly slots: LineSlots;
}

/** Where the line with this key begins, or -1. `hash` is the key's. */
export function findLine({ text, body, slots }: ShardLines, key: string, hash: number): number {
  const mask = slots.length - 1;
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const stored = slots[slot];
    if (stored === undefined || stored === 0) return -1;
    const start = body + stored - 1;
    // The first tab ends the line's key, so a text with a tab in it is nobody's.
    if (text.startsWith(key, start) && text.indexOf("\t", start) === start + key.length) return start;
  }
}

/** Where every line of the body begins. */
export function* lineStarts(text: string, body: number): Generator<number> {
  for (let start = body; start < text.length; start = text.indexOf("\n", start) + 1) yield start;
}

/**
 * The row of the line that begins at `start`. A caller that knows the key passes its own string, because one cut from
 * the line would keep the whole shard alive for as long as the row.
 */
export function readRow(
  { text, start }: { readonly text: string; readonly start: number },
  tables: ShardTables,
  knownKey?: string,
): AccountRow {
  const key = knownKey ?? text.slice(start, text.indexOf("\t", start));
  const homes = readColumn(text, start + key.length);
  const group = readColumn(text, homes.end);
  const cell = readColumn(text, group.end);
  const row: AccountRow = {
    key,
    slug: key,
    product: null,
    homes: tables.homes[homes.value] ?? {},
    group: group.value < 0 ? NO_GROUP : group.value,
    cell: tables.cells[cell.value] ?? null,
    deleted: false,
    pins: null,
    quarantine: null,
    hold: null,
  };
  if (text.charCodeAt(cell.end) !== TAB) return row;
  return { ...row, ...rareOfJson(text.slice(cell.end + 1, text.indexOf("\n", cell.end)), key) };
}

interface Column {
  /** -1 when there is nothing in it. */
  readonly value: number;
  readonly end: number;
}

/** The whole number behind the tab at `tab`; nothing when the line has ended before. */
function readColumn(text: string, tab: number): Column {
  if (text.charCodeAt(tab) !== TAB) return { value: -1, end: tab };
  let end = tab + 1;
  let value = 0;
  for (let code = text.charCodeAt(end); code > NEWLINE; code = text.charCodeAt(end)) {
    value = value * 10 + (code - ZERO);
    end++;
  }
  return { value: end === tab + 1 ? -1 : value, end };
}

function rareOfJson(json: string, key: string): ReturnType<typeof readRare> | Record<string, never> {
  const value = parseJson(json);
  return isRecord(value) ? readRare(value, key, newSite("")) : {};
}

/**
 * Checks every line: number of lines, order, columns, numbers within their tables, keys of this shard.
 * @returns the lines, or what is wrong with the first bad one. Under a millisecond for a shard of usual size.
 */
export function checkLines(text: string, body: number, tables: ShardTables): Result<ShardLines, string> {
  if (!text.endsWith("\n")) return err("the last line is cut off");
  const bytes = text.length - body;
  // What the header says is not checked yet; no line is shorter than a byte.
  const slots = createLineSlots(Math.min(tables.rows, bytes), bytes);
  let previous = "";
  let rows = 0;
  for (const start of lineStarts(text, body)) {
    const columns = text.slice(start, text.indexOf("\n", start)).split("\t");
    const key = columns[0] ?? "";
    if (rows > 0 && key <= previous) return err(`line ${rows + 1} is not after the one before`);
    const hash = keyHash(key);
    const problem = checkColumns(columns, tables, shardOfHash(hash, tables.shards));
    if (problem !== null) return err(`line ${rows + 1}: ${problem}`);
    previous = key;
    rows++;
    if (rows <= tables.rows) putLine(slots, hash, start - body);
  }
  return rows === tables.rows
    ? ok({ text, body, slots })
    : err(`${rows} lines, the header says ${tables.rows}`);
}

function checkColumns(columns: readonly string[], tables: ShardTables, shard: number): string | null {
  const [key = "", homes = "", group = "", cell = "", json = ""] = columns;
  if (columns.length > MAX_COLUMNS) return "too many columns";
  if (!isKey(key)) return "the key is neither slug nor domain";
  if (shard !== tables.shard) return `"${key}" belongs to another shard`;
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
