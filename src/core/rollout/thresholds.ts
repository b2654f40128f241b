/**
 * How many accounts a threshold takes, and which threshold takes a share of them. Counts come from the frozen buckets
 * (sorted) by binary search, so that no account row is read after the start. Pure; called by freeze, pace, plan, view.
 *
 * A wave's share counts the accounts of its cohorts that earlier waves take: "staff, then 40 %" is 40 % of all in the
 * end, not 40 % of the others. It is exact to within accounts that share a bucket.
 */
import { BUCKETS } from "../../contracts/limits.ts";
import type { FrozenGroup, GroupKey, WavePlan } from "../../contracts/rollout.ts";

/** Hundredths of a percent in the whole. */
export const WHOLE_BP = 10_000;
/** Stands for every cohort. */
export const ANY_COHORT = "*";

/** Accounts of a group whose bucket is below the threshold. */
export function countBelow({ buckets }: Pick<FrozenGroup, "buckets">, threshold: number): number {
  let low = 0;
  let high = buckets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((buckets[middle] ?? BUCKETS) < threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Accounts with a bucket in `[from, to)`. */
export function countBetween(group: Pick<FrozenGroup, "buckets">, from: number, to: number): number {
  return to <= from ? 0 : countBelow(group, to) - countBelow(group, from);
}

/** Whether a wave is about a group's accounts. */
export function waveTakes(
  { cohorts }: Pick<WavePlan, "cohorts">,
  { cohort }: Pick<GroupKey, "cohort">,
): boolean {
  return cohorts.includes(ANY_COHORT) || cohorts.includes(cohort);
}

/**
 * What a group's threshold is to be at the end of a wave: the highest among this wave and those before it that take its
 * cohort. Zero for a group that none of them takes.
 */
export function targetThreshold(
  waves: readonly Pick<WavePlan, "cohorts">[],
  thresholds: readonly number[],
  { group, wave }: { group: Pick<GroupKey, "cohort">; wave: number },
): number {
  let target = 0;
  for (let index = 0; index <= wave && index < waves.length; index += 1) {
    const plan = waves[index];
    if (plan !== undefined && waveTakes(plan, group)) target = Math.max(target, thresholds[index] ?? 0);
  }
  return target;
}

/** Accounts of `groups` that are below `max(threshold, what earlier waves took)`. */
function taken(groups: readonly FrozenGroup[], before: readonly number[], threshold: number): number {
  let sum = 0;
  for (const [index, group] of groups.entries()) {
    sum += countBelow(group, Math.max(threshold, before[index] ?? 0));
  }
  return sum;
}

/** Smallest threshold with at least `wanted` accounts; found by halving, since counts only grow with it. */
function smallestThreshold(
  groups: readonly FrozenGroup[],
  before: readonly number[],
  wanted: number,
): number {
  let low = 0;
  let high = BUCKETS;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (taken(groups, before, middle) >= wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * The threshold of every wave, in order. 100 % is 10,000, so that accounts that become eligible late are taken as well.
 * Example: cohorts of 100 (wave 1, all) and 900 accounts, wave 2 is 40 % of everybody: it takes the threshold that has
 * 300 of the 900 below it, because 100 have gone before.
 */
export function waveThresholds(
  waves: readonly Pick<WavePlan, "cohorts" | "shareBp">[],
  groups: readonly FrozenGroup[],
): readonly number[] {
  const thresholds: number[] = [];
  for (const [index, wave] of waves.entries()) {
    if (wave.shareBp >= WHOLE_BP) {
      thresholds.push(BUCKETS);
      continue;
    }
    const mine = groups.filter((group) => waveTakes(wave, group));
    const before = mine.map((group) => targetThreshold(waves, thresholds, { group, wave: index - 1 }));
    const accounts = mine.reduce((sum, { buckets }) => sum + buckets.length, 0);
    thresholds.push(smallestThreshold(mine, before, Math.ceil((accounts * wave.shareBp) / WHOLE_BP)));
  }
  return thresholds;
}
