/** A rollout's phase as a word with a colour; the word says it all, so the colour may be missed. */
import type { RolloutView } from "../../contracts/api/rollouts.ts";

type Phase = RolloutView["phase"];

const TONES: Readonly<Record<Phase, "good" | "warn" | "bad" | "soft">> = {
  draft: "soft",
  preflight: "soft",
  "preflight-failed": "bad",
  waiting: "soft",
  shifting: "good",
  baking: "good",
  "awaiting-approval": "warn",
  paused: "warn",
  "rolling-back": "bad",
  "rolled-back": "bad",
  "default-pending": "soft",
  "default-baking": "good",
  settling: "good",
  completed: "good",
  stopped: "warn",
};

export function PhaseTag({ phase }: { phase: Phase }) {
  return <span class={`tag ${TONES[phase]}`}>{phase}</span>;
}

/** Phases that nothing leads out of. */
export function hasEnded(phase: Phase): boolean {
  return phase === "completed" || phase === "stopped" || phase === "rolled-back";
}
