/**
 * JSON with one spelling for one value: sorted member names, no spaces, ASCII only.
 * Hashes and checksums are over text, so equal maps must be equal bytes, and one character must be one byte.
 * Called by the encoders of this folder. Takes plain data only.
 */

/** Everything outside printable ASCII; JSON itself escapes what is below a space. */
const NOT_PRINTABLE_ASCII = /[^ -~]/g;

/** Rewrites JSON text so that every character is printable ASCII, by `\uXXXX` escapes. */
function escapeToAscii(json: string): string {
  return json.replace(
    NOT_PRINTABLE_ASCII,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The same data with sorted members. Made before the text and not by a replacer, which costs several times as much. */
function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const members = Object.entries(value).map(([name, member]) => [name, sorted(member)] as const);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Deterministic ASCII JSON of plain data: the same value gives the same bytes, whatever the order of its members. */
export function canonicalJson(value: unknown): string {
  return escapeToAscii(JSON.stringify(sorted(value)));
}
