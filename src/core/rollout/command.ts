/**
 * What people may tell a rollout: a pure function of state, command and context. It decides and says what is to be done;
 * it does not advance: control calls `advance` right after it, at the same time, so that a command takes effect at once.
 * Refusals leave everything as it was. Roles, revisions and the audit are control's. Design §5.
 */
import type { CommandContext, RolloutCommand } from "../../contracts/rollout-input.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import { approve, waiveGate } from "./commands/approve.ts";
import { pause, resume } from "./commands/pause-resume.ts";
import type { CommandResult } from "./commands/refuse.ts";
import { endMirrors } from "./phases/mirror.ts";
import { ok } from "../../contracts/result.ts";
import { start } from "./commands/start.ts";
import { adopt, rollback, stop } from "./commands/stop-rollback.ts";

/** Carries out one command. `context.nowMs` is control's clock; an older one counts as the state's own. */
export function command(given: RolloutState, what: RolloutCommand, at: CommandContext): CommandResult {
  const nowMs = Math.max(given.clockMs, at.nowMs);
  const state = nowMs === given.clockMs ? given : { ...given, clockMs: nowMs, movedNow: 0 };
  const result = carryOut(state, what, { ...at, nowMs });
  return result.ok ? ok(endMirrors(result.value)) : result;
}

function carryOut(state: RolloutState, what: RolloutCommand, context: CommandContext): CommandResult {
  switch (what.kind) {
    case "start":
      return start(state, what, context);
    case "pause":
      return pause(state, what, context);
    case "resume":
      return resume(state, what, context);
    case "approve":
      return approve(state, what, context);
    case "waive-gate":
      return waiveGate(state, what, context);
    case "stop":
      return stop(state, what, context);
    case "rollback":
      return rollback(state, what, context);
    case "adopt":
      return adopt(state, context);
  }
}
