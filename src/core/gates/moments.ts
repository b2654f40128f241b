/**
 * Sums over accounts that the error rate is judged by, made account by account where the counts are held and added up over
 * the objects that hold them. Decides how much one large account may weigh and what an account's own past is worth.
 * Pure; called by whoever holds the counts, and by the simulation of gates. Design §5.2.
 */
import type { SideMoments } from "../../contracts/gate.ts";

/** No account counts for more than this share of its side's requests … */
const MAX_SHARE = 0.02;
/** … or, where there are few accounts, for more than this many average ones. */
const MAX_AVERAGES = 2;
/** Requests that the family's past counts for beside an account's own past. */
const PRIOR_REQUESTS = 200;

export const NO_MOMENTS: SideMoments = {
  accounts: 0,
  requests: 0,
  failures: 0,
  weight: 0,
  excess: 0,
  weightSquared: 0,
  excessSquared: 0,
  weightExcess: 0,
  weightFailures: 0,
};

/**
 * Requests of one account that count in full: a larger one is scaled down to it, failures and all. A cap (rather than
 * leaving large accounts out) keeps their word and bounds its weight, so that one account neither makes nor hides a
 * difference; what it still weighs is in the standard error, since the account is the unit there.
 *
 * @param side requests and accounts with at least one, of one side. A count some minutes old will do.
 *
 * Worked example: 1,000 accounts with 100,000 requests → 2,000 (2 %); 20 accounts with 1,000 requests → 100 (two
 * average ones); an account with 30 % of 100,000 requests then weighs 2,000 of 72,000, less than 3 %.
 */
export function capFor(side: { readonly requests: number; readonly accounts: number }): number {
  if (side.accounts <= 0) return 1;
  return Math.max(1, side.requests * Math.max(MAX_SHARE, MAX_AVERAGES / side.accounts));
}

/**
 * Share of failures an account is expected to have, from its own past, drawn towards its side's by 200 requests.
 *
 * Worked example: 6 of 200 requests failed, 1 % over all → (6 + 200 · 0.01) / 400 = 2 %.
 */
export function pastShareOf(
  own: { readonly requests: number; readonly failures: number },
  pooledShare: number,
): number {
  return (own.failures + PRIOR_REQUESTS * pooledShare) / (own.requests + PRIOR_REQUESTS);
}

/**
 * Adds one account to the sums of its side; without a request it changes nothing.
 *
 * Worked example, cap 100: 400 requests, 8 failed, past share 0.01 → scale 0.25, weight 100, excess 0.25 · (8 − 4) = 1.
 */
export function addAccount(
  moments: SideMoments,
  account: { readonly requests: number; readonly failures: number; readonly pastShare: number },
  capRequests: number,
): SideMoments {
  const { requests, failures, pastShare } = account;
  if (requests <= 0) return moments;
  const scale = Math.min(1, capRequests / requests);
  const weight = scale * requests;
  const excess = scale * (failures - requests * pastShare);
  return {
    accounts: moments.accounts + 1,
    requests: moments.requests + requests,
    failures: moments.failures + failures,
    weight: moments.weight + weight,
    excess: moments.excess + excess,
    weightSquared: moments.weightSquared + weight * weight,
    excessSquared: moments.excessSquared + excess * excess,
    weightExcess: moments.weightExcess + weight * excess,
    weightFailures: moments.weightFailures + scale * failures,
  };
}

/** Moments of accounts that are held in different places. */
export function addMoments(a: SideMoments, b: SideMoments): SideMoments {
  return {
    accounts: a.accounts + b.accounts,
    requests: a.requests + b.requests,
    failures: a.failures + b.failures,
    weight: a.weight + b.weight,
    excess: a.excess + b.excess,
    weightSquared: a.weightSquared + b.weightSquared,
    excessSquared: a.excessSquared + b.excessSquared,
    weightExcess: a.weightExcess + b.weightExcess,
    weightFailures: a.weightFailures + b.weightFailures,
  };
}
