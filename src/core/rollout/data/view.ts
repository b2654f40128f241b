/** The batch that is held as people and programs see it; shapes of `contracts/api/move-data`. Pure; called by views. */
import { SETTLE_TIMES, type Batch, type SettleTimes } from "../../../contracts/move-data.ts";
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

/** Null when nobody is held. */
export function viewBatch(state: RolloutState, settle: SettleTimes = SETTLE_TIMES): HeldBatchView | null {
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
