/**
 * What a gate would see of a traffic that is only imagined: from which increase on it would fail, when a version without
 * an increase would pass, and how many requests and accounts that takes. The same bounds as the gate's own, with the
 * standard error computed instead of measured. Pure; called by `gate test`. Design §5.2.
 */
import type { GatePolicy } from "../../contracts/gate.ts";
import type { GateReach, TrafficForecast } from "../../contracts/gate-forecast.ts";
import { boundsOf } from "./bounds.ts";

/** How sure one wants to be that the gate has seen it by then, with the normal quantile of it. */
const POWER_QUANTILES = { 50: 0, 80: 0.841_621_233_572_914_3, 95: 1.644_853_626_951_472_2 } as const;
export type PowerPercent = keyof typeof POWER_QUANTILES;

const PERCENT = 100;
/** Halvings of an interval: well below a hundredth of a percentage point, or a minute in a year. */
const HALVINGS = 40;
const YEAR_MINUTES = 525_600;

export interface ForecastInput {
  readonly policy: GatePolicy;
  readonly traffic: TrafficForecast;
  /** Tests that share alpha; see `GateInput.tests`. */
  readonly tests: number;
  readonly power: PowerPercent;
}

interface Side {
  readonly accounts: number;
  readonly requests: number;
  readonly rate: number;
}

/**
 * Variance of one side's rate: p (1 − p) / R for requests that fail independently, and (spread · p₀)² (1 + cv²) / n for
 * what differs between n accounts whose sizes have the coefficient of variation cv. The second does not shrink with time.
 */
function varianceOf({ accounts, requests, rate }: Side, traffic: TrafficForecast): number {
  if (accounts <= 0 || requests <= 0) return Infinity;
  const between = (traffic.rateSpread * traffic.errorRate) ** 2 * (1 + traffic.sizeSpread ** 2);
  return (rate * (1 - rate)) / requests + between / accounts;
}

function sides({ traffic }: ForecastInput, minutes: number): { moved: number; notMoved: number } {
  const { movedAccounts, notMovedAccounts, requestsPerAccountMinute } = traffic;
  return {
    moved: movedAccounts * requestsPerAccountMinute * minutes,
    notMoved: notMovedAccounts * requestsPerAccountMinute * minutes,
  };
}

/** Standard error when moved accounts fail at `movedRate`; without others, their past is taken as known exactly. */
function standardErrorAt(input: ForecastInput, minutes: number, movedRate: number): number {
  const { traffic } = input;
  const { moved, notMoved } = sides(input, minutes);
  const others = { accounts: traffic.notMovedAccounts, requests: notMoved, rate: traffic.errorRate };
  const own = { accounts: traffic.movedAccounts, requests: moved, rate: Math.min(0.5, movedRate) };
  const othersVariance = traffic.notMovedAccounts > 0 ? varianceOf(others, traffic) : 0;
  return Math.sqrt(varianceOf(own, traffic) + othersVariance);
}

function hasMinimum({ policy, traffic }: ForecastInput, movedRequests: number): boolean {
  return traffic.movedAccounts >= policy.minAccounts && movedRequests >= policy.minRequests;
}

/** Lower bound that is reached with the asked power when the true increase is `increase`. */
function seenLower(input: ForecastInput, minutes: number, increase: number): number {
  const { policy, tests, power, traffic } = input;
  const standardError = standardErrorAt(input, minutes, traffic.errorRate + increase);
  const level = { tolerance: policy.errorIncreasePercent / PERCENT, alpha: policy.alpha / tests };
  return (
    boundsOf({ estimate: increase, standardError }, level).lower - POWER_QUANTILES[power] * standardError
  );
}

/** Halves [low, high] towards the smallest value that `holds`; null when not even `high` does. */
function smallest(low: number, high: number, holds: (value: number) => boolean): number | null {
  if (!holds(high)) return null;
  let [below, above] = [low, high];
  for (let step = 0; step < HALVINGS; step += 1) {
    const middle = (below + above) / 2;
    if (holds(middle)) above = middle;
    else below = middle;
  }
  return above;
}

/** Whether an increase would have failed after so many minutes, with the asked power. */
export function wouldFail(input: ForecastInput, minutes: number, increasePercent: number): boolean {
  if (!hasMinimum(input, sides(input, minutes).moved)) return false;
  return seenLower(input, minutes, increasePercent / PERCENT) > input.policy.errorIncreasePercent / PERCENT;
}

/** Whether a version without any increase would have passed after so many minutes, with the asked power. */
export function wouldPass(input: ForecastInput, minutes: number): boolean {
  const { policy, tests, power, traffic } = input;
  if (!hasMinimum(input, sides(input, minutes).moved)) return false;
  const tolerance = policy.errorIncreasePercent / PERCENT;
  // The gate's own floor: to pass is to rule out the greatest rate that is tolerated.
  const standardError = standardErrorAt(input, minutes, traffic.errorRate + tolerance);
  const { upper } = boundsOf({ estimate: 0, standardError }, { tolerance, alpha: policy.alpha / tests });
  return upper + POWER_QUANTILES[power] * standardError < tolerance;
}

/**
 * What would be seen after so many minutes.
 *
 * Worked example: 160 moved and 240 not moved accounts with 0.1 requests a minute each, 1 % fail, all accounts alike, one
 * point tolerated at alpha 0.05, power 80 %. After 600 minutes moved accounts have sent 9,600 requests: an increase of
 * 1.69 points or more fails, and none at all passes. An increase of 2 points takes 295 minutes and 4,720 requests.
 */
export function reachAfter(input: ForecastInput, minutes: number): GateReach {
  const { moved, notMoved } = sides(input, minutes);
  const most = PERCENT * (1 - input.traffic.errorRate);
  const from = smallest(input.policy.errorIncreasePercent, most, (increase) =>
    wouldFail(input, minutes, increase),
  );
  return {
    minutes,
    movedRequests: Math.floor(moved),
    notMovedRequests: Math.floor(notMoved),
    failsFromPercent: from,
    passes: wouldPass(input, minutes),
  };
}

/** When, and after how many requests of moved accounts; null: not within a year. */
export interface GateNeed {
  readonly minutes: number;
  readonly movedRequests: number;
  readonly movedAccounts: number;
}

function needOf(input: ForecastInput, minutes: number | null): GateNeed | null {
  if (minutes === null) return null;
  const whole = Math.ceil(minutes);
  const movedRequests = Math.ceil(sides(input, whole).moved);
  return { minutes: whole, movedRequests, movedAccounts: input.traffic.movedAccounts };
}

/** What it takes to see a given increase. */
export function neededToFail(input: ForecastInput, increasePercent: number): GateNeed | null {
  return needOf(
    input,
    smallest(0, YEAR_MINUTES, (minutes) => wouldFail(input, minutes, increasePercent)),
  );
}

/** What it takes to let a version without an increase pass. */
export function neededToPass(input: ForecastInput): GateNeed | null {
  return needOf(
    input,
    smallest(0, YEAR_MINUTES, (minutes) => wouldPass(input, minutes)),
  );
}
