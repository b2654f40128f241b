/**
 * The beginning of a batch that goes forward: the wave's own step (open groups, pace, cap) taken as a hold instead of a
 * move, cut to as many accounts as can be called in time, and only of groups whose window lasts until all is over. First
 * the maps must say, everywhere, that accounts of this rollout are answered from fresh maps alone. Pure. Design §5.3.
 */
import { SETTLE_TIMES, type Batch } from "../../../contracts/move-data.ts";
import type { Advanced } from "../../../contracts/rollout-input.ts";
import type { RolloutState, WavePlan } from "../../../contracts/rollout.ts";
import type { EpochMs } from "../../../contracts/units.ts";
import { MINUTE_MS } from "../../calendar/memo.ts";
import { counted } from "../../counted.ts";
import { type OpenGroup, shiftGroups } from "../shift-groups.ts";
import { andThen, enter, quietly, resetPace } from "../state.ts";
import type { Turn } from "../turn.ts";
import type { MoveRule } from "./rule.ts";
import { settlingOf } from "./settled.ts";
import { freshData, publishing } from "./state.ts";
import { batchSize, holdMs, longestHoldMs } from "./times.ts";

interface Step {
  readonly wave: WavePlan;
  readonly open: readonly OpenGroup[];
  readonly rule: MoveRule;
}

function waiting(state: RolloutState, reason: string, nextAtMs: EpochMs | null): RolloutState {
  return enter(resetPace(state), { phase: "waiting", cause: "hold", reason, nextAtMs });
}

/** Says in the maps how the accounts are to be answered, when the start has not (the version was declared since). */
function announce(state: RolloutState, { never }: MoveRule): Advanced {
  const data = { ...(state.data ?? freshData(never, 0)), never };
  const next = waiting({ ...state, data }, "Edges are being told how to answer accounts that move", null);
  return publishing(next, "accounts of this rollout are held while they move");
}

/** Null: every edge knows the rollout. */
function untold(state: RolloutState, turn: Turn, rule: MoveRule): Advanced | null {
  const { data } = state;
  if (data === undefined || (rule.never && !data.never)) return announce(state, rule);
  const found = settlingOf(
    turn.observations.data?.publish ?? null,
    { step: data.publishStep, sinceMs: turn.nowMs, nowMs: turn.nowMs },
    turn.settle ?? SETTLE_TIMES,
  );
  if (found.kind === "settled") return null;
  return quietly(waiting(state, `Edges do not all know the rollout yet: ${found.why}`, found.nextAtMs));
}

interface Room {
  readonly open: readonly OpenGroup[];
  readonly accounts: number;
  /** Of the group that closes first. */
  readonly closesAtMs: EpochMs;
}

/** Groups that stay open for as long as a batch takes, and how many accounts one may have. */
function roomOf(state: RolloutState, turn: Turn, { open, rule }: Step): Room {
  const settle = turn.settle ?? SETTLE_TIMES;
  const size = (leftMs: number): number => batchSize(state.plan, rule.hooks, { leftMs, settle });
  // In order of their closing: as soon as one has room, all that follow have more.
  const first = open.findIndex(({ closesAtMs }) => size(closesAtMs - turn.nowMs) > 0);
  const usable = first < 0 ? [] : open.slice(first);
  const closesAtMs = usable[0]?.closesAtMs ?? turn.nowMs;
  return { open: usable, accounts: size(closesAtMs - turn.nowMs), closesAtMs };
}

function tooLate(state: RolloutState, { wave, open }: Step): Advanced {
  const closesAtMs = open[0]?.closesAtMs ?? Infinity;
  const nextAtMs = Number.isFinite(closesAtMs) ? closesAtMs : null;
  const reason = `Wave "${wave.name}" waits: what is left of the window does not suffice for accounts to be held, migrated and switched`;
  return quietly(waiting(state, reason, nextAtMs));
}

function batchFor(
  state: RolloutState,
  turn: Turn,
  of: { rule: MoveRule; accounts: number; room: Room },
): Batch {
  const { closesAtMs } = of.room;
  return {
    number: (state.data?.batches ?? 0) + 1,
    direction: "forward",
    stage: "holding",
    wave: state.wave,
    atMs: turn.nowMs,
    accounts: of.accounts,
    hooks: of.rule.hooks,
    endByMs: Number.isFinite(closesAtMs) ? closesAtMs : null,
    releasedMs: null,
    left: 0,
    callUntilMs: 0,
    undoUntilMs: 0,
    calledOff: null,
  };
}

/** Holds the next accounts of a wave whose groups are open and whose targets are well. */
export function holdNext(state: RolloutState, turn: Turn, step: Step): Advanced {
  const { wave, rule } = step;
  const first = untold(state, turn, rule);
  if (first !== null) return first;
  const room = roomOf(state, turn, step);
  if (room.accounts === 0) return tooLate(state, step);
  const most = Math.min(room.accounts, state.data?.most ?? Infinity);
  const maxPerTick = Math.min(wave.maxPerTick ?? Infinity, most);
  const shifted = shiftGroups(state, turn, { wave: { ...wave, maxPerTick }, open: room.open });
  const settle = turn.settle ?? SETTLE_TIMES;
  // Accounts that share a bucket move together, so there may be more than asked for.
  if (turn.nowMs + holdMs(rule.hooks, shifted.accounts, settle) > room.closesAtMs)
    return tooLate(state, step);
  const moving = { phase: "shifting", cause: "hold" } as const;
  if (shifted.accounts === 0) {
    const reason = `Wave "${wave.name}" is moving; nobody is due yet`;
    const next = enter(shifted.state, { ...moving, reason, nextAtMs: turn.nowMs + MINUTE_MS });
    return shifted.raised
      ? publishing(next, `wave "${wave.name}": thresholds without accounts`)
      : quietly(next);
  }
  const batch = batchFor(state, turn, { rule, accounts: shifted.accounts, room });
  return hold(shifted.state, { before: state, batch, settle, moving });
}

/** The thresholds of the step become those of the hold. */
function hold(
  shifted: RolloutState,
  of: {
    before: RolloutState;
    batch: Batch;
    settle: NonNullable<Turn["settle"]>;
    moving: { phase: "shifting"; cause: "hold" };
  },
): Advanced {
  const { before, batch, settle, moving } = of;
  const { moved, peak } = before.groups;
  const data = { ...(before.data ?? freshData(false, 0)), batches: batch.number, batch };
  const groups = { ...shifted.groups, moved, peak, held: shifted.groups.moved };
  const reason = `Batch ${batch.number}: ${counted(batch.accounts, "account")} are held; the hold spreads`;
  const deadlineMs = batch.atMs + longestHoldMs(batch.hooks, batch.accounts, settle);
  const next = enter(
    { ...shifted, groups, data },
    { ...moving, reason, nextAtMs: batch.atMs + settle.leastMs, deadlineMs },
  );
  const why = `batch ${batch.number}: ${counted(batch.accounts, "account")} held`;
  return andThen(publishing(next, why, { happened: [why] }), quietly);
}
