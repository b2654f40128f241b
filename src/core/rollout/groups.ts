/**
 * The columns of a rollout's groups, and what may happen to them besides rising: a group is split in two without
 * changing a decision, or accounts that became eligible late get a group of their own that starts at zero.
 * Called by commands, phases, and by control when pins, quarantines or deferrals begin or end. Pure.
 */
import type { FrozenGroup, GroupColumns, RolloutState } from "../../contracts/rollout.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { own } from "../record.ts";
import { countBetween, targetThreshold } from "./thresholds.ts";

/** Columns for groups of which nobody was moved yet. */
export function freshColumns(groups: readonly FrozenGroup[]): GroupColumns {
  return {
    number: groups.map(({ group }) => group),
    moved: groups.map(() => 0),
    peak: groups.map(() => 0),
    pacedMs: groups.map(() => null),
    fromWave: groups.map(() => 0),
    barredMs: groups.map(() => null),
  };
}

/** Threshold that a group is to have at the end of a wave; 0 for waves before those that may move it. */
export function targetOf(
  state: RolloutState,
  index: number,
  of: { group: FrozenGroup; wave: number },
): number {
  if (of.wave < (state.groups.fromWave[index] ?? 0)) return 0;
  const thresholds = state.waves.map(({ threshold }) => threshold);
  return targetThreshold(state.plan.waves, thresholds, of);
}

/** Indices of the groups that a wave has still to move: below their target, and not rolled back. */
export function remaining(
  state: RolloutState,
  frozen: readonly FrozenGroup[],
  wave: number,
): readonly number[] {
  const thresholds = state.waves.map(({ threshold }) => threshold);
  const { moved, barredMs, fromWave } = state.groups;
  const byCohort = new Map<string, number>();
  const found: number[] = [];
  for (const [index, group] of frozen.entries()) {
    if ((barredMs[index] ?? null) !== null || wave < (fromWave[index] ?? 0)) continue;
    const target =
      byCohort.get(group.cohort) ?? targetThreshold(state.plan.waves, thresholds, { group, wave });
    byCohort.set(group.cohort, target);
    if ((moved[index] ?? 0) < target) found.push(index);
  }
  return found;
}

/** Accounts below the thresholds. */
export function movedAccounts(state: RolloutState, frozen: readonly FrozenGroup[]): number {
  return frozen.reduce(
    (sum, group, index) => sum + countBetween(group, 0, state.groups.moved[index] ?? 0),
    0,
  );
}

export interface Regrouped {
  readonly state: RolloutState;
  readonly frozen: readonly FrozenGroup[];
}

function copied(columns: GroupColumns, index: number, number: number): GroupColumns {
  return {
    number: [...columns.number, number],
    moved: [...columns.moved, columns.moved[index] ?? 0],
    ...(columns.held === undefined ? {} : { held: [...columns.held, columns.held[index] ?? 0] }),
    peak: [...columns.peak, columns.peak[index] ?? 0],
    pacedMs: [...columns.pacedMs, columns.pacedMs[index] ?? null],
    fromWave: [...columns.fromWave, columns.fromWave[index] ?? 0],
    barredMs: [...columns.barredMs, columns.barredMs[index] ?? null],
  };
}

/** `buckets` without one of each of `gone`; both sorted. */
function without(buckets: Uint16Array, gone: Uint16Array): Uint16Array {
  const kept: number[] = [];
  let next = 0;
  for (const bucket of buckets) {
    if (next < gone.length && gone[next] === bucket) next += 1;
    else kept.push(bucket);
  }
  return Uint16Array.from(kept);
}

/**
 * Takes accounts out of a group into a new one with the same thresholds, in every running rollout: no decision changes.
 * @param split the new group; its `buckets` are those of its accounts under this rollout's salt, sorted.
 * A group that this rollout does not know (its accounts were left out) stays unknown.
 */
export function splitGroup(
  state: RolloutState,
  frozen: readonly FrozenGroup[],
  { from, split }: { from: number; split: Pick<FrozenGroup, "group" | "variant" | "buckets" | "labels"> },
): Regrouped {
  const index = state.groups.number.indexOf(from);
  const group = frozen[index];
  if (group === undefined) return { state, frozen };
  const rest = { ...group, buckets: without(group.buckets, split.buckets) };
  const rollback =
    state.rollback === null
      ? null
      : { ...state.rollback, goal: [...state.rollback.goal, state.rollback.goal[index] ?? 0] };
  return {
    state: { ...state, groups: copied(state.groups, index, split.group), rollback },
    frozen: [...frozen.slice(0, index), rest, ...frozen.slice(index + 1), { ...group, ...split }],
  };
}

/** Whether somebody of a group was moved, or is held to be moved. */
function hasBegun({ groups }: RolloutState, index: number): boolean {
  return (groups.peak[index] ?? 0) > 0 || (groups.held?.[index] ?? 0) > 0;
}

/**
 * The variant for accounts of this rollout that become eligible now: one whose group nobody of was moved yet, else a new
 * one. Joining a group that has moved would move those who join.
 */
export function lateVariant(state: RolloutState, frozen: readonly FrozenGroup[]): string {
  const prefix = `late:${state.plan.id}:${state.wave}`;
  const moved = frozen.filter(({ variant }, index) => variant.startsWith(prefix) && hasBegun(state, index));
  return moved.length === 0 ? prefix : `${prefix}.${state.groups.moved.length}`;
}

/** Notes where accounts that are let in late come from, so that a way back there is judged like every other. */
export function addOrigins(
  state: RolloutState,
  homes: Readonly<Record<ProductName, VersionName>>,
): RolloutState {
  const origins = { ...state.origins };
  for (const product of Object.keys(state.plan.targets)) {
    const home = own(homes, product);
    if (home !== undefined) origins[product] = [...new Set([...(own(origins, product) ?? []), home])].sort();
  }
  return { ...state, origins };
}

/**
 * Lets accounts in whose obstacle (pin, quarantine, deferral) has ended: a group that starts at zero, so that becoming
 * eligible moves nobody. Waves after the one at hand take it; `adopt` takes it into the one at hand.
 * @param late its key has the variant of `lateVariant`. Throws when its group has moved already: a bug of the caller.
 */
export function admitLate(state: RolloutState, frozen: readonly FrozenGroup[], late: FrozenGroup): Regrouped {
  const index = state.groups.number.indexOf(late.group);
  if (index >= 0) {
    if (hasBegun(state, index)) throw new Error(`group ${late.group} has moved: nobody may join it`);
    return { state, frozen: frozen.map((group, at) => (at === index ? joined(group, late) : group)) };
  }
  const columns = state.groups;
  return {
    state: {
      ...state,
      groups: {
        number: [...columns.number, late.group],
        moved: [...columns.moved, 0],
        ...(columns.held === undefined ? {} : { held: [...columns.held, 0] }),
        peak: [...columns.peak, 0],
        pacedMs: [...columns.pacedMs, null],
        fromWave: [...columns.fromWave, state.wave + 1],
        barredMs: [...columns.barredMs, null],
      },
      rollback: state.rollback === null ? null : { ...state.rollback, goal: [...state.rollback.goal, 0] },
    },
    frozen: [...frozen, late],
  };
}

function joined(group: FrozenGroup, late: FrozenGroup): FrozenGroup {
  return { ...group, buckets: Uint16Array.from([...group.buckets, ...late.buckets]).sort() };
}
