/**
 * How long a batch takes at most, and so how many accounts it may have: every call taking its whole time-out, every
 * settling its longest, failures undone and regrouped. A batch begins only where that fits into the window, so that
 * nothing has to be broken off; the same sum is the bound of the hold that `plan` shows. Pure arithmetic.
 */
import {
  DATA_PLAN,
  MAX_BATCH_ACCOUNTS,
  type Batch,
  type DataPlan,
  type SettleTimes,
} from "../../../contracts/move-data.ts";
import type { RolloutPlan } from "../../../contracts/rollout.ts";

/** Room for second tries and for answers of `later`, beside what time-outs add up to. */
export const CALL_ROOM_MS = 60_000;
/** Regrouping whom a batch leaves behind: shards written, and named by a root a minute later. */
export const LEAVE_MS = 150_000;

type Hooks = Batch["hooks"];

/** What a plan says of moves that carry data, or what goes without saying. */
export function resolveDataPlan({ data }: Pick<RolloutPlan, "data">): DataPlan {
  return data ?? DATA_PLAN;
}

function rounds(accounts: number, concurrency: number): number {
  return Math.ceil(accounts / Math.max(1, concurrency));
}

/** Each of `steps` calls of every hook for every account. A hook by the cell is called less: for as many as there are accounts. */
function callsMs(hooks: Hooks, accounts: number, steps: number): number {
  return Object.values(hooks).reduce(
    (sum, { concurrency, timeoutSeconds }) =>
      sum + rounds(accounts, concurrency) * timeoutSeconds * 1000 * steps,
    0,
  );
}

/** From the first call to the end of the last `prepare` or `verify`. Example: 100 accounts, 10 at once, 5 s: 160 s. */
export function callMs(hooks: Hooks, accounts: number): number {
  return Object.keys(hooks).length === 0 ? 0 : callsMs(hooks, accounts, 2) + CALL_ROOM_MS;
}

/** From the end of the calls to the end of the last `undo`; a call that is under way is waited for first. */
export function undoMs(hooks: Hooks, accounts: number): number {
  const slowest = Math.max(0, ...Object.values(hooks).map(({ timeoutSeconds }) => timeoutSeconds * 1000));
  return Object.keys(hooks).length === 0 ? 0 : slowest + callsMs(hooks, accounts, 1) + CALL_ROOM_MS;
}

/** What is left of a batch once its hold has settled: calls, undoing, regrouping. */
export function restMs(hooks: Hooks, accounts: number): number {
  return Object.keys(hooks).length === 0 ? 0 : callMs(hooks, accounts) + undoMs(hooks, accounts) + LEAVE_MS;
}

/** From the publish of a hold to the publish that ends it, edges not staying behind. */
export function holdMs(hooks: Hooks, accounts: number, settle: SettleTimes): number {
  return Math.max(settle.leastMs, settle.unseenMs) + restMs(hooks, accounts);
}

/**
 * The longest that an account may see a hold page: until the last edge has the publish that ends it. Edges that stay
 * behind may add `patienceMs`, and are told of.
 */
export function longestHoldMs(hooks: Hooks, accounts: number, settle: SettleTimes): number {
  return holdMs(hooks, accounts, settle) + settle.unseenMs;
}

/**
 * Accounts that a batch may have.
 * @param leftMs time until the window closes; `Infinity` for none.
 * @returns 0 when not even one fits.
 */
export function batchSize(
  of: Pick<RolloutPlan, "data">,
  hooks: Hooks,
  { leftMs, settle }: { leftMs: number; settle: SettleTimes },
): number {
  const plan = resolveDataPlan(of);
  const most = Math.min(plan.batch ?? MAX_BATCH_ACCOUNTS, MAX_BATCH_ACCOUNTS);
  const fits = (accounts: number): boolean => {
    const calling = callMs(hooks, accounts) + undoMs(hooks, accounts);
    return calling <= plan.maxHoldMs && holdMs(hooks, accounts, settle) <= leftMs;
  };
  if (!fits(1)) return 0;
  let low = 1;
  let high = most;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
