/**
 * One simulated wave, read every minute for a day by the gate's own code: accounts of very different size with error rates
 * of their own that change by the hour, night and day, a wave that leaks out at 2 % a minute. Owns the counting, which is
 * what meters do; judges nothing itself. Called by the command and by the test of the gates.
 */
import type { ErrorFinding, ErrorInput } from "../../src/core/gates/error-rate.ts";
import { errorFinding, errorNumbers } from "../../src/core/gates/error-rate.ts";
import { pastShareOf } from "../../src/core/gates/moments.ts";
import { gatePolicy } from "../../src/core/gates/policy.ts";
import type { Random } from "./random.ts";
import { createPicker, createRandom, dayProfile } from "./random.ts";
import type { SideCounter } from "./side-counter.ts";
import { createSideCounter } from "./side-counter.ts";

export interface RolloutScenario {
  readonly name: string;
  readonly accounts: number;
  /** Share of all requests that one account sends; 0: nobody in particular. */
  readonly whaleShare: number;
  /** Mean error rate, and what the new version adds to every account's own; shares. */
  readonly errorRate: number;
  readonly added: number;
  /** On the new version the whale fails in this share; null: like everybody. */
  readonly whaleRate: number | null;
  /** Whether a week before the wave was counted. */
  readonly knownPast: boolean;
}

export interface RolloutResult {
  /** Minute of the first `fail`; null: never within the day. */
  readonly stoppedAt: number | null;
  readonly passedAt: number | null;
  /** Accounts on the new version when it stopped, and those of them that had met a failure there. */
  readonly movedAccounts: number;
  readonly affectedAccounts: number;
}

const MINUTES = 1440;
const HOUR_MINUTES = 60;
const START_MINUTE = 22 * 60;
const REQUESTS_PER_MINUTE = 40;
const WAVE_SHARE = 0.4;
const SHARE_PER_MINUTE = 0.02;
const SIZE_SIGMA = 1.5;
const RATE_SIGMA = 0.7;
const HOUR_SIGMA = 0.4;
const MAX_RATE = 0.95;
const PAST_DAYS = 7;
const DAY_REQUESTS = REQUESTS_PER_MINUTE * MINUTES;

export const SIMULATED_POLICY = gatePolicy({
  errorIncreasePercent: 1,
  alpha: 0.05,
  minAccounts: 20,
  mustHave: [],
  onFail: "pause",
  onInconclusive: "hold",
});

interface World {
  readonly random: Random;
  readonly pick: (random: Random) => number;
  readonly rate: Float64Array;
  readonly hourly: Float64Array;
  /** Place of an account in the order of moving. */
  readonly place: Int32Array;
  readonly moved: SideCounter;
  readonly notMoved: SideCounter;
}

function sizes({ accounts, whaleShare }: RolloutScenario, random: Random): Float64Array {
  const weights = Float64Array.from({ length: accounts }, () => random.logNormal(SIZE_SIGMA));
  if (whaleShare > 0) {
    weights[0] = 0;
    const rest = weights.reduce((sum, weight) => sum + weight, 0);
    weights[0] = (rest * whaleShare) / (1 - whaleShare);
  }
  return weights;
}

/** Own past of a week, drawn to the pool as the meters do. */
function pasts(weights: Float64Array, rate: Float64Array, random: Random): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const requests = weights.map((weight) => Math.round((PAST_DAYS * DAY_REQUESTS * weight) / total));
  const failures = requests.map((count, index) => random.poisson(count * (rate[index] ?? 0)));
  const all = requests.reduce((sum, count) => sum + count, 0);
  const pooled = failures.reduce((sum, count) => sum + count, 0) / Math.max(1, all);
  return requests.map((count, index) =>
    pastShareOf({ requests: count, failures: failures[index] ?? 0 }, pooled),
  );
}

function shuffledPlaces(size: number, random: Random): Int32Array {
  const places = Int32Array.from({ length: size }, (_, index) => index);
  for (let last = size - 1; last > 0; last -= 1) {
    const other = Math.floor(random.uniform() * (last + 1));
    const kept = places[last] ?? 0;
    places[last] = places[other] ?? 0;
    places[other] = kept;
  }
  return places;
}

function createWorld(scenario: RolloutScenario, seed: number): World {
  const random = createRandom(seed);
  const size = scenario.accounts;
  const weights = sizes(scenario, random);
  const rate = Float64Array.from({ length: size }, () =>
    Math.min(MAX_RATE, scenario.errorRate * random.logNormal(RATE_SIGMA)),
  );
  const past = scenario.knownPast ? pasts(weights, rate, random) : new Float64Array(size);
  return {
    random,
    pick: createPicker(weights),
    rate,
    hourly: new Float64Array(size).fill(1),
    place: shuffledPlaces(size, random),
    moved: createSideCounter(past),
    notMoved: createSideCounter(past),
  };
}

/** Share of an account's requests that fail now. */
function rateNow(
  world: World,
  scenario: RolloutScenario,
  { account, moved }: { account: number; moved: boolean },
): number {
  const usual = (world.rate[account] ?? 0) * (world.hourly[account] ?? 1);
  if (!moved) return usual;
  const isWhale = account === 0 && scenario.whaleRate !== null;
  return isWhale ? (scenario.whaleRate ?? usual) : usual + scenario.added;
}

function sendMinute(world: World, scenario: RolloutScenario, minute: { of: number; moved: number }): void {
  const { random, pick } = world;
  const sent = random.poisson(REQUESTS_PER_MINUTE * dayProfile(START_MINUTE + minute.of));
  for (let request = 0; request < sent; request += 1) {
    const account = pick(random);
    const moved = (world.place[account] ?? 0) < minute.moved;
    const failed = random.uniform() < rateNow(world, scenario, { account, moved });
    (moved ? world.moved : world.notMoved).count(account, failed);
  }
}

function look(world: World, { knownPast }: RolloutScenario): ErrorInput {
  return {
    policy: SIMULATED_POLICY,
    tests: 1,
    past: knownPast ? "own" : "none",
    moved: world.moved.moments(),
    notMoved: world.notMoved.moments(),
    synthetic: { requests: 0, failures: 0 },
    measurement: { newestMs: 0, flushes: 1, lost: 0, staleShare: 0 },
  };
}

/** What reads the counts every minute. */
export type Judge = (input: ErrorInput) => ErrorFinding;

/** The gate as it is. */
export function judgeErrors(input: ErrorInput): ErrorFinding {
  return errorFinding(errorNumbers(input), input.policy);
}

function drawHour({ hourly, random }: World): void {
  for (let account = 0; account < hourly.length; account += 1) hourly[account] = random.logNormal(HOUR_SIGMA);
}

/**
 * Plays one wave for a day, or until the gate fails; everything follows from the seed.
 *
 * @param judge another rule than the gate's own, to see what it would have done with the same traffic.
 */
export function playRollout(
  scenario: RolloutScenario,
  seed: number,
  judge: Judge = judgeErrors,
): RolloutResult {
  const world = createWorld(scenario, seed);
  const target = Math.round(WAVE_SHARE * scenario.accounts);
  const affected = (): number => world.moved.failures.filter((failed) => failed > 0).length;
  let passedAt: number | null = null;
  for (let minute = 0; minute < MINUTES; minute += 1) {
    if (minute % HOUR_MINUTES === 0) drawHour(world);
    const moved = Math.min(target, Math.ceil((minute + 1) * SHARE_PER_MINUTE * scenario.accounts));
    sendMinute(world, scenario, { of: minute, moved });
    const finding = judge(look(world, scenario));
    if (finding === "pass") passedAt ??= minute;
    if (finding !== "fail") continue;
    return { stoppedAt: minute, passedAt, movedAccounts: moved, affectedAccounts: affected() };
  }
  return { stoppedAt: null, passedAt, movedAccounts: target, affectedAccounts: affected() };
}
