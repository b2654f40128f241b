/**
 * How long publishes of moves that carry data settle in one deployment, and how fresh maps must be there. Everything
 * follows from one number, how old what KV answers may be: 120 s on Cloudflare; less is for tests and local runs, whose
 * KV does not lag. Read by the configuration, the edge and control.
 */
import {
  MAPS_FRESH_MS,
  REPORT_LAG_MS,
  SETTLE_LEAST_MS,
  SETTLE_TIMES,
  type SettleTimes,
} from "./move-data.ts";

/** Settling of a deployment. */
export interface Settling extends SettleTimes {
  /** How old maps may be from which an account that moves with its data is answered. */
  readonly freshMs: number;
}

/** Example: 120 s: least 140 s, unseen 180 s, fresh 60 s; 2 s: answered from maps of the last second, settled after 3 s. */
export function settlingFor(lagMs: number): Settling {
  const freshMs = Math.min(MAPS_FRESH_MS, lagMs / 2);
  const unseenMs = lagMs + freshMs;
  const leastMs = Math.min(SETTLE_LEAST_MS, lagMs + REPORT_LAG_MS, unseenMs);
  return { ...SETTLE_TIMES, leastMs, unseenMs, freshMs };
}
