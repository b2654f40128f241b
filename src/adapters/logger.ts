/**
 * Writes structured log lines: one JSON object a line, with every text in it made harmless first.
 * It must never be given cookies, authorization, tokens or query strings; it cannot recognise them all. Fields whose
 * name says that they are one are blanked anyway, as the second line of defence.
 * Called by the edge, the reader and admin. Posture: a line that cannot be written is lost, a request never is.
 * Log injection: OWASP ASVS 16.4.1.
 */

/** Longest text of one field; longer ones are cut. */
const MAX_FIELD_CHARS = 256;
/** How deep a field may be nested; what lies deeper is left out. */
const MAX_DEPTH = 3;
/** How many members of one object or list are written. */
const MAX_MEMBERS = 32;

/** C0, DEL, C1, line and paragraph separators, and the marks that turn the direction of text around. */
const UNSAFE_CHARS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g; // eslint-disable-line no-control-regex -- these are exactly what must go
const SECRET_NAME = /^(?:authorization|cookie|set-cookie|token|secret|password|signature)$/i;

export interface Logger {
  /** Writes one line. `event` is a fixed name; `fields` are facts. Never throws. */
  line(event: string, fields: Readonly<Record<string, unknown>>): void;
}

/** Cuts a text to 256 characters and takes out what could forge or hide log lines. */
export function cleanText(text: string): string {
  const cut = text.length > MAX_FIELD_CHARS ? text.slice(0, MAX_FIELD_CHARS) : text;
  return cut.replace(UNSAFE_CHARS, "");
}

function cleanValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") return cleanText(value);
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (value instanceof Error) return { name: cleanText(value.name), message: cleanText(value.message) };
  if (typeof value !== "object" || depth === 0) return undefined;
  if (Array.isArray(value)) return value.slice(0, MAX_MEMBERS).map((each) => cleanValue(each, depth - 1));
  return cleanRecord(value, depth);
}

function cleanRecord(record: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(record).slice(0, MAX_MEMBERS);
  return Object.fromEntries(
    entries.map(([name, value]: [string, unknown]) => [
      cleanText(name),
      SECRET_NAME.test(name) ? "[removed]" : cleanValue(value, depth - 1),
    ]),
  );
}

/**
 * Creates a logger.
 * @param write takes the finished line; the console of the isolate when it is left out.
 */
export function createLogger(write: (line: string) => void = (line) => console.log(line)): Logger {
  return {
    line(event, fields) {
      try {
        write(JSON.stringify({ event: cleanText(event), ...cleanRecord(fields, MAX_DEPTH) }));
      } catch {
        // A getter that throws or a number JSON cannot write: losing the line is the lesser harm.
      }
    },
  };
}
