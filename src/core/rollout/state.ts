/**
 * How a rollout's state begins and the few ways in which it changes phase. Every handler goes through these, so that no
 * phase is entered without cause, reason and the times that belong to it. Immutable: each returns a new state.
 * Pure; it must not decide anything. Called by the phases and the commands.
 */
import {
  TERMINAL_PHASES,
  type RolloutCause,
  type RolloutPhase,
  type RolloutPlan,
  type RolloutState,
} from "../../contracts/rollout.ts";
import type { Advanced, RolloutEffect } from "../../contracts/rollout-input.ts";
import type { EpochMs } from "../../contracts/units.ts";

/** A rollout that was written down and not started. `salt` is drawn by control; it fixes which accounts go first. */
export function createRollout(plan: RolloutPlan, salt: string, nowMs: EpochMs): RolloutState {
  return {
    schema: 1,
    plan,
    salt,
    digest: null,
    phase: "draft",
    cause: "new",
    reason: "Written down; nobody moves before it is started",
    nextAtMs: null,
    deadlineMs: null,
    clockMs: nowMs,
    movedNow: 0,
    step: 0,
    startedMs: null,
    sinceMs: nowMs,
    wave: 0,
    waves: plan.waves.map(() => ({
      threshold: 0,
      firstMoveMs: null,
      shiftedMs: null,
      bakedMs: null,
      approved: null,
      gateWaived: null,
    })),
    groups: { number: [], moved: [], peak: [], pacedMs: [], fromWave: [], barredMs: [] },
    labelKeys: [],
    origins: {},
    preflightAskedMs: null,
    preflightPassedMs: null,
    preflights: {},
    paused: null,
    rollback: null,
    defaults: [],
    settle: null,
    notified: [],
  };
}

/** Whether nothing can happen to it any more. */
export function isTerminal({ phase }: Pick<RolloutState, "phase">): boolean {
  return TERMINAL_PHASES.includes(phase);
}

/** Whether it has a place in the published maps and keeps its products to itself. */
export function isActive(state: Pick<RolloutState, "phase">): boolean {
  return state.phase !== "draft" && !isTerminal(state);
}

export interface Where {
  readonly phase: RolloutPhase;
  readonly cause: RolloutCause;
  readonly reason: string;
  readonly nextAtMs?: EpochMs | null;
  readonly deadlineMs?: EpochMs | null;
}

/** Puts a state into a phase, or refreshes what it says of the phase it is in. */
export function enter(
  state: RolloutState,
  { phase, cause, reason, nextAtMs, deadlineMs }: Where,
): RolloutState {
  return {
    ...state,
    phase,
    cause,
    reason,
    nextAtMs: nextAtMs ?? null,
    deadlineMs: deadlineMs ?? null,
    sinceMs: state.phase === phase ? state.sinceMs : state.clockMs,
  };
}

/** An effect without its number. */
export type Wanted = RolloutEffect extends infer Effect
  ? Effect extends RolloutEffect
    ? Omit<Effect, "step">
    : never
  : never;

/** Numbers effects and adds them to what a handler returns. */
export function wanting(
  state: RolloutState,
  wanted: readonly Wanted[],
  happened: readonly string[] = [],
): Advanced {
  const effects = wanted.map((effect, index) => ({ ...effect, step: state.step + index + 1 }));
  return { state: { ...state, step: state.step + effects.length }, effects, happened };
}

/** A state and nothing to do. */
export function quietly(state: RolloutState): Advanced {
  return { state, effects: [], happened: [] };
}

/** One thing after another: `next` goes on from the state that `first` left. */
export function andThen(first: Advanced, next: (state: RolloutState) => Advanced): Advanced {
  const second = next(first.state);
  return {
    state: second.state,
    effects: [...first.effects, ...second.effects],
    happened: [...first.happened, ...second.happened],
  };
}

/** Tells people something once for each `key`. */
export function notifyOnce(
  state: RolloutState,
  key: string,
  notice: { level: "info" | "ticket" | "page"; text: string },
): Advanced {
  if (state.notified.includes(key)) return quietly(state);
  return wanting({ ...state, notified: [...state.notified, key] }, [{ kind: "notify", ...notice }]);
}

/** No group counts time: the next step of each begins anew. After every wait, so that no wait is made up for. */
export function resetPace(state: RolloutState): RolloutState {
  if (state.groups.pacedMs.every((at) => at === null)) return state;
  return { ...state, groups: { ...state.groups, pacedMs: state.groups.pacedMs.map(() => null) } };
}

/** Stops by itself, and says so. A person resumes, stops or rolls back. */
export function pauseItself(state: RolloutState, cause: RolloutCause, reason: string): Advanced {
  const paused = { by: "rollout", atMs: state.clockMs, reason };
  const next = enter(resetPace({ ...state, paused }), { phase: "paused", cause, reason });
  return wanting(
    next,
    [{ kind: "notify", level: "page", text: `${state.plan.id} paused: ${reason}` }],
    [`paused: ${reason}`],
  );
}
