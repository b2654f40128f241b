/**
 * Decides what a raw Host header (or the authority of an absolute-form target) names, by our own byte-level grammar.
 *
 * It must not use `URL` or any normaliser: WHATWG maps `acme%2eexample.com`, full-width letters and `0x7f.1` to clean
 * hosts, and `acme.example.com@evil` to `evil`. Refuse, do not repair. Called by `classify-request` and `parse-target`
 * for every request, so it is one loop over char codes, bounded by the longest name, whatever the header's length.
 * Posture: closed (whatever is not in the grammar is malformed). RFC 9112 §3.2, RFC 3986 §3.2.2, RFC 1123 §2.1.
 */

/** Why a Host is malformed: the leftmost fault, for counters and logs, never for the wire. */
export type HostFault =
  | "bad-byte" // outside [A-Za-z0-9.-]; two Host headers arrive joined as "a, b" and end here
  | "empty-label"
  | "label-too-long"
  | "hyphen-at-label-edge"
  | "name-too-long"
  | "bad-port"
  | "bad-ipv6";

/** A host that passed the grammar; `port` is null when there was none or an empty one. */
export type ValidHost =
  | { readonly kind: "ip"; readonly name: string; readonly port: number | null }
  | { readonly kind: "name"; readonly name: string; readonly port: number | null };

/** What a Host header can be; `none` is a missing or an empty one. */
export type ParsedHost =
  | { readonly kind: "none" }
  | { readonly kind: "malformed"; readonly reason: HostFault }
  | ValidHost;

const MAX_NAME_BYTES = 253; // RFC 1035 §2.3.4: 255 octets on the wire are 253 characters without the root dot
const MAX_LABEL_BYTES = 63; // RFC 1035 §2.3.4
const MAX_PORT = 65_535;
const MAX_PORT_DIGITS = 5;
const MAX_IPV6_GROUPS = 8; // RFC 4291 §2.2
const MAX_GROUP_DIGITS = 4;

const HYPHEN = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
const BRACKET_OPEN = 0x5b;
const LOWER_A = 0x61;
const LOWER_Z = 0x7a;

const BAD_PORT = -1;
const NONE: ParsedHost = { kind: "none" };

/**
 * Parses a raw Host header value.
 *
 * @param raw the header as it arrived, null when there was none.
 * @returns `none` for null or the empty text. `ip` for exactly four decimal octets or a bracketed IPv6 address.
 *   `name` for labels of 1–63 of `[a-z0-9-]` without a hyphen at an end, 253 in all; upper-case ASCII is lower-cased,
 *   one trailing dot and one port (1–65535 without leading zero, or an empty one) are stripped. Else `malformed`.
 *   An `ip` keeps its spelling in lower case, brackets included, so two spellings of one address are two names.
 *
 * @example parseHost("Acme.Kiln.Example.:8443") // { kind: "name", name: "acme.kiln.example", port: 8443 }
 */
export function parseHost(raw: string | null): ParsedHost {
  if (raw === null || raw === "") return NONE;
  if (raw.charCodeAt(0) === BRACKET_OPEN) return parseBracketed(raw);

  const limit = Math.min(raw.length, MAX_NAME_BYTES + 1); // one more for the trailing dot; bounds a header of 128 KB
  let hasUpper = false;
  let labelStart = 0;
  let end = 0;
  for (; end < limit; end++) {
    const code = raw.charCodeAt(end);
    if ((code >= LOWER_A && code <= LOWER_Z) || isDigit(code) || code === HYPHEN) continue;
    if (code === COLON) break;
    if (code === DOT) {
      const fault = findLabelFault(raw, labelStart, end);
      if (fault !== null) return malformed(fault);
      labelStart = end + 1;
    } else if (code >= UPPER_A && code <= UPPER_Z) {
      hasUpper = true;
    } else {
      return malformed("bad-byte");
    }
  }
  if (end < raw.length && raw.charCodeAt(end) !== COLON) return malformed("name-too-long");

  // The loop refused empty labels before a dot, so an empty one after it is the one trailing dot that is stripped.
  const hasTrailingDot = labelStart === end && end > 0;
  const nameEnd = hasTrailingDot ? end - 1 : end;
  if (!hasTrailingDot) {
    const fault = findLabelFault(raw, labelStart, end);
    if (fault !== null) return malformed(fault);
  }
  if (nameEnd > MAX_NAME_BYTES) return malformed("name-too-long");
  const port = parsePort(raw, end);
  if (port === BAD_PORT) return malformed("bad-port");

  const spelled = nameEnd === raw.length ? raw : raw.slice(0, nameEnd);
  const name = hasUpper ? spelled.toLowerCase() : spelled;
  return isIpv4(raw, 0, nameEnd) ? { kind: "ip", name, port } : { kind: "name", name, port };
}

function malformed(reason: HostFault): ParsedHost {
  return { kind: "malformed", reason };
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function findLabelFault(raw: string, start: number, end: number): HostFault | null {
  if (start === end) return "empty-label";
  if (end - start > MAX_LABEL_BYTES) return "label-too-long";
  if (raw.charCodeAt(start) === HYPHEN || raw.charCodeAt(end - 1) === HYPHEN) return "hyphen-at-label-edge";
  return null;
}

/** Parses what follows the name, from `start` on: nothing or `:` is null, `:1`–`:65535` the number, else BAD_PORT. */
function parsePort(raw: string, start: number): number | null {
  if (start === raw.length) return null;
  if (raw.charCodeAt(start) !== COLON) return BAD_PORT;
  const digits = raw.length - start - 1;
  if (digits === 0) return null;
  if (digits > MAX_PORT_DIGITS || raw.charCodeAt(start + 1) === ZERO) return BAD_PORT;
  let port = 0;
  for (let at = start + 1; at < raw.length; at++) {
    const code = raw.charCodeAt(at);
    if (!isDigit(code)) return BAD_PORT;
    port = port * 10 + (code - ZERO);
  }
  return port <= MAX_PORT ? port : BAD_PORT;
}

/** Parses `[IPv6]` with an optional port; zone ids and IPvFuture are outside the grammar. */
function parseBracketed(raw: string): ParsedHost {
  const close = raw.indexOf("]");
  if (close === -1 || !isIpv6(raw, 1, close)) return malformed("bad-ipv6");
  const port = parsePort(raw, close + 1);
  if (port === BAD_PORT) return malformed("bad-port");
  return { kind: "ip", name: raw.slice(0, close + 1).toLowerCase(), port };
}

/** Tells whether `text[start, end)` is four RFC 3986 dec-octets: 0–255, no leading zeros, no shorter or hex forms. */
function isIpv4(text: string, start: number, end: number): boolean {
  let dots = 0;
  let octet = 0;
  let digits = 0;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (digits === 0) return false;
      dots++;
      octet = 0;
      digits = 0;
      continue;
    }
    if (!isDigit(code)) return false;
    if (digits > 0 && octet === 0) return false;
    octet = octet * 10 + (code - ZERO);
    digits++;
    if (octet > 255) return false;
  }
  return dots === 3 && digits > 0;
}

/** Tells whether `text[start, end)` is an RFC 3986 IPv6address: eight groups, or fewer around exactly one `::`. */
function isIpv6(text: string, start: number, end: number): boolean {
  let groups = 0;
  let isCompressed = false;
  let at = start;
  if (text.startsWith("::", at)) {
    isCompressed = true;
    at += 2;
  }
  while (at < end) {
    const groupEnd = skipGroup(text, at, end);
    if (groupEnd < end && text.charCodeAt(groupEnd) === DOT) {
      return isIpv4(text, at, end) && fitsGroups(groups + 2, isCompressed);
    }
    if (groupEnd === at) return false;
    groups++;
    at = groupEnd;
    if (at === end) break;
    if (text.charCodeAt(at) !== COLON) return false;
    at++;
    if (at === end) return false; // a single colon at the end
    if (text.charCodeAt(at) !== COLON) continue;
    if (isCompressed) return false; // a second `::` would be ambiguous
    isCompressed = true;
    at++;
  }
  return fitsGroups(groups, isCompressed);
}

/** The index after the one to four hex digits that start at `at`; `at` itself when there are none. */
function skipGroup(text: string, at: number, end: number): number {
  const limit = Math.min(end, at + MAX_GROUP_DIGITS);
  let next = at;
  while (next < limit && isHexDigit(text.charCodeAt(next))) next++;
  return next;
}

function isHexDigit(code: number): boolean {
  const lower = code | 0x20;
  return isDigit(code) || (lower >= LOWER_A && lower <= 0x66);
}

/** `::` stands for at least one group, so a compressed address names at most seven. */
function fitsGroups(groups: number, isCompressed: boolean): boolean {
  return isCompressed ? groups < MAX_IPV6_GROUPS : groups === MAX_IPV6_GROUPS;
}
