/**
 * Where a rollout goes on, from what it has done and not from where it was: after preflight, after a pause, after a wave.
 * So a resumed rollout cannot skip what it had not finished, and one that was going back never goes forward by a resume.
 */
import type { RolloutPhase, RolloutState } from "../../../contracts/rollout.ts";
import { enter, resetPace } from "../state.ts";

/** The phase that is next, from what the state has done. */
export function phaseAfter(state: RolloutState): RolloutPhase {
  if (state.rollback !== null) return "rolling-back";
  if (state.settle !== null) return "settling";
  if (state.preflightPassedMs === null) return "preflight";
  const wave = state.waves[state.wave];
  if (wave !== undefined) return wave.shiftedMs === null ? "waiting" : "baking";
  const step = state.defaults.find(({ bakedMs }) => bakedMs === null);
  if (step === undefined) return "settling";
  return step.movedMs === null || step.putBackMs !== null ? "default-pending" : "default-baking";
}

/** Puts the state into the phase that is next; that phase's handler says the rest. */
export function route(state: RolloutState): RolloutState {
  return enter(resetPace(state), { phase: phaseAfter(state), cause: "moving", reason: "Going on" });
}
