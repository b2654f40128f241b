/**
 * Raises the thresholds of open groups by one step: each by the wave's pace, all together by at most its cap. Groups come
 * in the order of their closing, so that a cap is spent on those that run out of time. Pure; called by the shift phase.
 */
import type { RolloutState, WavePlan } from "../../contracts/rollout.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { targetOf } from "./groups.ts";
import { capStep, gainOf } from "./pace.ts";
import type { Turn } from "./turn.ts";

export interface Shifted {
  readonly state: RolloutState;
  /** Accounts that this step moves. */
  readonly accounts: number;
  /** Whether any threshold rose, also one that takes nobody. */
  readonly raised: boolean;
}

/** A group that may move now, and until when. */
export interface OpenGroup {
  readonly index: number;
  readonly closesAtMs: EpochMs;
}

interface Step {
  readonly wave: WavePlan;
  readonly open: readonly OpenGroup[];
}

/**
 * One step of a wave. Groups that are not open lose their time, so that none is made up for when they open again.
 * At the same clock again it moves nobody: no time has passed, and the cap counts what was moved before.
 */
export function shiftGroups(state: RolloutState, turn: Turn, { wave, open }: Step): Shifted {
  const moved = [...state.groups.moved];
  const peak = [...state.groups.peak];
  const pacedMs: (EpochMs | null)[] = state.groups.pacedMs.map(() => null);
  let accounts = 0;
  let raised = false;
  for (const { index } of open) {
    const group = turn.frozen[index];
    const from = moved[index] ?? 0;
    if (group === undefined) continue;
    const gain = gainOf(wave.paceBpPerMinute, state.groups.pacedMs[index] ?? null, turn.nowMs);
    const to = Math.min(targetOf(state, index, { group, wave: state.wave }), from + gain.gained);
    const used = state.movedNow + accounts;
    const cap = { budget: (wave.maxPerTick ?? Infinity) - used, mayExceed: used === 0 };
    const step = capStep(group, { from, to }, cap);
    moved[index] = step.threshold;
    peak[index] = Math.max(peak[index] ?? 0, step.threshold);
    pacedMs[index] = gain.pacedMs;
    accounts += step.accounts;
    raised ||= step.threshold > from;
  }
  const next = {
    ...state,
    movedNow: state.movedNow + accounts,
    groups: { ...state.groups, moved, peak, pacedMs },
  };
  return { state: next, accounts, raised };
}
