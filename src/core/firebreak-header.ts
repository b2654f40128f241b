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
import type { NamedKey } from "../contracts/env.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "../contracts/units.ts";
import { createRecent } from "./recent.ts";
import { utf8Bytes } from "./utf8.ts";

const MINUTE_MS = 60_000;
/** Random hosts must not fill the memory: twice as many at most, a few hundred bytes each. */
const HALF = 4096;
const SHA256_BYTES = 32;

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
  const cache = createRecent<Written>(HALF);
  let cachedMinute = -1;

  return (facts, nowMs) => {
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute !== cachedMinute) {
      cachedMinute = minute;
      cache.clear();
    }
    const { host, requestId } = facts;
    let written = cache.get(host);
    if (written === undefined || !isSameBut(written.facts, facts)) {
      written = { facts, before: describe(facts), after: sign(facts, minute) };
      cache.set(host, written);
    }
    return `${written.before}, request=${quote(requestId)}, ${written.after}`;
  };
}

/** What stands before and behind the request id, for everything else that a header says. */
interface Written {
  readonly facts: FirebreakFacts;
  readonly before: string;
  readonly after: string;
}

/** Whether two headers of one host differ in the request id at most. */
function isSameBut(a: FirebreakFacts, b: FirebreakFacts): boolean {
  return (
    a.version === b.version && a.account === b.account && a.product === b.product && a.mirror === b.mirror
  );
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

/** A String of RFC 9651, 3.3.3. What is quoted here is ASCII by its own grammar, and hardly ever needs escaping. */
function quote(text: string): string {
  if (!text.includes("\\") && !text.includes('"')) return `"${text}"`;
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** Signs with one state made anew each time: what is cloned for every signature costs more than hashing does. */
function createSigner({ kid, secret }: NamedKey): (facts: FirebreakFacts, minute: number) => string {
  const keyed = hmac.create(sha256, utf8Bytes(secret));
  const state = keyed.clone();
  const digest = new Uint8Array(SHA256_BYTES);
  const keyId = quote(kid);

  return ({ host, account, version }, minute) => {
    const message = `${minute}\n${host}\n${account ?? ""}\n${version ?? ""}`;
    keyed._cloneInto(state).update(utf8Bytes(message)).digestInto(digest);
    return `time=${minute}, signature=:${toBase64(digest)}:, key=${keyId}`;
  };
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
