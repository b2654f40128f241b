/**
 * One simulated day of moved accounts, each held against its own past at every block of five minutes by the gate's own
 * code. Healthy accounts have error rates that differ by orders of magnitude, change by the hour, and burst: one in ten
 * has a quarter of an hour in which nine of ten requests fail. Some may be made sick, to see how soon they are found.
 * Owns the counting, which is what meters do; judges nothing itself. Called by the command and by the test of the gates.
 */
import type { AccountTally, BlockTally } from "../../src/contracts/gate.ts";
import { isConvicted, suspicionOf } from "../../src/core/gates/account-evidence.ts";
import type { Random } from "./random.ts";
import { createPicker, createRandom, dayProfile } from "./random.ts";

export interface FamilyScenario {
  readonly name: string;
  readonly accounts: number;
  /** That many accounts, chosen by chance among all, fail in this share from the first minute. */
  readonly sick: { readonly accounts: number; readonly share: number };
}

export interface FamilyResult {
  readonly falseQuarantines: number;
  /** Minutes until each sick account was found; those never found, or without the traffic for it, are left out. */
  readonly foundAfter: readonly number[];
  /** Greatest evidence against a healthy account, less what it would have taken; logarithms. */
  readonly closest: number;
}

const BLOCKS = 288;
const BLOCK_MINUTES = 5;
const BLOCKS_PER_HOUR = 12;
const PAST_DAYS = 7;
const ALPHA = 0.05;
const REQUESTS_PER_ACCOUNT = 300;
const SIZE_SIGMA = 1.8;
const MEDIAN_RATE = 0.003;
const RATE_SIGMA = 1.3;
const MAX_USUAL_RATE = 0.3;
/** One account in a hundred fails in a tenth to four tenths of its requests on any day, and always has. */
const CHRONIC = { chance: 0.01, from: 0.1, width: 0.3 };
const HOUR_SIGMA = 0.5;
const MAX_RATE = 0.95;
const BURST = { chance: 0.1, share: 0.9, blocks: 3 };

interface Family {
  readonly random: Random;
  readonly pick: (random: Random) => number;
  readonly rate: Float64Array;
  readonly hourly: Float64Array;
  readonly burstAt: Int32Array;
  readonly pastBlocks: Float64Array;
  readonly pastShares: Float64Array;
  readonly pooled: BlockTally;
  readonly blocks: Int32Array;
  readonly shares: Float64Array;
  readonly requests: Int32Array;
  readonly failures: Int32Array;
  /** Of the block at hand. */
  readonly now: { readonly requests: Int32Array; readonly failures: Int32Array };
}

function usualRate(random: Random): number {
  if (random.uniform() < CHRONIC.chance) return CHRONIC.from + CHRONIC.width * random.uniform();
  return Math.min(MAX_USUAL_RATE, MEDIAN_RATE * Math.exp(RATE_SIGMA * random.normal()));
}

/** Expected blocks of a week in which an account of this size sends anything. */
function activeBlocks(daily: number): number {
  let blocks = 0;
  for (let hour = 0; hour < 24; hour += 1) {
    const perBlock = (daily / BLOCKS) * dayProfile(hour * 60);
    blocks += BLOCKS_PER_HOUR * (1 - Math.exp(-perBlock));
  }
  return PAST_DAYS * blocks;
}

/** Blocks of the past with its own hours, days and bursts taken together: a rate that was off by chance. */
function drawPast(
  daily: Float64Array,
  rate: Float64Array,
  random: Random,
): { blocks: Float64Array; shares: Float64Array } {
  const blocks = daily.map((requests) => random.poisson(activeBlocks(requests)));
  const shares = blocks.map((count, account) => {
    const share = Math.min(
      MAX_RATE,
      (rate[account] ?? 0) * random.logNormal(HOUR_SIGMA / Math.sqrt(PAST_DAYS)),
    );
    return Math.min(count, random.poisson(count * share));
  });
  return { blocks, shares };
}

function sumOf(numbers: Float64Array): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function createFamily(scenario: FamilyScenario, seed: number): Family {
  const random = createRandom(seed);
  const size = scenario.accounts;
  const weights = Float64Array.from({ length: size }, () => random.logNormal(SIZE_SIGMA));
  const total = sumOf(weights);
  const daily = weights.map((weight) => (REQUESTS_PER_ACCOUNT * size * weight) / total);
  const rate = Float64Array.from({ length: size }, () => usualRate(random));
  const past = drawPast(daily, rate, random);
  return {
    random,
    pick: createPicker(weights),
    rate,
    hourly: new Float64Array(size).fill(1),
    burstAt: Int32Array.from({ length: size }, () =>
      random.uniform() < BURST.chance ? Math.floor(random.uniform() * BLOCKS) : -BLOCKS,
    ),
    pastBlocks: past.blocks,
    pastShares: past.shares,
    pooled: { blocks: sumOf(past.blocks), shareSum: sumOf(past.shares), requests: 0, failures: 0 },
    blocks: new Int32Array(size),
    shares: new Float64Array(size),
    requests: new Int32Array(size),
    failures: new Int32Array(size),
    now: { requests: new Int32Array(size), failures: new Int32Array(size) },
  };
}

function rateNow(family: Family, account: number, block: number): number {
  const since = block - (family.burstAt[account] ?? -BLOCKS);
  if (since >= 0 && since < BURST.blocks) return BURST.share;
  return Math.min(MAX_RATE, (family.rate[account] ?? 0) * (family.hourly[account] ?? 1));
}

/** Requests and failures of one block, folded into the tallies; returns who sent anything. */
function playBlock(family: Family, block: number, rateOf: (account: number) => number): readonly number[] {
  const { random, pick, now } = family;
  const mean = (REQUESTS_PER_ACCOUNT * family.blocks.length) / BLOCKS;
  const sent = random.poisson(mean * dayProfile(block * BLOCK_MINUTES));
  const seen: number[] = [];
  for (let request = 0; request < sent; request += 1) {
    const account = pick(random);
    const before = now.requests[account] ?? 0;
    if (before === 0) seen.push(account);
    now.requests[account] = before + 1;
    if (random.uniform() < rateOf(account)) now.failures[account] = (now.failures[account] ?? 0) + 1;
  }
  for (const account of seen) {
    const requests = now.requests[account] ?? 1;
    const failures = now.failures[account] ?? 0;
    family.blocks[account] = (family.blocks[account] ?? 0) + 1;
    family.shares[account] = (family.shares[account] ?? 0) + failures / requests;
    family.requests[account] = (family.requests[account] ?? 0) + requests;
    family.failures[account] = (family.failures[account] ?? 0) + failures;
    now.requests[account] = 0;
    now.failures[account] = 0;
  }
  return seen;
}

function tallyOf(family: Family, account: number): AccountTally {
  return {
    account: String(account),
    now: {
      blocks: family.blocks[account] ?? 0,
      shareSum: family.shares[account] ?? 0,
      requests: family.requests[account] ?? 0,
      failures: family.failures[account] ?? 0,
    },
    past: {
      blocks: family.pastBlocks[account] ?? 0,
      shareSum: family.pastShares[account] ?? 0,
      requests: 0,
      failures: 0,
    },
  };
}

function drawHour({ hourly, random }: Family): void {
  for (let account = 0; account < hourly.length; account += 1) hourly[account] = random.logNormal(HOUR_SIGMA);
}

/**
 * Plays a day for a whole family. Whoever is convicted is put back and not counted again. Evidence changes only with a
 * block, so reading it at each block is reading it every minute.
 */
export function playFamily(scenario: FamilyScenario, seed: number): FamilyResult {
  const family = createFamily(scenario, seed);
  const sick = new Set<number>();
  while (sick.size < scenario.sick.accounts)
    sick.add(Math.floor(family.random.uniform() * scenario.accounts));
  const level = { size: scenario.accounts, past: family.pooled, alpha: ALPHA, shift: 0 };
  const out = new Set<number>();
  const foundAfter: number[] = [];
  let falseQuarantines = 0;
  let closest = -Infinity;
  for (let block = 0; block < BLOCKS; block += 1) {
    if (block % BLOCKS_PER_HOUR === 0) drawHour(family);
    const rateOf = (account: number): number =>
      sick.size > 0 && sick.has(account) ? scenario.sick.share : rateNow(family, account, block);
    for (const account of playBlock(family, block, rateOf)) {
      if (family.failures[account] === 0 || out.has(account)) continue;
      const suspect = suspicionOf(tallyOf(family, account), level);
      if (suspect === null) continue;
      if (!sick.has(account)) closest = Math.max(closest, suspect.logEvidence - suspect.logThreshold);
      if (!isConvicted(suspect)) continue;
      out.add(account);
      if (sick.has(account)) foundAfter.push((block + 1) * BLOCK_MINUTES);
      else falseQuarantines += 1;
    }
  }
  return { falseQuarantines, foundAfter, closest };
}
