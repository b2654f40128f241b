/**
 * How far a threshold goes in a step: percent per minute of time that counted, and a cap of accounts for all groups of a
 * tick together. Shared by waves, stepped rollbacks, replacements and the plan's simulation, so that they cannot differ.
 * The first tick of an open stretch counts as one minute, so that a group begins to move when its window does.
 * Pure arithmetic; times in milliseconds, thresholds and shares in 1/10,000.
 */
import { BUCKETS } from "../../contracts/limits.ts";
import type { FrozenGroup } from "../../contracts/rollout.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { MINUTE_MS } from "../calendar/memo.ts";
import { countBelow } from "./thresholds.ts";

/** A tick this late after the last step asks whether it was open all the while: its time counts only then. */
export const LATE_MS = 2 * MINUTE_MS;

export interface Paced {
  /** Whole buckets gained. */
  readonly gained: number;
  /** Until when time is used up; what is left counts for the next step. */
  readonly pacedMs: EpochMs;
}

/**
 * What a pace gains between the last step and now.
 * @param paceBp hundredths of a percent a minute; null: everything at once.
 * @param pacedMs null for the first step of an open stretch.
 * Example: 200 (2 %) and 90 seconds: 300.
 */
export function gainOf(paceBp: number | null, pacedMs: EpochMs | null, nowMs: EpochMs): Paced {
  if (paceBp === null) return { gained: BUCKETS, pacedMs: nowMs };
  const fromMs = pacedMs ?? nowMs - MINUTE_MS;
  const gained = Math.max(0, Math.floor((paceBp * (nowMs - fromMs)) / MINUTE_MS));
  if (gained >= BUCKETS) return { gained: BUCKETS, pacedMs: nowMs };
  return { gained, pacedMs: Math.min(nowMs, fromMs + Math.ceil((gained * MINUTE_MS) / paceBp)) };
}

export interface CappedStep {
  readonly threshold: number;
  readonly accounts: number;
}

/**
 * Cuts a step so that it moves at most `budget` accounts. Accounts that share a bucket move together, so the first step
 * of a tick (`mayExceed`) takes at least one bucket: a cap below such a clump would otherwise stop the wave for good.
 */
export function capStep(
  group: Pick<FrozenGroup, "buckets">,
  range: { from: number; to: number },
  { budget, mayExceed }: { budget: number; mayExceed: boolean },
): CappedStep {
  const below = countBelow(group, range.from);
  const wanted = countBelow(group, range.to) - below;
  if (wanted <= budget) return { threshold: range.to, accounts: wanted };
  // The bucket of the first account that is over the budget: everything below it is within.
  const first = group.buckets[below + Math.max(0, budget)] ?? range.to;
  const threshold = Math.max(range.from, Math.min(range.to, first));
  const accounts = countBelow(group, threshold) - below;
  if (accounts > 0 || !mayExceed) return { threshold, accounts };
  const clump = Math.min(range.to, first + 1);
  return { threshold: clump, accounts: countBelow(group, clump) - below };
}
