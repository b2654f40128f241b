/**
 * The rollout engine: what becomes of a rollout at a point in time, given what is observed. A pure function of its
 * arguments: the same history gives the same states and the same effects, whether ticks came once, twice or late. An
 * older time than it has seen changes nothing; the same time again goes on only where observations have changed.
 * Called by control for every tick and when an observation arrives; effects are carried out by its outbox. Design §5.
 */
import type { Advanced } from "../../contracts/rollout-input.ts";
import type { RolloutPhase, RolloutState } from "../../contracts/rollout.ts";
import { driveBatch } from "./data/batch.ts";
import { batchOf } from "./data/state.ts";
import { inBake } from "./phases/bake.ts";
import { inDefaultBaking, inDefaultPending } from "./phases/default-step.ts";
import { endMirrors } from "./phases/mirror.ts";
import { inPreflight, inPreflightFailed } from "./phases/preflight.ts";
import { inRollback } from "./phases/rolling-back.ts";
import { inSettle } from "./phases/settle.ts";
import { inShift } from "./phases/shift.ts";
import { andThen, enter, quietly, resetPace } from "./state.ts";
import type { PhaseHandler, Turn } from "./turn.ts";
import { watch } from "./watch.ts";

const rest: PhaseHandler = (state) => quietly(state);

/** Every phase and who decides it. */
const HANDLERS: Readonly<Record<RolloutPhase, PhaseHandler>> = {
  draft: rest,
  preflight: inPreflight,
  "preflight-failed": inPreflightFailed,
  waiting: inShift,
  shifting: inShift,
  "awaiting-approval": inShift,
  baking: inBake,
  paused: rest,
  "rolling-back": inRollback,
  "rolled-back": rest,
  "default-pending": inDefaultPending,
  "default-baking": inDefaultBaking,
  settling: inSettle,
  completed: rest,
  stopped: rest,
};

/** Phases that a handler may go through at one instant: each wave may take four, a default two. A bug beyond that. */
const MAX_TURNS = 400;

/** Whether halt leaves this rollout alone: only what a person has begun to take back goes on. */
function passesHalt({ rollback }: RolloutState): boolean {
  return rollback !== null && !rollback.automatic;
}

function halted(state: RolloutState): Advanced {
  if (state.cause === "halted" || state.phase === "paused") return quietly(resetPace(state));
  const { phase, deadlineMs } = state;
  return quietly(
    enter(resetPace(state), {
      phase,
      cause: "halted",
      reason: "Halted: nothing moves by itself",
      deadlineMs,
    }),
  );
}

/** Asks the phase until it stays as it is. */
function settleDown(first: Advanced, turn: Turn): Advanced {
  let done = first;
  for (let turns = 0; turns < MAX_TURNS; turns += 1) {
    const { phase, wave, defaults } = done.state;
    const next = andThen(done, (state) => HANDLERS[state.phase](state, turn));
    done = next;
    // A batch that has begun is driven from the next advance on, and nothing else happens until it is over.
    if (batchOf(next.state) !== null) return next;
    const same = next.state.phase === phase && next.state.wave === wave;
    if (same && next.state.defaults === defaults) return next;
  }
  throw new Error(`rollout ${first.state.plan.id} does not come to rest in phase ${done.state.phase}`);
}

/**
 * Takes a rollout to `nowMs`.
 * @returns the state after it, effects to carry out (each once, by `step`), and sentences for the report of the tick.
 */
export function advance(state: RolloutState, turn: Turn): Advanced {
  if (batchOf(state) === null || turn.nowMs < state.clockMs) return advancePhase(state, turn);
  const driven = advanceBatch(clocked(state, turn), turn);
  return batchOf(driven.state) === null ? andThen(driven, (next) => advancePhase(next, turn)) : driven;
}

/** Accounts that are held come first, whatever the phase: they must not wait for a pause or a halt to end. */
function advanceBatch(state: RolloutState, turn: Turn): Advanced {
  const stopped = turn.halt && !passesHalt(state);
  const watched = stopped ? halted(state) : watch(state, turn);
  return andThen(watched, (next) => driveBatch(next, turn, stopped));
}

function advancePhase(state: RolloutState, turn: Turn): Advanced {
  if (state.phase === "draft" || HANDLERS[state.phase] === rest || turn.nowMs < state.clockMs) {
    return quietly(turn.nowMs > state.clockMs && state.phase === "paused" ? clocked(state, turn) : state);
  }
  const ticked = clocked(state, turn);
  if (turn.halt && !passesHalt(ticked)) return endMirrors(halted(ticked));
  return endMirrors(settleDown(watch(ticked, turn), turn));
}

function clocked(state: RolloutState, { nowMs }: Turn): RolloutState {
  return nowMs === state.clockMs ? state : { ...state, clockMs: nowMs, movedNow: 0 };
}
