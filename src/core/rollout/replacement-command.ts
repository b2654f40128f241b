/**
 * What people may tell a replacement: pause, resume, stop, roll back. Decides and says what is to be done; control
 * advances right after it, at the same time. A refusal is a sentence and leaves everything as it was. Pure. Design §5.4.
 */
import type { ReplacementCommand, ReplacementState } from "../../contracts/replacement.ts";
import type { Facts } from "../../contracts/rollout-input.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { err, ok, type Result } from "../../contracts/result.ts";
import { isReplacing } from "./replacement-plan.ts";
import { inPhase, withEffects, type ReplacementAdvanced } from "./replacement-state.ts";
import { isReversible, ownReturnProblem, versionFacts } from "./versions.ts";

type Told = Result<ReplacementAdvanced, string>;

/** Carries out one command. The error says why it may not. */
export function commandReplacement(
  given: ReplacementState,
  what: ReplacementCommand,
  at: { readonly nowMs: EpochMs; readonly facts: Facts },
): Told {
  const nowMs = Math.max(given.clockMs, at.nowMs);
  const state = { ...given, clockMs: nowMs };
  if (!isReplacing(state)) return err(`it is ${state.phase}`);
  switch (what.kind) {
    case "pause": {
      if (state.phase === "paused") return ok({ state: given, effects: [] });
      const paused = inPhase({ ...state, pacedMs: null }, "paused", `Paused: ${what.reason}`);
      return ok(withEffects({ ...paused, pausedBy: "person" }, []));
    }
    case "resume":
      return resume(state);
    case "stop":
      return stop(state, what);
    case "rollback":
      return rollback(state, what, at.facts);
  }
}

/** Goes on from what was done. Only a preflight from now on counts, so that it does not pause for the old one again. */
function resume(state: ReplacementState): Told {
  if (state.phase !== "paused") return err(`it is ${state.phase}, not paused`);
  const done = state.stage >= state.plan.stepsBp.length || state.ending === "stopped";
  const phase = state.rollback !== null ? "rolling-back" : done ? "settling" : "waiting";
  const next = { ...state, preflightAskedMs: null, preflightSinceMs: state.clockMs };
  return ok(withEffects(inPhase(next, phase, "Resumed"), []));
}

/** Who has moved stays, nobody else moves. */
function stop(state: ReplacementState, { reason }: ReplacementCommand): Told {
  if (state.settleAskedMs !== null)
    return err(
      state.phase === "paused"
        ? "homes are being written: resume it, and it ends by itself in a moment"
        : "homes are being written: it ends by itself in a moment",
    );
  const ending = { ...state, ending: "stopped", pacedMs: null, rollback: null } as const;
  if (state.below === 0) return ok(withEffects(inPhase(ending, "stopped", `Stopped: ${reason}`), []));
  return ok(withEffects(inPhase(ending, "settling", `Stopped: ${reason}`), []));
}

function rollback(state: ReplacementState, { reason, confirmed }: ReplacementCommand, facts: Facts): Told {
  const { product, from, to } = state.plan;
  if (state.settleAskedMs !== null)
    return err(
      `homes are being written: ${state.phase === "paused" ? "resume it and " : ""}let it end, then replace ${to} by ${from}, which needs to be declared compatible`,
    );
  if (state.below === 0) {
    const back = inPhase({ ...state, rollback: null }, "rolled-back", `Rolled back: ${reason}`);
    return ok(withEffects(back, []));
  }
  const closed = ownReturnProblem(facts, product, from);
  if (closed !== null) return err(`accounts cannot go back: ${closed}`);
  const oneWay = !isReversible(versionFacts(facts, product, to), state.clockMs);
  if (oneWay && !confirmed) return err(`confirm it: ${product} ${to} is not declared reversible`);
  const going = { ...state, pacedMs: null, rollback: { reason, confirmed, askedMs: state.clockMs } };
  return ok(
    withEffects(inPhase(going, "rolling-back", `Probing ${product} ${from} before accounts go back`), [
      { kind: "probe-target", product, version: from },
      {
        kind: "notify",
        level: "page",
        text: `${product} ${from} → ${to} is being rolled back: ${reason}`,
      },
    ]),
  );
}
