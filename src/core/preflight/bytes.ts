/**
 * Bytes of requests and back: builds exactly what a probe writes, and shows bytes as text that is safe to store and read.
 * It must not check meaning (a probe may be wrong on purpose) and never lets text become a line break it was not.
 * Called by the matrix and by `judge`. Secrets are taken out here, because evidence is shown to every viewer.
 */

/** One request as it is written. `host` null leaves the line out; framing headers are added by us alone. */
export interface WireRequest {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: "1.0" | "1.1";
  readonly host: string | null;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | null;
}

const ELLIPSIS_ROOM = 32;
const CR = 0x0d;
const LF = 0x0a;
const BACKSLASH = 0x5c;
/** Values that let somebody in; `signature` is the router's own, good for a minute. */
const SECRET_FIELD = /^((?:proxy-)?authorization|cookie|set-cookie|x-api-key):[^\r\n]*/gim;
const SECRET_SIGNATURE = /(signature=)(?:"[^"\r\n]*"?|:[^:\r\n]*:?)/gi;

/** Text whose characters are bytes (U+0000–U+00FF) as those bytes. */
export function latin1Bytes(text: string): Uint8Array {
  // A plain loop: every weighing of a version writes its whole matrix, and `from` takes ten times as long.
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at) & 0xff;
  return bytes;
}

/** Bytes as text, one character each. */
export function latin1Text(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/**
 * Writes a request: line, Host (first, as load balancers do), headers, `Content-Length` where there is a body.
 * @param request checked by `refuseOwnProbe`, or one of ours; values must be free of CR and LF.
 */
export function requestBytes(request: WireRequest): Uint8Array {
  const body = request.body === null ? null : new TextEncoder().encode(request.body);
  const lines = [`${request.method} ${request.target} HTTP/${request.httpVersion}`];
  if (request.host !== null) lines.push(request.host === "" ? "Host:" : `Host: ${request.host}`);
  for (const [name, value] of request.headers) lines.push(`${name}: ${value}`);
  if (body !== null) lines.push(`Content-Length: ${body.length}`);
  const head = latin1Bytes(`${lines.join("\r\n")}\r\n\r\n`);
  if (body === null) return head;
  const all = new Uint8Array(head.length + body.length);
  all.set(head);
  all.set(body, head.length);
  return all;
}

/**
 * Shows bytes as text: printable ASCII as it is, CR and LF as `\r\n` followed by a real line break so that people can
 * read it, everything else as `\xNN`; authorization, cookies and signatures removed.
 * @returns at most `maxChars` characters; what was left out is counted at the end.
 *
 * @example escapeBytes(latin1Bytes("GET / HTTP/1.0\r\n\r\n"), 4096) // "GET / HTTP/1.0\\r\\n\n\\r\\n\n"
 */
export function escapeBytes(bytes: Uint8Array, maxChars: number): string {
  // One byte gives at least one character, so nothing beyond `maxChars` bytes could be shown.
  const looked = bytes.subarray(0, maxChars);
  const text = removeSecrets(latin1Text(looked));
  const note = `… (${bytes.length} bytes in all)`;
  let shown = "";
  for (let at = 0; at < text.length; at++) {
    const piece = escapeCode(text.charCodeAt(at));
    if (shown.length + piece.length > maxChars - ELLIPSIS_ROOM) return shown + note;
    shown += piece;
  }
  return looked.length < bytes.length ? shown + note : shown;
}

function removeSecrets(text: string): string {
  return text.replace(SECRET_FIELD, "$1: (removed)").replace(SECRET_SIGNATURE, '$1"(removed)"');
}

function escapeCode(code: number): string {
  if (code === CR) return "\\r";
  if (code === LF) return "\\n\n";
  if (code === BACKSLASH) return "\\\\";
  if (code >= 0x20 && code <= 0x7e) return String.fromCharCode(code);
  return `\\x${code.toString(16).padStart(2, "0")}`;
}
