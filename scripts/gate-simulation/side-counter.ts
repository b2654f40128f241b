/**
 * Counts of one side of a simulated wave with its moments kept up to date request by request, because a simulation reads
 * them a billion times. Owns the arithmetic of "all accounts, the few large ones corrected for the cap"; a test holds it
 * to core/gates/moments, which makes the same sums account by account. Only scripts and tests use it.
 */
import type { SideMoments } from "../../src/contracts/gate.ts";
import { capFor } from "../../src/core/gates/moments.ts";

export interface SideCounter {
  readonly requests: Float64Array;
  readonly failures: Float64Array;
  count(account: number, failed: boolean): void;
  moments(): SideMoments;
}

/** Sums without any cap. */
interface Sums {
  accounts: number;
  requests: number;
  failures: number;
  excess: number;
  weightSquared: number;
  excessSquared: number;
  weightExcess: number;
}

/** What the cap takes away from one account: the difference between its capped and its plain share of each sum. */
function applyCap(
  into: { -readonly [key in keyof SideMoments]: number },
  scale: number,
  own: { r: number; f: number; e: number },
): void {
  const less = 1 - scale;
  const lessSquared = 1 - scale * scale;
  into.weight -= less * own.r;
  into.excess -= less * own.e;
  into.weightFailures -= less * own.f;
  into.weightSquared -= lessSquared * own.r * own.r;
  into.excessSquared -= lessSquared * own.e * own.e;
  into.weightExcess -= lessSquared * own.r * own.e;
}

/** @param past share of failures in each account's past. */
export function createSideCounter(past: Float64Array): SideCounter {
  const requests = new Float64Array(past.length);
  const failures = new Float64Array(past.length);
  const sums: Sums = {
    accounts: 0,
    requests: 0,
    failures: 0,
    excess: 0,
    weightSquared: 0,
    excessSquared: 0,
    weightExcess: 0,
  };
  let large: number[] = [];
  let cap = 0;
  const excessOf = (account: number): number =>
    (failures[account] ?? 0) - (requests[account] ?? 0) * (past[account] ?? 0);
  const moments = (): SideMoments => {
    const next = capFor(sums);
    // With more accounts the cap may fall, and then others than the listed ones may be above it.
    const among = next < cap ? requests.keys() : large;
    large = [...among].filter((account) => (requests[account] ?? 0) > next);
    cap = next;
    const result = { ...sums, weight: sums.requests, weightFailures: sums.failures };
    for (const account of large) {
      const r = requests[account] ?? 0;
      applyCap(result, cap / r, { r, f: failures[account] ?? 0, e: excessOf(account) });
    }
    return result;
  };
  const count = (account: number, failed: boolean): void => {
    const r = requests[account] ?? 0;
    const e = excessOf(account);
    const step = (failed ? 1 : 0) - (past[account] ?? 0);
    requests[account] = r + 1;
    if (failed) failures[account] = (failures[account] ?? 0) + 1;
    if (r === 0) sums.accounts += 1;
    sums.requests += 1;
    if (failed) sums.failures += 1;
    sums.excess += step;
    sums.weightSquared += 2 * r + 1;
    sums.excessSquared += 2 * e * step + step * step;
    sums.weightExcess += e + (r + 1) * step;
    // Whoever is above a cap that has grown was above this one at some request.
    if (r <= cap && r + 1 > cap) large.push(account);
  };
  return { requests, failures, count, moments };
}
