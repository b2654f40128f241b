/**
 * Small steps of a replacement's state that its engine and its commands share: entering a phase, numbering effects,
 * pausing by itself. Pure.
 */
import type { ReplacementEffect, ReplacementPhase, ReplacementState } from "../../contracts/replacement.ts";

export interface ReplacementAdvanced {
  readonly state: ReplacementState;
  readonly effects: readonly ReplacementEffect[];
}

/** An effect before it has its number. */
export type WantedOfReplacement = ReplacementEffect extends infer Effect
  ? Effect extends ReplacementEffect
    ? Omit<Effect, "step">
    : never
  : never;

/** Numbers what is wanted. */
export function withEffects(
  state: ReplacementState,
  wanted: readonly WantedOfReplacement[],
): ReplacementAdvanced {
  const effects = wanted.map((effect, index) => ({ ...effect, step: state.step + index + 1 }));
  return { state: { ...state, step: state.step + effects.length }, effects };
}

export function inPhase(state: ReplacementState, phase: ReplacementPhase, reason: string): ReplacementState {
  return { ...state, phase, reason, nextAtMs: null, deadlineMs: null, pausedBy: null };
}

/** Nothing goes on until a person resumes; somebody is told. */
export function pauseReplacement(state: ReplacementState, reason: string): ReplacementAdvanced {
  const { product, from, to } = state.plan;
  const paused = inPhase({ ...state, pacedMs: null }, "paused", reason);
  return withEffects({ ...paused, pausedBy: "itself" }, [
    { kind: "notify", level: "page", text: `${product} ${from} → ${to} is paused: ${reason}` },
  ]);
}
