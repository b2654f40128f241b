/** How a command is refused: which problem, a sentence that says what to do, and the phase it found. */
import { err, type Result } from "../../../contracts/result.ts";
import type { ProblemType, Refusal } from "../../../contracts/problems.ts";
import type { Advanced } from "../../../contracts/rollout-input.ts";
import type { RolloutState } from "../../../contracts/rollout.ts";

export type CommandResult = Result<Advanced, Refusal>;

/** Refuses with the phase as evidence; `more` is added to it. */
export function refuse(
  state: RolloutState,
  detail: string,
  more: { readonly problem?: ProblemType; readonly [extension: string]: unknown } = {},
): CommandResult {
  const { problem, ...extensions } = more;
  return err({
    problem: problem ?? "conflict",
    detail,
    extensions: { rollout: state.plan.id, phase: state.phase, ...extensions },
  });
}
