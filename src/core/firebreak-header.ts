/**
 * Writes the `Firebreak` request header: an RFC 9651 dictionary that tells an origin product, account, version and
 * request id, signed where an origin key is configured, so that the origin can refuse traffic that did not come
 * through the router. Called by the edge for every attempt to reach an origin, and by the control plane for probes.
 * The signature is HMAC-SHA256 over `minute\nhost\naccount\nversion` (host as in `X-Forwarded-Host`, account empty when
 * unknown) and is computed once a minute for the same four: an HMAC per request would cost a fifth of it.
 * Replay: a signed header is good for the minute it names; origins should take the present minute and its neighbours.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { NamedKey } from "../contracts/env.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "../contracts/units.ts";

const MINUTE_MS = 60_000;
/** Random hosts must not fill the memory; with more than this many in a minute the cache starts over. */
const MAX_CACHED = 4096;

export interface FirebreakFacts {
  readonly product: ProductName;
  /** Null when the request names no known account. */
  readonly account: AccountSlug | null;
  /** Null while only the compiled-in fallback is known. */
  readonly version: VersionName | null;
  /** As in `X-Forwarded-Host`. */
  readonly host: string;
  readonly requestId: string;
  /** A copy whose answer nobody gets: the origin may leave out what has effects. */
  readonly mirror?: true;
}

/** Gives the header's value for one request at one time. */
export type WriteFirebreakHeader = (facts: FirebreakFacts, nowMs: EpochMs) => string;

/** Creates the writer of one isolate; without a key nothing is signed and nothing cached. */
export function createFirebreakHeader(originKey: NamedKey | null): WriteFirebreakHeader {
  if (originKey === null) return (facts) => `${describe(facts)}, request=${quote(facts.requestId)}`;
  const sign = createSigner(originKey);
  return (facts, nowMs) =>
    `${describe(facts)}, request=${quote(facts.requestId)}, ${sign(facts, Math.floor(nowMs / MINUTE_MS))}`;
}

function describe({ product, account, version, mirror }: FirebreakFacts): string {
  const named = account === null ? "" : `, account=${tokenOrString(account)}`;
  const released = version === null ? "" : `, version=${quote(version)}`;
  return `product=${tokenOrString(product)}${named}${released}${mirror === true ? ", mirror" : ""}`;
}

const TOKEN_START = /^[a-z]/;

/** A token must begin with a letter (RFC 9651, 3.3.4); slugs may begin with a digit. Slugs need no escaping. */
function tokenOrString(slug: string): string {
  return TOKEN_START.test(slug) ? slug : `"${slug}"`;
}

/** A String of RFC 9651, 3.3.3. What is quoted here is ASCII by its own grammar. */
function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function createSigner({ kid, secret }: NamedKey): (facts: FirebreakFacts, minute: number) => string {
  const keyed = hmac.create(sha256, utf8ToBytes(secret));
  const keyId = quote(kid);
  let cachedMinute = -1;
  let cache = new Map<string, string>();

  return ({ host, account, version }, minute) => {
    if (minute !== cachedMinute || cache.size >= MAX_CACHED) {
      cachedMinute = minute;
      cache = new Map();
    }
    const message = `${minute}\n${host}\n${account ?? ""}\n${version ?? ""}`;
    const cached = cache.get(message);
    if (cached !== undefined) return cached;
    const signature = toBase64(keyed.clone().update(utf8ToBytes(message)).digest());
    const members = `time=${minute}, signature=:${signature}:, key=${keyId}`;
    cache.set(message, members);
    return members;
  };
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
