/** The batch that is held as people and programs see it; shapes of `contracts/api/move-data`. Pure; called by views. */
import type { Batch, SettleTimes } from "../../../contracts/move-data.ts";
import type { RolloutState } from "../../../contracts/rollout.ts";
import { batchOf } from "./state.ts";
import { longestHoldMs } from "./times.ts";

export interface HeldBatchView {
  readonly number: number;
  readonly direction: Batch["direction"];
  readonly stage: Batch["stage"];
  readonly accounts: number;
  /** ISO. */
  readonly heldAt: string;
  readonly endsBy: string;
  readonly calledOff: string | null;
}

export interface DataMovesView {
  readonly batches: number;
  readonly failed: number;
  readonly longestHoldSeconds: number;
  readonly held: HeldBatchView | null;
}

/** Null for a rollout that holds nobody. */
export function viewDataMoves(state: RolloutState, settle: SettleTimes): DataMovesView | null {
  const { data } = state;
  if (data === undefined) return null;
  const { batches, failed, longestHoldMs: longestMs } = data;
  const held = viewBatch(state, settle);
  return { batches, failed: failed.all, longestHoldSeconds: longestMs / 1000, held };
}

/** Null when nobody is held. */
export function viewBatch(state: RolloutState, settle: SettleTimes): HeldBatchView | null {
  const batch = batchOf(state);
  if (batch === null) return null;
  const { number, direction, stage, accounts, calledOff, atMs, hooks } = batch;
  const endsMs = atMs + longestHoldMs(hooks, accounts, settle);
  return {
    number,
    direction,
    stage,
    accounts,
    heldAt: new Date(atMs).toISOString(),
    endsBy: new Date(endsMs).toISOString(),
    calledOff,
  };
}
