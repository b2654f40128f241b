/**
 * The error rate of moved accounts against the not yet moved ones in the same time: bounds that may be read every minute,
 * and what they mean for the plan. Unhealthy beats inconclusive, and no data is never healthy. Where nobody is left to
 * compare with, moved accounts are held against their own past, which cannot tell the version from the day.
 * Pure; called by verdict, forecast and the simulation. Formulas in bounds.ts and moments.ts. Design §5.2.
 */
import type { Bounds, ErrorNumbers, GateInput, GatePolicy, SideMoments } from "../../contracts/gate.ts";
import {
  boundsOf,
  effectiveAccounts,
  excessRate,
  failureRate,
  sideVariance,
  smoothedRate,
  withLoss,
} from "./bounds.ts";

/** Flushes lost up to this share are taken as lost by chance; what is beyond might be all good or all bad. */
const LOST_BY_CHANCE = 0.01;
/** Not moved accounts of which no past is known are bad when they fail in this share. */
const BAD_IN_ANY_CASE = 0.2;
const PERCENT = 100;

export type ErrorInput = Pick<
  GateInput,
  "policy" | "tests" | "past" | "moved" | "notMoved" | "synthetic" | "measurement"
>;

/** Share of flushes known to be lost; 0 when nothing arrived at all, which is another matter. */
export function lostShareOf({ flushes, lost }: GateInput["measurement"]): number {
  return flushes + lost > 0 ? lost / (flushes + lost) : 0;
}

/** Whether one side has enough for its own variance to mean something. */
export function isEnough(side: SideMoments, policy: GatePolicy): boolean {
  return side.accounts >= policy.minAccounts && side.requests >= policy.minRequests;
}

/** Whom the moved accounts are held against: others in the same time if there are enough, else their own past. */
function againstWhom({ policy, notMoved, past }: ErrorInput): ErrorNumbers["against"] {
  if (isEnough(notMoved, policy)) return "not-moved";
  return past === "own" ? "own-past" : "nothing";
}

function levels({ policy, tests }: ErrorInput): { tolerance: number; alpha: number } {
  return {
    tolerance: policy.errorIncreasePercent / PERCENT,
    alpha: policy.alpha / Math.max(1, tests),
  };
}

/**
 * Bounds on the increase of moved accounts: Δ̂ = ρ̂(moved) − ρ̂(not moved), both as excess over the accounts' own past,
 * so that a cohort that always fails more is not held against the version. V is the sum of both sides' variances, each at
 * least that of independent failures at the greatest rate still tolerated: to pass is to rule that rate out.
 * Without the version moved accounts would have failed in no less than none of their requests, so Δ is at most their whole
 * rate, and so is Δ̂: where others mend themselves meanwhile, a version that fails nothing has not made anything worse.
 * The bounds stay valid, because the rate itself lies within the same standard error of its estimate.
 * An account that has moved counts on the moved side only from then on; what it did before ties the sides together and
 * makes V larger than it is, never smaller.
 *
 * Worked example: moved 62 accounts of equal size, 6,200 requests, 3 % failed; not moved 1 % of 40,000; accounts no
 * more different than chance: V = 0.03 · 0.97 / 6,200 + 0.01 · 0.99 / 40,000 = 4.94e-6, standard error 0.00222. With
 * one point tolerated and alpha 0.05 the multiplier is 2.82: +2 points, at least +1.37. It fails.
 */
function increaseOf(input: ErrorInput, against: ErrorNumbers["against"]): Bounds | null {
  const { moved, notMoved } = input;
  if (against === "nothing" || moved.weight <= 0) return null;
  const { tolerance, alpha } = levels(input);
  const compares = against === "not-moved";
  const usual = compares ? smoothedRate(notMoved) : Math.max(0, failureRate(moved) - excessRate(moved));
  const movedVariance = sideVariance(moved, Math.max(smoothedRate(moved), usual + tolerance));
  const otherVariance = compares ? sideVariance(notMoved, usual) : 0;
  const standardError = Math.sqrt(movedVariance + otherVariance);
  const rateOf = input.past === "own" ? excessRate : failureRate;
  const seen = rateOf(moved) - (compares ? rateOf(notMoved) : 0);
  const estimate = Math.min(seen, failureRate(moved));
  if (!Number.isFinite(standardError)) return null;
  const bounds = boundsOf({ estimate, standardError }, { tolerance, alpha });
  return withLoss(bounds, Math.max(0, lostShareOf(input.measurement) - LOST_BY_CHANCE));
}

/** The not moved accounts against their own past, by the same formula; null where that is not known. */
function baselineOf(input: ErrorInput): Bounds | null {
  const { notMoved, past, policy } = input;
  if (past === "none" || !isEnough(notMoved, policy)) return null;
  const { tolerance, alpha } = levels(input);
  const standardError = Math.sqrt(sideVariance(notMoved, smoothedRate(notMoved)));
  if (!Number.isFinite(standardError)) return null;
  return boundsOf({ estimate: excessRate(notMoved), standardError }, { tolerance, alpha });
}

/** Everything that is known of the error rate, in numbers; no verdict. */
export function errorNumbers(input: ErrorInput): ErrorNumbers {
  const { moved, notMoved, synthetic } = input;
  const against = againstWhom(input);
  return {
    movedAccounts: moved.accounts,
    movedRequests: moved.requests,
    movedFailures: moved.failures,
    notMovedAccounts: notMoved.accounts,
    notMovedRequests: notMoved.requests,
    notMovedFailures: notMoved.failures,
    syntheticRequests: synthetic.requests,
    syntheticFailures: synthetic.failures,
    movedRate: failureRate(moved),
    notMovedRate: failureRate(notMoved),
    against,
    tolerated: levels(input).tolerance,
    increase: increaseOf(input, against),
    baseline: baselineOf(input),
    effectiveAccounts: effectiveAccounts(moved),
    lostShare: lostShareOf(input.measurement),
  };
}

/** What the numbers say before words are made of them. `too-little` comes first: below the minimum nothing is said. */
export type ErrorFinding = "too-little" | "nothing-to-compare" | "fail" | "pass" | "undecided";

/**
 * Fail when even the lower bound is above what is tolerated, pass when even the upper bound is below it.
 * Requests of probes help to reach the minimum; accounts must be real.
 */
export function errorFinding(numbers: ErrorNumbers, policy: GatePolicy): ErrorFinding {
  if (numbers.movedAccounts < policy.minAccounts) return "too-little";
  if (numbers.movedRequests + numbers.syntheticRequests < policy.minRequests) return "too-little";
  if (numbers.increase === null) return "nothing-to-compare";
  if (numbers.increase.lower > numbers.tolerated) return "fail";
  return numbers.increase.upper < numbers.tolerated ? "pass" : "undecided";
}

/**
 * Whether the not moved accounts are bad as well: even their lower bound over their own past is above what a version
 * would be allowed, or, where no past is known, a fifth of their requests fails. Then nothing here says anything about the version.
 */
export function isBaselineBad(numbers: ErrorNumbers): boolean {
  if (numbers.baseline !== null) return numbers.baseline.lower > numbers.tolerated;
  return numbers.against === "not-moved" && numbers.notMovedRate >= BAD_IN_ANY_CASE;
}
