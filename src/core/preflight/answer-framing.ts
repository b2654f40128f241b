/**
 * Decides, from the head of an HTTP/1.x answer, whether it is well formed and where its body ends (RFC 9112 §4–§6).
 * Strict where leniency has been an attack (two lengths, length and chunked, obs-fold, space before the colon), tolerant
 * where servers differ harmlessly (bare LF, no reason phrase). Works on whole lines; `response-reader` cuts them.
 * A fault is a value with a name, never an exception. It must not look at the body.
 */
import type { ExchangeFault } from "../../contracts/preflight.ts";
import { err, ok, type Result } from "../../contracts/result.ts";

export interface StatusLine {
  readonly status: number;
  readonly reasonPhrase: string;
}

export type HeaderField = readonly [name: string, value: string];

/** How the body ends: there is none, after so many bytes, by chunks, or when the connection does. */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" };

const STATUS_LINE = /^HTTP\/1\.[0-9] ([1-9][0-9]{2})(?: (.*))?$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)$/; // RFC 9110 §5.6.2: no space before the colon
const FORBIDDEN = /[\x00-\x08\x0a-\x1f\x7f]/; // oxlint-disable-line no-control-regex -- what a field line may not hold
const LENGTH = /^[0-9]{1,15}$/;
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;.*)?$/;

/** Parses the first line, without its line end. Any digit after `HTTP/1.` will do. */
export function parseStatusLine(line: string): Result<StatusLine, ExchangeFault> {
  const match = FORBIDDEN.test(line) ? null : STATUS_LINE.exec(line);
  if (match === null) return err("malformed-status-line");
  return ok({ status: Number(match[1]), reasonPhrase: match[2] ?? "" });
}

/** Parses one field line; a line that begins with white space continues the one before it, which nobody may do. */
export function parseField(line: string): Result<HeaderField, ExchangeFault> {
  if (line.startsWith(" ") || line.startsWith("\t")) return err("obs-fold");
  const match = FORBIDDEN.test(line) ? null : FIELD.exec(line);
  if (match?.[1] === undefined) return err("malformed-header");
  return ok([match[1], trimBlanks(match[2] ?? "")]);
}

/** By hand: a pattern that ends in "blanks, then the end" tries every blank of a run, and a candidate may send 128 KB of them. */
function trimBlanks(text: string): string {
  const isBlank = (at: number): boolean => text[at] === " " || text[at] === "\t";
  let [from, to] = [0, text.length];
  while (from < to && isBlank(from)) from += 1;
  while (to > from && isBlank(to - 1)) to -= 1;
  return text.slice(from, to);
}

/** Bytes of the next chunk; 0 is the last one. */
export function parseChunkSize(line: string): Result<number, ExchangeFault> {
  const digits = CHUNK_SIZE.exec(line)?.[1];
  return digits === undefined ? err("bad-chunk") : ok(Number.parseInt(digits, 16));
}

/** Values of a field, in order, without regard to case. */
export function fieldValues(fields: readonly HeaderField[], name: string): string[] {
  return fields.filter(([field]) => field.toLowerCase() === name).map(([, value]) => value);
}

/**
 * Decides the framing of a final answer. Contradictions are faults even where no body follows, since the proxy between
 * may see it otherwise.
 * @param isHead whether the request was HEAD, to which no body belongs.
 */
export function decideFraming(
  status: number,
  fields: readonly HeaderField[],
  isHead: boolean,
): Result<Framing, ExchangeFault> {
  const lengths = fieldValues(fields, "content-length");
  const codings = fieldValues(fields, "transfer-encoding");
  if (lengths.length > 1 || lengths[0]?.includes(",") === true) return err("duplicate-length");
  if (lengths.length > 0 && codings.length > 0) return err("length-and-chunked");
  if (lengths[0] !== undefined && !LENGTH.test(lengths[0])) return err("bad-length");
  if (codings.length > 0 && codings.join(",").toLowerCase() !== "chunked")
    return err("unknown-transfer-encoding");
  if (isHead || status < 200 || status === 204 || status === 304) return ok({ kind: "none" });
  if (codings.length > 0) return ok({ kind: "chunked" });
  return ok(lengths[0] === undefined ? { kind: "close" } : { kind: "length", bytes: Number(lengths[0]) });
}
