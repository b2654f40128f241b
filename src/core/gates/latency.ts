/**
 * Latency as a plain guardrail: the p95 of moved accounts against the not moved ones in the same window of time; two slow
 * windows in a row are slow. No test: answers of one minute depend on each other, and a slow hour is a fact whatever its
 * p-value. Pure; called by verdict. A quiet cohort gets longer windows, never a verdict from a handful of answers. §5.2.
 */
import type { LatencyCounts, LatencyNumbers, LatencyPolicy, LatencyWindow } from "../../contracts/gate.ts";

/** Slow windows in a row that are one too many. */
export const SLOW_WINDOWS = 2;
const P95 = 0.95;

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

function plus(a: readonly number[], b: readonly number[]): readonly number[] {
  return a.map((count, index) => count + (b[index] ?? 0));
}

/**
 * A quantile of a histogram, between the bounds of its class by proportion. In the last, open class it is that class's
 * lower bound: the least it can be. Null without counts.
 *
 * Worked example: bounds 100, 200, Infinity, counts 90, 8, 2: the 95th of 100 is 5 of 8 into the second class → 162.5.
 */
export function quantileMs(
  counts: readonly number[],
  boundsMs: readonly number[],
  share: number,
): number | null {
  const total = sum(counts);
  if (total <= 0) return null;
  let left = share * total;
  let lower = 0;
  for (const [index, count] of counts.entries()) {
    const upper = boundsMs[index] ?? Infinity;
    if (left <= count && count > 0)
      return upper === Infinity ? lower : lower + ((upper - lower) * left) / count;
    left -= count;
    if (upper !== Infinity) lower = upper;
  }
  return lower;
}

/** One window with enough answers on both sides, and whom the moved accounts are compared with. */
interface FullWindow {
  readonly moved: readonly number[];
  readonly others: readonly number[];
}

/**
 * Neighbouring windows put together until both sides have enough answers; what is left at the end is not full yet.
 * Where the not moved side never gets there, the moved accounts' own past stands in for it.
 */
function fullWindows({ windows, past }: LatencyCounts, minRequests: number): readonly FullWindow[] {
  const others = windows.reduce((total, { notMoved }) => total + sum(notMoved), 0);
  const moved = windows.reduce((total, window) => total + sum(window.moved), 0);
  const alone = others < minRequests && moved >= minRequests && past !== null && sum(past) >= minRequests;
  const full: FullWindow[] = [];
  let open: Pick<LatencyWindow, "moved" | "notMoved"> | null = null;
  for (const window of windows) {
    open =
      open === null
        ? window
        : { moved: plus(open.moved, window.moved), notMoved: plus(open.notMoved, window.notMoved) };
    if (sum(open.moved) < minRequests) continue;
    if (!alone && sum(open.notMoved) < minRequests) continue;
    full.push({ moved: open.moved, others: alone && past !== null ? past : open.notMoved });
    open = null;
  }
  return full;
}

/**
 * p95 of the newest full window, and how many windows up to it were slow: `ratio` times the others' p95, and `floorMs`
 * more. Worked example, ratio 1.5 and floor 250 ms: 900 against 400 ms is slow; 30 against 10 ms is not.
 */
export function latencyNumbers(counts: LatencyCounts, policy: LatencyPolicy): LatencyNumbers {
  const pairs = fullWindows(counts, policy.minRequests).map(({ moved, others }) => ({
    movedMs: quantileMs(moved, counts.boundsMs, P95),
    othersMs: quantileMs(others, counts.boundsMs, P95),
  }));
  const slow = pairs.map(
    ({ movedMs, othersMs }) =>
      movedMs !== null &&
      othersMs !== null &&
      movedMs >= policy.ratio * othersMs &&
      movedMs - othersMs >= policy.floorMs,
  );
  const newest = pairs.at(-1);
  const lastQuick = slow.lastIndexOf(false);
  return {
    movedP95Ms: newest?.movedMs ?? null,
    notMovedP95Ms: newest?.othersMs ?? null,
    slowWindows: slow.length - 1 - lastQuick,
    windows: slow.length,
    requests: counts.windows.reduce((total, { moved }) => total + sum(moved), 0),
  };
}
