/**
 * Stops asking an origin that nothing comes back from, so that its requests neither wait nor queue: one is let through
 * from time to time, and the first answer of any kind ends it. Consecutive failures alone open it, over some seconds and
 * of several accounts: a single account, whose requests may be what breaks or never ends, cannot take the origin from
 * the others. An isolate's own knowledge; it decides nothing about a version. Pure but for what it remembers.
 * Called by `forward.ts` for every attempt. Posture: open; where it knows nothing, it lets through.
 */
import type { AccountSlug, EpochMs } from "../contracts/units.ts";

/** Failures in a row that open it. */
export const OPENS_AFTER = 10;
/** From the first of them to the last: a restart of the origin is over before that. */
export const OPENS_OVER_MS = 2000;
/** Accounts that they must be of; everybody unknown counts as one. */
export const OPENS_OVER_ACCOUNTS = 3;
/** How long it stays shut before one may try: at first, and at most, doubling with every try. */
export const FIRST_WAIT_MS = 1000;
export const LAST_WAIT_MS = 5000;
/** Origins that fail at once; beyond that the one that has failed for longest is forgotten. */
const MAX_ORIGINS = 256;

/** Who asks which origin, as its text is published. */
export interface Asking {
  readonly origin: string;
  readonly account: AccountSlug | null;
  readonly nowMs: EpochMs;
}

export interface CircuitBreaker {
  /** False: answer at once, nothing would come of it. True to one asker only while it is open. */
  mayTry(asking: Asking): boolean;
  /** Something came back. */
  succeeded(origin: string): void;
  /** Nothing came back: no connection, one that broke, or no headers in time. */
  failed(asking: Asking): void;
}

interface Failing {
  failures: number;
  readonly firstMs: EpochMs;
  /** A few of the accounts. */
  readonly accounts: Set<AccountSlug | null>;
  /** When the next may try; null: all may. */
  openUntilMs: EpochMs | null;
  waitMs: number;
}

/** Creates the breaker of one isolate, for all its origins. */
export function createCircuitBreaker(): CircuitBreaker {
  const failing = new Map<string, Failing>();
  return {
    mayTry({ origin, nowMs }) {
      const found = failing.size === 0 ? undefined : failing.get(origin);
      if (found === undefined || found.openUntilMs === null) return true;
      // A clock that was put back must not keep it shut for longer than its longest wait.
      if (nowMs < found.openUntilMs && found.openUntilMs - nowMs <= LAST_WAIT_MS) return false;
      // This one tries, and until it is known how that went the next one waits, longer each time.
      found.openUntilMs = nowMs + found.waitMs;
      found.waitMs = Math.min(found.waitMs * 2, LAST_WAIT_MS);
      return true;
    },
    succeeded(origin) {
      if (failing.size > 0) failing.delete(origin);
    },
    failed({ origin, account, nowMs }) {
      const found = failing.get(origin) ?? remember(failing, origin, nowMs);
      found.failures += 1;
      if (found.accounts.size < OPENS_OVER_ACCOUNTS) found.accounts.add(account);
      if (found.openUntilMs !== null) return;
      const isDown =
        found.failures >= OPENS_AFTER &&
        found.accounts.size >= OPENS_OVER_ACCOUNTS &&
        nowMs - found.firstMs >= OPENS_OVER_MS;
      if (isDown) found.openUntilMs = nowMs + found.waitMs;
    },
  };
}

function remember(failing: Map<string, Failing>, origin: string, nowMs: EpochMs): Failing {
  const [oldest] = failing.keys();
  if (failing.size >= MAX_ORIGINS && oldest !== undefined) failing.delete(oldest);
  const made = {
    failures: 0,
    firstMs: nowMs,
    accounts: new Set<AccountSlug | null>(),
    openUntilMs: null,
    waitMs: FIRST_WAIT_MS,
  };
  failing.set(origin, made);
  return made;
}
