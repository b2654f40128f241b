/**
 * Decides which form a raw request target has and where its path starts, before `URL` or Hono sees it.
 *
 * It must not resolve anything: `new URL("//evil", base)` changes the host, and WHATWG reads `/\evil` the same way, so
 * both are malformed in every form. A path keeps its bytes; dot segments are resolved by whoever builds the URL.
 * Called by `classify-request` with `request.url`: `/path`, `*` or an absolute URL on a proxy-style socket, an absolute
 * URL everywhere else. Posture: closed. RFC 9112 §3.2.
 */
import { MAX_TARGET_BYTES } from "../contracts/limits.ts";
import { parseHost, type ValidHost } from "./parse-host.ts";

/** Why a target is malformed, for counters and logs, never for the wire. */
export type TargetFault =
  | "empty-target"
  | "unknown-form" // neither `*` nor a path nor http(s)://
  | "double-slash" // `//` or `/\` where the path starts
  | "control-byte" // 0x00–0x20 and 0x7F: WHATWG drops tabs and line ends from the middle of a URL
  | "fragment"
  | "userinfo"
  | "bad-authority";

export type TargetScheme = "http" | "https";

/** What a request target can be; `pathAndQuery` always starts with exactly one `/`. */
export type ParsedTarget =
  | { readonly form: "asterisk" }
  | { readonly form: "origin"; readonly pathAndQuery: string }
  | {
      readonly form: "absolute";
      readonly scheme: TargetScheme;
      readonly authority: ValidHost;
      readonly pathAndQuery: string;
    }
  | { readonly form: "malformed"; readonly reason: TargetFault }
  | { readonly form: "too-long" };

const SLASH = 0x2f;
const QUESTION = 0x3f;
const BACKSLASH = 0x5c;
const HASH = 0x23;
const SPACE = 0x20;
const DELETE = 0x7f;

const ASTERISK: ParsedTarget = { form: "asterisk" };
const TOO_LONG: ParsedTarget = { form: "too-long" };

/**
 * Parses a raw request target.
 *
 * @param rawUrl the target as the platform hands it over.
 * @returns `too-long` above MAX_TARGET_BYTES (the caller answers 414), before any other fault. `asterisk` for `*`.
 *   `origin` for a path with exactly one leading `/`. `absolute` for http or https in any case, a host that `parseHost`
 *   calls a name or an ip, and a path that is empty (it becomes `/`), a query, or one with exactly one leading `/`.
 *   Else `malformed`.
 *
 * @example parseTarget("HTTP://acme.kiln.example?q=1")
 * // { form: "absolute", scheme: "http", authority: { kind: "name", … }, pathAndQuery: "/?q=1" }
 */
export function parseTarget(rawUrl: string): ParsedTarget {
  if (rawUrl === "*") return ASTERISK;
  if (rawUrl.length > MAX_TARGET_BYTES) return TOO_LONG;
  const fault = scanBytes(rawUrl);
  if (fault === "too-long") return TOO_LONG;
  if (fault !== null) return malformed(fault);
  if (rawUrl === "") return malformed("empty-target");
  if (rawUrl.charCodeAt(0) !== SLASH) return parseAbsolute(rawUrl);
  return isDoubleSlash(rawUrl, 0) ? malformed("double-slash") : { form: "origin", pathAndQuery: rawUrl };
}

function malformed(reason: TargetFault): ParsedTarget {
  return { form: "malformed", reason };
}

/** Finds the bytes no form may contain, and counts UTF-8 bytes, which exceed the characters in a non-ASCII target. */
function scanBytes(rawUrl: string): "too-long" | "control-byte" | "fragment" | null {
  let fault: "control-byte" | "fragment" | null = null;
  let extraBytes = 0;
  for (let at = 0; at < rawUrl.length; at++) {
    const code = rawUrl.charCodeAt(at);
    if (code > HASH && code < DELETE) continue; // nearly every byte of nearly every target
    if (code <= SPACE || code === DELETE) fault ??= "control-byte";
    else if (code === HASH) fault ??= "fragment";
    else if (code > DELETE) extraBytes += countExtraBytes(code);
  }
  return rawUrl.length + extraBytes > MAX_TARGET_BYTES ? "too-long" : fault;
}

/** UTF-8 bytes of one UTF-16 unit beyond its first; the four bytes of a surrogate pair are two for each half. */
function countExtraBytes(code: number): number {
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  return code < 0x800 || isSurrogate ? 1 : 2;
}

function isDoubleSlash(rawUrl: string, pathStart: number): boolean {
  const second = rawUrl.charCodeAt(pathStart + 1);
  return second === SLASH || second === BACKSLASH;
}

function parseAbsolute(rawUrl: string): ParsedTarget {
  const scheme = parseScheme(rawUrl);
  if (scheme === null) return malformed("unknown-form");
  const authorityStart = scheme.length + "://".length;
  const authorityEnd = findAuthorityEnd(rawUrl, authorityStart);
  const rawAuthority = rawUrl.slice(authorityStart, authorityEnd);
  if (rawAuthority.includes("@")) return malformed("userinfo");
  const authority = parseHost(rawAuthority);
  if (authority.kind === "none" || authority.kind === "malformed") return malformed("bad-authority");

  const rest = rawUrl.slice(authorityEnd);
  if (rest.charCodeAt(0) !== SLASH) return { form: "absolute", scheme, authority, pathAndQuery: `/${rest}` };
  if (isDoubleSlash(rest, 0)) return malformed("double-slash");
  return { form: "absolute", scheme, authority, pathAndQuery: rest };
}

function parseScheme(rawUrl: string): TargetScheme | null {
  const head = rawUrl.slice(0, "https://".length).toLowerCase();
  if (head === "https://") return "https";
  return head.startsWith("http://") ? "http" : null;
}

/** An authority ends at `/`, `?` or the end; a backslash stays in it, where `parseHost` refuses it. */
function findAuthorityEnd(rawUrl: string, start: number): number {
  for (let at = start; at < rawUrl.length; at++) {
    const code = rawUrl.charCodeAt(at);
    if (code === SLASH || code === QUESTION) return at;
  }
  return rawUrl.length;
}
