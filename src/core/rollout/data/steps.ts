/**
 * One step of one run: tries, back-off, and what its answers come to. Silence is tried again with the same key, since the
 * work may have been done; a failure of `prepare` or `verify` is final, one of `undo` is tried again. Pure.
 */
import type { HookAnswer, HookStep, StepState } from "../../../contracts/move-data.ts";
import type { EpochMs } from "../../../contracts/units.ts";

/** Silent calls of one step before the unit is given up. */
export const MAX_SILENT = 3;
/** Failed or silent tries of `undo` before a rollback asks whether the account is whole where it is. */
export const MAX_FAILED_UNDOS = 3;
/** Between a time-out at the caller and the answer being written down. */
export const ANSWER_ROOM_MS = 5000;
const FIRST_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 30_000;

export interface StepTimes {
  readonly timeoutMs: number;
}

function backoffMs(tries: number): number {
  return Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.max(0, tries - 1));
}

function silent(step: StepState, why: string, nowMs: EpochMs): StepState {
  return { ...step, sentMs: null, silences: step.silences + 1, why, nextMs: nowMs + backoffMs(step.tries) };
}

/** A call that was never answered, whoever died, counts as silent once its time is over. */
export function expireStep(step: StepState, { timeoutMs }: StepTimes, nowMs: EpochMs): StepState {
  if (step.sentMs === null || nowMs < step.sentMs + timeoutMs + ANSWER_ROOM_MS) return step;
  return silent(step, "was not answered in time", nowMs);
}

/** Whether a step of going forward is to be given up. */
export function giveUp({ sentMs, result, silences }: StepState): boolean {
  return result === "open" && sentMs === null && silences >= MAX_SILENT;
}

/** The step after an answer. */
export function answerStep(
  step: StepState,
  { step: name, attempt, answer }: { step: HookStep; attempt: number; answer: HookAnswer },
  { nowMs, slowMs }: { nowMs: EpochMs; slowMs: number },
): StepState {
  if (step.result === "done") return step;
  if (answer.kind === "done") return { ...step, sentMs: null, result: "done", why: null };
  // A word on an earlier try says nothing of the one that is under way.
  if (step.sentMs === null || attempt !== step.tries) return step;
  const restMs = Math.max(slowMs, backoffMs(step.tries));
  switch (answer.kind) {
    case "later":
      return {
        ...step,
        sentMs: null,
        why: "asked to be called later",
        nextMs: Math.max(nowMs + restMs, answer.atMs),
      };
    case "failed": {
      const why = `failed: ${answer.why}`;
      const failed = { ...step, sentMs: null, why, nextMs: nowMs + restMs, result: "failed" } as const;
      return name === "undo" ? failed : { ...failed, nextMs: nowMs };
    }
    case "silent":
      return { ...silent(step, answer.why, nowMs), nextMs: nowMs + restMs };
  }
}
