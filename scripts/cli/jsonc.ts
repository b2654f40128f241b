/**
 * JSON with comments and trailing commas, as people keep plans and windows in git. Strict in all else, and stricter than
 * `JSON.parse` in one thing: a name given twice in one object is refused, because keeping the last would silently drop a
 * wave. Every mistake is told with its line and column, which engines no longer do. Pure; called by json-file.ts.
 * https://www.rfc-editor.org/rfc/rfc8259
 */

/** What is wrong with the text, and where. */
export class JsoncError extends Error {
  override readonly name = "JsoncError";
  /** From 1. */
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

/** Deeper than any document of ours, and far from the end of the stack. */
const MAX_DEPTH = 100;

const BLANK = /(?:[\s\ufeff]|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y;
const STRING = /"(?:[^"\\\n]|\\.)*"/y;
/** Numbers and the three words. */
const WORD = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)(?!\w)/y;

interface Reader {
  readonly text: string;
  at: number;
  /** Where the value at hand stands in the document: names and positions from the outside in. */
  readonly path: (string | number)[];
  /** Offset of every value by its path. */
  readonly places: Map<string, number>;
}

/** A document, and where in the text its values stand. */
export interface PlacedDocument {
  readonly value: unknown;
  /** The line (from 1) of the value at a path, or of the nearest one around it when there is none. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/** Reads one document. @throws JsoncError with line and column (from 1). */
export function parseJsonc(text: string): unknown {
  return parsePlacedJsonc(text).value;
}

/** The same, for callers that say later what is wrong with a value, and where. @throws JsoncError */
export function parsePlacedJsonc(text: string): PlacedDocument {
  const reader: Reader = { text, at: 0, path: [], places: new Map() };
  const value = readValue(reader, 0);
  if (peek(reader) !== "") throw mistake(reader, "there is more behind the document");
  return {
    value,
    lineOf(path) {
      for (let length = path.length; length >= 0; length -= 1) {
        const at = reader.places.get(placeKey(path.slice(0, length)));
        if (at !== undefined) return text.slice(0, at).split("\n").length;
      }
      return 1;
    },
  };
}

function placeKey(path: readonly PropertyKey[]): string {
  return JSON.stringify(path.map(String));
}

function mistake({ text, at: here }: Reader, what: string, at = here): JsoncError {
  const lines = text.slice(0, at).split("\n");
  return new JsoncError(
    `${what} (line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1})`,
    lines.length,
  );
}

/** What matches right here, and the reader behind it; null when it does not. */
function take(reader: Reader, pattern: RegExp): string | null {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0];
  if (found === undefined) return null;
  reader.at += found.length;
  return found;
}

/** The next character that means something; the empty text at the end. */
function peek(reader: Reader): string {
  take(reader, BLANK);
  if (reader.text.startsWith("/*", reader.at)) throw mistake(reader, "a comment is begun and never ended");
  return reader.text.charAt(reader.at);
}

function readValue(reader: Reader, depth: number): unknown {
  const next = peek(reader);
  reader.places.set(placeKey(reader.path), reader.at);
  if (depth > MAX_DEPTH) throw mistake(reader, "it is nested too deep");
  if (next === "{") return readObject(reader, depth);
  if (next === "[") return readArray(reader, depth);
  if (next === '"') return readString(reader);
  const found = take(reader, WORD);
  if (found !== null) return JSON.parse(found) as unknown;
  throw mistake(reader, next === "" ? "it ends too early" : "a value is expected");
}

function readString(reader: Reader): string {
  const { at } = reader;
  const quoted = take(reader, STRING);
  try {
    return String(JSON.parse(quoted ?? ""));
  } catch {
    throw mistake(reader, "a string is not ended or not valid", at);
  }
}

/** Whether another member follows: eats the comma, or the closing sign. */
function goesOn(reader: Reader, close: "}" | "]"): boolean {
  const next = peek(reader);
  if (next !== "," && next !== close) throw mistake(reader, `"," or "${close}" is expected`);
  reader.at += 1;
  if (next === close) return false;
  if (peek(reader) !== close) return true;
  reader.at += 1;
  return false;
}

/** Steps into brackets; false when they are closed at once. */
function entered(reader: Reader, close: "}" | "]"): boolean {
  reader.at += 1;
  if (peek(reader) !== close) return true;
  reader.at += 1;
  return false;
}

function readArray(reader: Reader, depth: number): readonly unknown[] {
  const items: unknown[] = [];
  if (!entered(reader, "]")) return items;
  do {
    reader.path.push(items.length);
    items.push(readValue(reader, depth + 1));
    reader.path.pop();
  } while (goesOn(reader, "]"));
  return items;
}

function readObject(reader: Reader, depth: number): Readonly<Record<string, unknown>> {
  const members = new Map<string, unknown>();
  if (!entered(reader, "}")) return {};
  do {
    if (peek(reader) !== '"') throw mistake(reader, "a name in double quotes is expected");
    const { at } = reader;
    const name = readString(reader);
    if (members.has(name)) throw mistake(reader, `"${name}" is given twice in one object`, at);
    if (peek(reader) !== ":") throw mistake(reader, '":" is expected');
    reader.at += 1;
    reader.path.push(name);
    members.set(name, readValue(reader, depth + 1));
    reader.path.pop();
  } while (goesOn(reader, "}"));
  // fromEntries defines `__proto__` as a member like any other.
  return Object.fromEntries(members);
}
