/**
 * Bounds on a difference of error rates that hold at every moment at once, so that a gate may be read each minute and stop
 * when it likes. The account is the unit: what a side's rate may be off by is measured between its accounts.
 * Pure arithmetic, no policy; called by error-rate and forecast, checked against `test/vectors/gate-bounds.json`.
 *
 * Source: I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas, "Time-uniform central limit theory and asymptotic
 * confidence sequences", Annals of Statistics 52 (2024), arXiv:2103.06476; the mixture is H. Robbins's (1970).
 */
import type { Bounds, SideMoments } from "../../contracts/gate.ts";

/** The multiplier is smallest about where the standard error is the tolerance over this. */
const ERRORS_IN_TOLERANCE = 3;
/** A plan that tolerates nothing is tuned as if it tolerated a tenth of a percentage point. */
const MIN_TUNED_TOLERANCE = 0.001;

/**
 * By how many standard errors a one-sided bound must stand off to hold at all times with probability 1 − alpha.
 *
 * Let Δ̂ be the estimate with variance V. In information time I = 1 / V, `B(I) = I · (Δ̂ − Δ)` is in the limit a Brownian
 * motion: an account's own deviation stays with it, so that Cov(Δ̂ₛ, Δ̂ₜ) = Var(Δ̂ₜ) for s < t, and increments are
 * independent (Kim and Tsiatis, SORT 44 (2020), review when that holds). Time is information and not requests, because
 * with more requests of the same accounts V stops at what differs between accounts, and a clock of requests would run on.
 * The half-normal mixture with precision ρ² gives the martingale `2 Φ(z √(u/(1+u))) · exp(z² u / (2(1+u))) / √(1+u)`
 * with u = ρ² I, z = (Δ̂ − Δ) / √V. By Ville's inequality it ever reaches 1/α with probability at most α; by
 * 1 − Φ(x) ≤ exp(−x²/2)/2 it has reached it wherever z ≥ c:
 *
 *     c(u, α) = √( (1 + 1/u) · 2 · ln(1 + √(1 + u) / (2α)) )
 *
 * @param information u > 0: how far the time has come; c is smallest near `tunedInformation`, and unbounded towards 0.
 * @returns c, above the 1.645 of a single look at alpha 0.05.
 *
 * Worked example: u = 8, α = 0.05 → √(1.125 · 2 · ln(1 + 3/0.1)) = √(2.25 · 3.43399) = 2.7797.
 */
export function boundMultiplier(information: number, alpha: number): number {
  if (!(information > 0)) return Infinity;
  return Math.sqrt((1 + 1 / information) * 2 * Math.log1p(Math.sqrt(1 + information) / (2 * alpha)));
}

/**
 * Where the bounds are to be tightest, relative to their own time: −2 ln 2α + ln(−2 ln 2α) + 1 (the paper, appendix on
 * choosing ρ, with 2α for a one-sided bound). At alpha 0.05: 4.605 + 1.527 + 1 = 7.132.
 */
export function tunedInformation(alpha: number): number {
  const base = Math.max(1, -2 * Math.log(2 * alpha));
  return base + Math.log(base) + 1;
}

/**
 * Bounds around an estimate with a known standard error. ρ is fixed by the plan alone, before any data: the bounds are
 * tightest about where the standard error is a third of the tolerance.
 *
 * @param tolerance share, such as 0.01 for one percentage point.
 *
 * Worked example: estimate 0.02, standard error 1/300, tolerance 0.01, alpha 0.05: u = 7.13235, c = 2.77833 →
 * 0.02 ± 0.009261.
 */
export function boundsOf(
  measured: { readonly estimate: number; readonly standardError: number },
  { tolerance, alpha }: { readonly tolerance: number; readonly alpha: number },
): Bounds {
  const { estimate, standardError } = measured;
  const scale = Math.max(tolerance, MIN_TUNED_TOLERANCE) / (ERRORS_IN_TOLERANCE * standardError);
  const multiplier = boundMultiplier(tunedInformation(alpha) * scale * scale, alpha);
  const margin = multiplier * standardError;
  return { estimate, lower: estimate - margin, upper: estimate + margin, standardError, multiplier };
}

/** Accounts of equal weight that would be as good: (Σw)² / Σw² (Kish). Three of weight 1, 1 and 2 → 16/6 = 2.67. */
export function effectiveAccounts({ weight, weightSquared }: SideMoments): number {
  return weightSquared > 0 ? (weight * weight) / weightSquared : 0;
}

/** Excess failures per counted request; 0 without any. */
export function excessRate({ weight, excess }: SideMoments): number {
  return weight > 0 ? excess / weight : 0;
}

/** Share of requests that failed, after the cap on single accounts; 0 without any. */
export function failureRate({ weight, weightFailures }: SideMoments): number {
  return weight > 0 ? weightFailures / weight : 0;
}

/**
 * Variance of a side's excess rate ρ̂ = Σe / Σw, between accounts: Σ(e − ρ̂w)² / (Σw)², times n / (n − 1) with n the
 * effective accounts (a ratio estimator by linearisation; Cochran, Sampling Techniques, §6). It is at least what requests
 * that fail independently at `floorRate` would have: three accounts without a failure are not certain of anything.
 *
 * @param floorRate share; the caller passes the rate that it wants to be able to rule out.
 *
 * Worked example: two accounts with w = 100 each and e = 3 and 1, floor 0.02: ρ̂ = 0.02, Σ(e − ρ̂w)² = 1 + 1,
 * 2 / 40,000 · 2/1 = 0.0001; the floor is 0.02 · 0.98 / 200 = 0.000098; → 0.0001.
 */
export function sideVariance(side: SideMoments, floorRate: number): number {
  const { weight, weightSquared, excessSquared, weightExcess } = side;
  if (weight <= 0) return Infinity;
  const rate = excessRate(side);
  const squares = Math.max(0, excessSquared - 2 * rate * weightExcess + rate * rate * weightSquared);
  const effective = effectiveAccounts(side);
  if (effective <= 1) return Infinity;
  const between = (squares / (weight * weight)) * (effective / (effective - 1));
  const share = Math.min(Math.max(floorRate, 0), 0.5);
  return Math.max(between, (share * (1 - share)) / weight);
}

/** A rate that is never quite 0 or 1: (failures + 1) / (requests + 2), Laplace's rule on the counted requests. */
export function smoothedRate({ weight, weightFailures }: SideMoments): number {
  return (weightFailures + 1) / (weight + 2);
}

/**
 * What bounds are still worth when a share of the counts was lost and the lost ones may have been all good on one side
 * and all bad on the other (C. Manski's bounds): both shrink by the share kept and move apart by the share lost.
 *
 * Worked example: +0.9 to +1.0 with 6 % lost → 0.94 · 0.9 − 0.06 = 0.786 and 0.94 · 1 + 0.06 = 1.
 */
export function withLoss(bounds: Bounds, lost: number): Bounds {
  if (lost <= 0) return bounds;
  const kept = 1 - lost;
  return { ...bounds, lower: kept * bounds.lower - lost, upper: kept * bounds.upper + lost };
}
