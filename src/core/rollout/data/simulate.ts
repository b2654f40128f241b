/**
 * What holds make of a wave's time: one batch after another instead of a step a minute, each as large as the engine would
 * make it, its accounts moved when it is switched, and the next only when the switch has spread. It assumes that every
 * call takes its whole time-out, so what is told ahead is late rather than early. Pure; called by the plan's simulation.
 */
import { SETTLE_TIMES } from "../../../contracts/move-data.ts";
import type { Frozen, Facts } from "../../../contracts/rollout-input.ts";
import type { RolloutPlan } from "../../../contracts/rollout.ts";
import type { EpochMs } from "../../../contracts/units.ts";
import { type MoveRule, moveRule } from "./rule.ts";
import { batchSize, callMs, longestHoldMs } from "./times.ts";

/** How a plan holds its accounts, as `plan` tells it. */
export interface PlannedHold {
  readonly hooks: MoveRule["hooks"];
  /** Of one batch at most; 0: the hooks do not fit into the longest hold at all. */
  readonly accounts: number;
  readonly longestMs: number;
}

/** Null: nobody is held. */
export function plannedHold(
  plan: RolloutPlan,
  { origins }: Pick<Frozen, "origins">,
  facts: Facts,
): PlannedHold | null {
  const { holds, hooks } = moveRule({ plan, origins }, facts);
  if (!holds) return null;
  const accounts = batchSize(plan, hooks, { leftMs: Infinity, settle: SETTLE_TIMES });
  return { hooks, accounts, longestMs: longestHoldMs(hooks, Math.max(1, accounts), SETTLE_TIMES) };
}

/** One step of a simulated wave. */
export interface SimulatedStep<Group> {
  /** Those that may move in it. */
  readonly open: readonly Group[];
  readonly accounts: number;
  /** When they have moved, and when the next step may begin; null: at the next minute. */
  readonly movedAtMs: EpochMs;
  readonly nextMs: EpochMs | null;
}

/** The batch that would begin now. `open` in the order of their closing. */
export function simulatedBatch<Group extends { readonly closesMs: EpochMs }>(
  { plan, hold }: { plan: Pick<RolloutPlan, "data">; hold: PlannedHold },
  open: readonly Group[],
  atMs: EpochMs,
): SimulatedStep<Group> {
  const size = ({ closesMs }: Group): number =>
    batchSize(plan, hold.hooks, { leftMs: closesMs - atMs, settle: SETTLE_TIMES });
  const first = open.findIndex((group) => size(group) > 0);
  const usable = first < 0 ? [] : open.slice(first);
  const [soonest] = usable;
  if (soonest === undefined) return { open: [], accounts: 0, movedAtMs: atMs, nextMs: null };
  const accounts = size(soonest);
  const movedAtMs = atMs + SETTLE_TIMES.unseenMs + callMs(hold.hooks, accounts);
  return { open: usable, accounts, movedAtMs, nextMs: movedAtMs + SETTLE_TIMES.unseenMs };
}

/** What people are told of a wave whose accounts are held. */
export function holdWarnings(hold: PlannedHold | null): readonly string[] {
  if (hold === null) return [];
  if (hold.accounts === 0)
    return ["moves nobody: the time-outs of its hooks do not fit into the longest hold of the plan"];
  const minutes = Math.ceil(hold.longestMs / 60_000);
  return [
    `accounts are held while they move, ${hold.accounts} at once at most, each for up to ${minutes} minutes`,
  ];
}
