/**
 * Typed reading of SQL rows: `unknown` in, the type the schema promises out. A row of another shape is a bug or a
 * damaged database, so these throw with the column's name; they never guess a value.
 * Called by store/ and the publisher.
 */
import type { SqlRow } from "./db.ts";

export function readText(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw wrongColumn(column, "text", value);
  return value;
}

export function readInt(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value !== "number" || !Number.isSafeInteger(value))
    throw wrongColumn(column, "a whole number", value);
  return value;
}

export function readTextOrNull(row: SqlRow, column: string): string | null {
  return row[column] === null ? null : readText(row, column);
}

export function readIntOrNull(row: SqlRow, column: string): number | null {
  return row[column] === null ? null : readInt(row, column);
}

/** A BLOB: an object's storage gives a buffer, SQLite elsewhere an array of bytes. */
export function readBytes(row: SqlRow, column: string): Uint8Array {
  const value = row[column];
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw wrongColumn(column, "bytes", value);
}

/** A JSON column that holds an object of texts, such as labels or homes. */
export function readTexts(row: SqlRow, column: string): Readonly<Record<string, string>> {
  return parseTexts(readText(row, column));
}

/** Parses a JSON object whose values are all texts. */
export function parseTexts(text: string): Readonly<Record<string, string>> {
  const value = parseObject(text);
  const texts: Record<string, string> = {};
  for (const [name, entry] of Object.entries(value)) {
    if (typeof entry !== "string") throw wrongColumn(name, "text", entry);
    texts[name] = entry;
  }
  return texts;
}

/** Parses a JSON array of texts. */
export function parseList(text: string): readonly string[] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) throw wrongColumn("list", "a JSON array", value);
  return value.map((entry: unknown) => {
    if (typeof entry !== "string") throw wrongColumn("list", "texts", entry);
    return entry;
  });
}

/** Parses a JSON object of anything. */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value)) throw wrongColumn("object", "a JSON object", value);
  return value;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Column `at` of a row read as an array. */
export function textAt(row: readonly unknown[], at: number): string {
  const value = row[at];
  if (typeof value !== "string") throw wrongColumn(String(at), "text", value);
  return value;
}

export function intAt(row: readonly unknown[], at: number): number {
  const value = row[at];
  if (typeof value !== "number") throw wrongColumn(String(at), "a number", value);
  return value;
}

function wrongColumn(column: string, wanted: string, value: unknown): Error {
  return new TypeError(
    `column ${column} should be ${wanted} but is ${value === null ? "null" : typeof value}`,
  );
}
