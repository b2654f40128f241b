/**
 * What ends a batch that goes forward before its switch: whatever ends moving forward at all, whoever said so, and the
 * calendar. A batch that goes back is never broken off: it is protective, and it is short. Pure.
 */
import type { RolloutState } from "../../../contracts/rollout.ts";
import { versionTrouble } from "../health.ts";
import { opennessOf } from "../openness.ts";
import type { Turn } from "../turn.ts";
import { batchOf } from "./state.ts";

/** Whether some group of the batch may not move any more, and why. A window that ended, a freeze that was added. */
function closed(state: RolloutState, turn: Turn): string | null {
  const batch = batchOf(state);
  const wave = state.plan.waves[batch?.wave ?? -1];
  if (wave === undefined) return "its wave is gone";
  const { windows, freezes, memo } = turn;
  const products = Object.keys(state.plan.targets);
  const ask = opennessOf({ windows, freezes, products, labelKeys: state.labelKeys, memo }, wave.window);
  for (const [index, group] of turn.frozen.entries()) {
    if ((state.groups.held?.[index] ?? 0) <= (state.groups.moved[index] ?? 0)) continue;
    const answer = ask(group, turn.nowMs);
    if (answer.allowed) continue;
    return answer.reason === "freeze" ? `frozen by "${answer.name ?? ""}"` : "its window has closed";
  }
  return null;
}

/** Null: the batch may go on. Otherwise why it must not. */
export function interruption(state: RolloutState, turn: Turn, halted: boolean): string | null {
  if (halted) return "halted";
  if (state.rollback !== null) return `rolled back: ${state.rollback.reason}`;
  if (state.settle !== null) return "stopped";
  if (state.phase === "paused") return `paused: ${state.paused?.reason ?? state.reason}`;
  return versionTrouble(state, turn)?.reason ?? closed(state, turn);
}
