/**
 * Slows the guessing of tokens: counts failed authentications by client and refuses further ones for a while.
 * Counted in this isolate alone, which a bound rate limit adds the location to (adapters/location-limit.ts): a brake that
 * keeps the control plane from being flooded, not a ledger, against tokens of 256 bits. Owned by one createAdmin.
 * A token that was good here lately is never slowed, so nobody can lock an operator out from the same address.
 */
import type { EpochMs } from "../contracts/units.ts";

/** A client may fail this often in a window before it has to wait for the window's end. */
export const MAX_FAILURES = 20;
export const FAILURE_WINDOW_MS = 60_000;
/** Clients and tokens remembered at most; the oldest is forgotten first. */
const MAX_CLIENTS = 2_000;
const MAX_GOOD_TOKENS = 500;
/** How long a token that was good is let through to be checked again, whatever its neighbours do. */
const GOOD_FOR_MS = 10 * 60_000;

interface Window {
  readonly since: EpochMs;
  readonly failures: number;
}

export interface FailureLimiter {
  /** Seconds until this client may try again; 0 when it may now. `tokenHash` exempts a token that was good lately. */
  waitSeconds(client: string, tokenHash: string, nowMs: EpochMs): number;
  failed(client: string, nowMs: EpochMs): void;
  /** The client failed too often elsewhere: it waits as if it had here. */
  exhausted(client: string, nowMs: EpochMs): void;
  succeeded(tokenHash: string, nowMs: EpochMs): void;
}

/** Builds an empty limiter; all its memory lives in the returned value, bounded. */
export function createFailureLimiter(): FailureLimiter {
  const windows = new Map<string, Window>();
  const good = new Map<string, EpochMs>();

  return {
    waitSeconds(client, tokenHash, nowMs) {
      const window = current(windows.get(client), nowMs);
      if (window.failures < MAX_FAILURES) return 0;
      const goodAt = good.get(tokenHash);
      if (goodAt !== undefined && nowMs - goodAt < GOOD_FOR_MS) return 0;
      return Math.max(1, Math.ceil((window.since + FAILURE_WINDOW_MS - nowMs) / 1000));
    },
    failed(client, nowMs) {
      const { since, failures } = current(windows.get(client), nowMs);
      put(windows, [client, { since, failures: failures + 1 }], MAX_CLIENTS);
    },
    exhausted(client, nowMs) {
      const { since } = current(windows.get(client), nowMs);
      put(windows, [client, { since, failures: MAX_FAILURES }], MAX_CLIENTS);
    },
    succeeded(tokenHash, nowMs) {
      put(good, [tokenHash, nowMs], MAX_GOOD_TOKENS);
    },
  };
}

/** The running window, or a fresh one when there is none, it is over, or the clock went back. */
function current(window: Window | undefined, nowMs: EpochMs): Window {
  const fresh = window === undefined || nowMs - window.since >= FAILURE_WINDOW_MS || nowMs < window.since;
  return fresh ? { since: nowMs, failures: 0 } : window;
}

/** Puts an entry last, and forgets the first when there are too many: a Map keeps the order of insertion. */
function put<V>(map: Map<string, V>, [key, value]: readonly [string, V], max: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= max) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
