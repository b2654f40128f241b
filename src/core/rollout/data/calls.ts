/**
 * What becomes of one unit of a batch as calls are sent, answered and lost: prepare all products, verify all, or undo
 * whatever was called. Every change is a pure function of the unit as stored and the time, so a control plane that dies
 * between any two of them goes on where it was: a call whose answer was lost counts as silent and is sent again with its
 * key. `undo` follows every `prepare` that failed, was silent for good, or came too late. Design §5.3.
 *
 * An undo that is not confirmed in time makes the unit `stuck`: it leaves the batch, so that nobody else waits, but is not
 * released, because nobody knows what its data is. Control holds it by name and goes on calling; once `undo` says
 * `done` it is `left` on the old version like any other. So no rollout leaves anybody held, and nobody is served blindly.
 */
import type { CallTerms, HookAnswer, HookRun, HookStep, HookUnit } from "../../../contracts/move-data.ts";
import type { EpochMs } from "../../../contracts/units.ts";
import { isUndoable } from "./rule.ts";
import { answerStep, expireStep, giveUp, MAX_FAILED_UNDOS, type StepTimes } from "./steps.ts";

const SLOW_MS = 60_000;

function timesOf({ hooks }: CallTerms, run: HookRun): StepTimes {
  return { timeoutMs: (hooks[run.product]?.timeoutSeconds ?? 1) * 1000 };
}

const outstanding = ({ prepare, verify, undo }: HookRun): boolean =>
  prepare.sentMs !== null || verify.sentMs !== null || undo.sentMs !== null;

/** Whether a run has something to take back: some `prepare` was sent (going back: the rollout's own, long ago). */
function wasCalled(run: HookRun, { direction }: HookUnit): boolean {
  return direction === "back" || run.prepare.tries > 0;
}

/** Null: it can be undone, or need not be. */
function isUndone(run: HookRun, unit: HookUnit, terms: CallTerms): boolean {
  if (!wasCalled(run, unit) || run.undo.result === "done") return true;
  // Where no undo is declared, a `prepare` that says it failed has changed nothing.
  const undo = terms.hooks[run.product]?.undo ?? null;
  return undo === null && run.prepare.result === "failed" && run.prepare.silences === 0;
}

/** The unit is over, one way or the other. */
function over(unit: HookUnit, fate: HookUnit["fate"], why: string | null): HookUnit {
  return { ...unit, stage: "over", fate, why };
}

/** Nothing forward any more: what was called is undone. */
function turnBack(unit: HookUnit, why: string): HookUnit {
  return { ...unit, stage: "undo", fate: "open", why: unit.why ?? why };
}

function stuck(unit: HookUnit, why: string): HookUnit {
  return over(unit, "stuck", `${unit.why === null ? "" : `${unit.why}; `}${why}`);
}

/** Undoing a unit that goes forward, or is stuck: over when everything is undone. */
function progressUndo(unit: HookUnit, terms: CallTerms, nowMs: EpochMs): HookUnit {
  if (unit.runs.some((run) => run.prepare.sentMs !== null || run.verify.sentMs !== null)) return unit;
  if (unit.runs.every((run) => isUndone(run, unit, terms)))
    return over(unit, unit.calledOff ? "returned" : "left", unit.why);
  const hopeless = unit.runs.some(
    (run) => !isUndone(run, unit, terms) && (terms.hooks[run.product]?.undo ?? null) === null,
  );
  if (hopeless) return stuck(unit, "it declares no undo");
  return nowMs >= terms.undoUntilMs ? stuck(unit, "undo was not confirmed") : unit;
}

/** Going back: undone is good; what says that it cannot be undone is verified, and kept where it is whole. */
function progressBack(unit: HookUnit, terms: CallTerms, nowMs: EpochMs): HookUnit {
  if (unit.stage === "undo") {
    if (unit.runs.every(({ undo }) => undo.result === "done")) return over(unit, "ready", null);
    const failed = unit.runs.find(({ undo }) => undo.tries >= MAX_FAILED_UNDOS && undo.result === "failed");
    if (failed === undefined && nowMs < terms.callUntilMs) return unit;
    const why = `undo ${failed?.undo.why ?? "was not confirmed in time"}`;
    // What was silent may have run, and may still run: nobody can say that the data is whole. Nor with one product back.
    const clear = unit.runs.every(
      (run) => run.undo.result !== "done" && run.undo.silences === 0 && !outstanding(run),
    );
    return clear ? { ...unit, stage: "verify", why } : stuck(unit, why);
  }
  if (unit.runs.every(({ verify }) => verify.result === "done")) return over(unit, "kept", unit.why);
  const bad = unit.runs.find(({ verify }) => verify.result === "failed" || giveUp(verify));
  if (bad !== undefined) return stuck(unit, `verify ${bad.verify.why ?? "failed"}`);
  return nowMs >= terms.undoUntilMs ? stuck(unit, "verify was not confirmed") : unit;
}

/**
 * Until when a unit may go forward. What has begun and cannot be undone is given the time that undoing would have taken:
 * there is nothing better to do with it than to finish.
 */
export function forwardUntil(unit: HookUnit, terms: CallTerms): EpochMs {
  const begun = unit.runs.some(({ prepare }) => prepare.tries > 0);
  return begun && !isUndoable(terms.hooks) ? terms.undoUntilMs : terms.callUntilMs;
}

/** Whether the unit's own hooks kept it: they asked for later, or did not answer twice. Others were not called in time. */
function isSlow({ prepare, verify }: HookRun): boolean {
  return [prepare, verify].some(({ why, silences }) => silences > 1 || (why !== null && silences === 0));
}

/** A unit that did not finish. Where that is nobody's fault of its own, the whole batch is called off for its sake. */
function tooLate(unit: HookUnit, terms: CallTerms, nowMs: EpochMs): HookUnit {
  const undoable = isUndoable(terms.hooks);
  if (unit.runs.every(({ prepare }) => prepare.tries === 0))
    return over(unit, undoable ? "returned" : "left", "its turn did not come in time");
  const own = !undoable || unit.runs.some(isSlow);
  const turned = turnBack({ ...unit, calledOff: !own }, `${unit.stage} was not done in time`);
  return progressUndo(turned, terms, nowMs);
}

function progressForward(unit: HookUnit, terms: CallTerms, nowMs: EpochMs): HookUnit {
  if (unit.stage === "undo") return progressUndo(unit, terms, nowMs);
  const step = unit.stage === "verify" ? "verify" : "prepare";
  const bad = unit.runs.find((run) => run[step].result === "failed" || giveUp(run[step]));
  if (bad !== undefined)
    return progressUndo(turnBack(unit, `${bad.product} ${step} ${bad[step].why ?? ""}`), terms, nowMs);
  const untilMs = forwardUntil(unit, terms);
  const late = unit.runs.find((run) => run[step].result === "open" && run[step].nextMs > untilMs);
  if (nowMs >= untilMs || late !== undefined) return tooLate(unit, terms, nowMs);
  if (!unit.runs.every((run) => run[step].result === "done")) return unit;
  return step === "prepare" ? { ...unit, stage: "verify" } : over(unit, "ready", null);
}

function progress(unit: HookUnit, terms: CallTerms, nowMs: EpochMs): HookUnit {
  if (unit.fate === "stuck") {
    const undone = unit.runs.every((run) => isUndone(run, unit, terms));
    return undone ? over(unit, "left", unit.why) : unit;
  }
  if (unit.stage === "over") return unit;
  return unit.direction === "back" ? progressBack(unit, terms, nowMs) : progressForward(unit, terms, nowMs);
}

/**
 * The unit as it is at `nowMs` although nothing was heard: calls whose time is over count as silent, what is too late is
 * undone, an undo that is too late is stuck. To be asked before a unit is read for anything. Twice changes nothing more.
 */
export function elapse(unit: HookUnit, terms: CallTerms, nowMs: EpochMs): HookUnit {
  const runs = unit.runs.map((run) => {
    const times = timesOf(terms, run);
    const [prepare, verify, undo] = [run.prepare, run.verify, run.undo].map((step) =>
      expireStep(step, times, nowMs),
    );
    return prepare === run.prepare && verify === run.verify && undo === run.undo
      ? run
      : { ...run, prepare: prepare ?? run.prepare, verify: verify ?? run.verify, undo: undo ?? run.undo };
  });
  const changed = runs.some((run, index) => run !== unit.runs[index]);
  return progress(changed ? { ...unit, runs } : unit, terms, nowMs);
}

/** The step that a unit waits for in one run; null when there is none. */
export function nextStep(unit: HookUnit, run: HookRun, terms: CallTerms): HookStep | null {
  const undoing = unit.stage === "undo" || unit.fate === "stuck";
  if (!undoing && unit.stage === "over") return null;
  if (undoing) {
    const waits = run.prepare.sentMs !== null || run.verify.sentMs !== null;
    return waits || isUndone(run, unit, terms) || (terms.hooks[run.product]?.undo ?? null) === null
      ? null
      : "undo";
  }
  const step = unit.stage === "verify" ? "verify" : "prepare";
  return run[step].result === "done" ? null : step;
}

function withStep(
  unit: HookUnit,
  at: { run: number; step: HookStep },
  change: (run: HookRun) => HookRun,
): HookUnit {
  return { ...unit, runs: unit.runs.map((run, index) => (index === at.run ? change(run) : run)) };
}

/** Notes that a call is sent. Stored before it goes out, so that no crash can make it not have happened. */
export function sent(unit: HookUnit, at: { run: number; step: HookStep }, nowMs: EpochMs): HookUnit {
  return withStep(unit, at, (run) => {
    const step = run[at.step];
    return { ...run, [at.step]: { ...step, tries: step.tries + 1, sentMs: nowMs, result: "open" } };
  });
}

/**
 * Takes an answer. One that comes after its time-out counts only when it says `done`, which is true whenever it comes;
 * for a step that the unit has left behind it changes nothing but that the call is not outstanding any more.
 */
export function answered(
  given: HookUnit,
  call: { run: number; step: HookStep; attempt: number; answer: HookAnswer },
  { terms, nowMs }: { terms: CallTerms; nowMs: EpochMs },
): HookUnit {
  const unit = elapse(given, terms, nowMs);
  const slow = unit.fate === "stuck" ? SLOW_MS : 0;
  const next = withStep(unit, call, (run) => ({
    ...run,
    [call.step]: answerStep(run[call.step], call, { nowMs, slowMs: slow }),
  }));
  return elapse(next, terms, nowMs);
}

/**
 * Ends a unit early: whatever was called is undone, whoever was verified too. Units that failed, or are stuck, stay so.
 * Only for batches that can be undone (`isUndoable`), and only before the switch.
 */
export function callOff(
  unit: HookUnit,
  why: string,
  { terms, nowMs }: { terms: CallTerms; nowMs: EpochMs },
): HookUnit {
  const now = elapse(unit, terms, nowMs);
  if (now.direction === "back" || (now.stage === "over" && now.fate !== "ready") || now.stage === "undo")
    return now;
  return elapse(turnBack({ ...now, calledOff: true }, why), terms, nowMs);
}
