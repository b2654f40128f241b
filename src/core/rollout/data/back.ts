/**
 * Going back with data: accounts are held first (in the maps `moved` falls and `held` stays, so nobody is answered by
 * either version), then `undo` is called where it is declared, then the hold ends and the old version answers. As many at
 * once as can be called within the longest hold of the plan; windows and freezes do not bind. Also: who cannot go back,
 * told before anything happens. Pure; called by the phase `rolling-back`, by commands, and by control. Design §5.3.
 */
import { SETTLE_TIMES, type Batch } from "../../../contracts/move-data.ts";
import type { Advanced, Facts } from "../../../contracts/rollout-input.ts";
import type { FrozenGroup, Rollback, RollbackScope, RolloutState } from "../../../contracts/rollout.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "../../../contracts/units.ts";
import { bucketOf } from "../../bucket.ts";
import { counted } from "../../counted.ts";
import { own } from "../../record.ts";
import { gainOf } from "../pace.ts";
import { goalOf } from "../rollback.ts";
import { countBelow, countBetween } from "../thresholds.ts";
import { quietly } from "../state.ts";
import type { Turn } from "../turn.ts";
import { irreversibleTargets, pairProblem } from "../versions.ts";
import { moveRule, type MoveRule, undoProblems } from "./rule.ts";
import { freshData, publishing } from "./state.ts";
import { batchSize } from "./times.ts";

/** The lowest threshold that takes at most `budget` accounts back; at least one bucket of them where `mayExceed`. */
function lowered(
  group: Pick<FrozenGroup, "buckets">,
  { from, to }: { from: number; to: number },
  { budget, mayExceed }: { budget: number; mayExceed: boolean },
): number {
  const above = countBelow(group, from);
  if (above - countBelow(group, to) <= budget) return to;
  const keep = group.buckets[above - Math.max(0, budget) - 1] ?? to;
  const threshold = Math.max(to, Math.min(from, keep + 1));
  if (!mayExceed || countBetween(group, threshold, from) > 0) return threshold;
  return Math.max(to, group.buckets[above - 1] ?? to);
}

interface Lowered {
  readonly state: RolloutState;
  readonly accounts: number;
  readonly done: boolean;
}

/** Thresholds one batch further down. */
function lowerBatch(state: RolloutState, turn: Turn, of: { rollback: Rollback; size: number }): Lowered {
  const { rollback, size } = of;
  const gain = gainOf(rollback.paceBpPerMinute, rollback.steppedMs, turn.nowMs);
  const barredMs = [...state.groups.barredMs];
  let accounts = 0;
  const moved = state.groups.moved.map((now, index) => {
    const goal = Math.min(now, rollback.goal[index] ?? 0);
    const to = Math.max(goal, now - gain.gained);
    const group = turn.frozen[index];
    if (goal < now) barredMs[index] = turn.nowMs;
    if (group === undefined) return to;
    const next = lowered(group, { from: now, to }, { budget: size - accounts, mayExceed: accounts === 0 });
    accounts += countBetween(group, next, now);
    return next;
  });
  const done = moved.every((now, index) => now <= (rollback.goal[index] ?? 0));
  const groups = { ...state.groups, moved, barredMs };
  return { state: { ...state, groups, rollback: { ...rollback, steppedMs: gain.pacedMs } }, accounts, done };
}

/** The hooks that going back calls. Without an `undo` an operator has confirmed that data stay as they are. */
function undoHooks({ hooks }: MoveRule): Batch["hooks"] {
  return Object.fromEntries(Object.entries(hooks).filter(([, { undo }]) => undo !== null));
}

/**
 * Holds the next accounts that go back.
 * @returns null when the thresholds of nobody have to fall any further: the rollback is at its goal.
 */
export function holdBack(
  state: RolloutState,
  turn: Turn,
  of: { rollback: Rollback; rule: MoveRule },
): Advanced | null {
  const hooks = undoHooks(of.rule);
  const settle = turn.settle ?? SETTLE_TIMES;
  const size = Math.max(1, batchSize(state.plan, hooks, { leftMs: Infinity, settle }));
  const next = lowerBatch(state, turn, { rollback: of.rollback, size });
  if (next.accounts === 0) {
    if (next.done) return null;
    // At a pace that has not gained a step yet: asking again in the same instant must ask for nothing.
    if (next.state.groups.moved.every((threshold, index) => threshold === state.groups.moved[index]))
      return quietly(state);
    return publishing(next.state, "thresholds without accounts are lowered");
  }
  const before = state.data ?? freshData(of.rule.never, 0);
  const batch: Batch = {
    number: before.batches + 1,
    direction: "back",
    stage: "holding",
    wave: state.wave,
    atMs: turn.nowMs,
    accounts: next.accounts,
    hooks,
    endByMs: null,
    releasedMs: null,
    left: 0,
    callUntilMs: 0,
    undoUntilMs: 0,
    calledOff: null,
  };
  const groups = { ...next.state.groups, held: state.groups.moved };
  const data = { ...before, never: before.never || of.rule.never, batches: batch.number, batch };
  const why = `batch ${batch.number}: ${counted(batch.accounts, "account")} held, to go back`;
  return publishing({ ...next.state, groups, data }, why, { happened: [why] });
}

/** An account, and what it has besides this rollout: its homes, and what other rollouts have made of them. */
export interface Returning {
  readonly slug: AccountSlug;
  readonly group: number;
  readonly homes: Readonly<Record<ProductName, VersionName>>;
}

export interface ReturnQuestion {
  readonly state: Pick<RolloutState, "plan" | "origins">;
  readonly facts: Facts;
  readonly atMs: EpochMs;
  /** An operator confirmed that accounts go back although a version is not declared reversible. */
  readonly confirmed: boolean;
}

export interface NoReturn {
  readonly kind: "one-way" | "pair";
  readonly why: string;
}

/** Why one account does not go back; null when it does. What `Member.kept` says of a batch that goes back. */
export function returnTrouble(account: Pick<Returning, "homes">, question: ReturnQuestion): NoReturn | null {
  const { facts, state, atMs, confirmed } = question;
  const pair = pairProblem(facts, account.homes);
  if (pair !== null) return { kind: "pair", why: pair };
  if (confirmed) return null;
  const mine = Object.fromEntries(
    Object.entries(state.plan.targets).filter(([product, version]) => {
      const home = own(account.homes, product);
      return home !== undefined && home !== version;
    }),
  );
  const { hooks } = moveRule({ plan: { ...state.plan, targets: mine }, origins: state.origins }, facts);
  const oneWay = irreversibleTargets(facts, mine, atMs).map((name) => `${name} is not declared reversible`);
  const reasons = [...oneWay, ...undoProblems(hooks, mine)];
  return reasons.length === 0 ? null : { kind: "one-way", why: reasons.join("; ") };
}

export interface ReturnPreview {
  /** Accounts that would go back. */
  readonly back: number;
  /** Accounts that would stay where they are, each with why. */
  readonly stay: readonly (NoReturn & { readonly account: AccountSlug })[];
}

/** What a rollback of this scope would do, account by account, before it is begun. `accounts`: all, in any order. */
export function previewReturn(
  scope: RollbackScope,
  of: ReturnQuestion & {
    readonly state: RolloutState;
    readonly frozen: readonly FrozenGroup[];
    readonly accounts: Iterable<Returning>;
  },
): ReturnPreview {
  const { state, frozen } = of;
  const goal = goalOf(state, frozen, scope);
  const at = new Map(state.groups.number.map((number, index) => [number, index]));
  const stay: (NoReturn & { account: AccountSlug })[] = [];
  let back = 0;
  for (const account of of.accounts) {
    const index = at.get(account.group);
    if (index === undefined) continue;
    const bucket = bucketOf(state.salt, account.slug);
    if (bucket < (goal[index] ?? 0) || bucket >= (state.groups.moved[index] ?? 0)) continue;
    const trouble = returnTrouble(account, of);
    if (trouble === null) back += 1;
    else stay.push({ ...trouble, account: account.slug });
  }
  return { back, stay };
}
