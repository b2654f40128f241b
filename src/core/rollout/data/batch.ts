/**
 * One batch of accounts on its way: held, settled, called, switched (or given back), settled. Asked before anything else
 * while there is a batch, in whatever phase the rollout is, because held accounts must not wait for a pause to end: what
 * a window's end, a pause, a halt, a stop or a rollback interrupts is undone and given back, or finished where nothing
 * can be undone. One publish for the hold and one for what ends it, whatever the number of accounts. Pure. Design §5.3.
 */
import { SETTLE_TIMES, type Batch, type BatchReport } from "../../../contracts/move-data.ts";
import type { Advanced } from "../../../contracts/rollout-input.ts";
import type { RolloutPhase, RolloutState } from "../../../contracts/rollout.ts";
import type { EpochMs } from "../../../contracts/units.ts";
import { MINUTE_MS } from "../../calendar/memo.ts";
import { counted } from "../../counted.ts";
import { goalOf } from "../rollback.ts";
import { andThen, enter, notifyOnce, pauseItself, quietly, wanting } from "../state.ts";
import type { Turn } from "../turn.ts";
import { interruption } from "./interrupt.ts";
import { isUndoable } from "./rule.ts";
import { settlingOf, type Settling } from "./settled.ts";
import {
  failedNow,
  failureLimit,
  publishing,
  released,
  switched,
  withBatch,
  withFailed,
  withMost,
} from "./state.ts";
import { callMs, longestHoldMs, restMs, undoMs } from "./times.ts";

/** One look at a batch. */
interface Look {
  readonly batch: Batch;
  readonly turn: Turn;
  readonly halted: boolean;
}

const WORDS: Readonly<Record<Batch["stage"], string>> = {
  holding: "are held; the hold spreads",
  calling: "are held and migrating",
  "calling-off": "are held and being undone",
  leaving: "are held while those that failed are taken out",
  releasing: "are let go; that spreads",
};

/** Phases whose words are those of the batch while there is one. */
const MOVING: readonly RolloutPhase[] = ["waiting", "shifting", "rolling-back"];

function describe({ number, accounts, stage }: Batch): string {
  return `Batch ${number}: ${counted(accounts, "account")} ${WORDS[stage]}`;
}

/** Nothing to do yet. Phases that are not about moving keep their own words. */
function wait(state: RolloutState, { batch, turn }: Look, nextAtMs: EpochMs): Advanced {
  const settle = turn.settle ?? SETTLE_TIMES;
  const deadlineMs = batch.atMs + longestHoldMs(batch.hooks, batch.accounts, settle);
  const reason = describe(batch);
  const says = { cause: "hold", reason, nextAtMs, deadlineMs } as const;
  const next = MOVING.includes(state.phase)
    ? enter(state, { phase: state.phase, ...says })
    : { ...state, nextAtMs, deadlineMs };
  if (turn.nowMs <= deadlineMs) return quietly(next);
  const text = `${state.plan.id}: ${reason}, longer than it should take`;
  return notifyOnce(next, `hold-late ${batch.number}`, { level: "page", text });
}

function settling(state: RolloutState, { turn }: Look, sinceMs: EpochMs): Settling {
  const step = state.data?.publishStep ?? 0;
  const publish = turn.observations.data?.publish ?? null;
  return settlingOf(publish, { step, sinceMs, nowMs: turn.nowMs }, turn.settle ?? SETTLE_TIMES);
}

/** The hold ends: with the switch, or as it began. */
function finish(state: RolloutState, look: Look, moved: number): Advanced {
  const { batch, turn } = look;
  const forward = batch.direction === "forward" && batch.calledOff === null;
  const ended = forward ? newGoal(firstMove(switched(state), look), turn) : released(state);
  const sized = forward ? withMost(ended, batch, true) : ended;
  const longestHoldMs = Math.max(state.data?.longestHoldMs ?? 0, turn.nowMs - batch.atMs);
  const data = sized.data === undefined ? {} : { data: { ...sized.data, longestHoldMs } };
  const next = { ...batch, stage: "releasing", releasedMs: turn.nowMs } as const;
  const why = forward
    ? `batch ${batch.number}: ${counted(moved, "account")} moved`
    : batch.direction === "back"
      ? `batch ${batch.number}: ${counted(moved, "account")} rolled back`
      : `batch ${batch.number}: given back (${batch.calledOff ?? ""})`;
  const said = publishing(withBatch({ ...sized, ...data }, next), why, { happened: [why] });
  return andThen(said, (same) => wait(same, { ...look, batch: next }, turn.nowMs + MINUTE_MS));
}

function firstMove(state: RolloutState, { batch, turn }: Look): RolloutState {
  const waves = state.waves.map((wave, index) =>
    index === batch.wave && wave.firstMoveMs === null ? { ...wave, firstMoveMs: turn.nowMs } : wave,
  );
  return { ...state, waves };
}

/** A rollback that was asked for meanwhile counts from what is moved now. */
function newGoal(state: RolloutState, { frozen }: Turn): RolloutState {
  const { rollback } = state;
  if (rollback === null) return state;
  const splitting = rollback.stage === "splitting";
  const goal = splitting ? state.groups.moved : goalOf(state, frozen, rollback.scope);
  return { ...state, rollback: { ...rollback, goal } };
}

/** Nobody has been called: the hold ends as it began. */
function giveBack(state: RolloutState, look: Look, why: string): Advanced {
  return finish(state, { ...look, batch: { ...look.batch, calledOff: why } }, 0);
}

function call(state: RolloutState, look: Look): Advanced {
  const { batch, turn } = look;
  const callUntilMs = turn.nowMs + callMs(batch.hooks, batch.accounts);
  const undoUntilMs = callUntilMs + undoMs(batch.hooks, batch.accounts);
  const next: Batch = { ...batch, stage: "calling", callUntilMs, undoUntilMs };
  const order = { kind: "data", what: { order: "call", batch: next } } as const;
  return andThen(wanting(withBatch(state, next), [order]), (same) =>
    wait(same, { ...look, batch: next }, turn.nowMs + MINUTE_MS),
  );
}

function inHolding(state: RolloutState, look: Look): Advanced {
  const { batch, turn, halted } = look;
  const forward = batch.direction === "forward";
  const why = forward ? interruption(state, turn, halted) : null;
  if (why !== null) return giveBack(state, look, why);
  const found = settling(state, look, batch.atMs);
  if (found.kind === "settling") {
    if (forward && found.late) {
      const reason = `batch ${batch.number} was given back: its hold did not settle: ${found.why}`;
      return andThen(giveBack(state, look, reason), (same) => pauseItself(same, "hold", reason));
    }
    // Going back does not wait for reports for ever: edges that keep to the rule answer nobody from maps that old.
    if (!found.onlyReports) return wait(state, look, found.nextAtMs);
    const text = `${state.plan.id}: batch ${batch.number} goes on although ${found.why}`;
    return andThen(notifyOnce(state, `behind ${batch.number}`, { level: "page", text }), (same) =>
      begin(same, look),
    );
  }
  return begin(state, look);
}

function begin(state: RolloutState, look: Look): Advanced {
  const { batch, turn } = look;
  if (Object.keys(batch.hooks).length === 0) return finish(state, look, batch.accounts);
  const endMs = turn.nowMs + restMs(batch.hooks, batch.accounts);
  if (batch.endByMs !== null && endMs > batch.endByMs)
    return giveBack(state, look, "what was left of the window did not suffice any more");
  return call(state, look);
}

function callOff(state: RolloutState, look: Look, why: string): Advanced {
  const { batch, turn } = look;
  const undoUntilMs = turn.nowMs + undoMs(batch.hooks, batch.accounts);
  const next: Batch = { ...batch, stage: "calling-off", calledOff: why, undoUntilMs };
  const what = { order: "call-off", batch: batch.number, why, undoUntilMs } as const;
  const happened = [`batch ${batch.number} is called off: ${why}`];
  return andThen(wanting(withBatch(state, next), [{ kind: "data", what }], happened), (same) =>
    wait(same, { ...look, batch: next }, turn.nowMs + MINUTE_MS),
  );
}

const failures = ({ fates }: BatchReport): number => fates.left + fates.kept + fates.stuck;

/** Whoever failed is taken out before the batch ends, so that the switch cannot take them along. */
function leave(state: RolloutState, look: Look, report: BatchReport): Advanced {
  const { batch, turn } = look;
  const failed = failures(report);
  const next: Batch = { ...batch, stage: "leaving", left: failed };
  const noted = withFailed(withBatch(state, next), failed - batch.left);
  const order = { kind: "data", what: { order: "leave", batch: batch.number } } as const;
  const happened = [`batch ${batch.number}: ${counted(failed, "account")} left behind`];
  const ordered = andThen(wanting(noted, [order], happened), (same) => tellStuck(same, look, report));
  return andThen(ordered, (same) => wait(same, { ...look, batch: next }, turn.nowMs + MINUTE_MS));
}

function tellStuck(state: RolloutState, { batch }: Look, { fates }: BatchReport): Advanced {
  if (fates.stuck === 0) return quietly(state);
  const text = `${state.plan.id}: ${counted(fates.stuck, "account")} of batch ${batch.number} are held by name: their undo was not confirmed`;
  return notifyOnce(state, `stuck ${batch.number}`, { level: "page", text });
}

/** Why a batch that can still be called off has to be; a wave with too many failures also pauses. */
function trouble(state: RolloutState, look: Look, report: BatchReport): Advanced | null {
  const { batch, turn, halted } = look;
  if (batch.direction === "back" || batch.calledOff !== null) return null;
  const undoable = isUndoable(batch.hooks);
  const all = failedNow(state) + failures(report) - batch.left;
  const most = failureLimit(state, turn.frozen);
  // Whoever resumed a wave that failed too often has seen those; the next failure stops it again.
  if (failures(report) > batch.left && all > most && state.phase !== "paused") {
    const why = `${counted(all, "account")} failed to migrate, more than ${most}`;
    const paused = pauseItself(state, "migration", why);
    return undoable ? andThen(paused, (same) => callOff(same, look, why)) : paused;
  }
  if (!undoable) return null;
  const late = report.fates.open === 0 && report.fates.returned > 0;
  const why = interruption(state, turn, halted) ?? (late ? "not everybody was called in time" : null);
  if (why === null) return null;
  return callOff(late ? withMost(state, batch, false) : state, look, why);
}

function inCalling(state: RolloutState, look: Look): Advanced {
  const { batch, turn } = look;
  const report = reportOn(look);
  const again = (): Advanced => wait(state, look, turn.nowMs + MINUTE_MS);
  if (report === null) return again();
  const bad = trouble(state, look, report);
  if (bad !== null) return bad;
  if (report.fates.open > 0) return again();
  return failures(report) > batch.left ? leave(state, look, report) : finish(state, look, report.fates.ready);
}

function inLeaving(state: RolloutState, look: Look): Advanced {
  const report = reportOn(look);
  const bad = report === null ? null : trouble(state, look, report);
  if (bad !== null) return bad;
  if (report === null || !report.leftIsOut) return wait(state, look, look.turn.nowMs + MINUTE_MS);
  return finish(state, look, report.fates.ready);
}

function reportOn({ batch, turn }: Look): BatchReport | null {
  const report = turn.observations.data?.report ?? null;
  return report?.batch === batch.number ? report : null;
}

function inReleasing(state: RolloutState, look: Look): Advanced {
  const { batch } = look;
  const found = settling(state, look, batch.releasedMs ?? batch.atMs);
  if (found.kind === "settling" && !found.onlyReports) return wait(state, look, found.nextAtMs);
  const over = { ...withBatch(state, null), nextAtMs: null, deadlineMs: null };
  if (found.kind === "settled") return quietly(over);
  const text = `${state.plan.id}: batch ${batch.number} is over although ${found.why}`;
  return notifyOnce(over, `behind ${batch.number}`, { level: "ticket", text });
}

const STAGES: Readonly<Record<Batch["stage"], (state: RolloutState, look: Look) => Advanced>> = {
  holding: inHolding,
  calling: inCalling,
  "calling-off": inCalling,
  leaving: inLeaving,
  releasing: inReleasing,
};

/**
 * Takes the batch at hand one stage further, where what is observed allows it.
 * @param halted everything automatic is halted for this rollout.
 * @returns a state without a batch once it is over; until then nothing else may happen to the rollout.
 */
export function driveBatch(state: RolloutState, turn: Turn, halted: boolean): Advanced {
  const batch = state.data?.batch ?? null;
  if (batch === null) return quietly(state);
  return STAGES[batch.stage](state, { batch, turn, halted });
}
