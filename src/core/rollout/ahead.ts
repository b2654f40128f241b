/**
 * Where a running rollout stands, as the beginning of a forecast of its rest: with the engine's own thresholds, targets
 * and bakes, so that what is told ahead is what ticks then do if all goes as planned. It assumes that what it waits for
 * comes at once: a pass, a yes, a resume. Pure; called by `explain --at` for times ahead.
 */
import type { FrozenGroup, RolloutState } from "../../contracts/rollout.ts";
import type { EpochMs, ProductName } from "../../contracts/units.ts";
import { type CalendarMemo, DAY_MS, MINUTE_MS } from "../calendar/memo.ts";
import { remaining } from "./groups.ts";
import { bakeEndMs, movedZones } from "./phases/bake.ts";

/** Where a rollout that runs stands: what a forecast of the rest begins with. */
export interface Beginning {
  /** The wave at hand; as many as there are when all are done. */
  readonly wave: number;
  /** When it goes on. */
  readonly atMs: EpochMs;
  readonly thresholds: readonly number[];
  /** Of each group. */
  readonly moved: readonly number[];
  /** Whether a wave leaves a group alone: rolled back, or not yet its turn. */
  readonly skips: (index: number, wave: number) => boolean;
  /** Products whose default is still to move. */
  readonly defaults: readonly ProductName[];
  /** From when on they may; null: counted from the end of the last wave. */
  readonly defaultsFromMs: EpochMs | null;
}

export interface Standing {
  readonly state: RolloutState;
  readonly frozen: readonly FrozenGroup[];
  readonly nowMs: EpochMs;
  readonly memo: CalendarMemo;
}

/** Null: nothing more will move (it ends, or goes back). */
export function beginningOf(standing: Standing): Beginning | null {
  const { state, nowMs } = standing;
  if (state.rollback !== null || state.settle !== null || state.phase === "draft") return null;
  const { barredMs, fromWave, moved } = state.groups;
  // The tick of this very minute has been: the next one is the first that can do anything.
  const nextTickMs = ceilMinute(Math.max(nowMs, state.clockMs + 1));
  const at = waveAt(standing, nextTickMs);
  return {
    ...at,
    thresholds: state.waves.map(({ threshold }) => threshold),
    moved,
    skips: (index, wave) => (barredMs[index] ?? null) !== null || wave < (fromWave[index] ?? 0),
    defaults: state.defaults.flatMap(({ product, movedMs, bakedMs }) =>
      movedMs === null && bakedMs === null ? [product] : [],
    ),
    defaultsFromMs: at.wave < state.waves.length ? null : defaultsFrom(state, nextTickMs),
  };
}

/** The wave that has something to move next, and when it may begin. */
function waveAt(
  { state, frozen, memo }: Standing,
  nextTickMs: EpochMs,
): { readonly wave: number; readonly atMs: EpochMs } {
  const { wave } = state;
  const { shiftedMs, firstMoveMs } = state.waves[wave] ?? { shiftedMs: null, firstMoveMs: null };
  if (shiftedMs === null || remaining(state, frozen, wave).length > 0) return { wave, atMs: nextTickMs };
  const bake = state.plan.waves[wave]?.bake;
  const zones = movedZones(state, frozen);
  const endMs = bake === undefined || firstMoveMs === null ? 0 : bakeEndMs(bake, shiftedMs, { zones, memo });
  return { wave: wave + 1, atMs: ceilMinute(Math.max(nextTickMs, endMs)) };
}

/** When all waves are done: from when on the next default may move. */
function defaultsFrom({ plan, waves, defaults }: RolloutState, nextTickMs: EpochMs): EpochMs {
  const watched = defaults.find(({ movedMs, bakedMs }) => movedMs !== null && bakedMs === null);
  if (watched !== undefined)
    return Math.max(nextTickMs, (watched.movedMs ?? 0) + (plan.default?.bake.minutes ?? 0) * MINUTE_MS);
  const lastMs = waves.at(-1)?.bakedMs ?? nextTickMs;
  return Math.max(nextTickMs, lastMs + (plan.default?.afterDays ?? 0) * DAY_MS);
}

/** The first whole minute that is not before an instant. */
export function ceilMinute(atMs: EpochMs): EpochMs {
  return Math.ceil(atMs / MINUTE_MS) * MINUTE_MS;
}
