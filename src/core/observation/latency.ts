/**
 * Latencies as counts in classes: which class a time belongs to. On the path of every request, so the times that nearly
 * all requests take are looked up in a table made once. Pure. The bounds are in contracts/observation.
 */
import { LATENCY_BOUNDS_MS, LATENCY_BUCKETS } from "../../contracts/observation.ts";

const TABLE_MS = 1000;

const BUCKET_BY_MS: Uint8Array = Uint8Array.from({ length: TABLE_MS + 1 }, (_, ms) => search(ms));

/**
 * Number of the class that a time falls into: the first whose bound is not below it.
 *
 * @param latencyMs whole milliseconds; below zero (a clock that was put back) counts as zero.
 *
 * Worked examples: 0 and 1 → 0; 4 → 3 (4 to 5 ms); 1,001 → 21 (1,001 to 1,200 ms); 200,000 → 37, the last.
 */
export function latencyBucket(latencyMs: number): number {
  const whole = Math.ceil(Math.max(0, latencyMs));
  return BUCKET_BY_MS[whole] ?? search(whole);
}

/** Classes without a request. */
export function emptyLatency(): number[] {
  return Array.from({ length: LATENCY_BUCKETS }, () => 0);
}

function search(ms: number): number {
  const found = LATENCY_BOUNDS_MS.findIndex((bound) => ms <= bound);
  return found === -1 ? LATENCY_BUCKETS - 1 : found;
}
