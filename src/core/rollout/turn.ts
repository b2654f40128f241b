/**
 * What every phase handler gets beside the state: the inputs of one advance, and the calendar's memo. Shapes only.
 */
import type { Advanced, AdvanceInput } from "../../contracts/rollout-input.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { CalendarMemo } from "../calendar/memo.ts";

export interface Turn extends AdvanceInput {
  /** Kept by the caller between ticks; the answers are the same without. */
  readonly memo?: CalendarMemo | undefined;
}

/** Decides one phase. Called again until nothing changes, so it must come to rest. */
export type PhaseHandler = (state: RolloutState, turn: Turn) => Advanced;
