/**
 * Cuts a stream of bytes into numbered lines of text, whatever the chunks it arrives in.
 * It must not keep more than one line, and never repairs: a line that is too long or no UTF-8 is reported by its number,
 * and the next one is read as if nothing had happened. Used by import and restore. Handles CRLF, a byte order mark at the
 * very beginning, blank lines (counted, not given) and a last line without an end.
 */

/** A chunk may be as large as its sender likes; it is worked through in pieces of this size. */
const PIECE_BYTES = 64 * 1024;
const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = "\ufeff";
/** No UTF-16 unit takes more bytes in UTF-8, so shorter texts need no measuring. */
const MAX_BYTES_PER_UNIT = 3;
const EMPTY = new Uint8Array(0);

/** One line, numbered from 1: its text, or why it has none. */
export type Line =
  | { readonly line: number; readonly text: string; readonly fault: null }
  | { readonly line: number; readonly text: null; readonly fault: string };

/** The body ended before its end: the client went away, or a proxy cut it off. */
export class BodyCutOff extends Error {}

/**
 * Reads lines in groups, one group for each piece that completes any.
 * @throws BodyCutOff when the stream fails. Leaving the loop early cancels the stream.
 */
export async function* readLines(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): AsyncGenerator<readonly Line[]> {
  if (body === null) return;
  const splitter = createLineSplitter(maxBytes);
  const reader = body.getReader();
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        finished = true;
        throw new BodyCutOff("the request body ended early", { cause });
      });
      if (done) break;
      for (let at = 0; at < value.byteLength; at += PIECE_BYTES) {
        const lines = splitter.push(value.subarray(at, at + PIECE_BYTES));
        if (lines.length > 0) yield lines;
      }
    }
    finished = true;
    yield splitter.end();
  } finally {
    // Cancelling tells the sender to stop; a stream that already ended has nobody to tell.
    if (!finished) await reader.cancel().catch(() => undefined);
  }
}

export interface LineSplitter {
  /** The lines that these bytes complete. */
  push(bytes: Uint8Array): readonly Line[];
  /** The last line, when it had no end. */
  end(): readonly Line[];
}

/** Builds a splitter; between calls it holds at most `maxBytes` of an unfinished line. */
export function createLineSplitter(maxBytes: number): LineSplitter {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let number = 0;
  let carried: Uint8Array = EMPTY;
  let skipping = false;

  function tooLong(line: number): Line {
    return { line, text: null, fault: `is longer than ${maxBytes} bytes` };
  }

  /** Gives one decoded line, unless it is blank. */
  function give(raw: string, lines: Line[]): void {
    number++;
    let text = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    if (number === 1 && text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
    if (text.length * MAX_BYTES_PER_UNIT > maxBytes && new TextEncoder().encode(text).byteLength > maxBytes)
      lines.push(tooLong(number));
    else if (text.trim() !== "") lines.push({ line: number, text, fault: null });
  }

  /** Whole lines at once, because decoding each by itself takes several times as long. */
  function giveAll(bytes: Uint8Array, lines: Line[]): void {
    const text = decode(decoder, bytes);
    if (text !== null) for (const raw of text.split("\n")) give(raw, lines);
    else giveEach(bytes, lines);
  }

  function giveEach(bytes: Uint8Array, lines: Line[]): void {
    for (let start = 0; start <= bytes.byteLength;) {
      const found = bytes.indexOf(NEWLINE, start);
      const end = found === -1 ? bytes.byteLength : found;
      const text = decode(decoder, bytes.subarray(start, end));
      if (text !== null) give(text, lines);
      else lines.push({ line: ++number, text: null, fault: "is not UTF-8" });
      start = end + 1;
    }
  }

  return {
    push(bytes) {
      const lines: Line[] = [];
      const start = skipping ? bytes.indexOf(NEWLINE) + 1 : 0;
      if (skipping && start === 0) return lines;
      skipping = false;
      const last = bytes.lastIndexOf(NEWLINE);
      if (last >= start) giveAll(join(carried, bytes.subarray(start, last)), lines);
      const rest = bytes.subarray(Math.max(start, last + 1));
      carried = last >= start ? rest.slice() : join(carried, rest);
      if (carried.byteLength > maxBytes) {
        lines.push(tooLong(++number));
        carried = EMPTY;
        skipping = true;
      }
      return lines;
    },
    end() {
      const lines: Line[] = [];
      if (carried.byteLength > 0) giveAll(carried, lines);
      carried = EMPTY;
      return lines;
    },
  };
}

function decode(decoder: TextDecoder, bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.byteLength === 0) return b.slice();
  const both = new Uint8Array(a.byteLength + b.byteLength);
  both.set(a);
  both.set(b, a.byteLength);
  return both;
}
