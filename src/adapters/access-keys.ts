/**
 * The keys that Cloudflare Access signs with, fetched where it publishes them and remembered by one isolate. They are asked
 * for at most once a minute, however many tokens name a key that is not there, and whether that worked or not: a flood of
 * made-up key ids causes no fetch of its own. Old keys serve on while new ones cannot be had, for a day.
 * Called by access-token.ts alone. Posture: closed; never rejects. Not jose's own remote set, which fetches for each request
 * while it has nothing, and once for each request that waits on the platform. RFC 7517.
 */
import { createLocalJWKSet } from "jose/jwks/local";
import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import { err, ok, type Result } from "../contracts/result.ts";
import type { EpochMs } from "../contracts/units.ts";
import type { Clock } from "./clock.ts";
import { createSingleFlight, waitAtMost } from "./maps-reader/single-flight.ts";
import { LOAD_DEADLINE_MS } from "./maps-reader/timing.ts";

/** However many ask for a key that is not there. */
export const KEYS_EVERY_MS = 60_000;
/** Looked at again behind a request, so that a key which was withdrawn does not count for as long as the isolate lives. */
export const KEYS_RENEWED_AFTER_MS = 60 * 60_000;
/** Older keys are not believed. Access rotates every six weeks, and takes old keys for seven days more. */
export const KEYS_BELIEVED_MS = 24 * 60 * 60_000;
/** A little more than a shared load takes at most: it ends the wait for one whose request went away. */
const WAIT_MS = LOAD_DEADLINE_MS + 500;
/** Two keys and their certificates are about 8 KB. */
const MAX_KEYS_CHARS = 128 * 1024;
const MAX_KEYS = 50;

/** The request that asks: what goes on behind it hangs on `waitUntil`. */
export interface Asking {
  readonly nowMs: EpochMs;
  readonly waitUntil: (work: Promise<unknown>) => void;
}

/** `unknown`: there is no such key. `unavailable`: what keys there are is not known. */
export type KeyFault = "unknown" | "unavailable";

export interface AccessKeys {
  find(kid: string, asking: Asking): Promise<Result<JWTVerifyGetKey, KeyFault>>;
}

export interface AccessKeysParts {
  readonly url: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly clock: Clock;
  /** Told of every fetch that failed. */
  readonly onFault: (why: string) => void;
}

interface Held {
  readonly resolve: JWTVerifyGetKey;
  readonly kids: ReadonlySet<string>;
  readonly sinceMs: EpochMs;
}

/** Builds the memory of one isolate, empty. */
export function createAccessKeys({ url, fetch, clock, onFault }: AccessKeysParts): AccessKeys {
  const flight = createSingleFlight<void>(clock);
  let held: Held | null = null;
  let triedMs: EpochMs | null = null;
  let failed = false;

  async function load(nowMs: EpochMs, isLive: () => boolean): Promise<void> {
    try {
      const keys = await fetchKeys(url, fetch);
      if (!isLive()) return;
      held = { ...keys, sinceMs: nowMs };
      failed = false;
    } catch (cause) {
      onFault(cause instanceof Error ? cause.message : String(cause));
    }
  }

  /** The fetch that runs, or one begun now where a minute has passed; null: not yet. */
  function renew({ nowMs, waitUntil }: Asking): Promise<void> | null {
    const running = flight.running(nowMs);
    if (running !== null) return running.done;
    // In both directions: a clock that was put back must not keep keys away for an hour.
    if (triedMs !== null && Math.abs(nowMs - triedMs) < KEYS_EVERY_MS) return null;
    triedMs = nowMs;
    // Until it is known that it worked: whoever does not wait for the end must not take old keys for all there are.
    failed = true;
    const asked = { nowMs, waitUntil };
    const late = (): void => onFault("no answer in time");
    return flight.start(asked, (ticket) => load(nowMs, () => ticket.live), late).done;
  }

  return {
    async find(kid, asking) {
      const { nowMs } = asking;
      const ageMs = held === null ? Infinity : Math.abs(nowMs - held.sinceMs);
      const known = held?.kids.has(kid) === true && ageMs < KEYS_BELIEVED_MS;
      const done = known && ageMs < KEYS_RENEWED_AFTER_MS ? null : renew(asking);
      // What is known is not waited for.
      if (!known && done !== null) await waitAtMost(clock, done, WAIT_MS);
      if (held === null || Math.abs(nowMs - held.sinceMs) >= KEYS_BELIEVED_MS) return err("unavailable");
      if (held.kids.has(kid)) return ok(held.resolve);
      return err(failed ? "unavailable" : "unknown");
    },
  };
}

async function fetchKeys(url: string, fetch: AccessKeysParts["fetch"]): Promise<Omit<Held, "sinceMs">> {
  const response = await fetch(url, {
    redirect: "manual",
    headers: { accept: "application/json" },
    signal: AbortSignal.timeout(LOAD_DEADLINE_MS),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`answered ${response.status}`);
  }
  const set: unknown = JSON.parse(await readBounded(response));
  const keys = keysOf(set);
  if (keys === null) throw new Error("answered something that is no key set");
  // Checks the set's shape; a key in it that cannot be read fails those alone who name it.
  const resolve = createLocalJWKSet({ keys } as JSONWebKeySet);
  const kids = keys.map(({ kid }) => kid).filter((kid) => typeof kid === "string");
  return { resolve, kids: new Set(kids) };
}

function keysOf(set: unknown): readonly { readonly kid?: unknown }[] | null {
  if (typeof set !== "object" || set === null || !("keys" in set) || !Array.isArray(set.keys)) return null;
  const keys: readonly unknown[] = set.keys;
  const isKey = (key: unknown): key is { kid?: unknown } => typeof key === "object" && key !== null;
  return keys.length > 0 && keys.length <= MAX_KEYS && keys.every(isKey) ? keys : null;
}

async function readBounded(response: Response): Promise<string> {
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
    if (text.length <= MAX_KEYS_CHARS) continue;
    await reader.cancel();
    throw new Error(`answered more than ${MAX_KEYS_CHARS} characters`);
  }
  return text + decoder.decode();
}
