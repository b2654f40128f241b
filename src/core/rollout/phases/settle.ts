/**
 * The phase `settling`: homes are written in the background, so that the rollout can leave the maps with exactly 0
 * decisions changed; then it is completed or stopped. Pure; writing is control's (`settle-homes`, any number of times).
 */
import type { RolloutState } from "../../../contracts/rollout.ts";
import { MINUTE_MS } from "../../calendar/memo.ts";
import { enter, wanting } from "../state.ts";
import type { PhaseHandler } from "../turn.ts";

/** Homes of a million accounts take minutes; after this it is asked for again, which goes on where it was. */
const SETTLE_PATIENCE_MS = 30 * MINUTE_MS;

const WORDS = { completed: "Complete", stopped: "Stopped: moved accounts stay where they are" } as const;

function ended(state: RolloutState, into: "completed" | "stopped"): ReturnType<PhaseHandler> {
  const next = enter(
    { ...state, settle: null, paused: null },
    { phase: into, cause: "done", reason: WORDS[into] },
  );
  const text = `${state.plan.id}: ${WORDS[into].toLowerCase()}`;
  return wanting(
    next,
    [
      { kind: "publish", why: `${into}: the rollout leaves the maps` },
      { kind: "notify", level: "info", text },
    ],
    [into],
  );
}

/** Nothing to write when nobody was moved; otherwise it waits for control to say that homes are written. */
export const inSettle: PhaseHandler = (state, turn) => {
  const settle = state.settle ?? { askedMs: null, into: "completed" as const };
  const nobody = state.groups.moved.every((threshold) => threshold === 0);
  if (nobody || (settle.askedMs !== null && turn.observations.homes === "written"))
    return ended(state, settle.into);
  const waits = settle.askedMs !== null && turn.nowMs - settle.askedMs < SETTLE_PATIENCE_MS;
  const askedMs = waits ? settle.askedMs : turn.nowMs;
  const next = enter(
    { ...state, settle: { ...settle, askedMs } },
    {
      phase: "settling",
      cause: "homes",
      reason: "Homes of moved accounts are being written; no decision changes",
      deadlineMs: (askedMs ?? turn.nowMs) + SETTLE_PATIENCE_MS,
    },
  );
  return wanting(next, waits ? [] : [{ kind: "settle-homes" }]);
};
