/**
 * The small changes to a rollout's state that moves of data consist of: a hold begins, a hold ends with a switch or
 * without, publishes that are waited for. Every one keeps `held` and `moved` such that a batch is what lies between them.
 * Pure; called by the rest of this folder, by the start and by the maps.
 */
import { MAX_BATCH_ACCOUNTS, type Batch, type DataState } from "../../../contracts/move-data.ts";
import type { Advanced } from "../../../contracts/rollout-input.ts";
import type { FrozenGroup, RolloutState } from "../../../contracts/rollout.ts";
import { targetOf } from "../groups.ts";
import { wanting, type Wanted } from "../state.ts";
import { countBelow, countBetween } from "../thresholds.ts";
import { resolveDataPlan } from "./times.ts";

const LEAST_FAILURES = 5;
const USUAL_FAILURES = 20;

/** What is kept of a rollout that holds its accounts, before its first batch. */
export function freshData(never: boolean, publishStep: number): DataState {
  return {
    never,
    publishStep,
    batches: 0,
    batch: null,
    failed: { wave: 0, accounts: 0, all: 0 },
    most: null,
    longestHoldMs: 0,
  };
}

/** The batch that is held; null when none is. */
export function batchOf({ data }: RolloutState): Batch | null {
  return data?.batch ?? null;
}

/** Replaces what is known of the batch, or forgets it. */
export function withBatch(state: RolloutState, batch: Batch | null): RolloutState {
  return state.data === undefined ? state : { ...state, data: { ...state.data, batch } };
}

/** Publishes, and waits for that publish to settle from now on. */
export function publishing(
  state: RolloutState,
  why: string,
  { also = [], happened = [] }: { also?: readonly Wanted[]; happened?: readonly string[] } = {},
): Advanced {
  const data = state.data === undefined ? {} : { data: { ...state.data, publishStep: state.step + 1 } };
  return wanting({ ...state, ...data }, [{ kind: "publish", why }, ...also], happened);
}

/** A batch that was too large for its hooks (or for a control plane that was away) halves the next; a good one doubles. */
export function withMost(state: RolloutState, batch: Batch, inTime: boolean): RolloutState {
  const { data } = state;
  if (data === undefined || (inTime && data.most === null)) return state;
  const doubled = data.most === null || data.most >= MAX_BATCH_ACCOUNTS ? null : data.most * 2;
  const most = inTime ? doubled : Math.max(1, Math.floor(batch.accounts / 2));
  return { ...state, data: { ...data, most } };
}

/** Nobody is held any more; whoever is above `moved` keeps what it had. */
export function released(state: RolloutState): RolloutState {
  const { held: _, ...groups } = state.groups;
  return { ...state, groups };
}

/** Everybody who was held is moved. */
export function switched(state: RolloutState): RolloutState {
  const held = state.groups.held ?? [];
  const moved = state.groups.moved.map((threshold, index) => Math.max(threshold, held[index] ?? 0));
  const peak = state.groups.peak.map((threshold, index) => Math.max(threshold, moved[index] ?? 0));
  return released({ ...state, groups: { ...state.groups, moved, peak } });
}

/** Accounts that are held, as frozen. */
export function heldAccounts(state: RolloutState, frozen: readonly FrozenGroup[]): number {
  return frozen.reduce(
    (sum, group, index) =>
      sum + countBetween(group, state.groups.moved[index] ?? 0, state.groups.held?.[index] ?? 0),
    0,
  );
}

/**
 * Accounts of the wave at hand that may be left behind by failing; more stop it. What the plan says, else 0.2 % of the
 * wave, but at least 5, and at least 20 where that is not more than 1 %. Examples: 100 → 5; 2,000 → 20; 1,000,000 → 2,000.
 */
export function failureLimit(state: RolloutState, frozen: readonly FrozenGroup[]): number {
  const { maxFailures } = resolveDataPlan(state.plan);
  if (maxFailures !== null) return maxFailures;
  const accounts = frozen.reduce(
    (sum, group, index) => sum + countBelow(group, targetOf(state, index, { group, wave: state.wave })),
    0,
  );
  return Math.max(
    LEAST_FAILURES,
    Math.min(USUAL_FAILURES, Math.floor(accounts / 100)),
    Math.floor(accounts / 500),
  );
}

/** Counts accounts that failed; those of an earlier wave are counted in the whole alone. */
export function withFailed(state: RolloutState, accounts: number): RolloutState {
  if (state.data === undefined || accounts === 0) return state;
  const { failed } = state.data;
  const before = failed.wave === state.wave ? failed.accounts : 0;
  return {
    ...state,
    data: {
      ...state.data,
      failed: { wave: state.wave, accounts: before + accounts, all: failed.all + accounts },
    },
  };
}

/** Accounts that failed in the wave at hand. */
export function failedNow({ data, wave }: RolloutState): number {
  return data?.failed.wave === wave ? data.failed.accounts : 0;
}

/**
 * Takes accounts out of what a rollout has frozen: those that `leave` regroups. Their new group (variant `out:ROLLOUT`) is
 * none of the rollout's, so it neither moves nor counts them any more.
 */
export function withoutAccounts(
  frozen: readonly FrozenGroup[],
  gone: readonly { readonly group: number; readonly bucket: number }[],
): readonly FrozenGroup[] {
  const byGroup = Map.groupBy(gone, ({ group }) => group);
  return frozen.map((group) => {
    const buckets = (byGroup.get(group.group) ?? []).map(({ bucket }) => bucket).sort((a, b) => a - b);
    if (buckets.length === 0) return group;
    let next = 0;
    const kept = group.buckets.filter((bucket) => {
      while ((buckets[next] ?? Infinity) < bucket) next += 1;
      if (buckets[next] !== bucket) return true;
      next += 1;
      return false;
    });
    return { ...group, buckets: kept };
  });
}
