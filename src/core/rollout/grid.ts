/**
 * Waves × groups of a rollout: what each wave moves in each zone, how far that is, and the dates that are still ahead by
 * the engine's own forecast; the moves to come hour by hour; who is not reached by a time. Pure. Groups that differ in
 * cohort alone share a row, because a person looks for places and times. Called for `rollouts/{id}/grid`.
 */
import type { GridCell, GridRow, RolloutGrid } from "../../contracts/api/rollout-grid.ts";
import type { FrozenGroup, RolloutState } from "../../contracts/rollout.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { showInstant } from "../calendar/preview.ts";
import { thresholdAt } from "./plan.ts";
import type { MoveSegment } from "./simulate-wave.ts";
import { countBetween, targetThreshold } from "./thresholds.ts";

const HOUR_MS = 60 * 60_000;

export interface GridQuestion {
  readonly state: RolloutState;
  readonly frozen: readonly FrozenGroup[];
  /** Of each wave: the state's own, or those of the forecast of a draft. */
  readonly thresholds: readonly number[];
  /** Moves that are still to come. */
  readonly segments: readonly MoveSegment[];
  /** Accounts whose data could not be moved, by the name of their row. */
  readonly failed: ReadonlyMap<string, number>;
}

/** One cell while it is added up. */
interface Sum {
  accounts: number;
  moved: number;
  held: number;
  back: number;
  firstMs: EpochMs;
  lastMs: EpochMs;
}

interface RowSum {
  readonly of: FrozenGroup;
  readonly cohorts: Set<string>;
  readonly cells: readonly Sum[];
  readonly failed: number;
}

const emptySum = (): Sum => ({
  accounts: 0,
  moved: 0,
  held: 0,
  back: 0,
  firstMs: Infinity,
  lastMs: -Infinity,
});

/** Names the row of a group: what a person tells apart by where and when it moves. */
export function rowNameOf({ zone, cell, ownWindow }: Pick<GridRow, "zone" | "cell" | "ownWindow">): string {
  return JSON.stringify([zone, cell, ownWindow]);
}

export function gridRows(question: GridQuestion): readonly GridRow[] {
  const { frozen, state, segments, failed } = question;
  const rows = new Map<string, RowSum>();
  const rowOf = (group: FrozenGroup): RowSum => {
    const name = rowNameOf({ ...group, ownWindow: group.window !== null });
    const known = rows.get(name);
    if (known !== undefined) return known;
    const cells = state.plan.waves.map(emptySum);
    const row = { of: group, cohorts: new Set<string>(), cells, failed: failed.get(name) ?? 0 };
    rows.set(name, row);
    return row;
  };
  for (const [index, group] of frozen.entries()) {
    const row = rowOf(group);
    row.cohorts.add(group.cohort);
    addGroup(row.cells, question, { group, index });
  }
  for (const { index, wave, fromMs, untilMs } of segments) {
    const group = frozen[index];
    const cell = group === undefined ? undefined : rowOf(group).cells[wave];
    if (cell === undefined) continue;
    cell.firstMs = Math.min(cell.firstMs, fromMs);
    cell.lastMs = Math.max(cell.lastMs, untilMs);
  }
  return [...rows.values()]
    .map(showRow)
    .toSorted((a, b) => b.accounts - a.accounts || (a.zone < b.zone ? -1 : 1));
}

function addGroup(
  cells: readonly Sum[],
  { state: { plan, groups }, thresholds }: GridQuestion,
  { group, index }: { readonly group: FrozenGroup; readonly index: number },
): void {
  const fromWave = groups.fromWave[index] ?? 0;
  const moved = groups.moved[index] ?? 0;
  const held = Math.max(moved, groups.held?.[index] ?? 0);
  const peak = Math.max(moved, groups.peak[index] ?? 0);
  let from = 0;
  for (const [wave, cell] of cells.entries()) {
    const goal = wave < fromWave ? 0 : targetThreshold(plan.waves, thresholds, { group, wave });
    const to = Math.max(from, goal);
    cell.accounts += countBetween(group, from, to);
    cell.moved += countBetween(group, from, Math.min(to, moved));
    cell.held += countBetween(group, Math.max(from, moved), Math.min(to, held));
    cell.back += countBetween(group, Math.max(from, moved), Math.min(to, peak));
    from = to;
  }
}

function showRow({ of: { zone, cell, window }, cohorts, cells, failed }: RowSum): GridRow {
  const waves = cells.map(({ accounts, moved, held, back, firstMs, lastMs }): GridCell => {
    const ahead = lastMs >= firstMs;
    return {
      accounts,
      moved,
      held,
      back,
      first: ahead ? showInstant(firstMs, zone) : null,
      last: ahead ? showInstant(lastMs, zone) : null,
    };
  });
  return {
    zone,
    cell,
    ownWindow: window !== null,
    cohorts: [...cohorts].toSorted(),
    accounts: waves.reduce((sum, { accounts }) => sum + accounts, 0),
    moved: waves.reduce((sum, { moved }) => sum + moved, 0),
    failed,
    waves,
  };
}

/** Moves to come, hour by hour: a group that moves over several hours moves evenly. Worked example: 90 in 1.5 h → 60, 30. */
export function movesByHour(
  segments: readonly MoveSegment[],
  frozen: readonly FrozenGroup[],
): RolloutGrid["hours"] {
  const hours = new Map<number, number>();
  const add = (hour: number, accounts: number): void =>
    void hours.set(hour, (hours.get(hour) ?? 0) + accounts);
  for (const { index, from, to, fromMs, untilMs } of segments) {
    const group = frozen[index];
    const accounts = group === undefined ? 0 : countBetween(group, from, to);
    if (accounts === 0) continue;
    const span = untilMs - fromMs;
    if (span <= 0) add(Math.floor(fromMs / HOUR_MS), accounts);
    for (let atMs = fromMs; span > 0 && atMs < untilMs;) {
      const hour = Math.floor(atMs / HOUR_MS);
      const endMs = Math.min(untilMs, (hour + 1) * HOUR_MS);
      add(hour, (accounts * (endMs - atMs)) / span);
      atMs = endMs;
    }
  }
  return [...hours]
    .toSorted(([a], [b]) => a - b)
    .map(([hour, accounts]) => ({
      from: new Date(hour * HOUR_MS).toISOString(),
      accounts: Math.round(accounts),
    }))
    .filter(({ accounts }) => accounts > 0);
}

/** Accounts that are not on the target by a time: neither moved by now, nor by then as forecast. */
export function notReachedBy(
  { state, frozen, segments }: Pick<GridQuestion, "state" | "frozen" | "segments">,
  beforeMs: EpochMs,
): NonNullable<RolloutGrid["notReached"]> {
  let accounts = 0;
  const zones = new Set<string>();
  const byIndex = Map.groupBy(segments, ({ index }) => index);
  for (const [index, group] of frozen.entries()) {
    const then = thresholdAt(byIndex.get(index) ?? [], index, beforeMs);
    const missing =
      group.buckets.length - countBetween(group, 0, Math.max(then, state.groups.moved[index] ?? 0));
    if (missing === 0) continue;
    accounts += missing;
    zones.add(group.zone);
  }
  return { before: new Date(beforeMs).toISOString(), accounts, zones: [...zones].toSorted() };
}
