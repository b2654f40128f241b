/**
 * Going back: which groups go down to what, whether that is allowed, and how it begins. Protective: windows, freezes and
 * halt do not bind an operator's. By itself a rollout goes back only where every target is declared reversible and every
 * version it leads to can take accounts; otherwise it pauses and says so. A version marked bad is never gone back to.
 * Pure; called by the rollback command and by the watch; carried out by phases/rolling-back. Design §5.
 */
import type { Advanced, Facts } from "../../contracts/rollout-input.ts";
import type {
  FrozenGroup,
  Rollback,
  RollbackScope,
  RollbackWhere,
  RolloutState,
} from "../../contracts/rollout.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { moveRule, undoProblems } from "./data/rule.ts";
import { marksOf } from "./failure.ts";
import { targetOf } from "./groups.ts";
import { returnPairProblems } from "./return-pairs.ts";
import { enter, pauseItself, resetPace, wanting, type Wanted } from "./state.ts";
import type { Turn } from "./turn.ts";
import { irreversibleTargets, returnProblem } from "./versions.ts";

/** Versions that accounts would go back to, in a fixed order. Those that are targets themselves are left out. */
export function returnVersions(
  state: RolloutState,
): readonly { product: ProductName; version: VersionName }[] {
  return Object.entries(state.origins).flatMap(([product, versions]) =>
    versions
      .filter((version) => version !== state.plan.targets[product])
      .map((version) => ({ product, version })),
  );
}

/** Versions that a rollback would lead to and that must not take accounts. */
export function returnProblems(state: RolloutState, facts: Facts): readonly string[] {
  return returnVersions(state)
    .map(({ product, version }) => returnProblem(facts, product, version))
    .filter((message) => message !== null);
}

/** Key under which the probe of such a version is observed. */
export function probeKey(product: ProductName, version: VersionName): string {
  return `${product} ${version}`;
}

/** Whether control has to split groups first: the scope names labels that groups are not kept apart by. */
export function needsSplit(state: RolloutState, scope: RollbackScope): boolean {
  if (scope.kind !== "where" || scope.where.labels === undefined) return false;
  return !Object.keys(scope.where.labels).every((key) => state.labelKeys.includes(key));
}

function matches({ cohort, cell, labels }: RollbackWhere, group: FrozenGroup): boolean {
  if (cohort !== undefined && group.cohort !== cohort) return false;
  if (cell !== undefined && group.cell !== cell) return false;
  const carried = group.labels ?? {};
  return Object.entries(labels ?? {}).every(([key, value]) => carried[key] === value);
}

/** The threshold of every group after a rollback; never above what it is now. */
export function goalOf(
  state: RolloutState,
  frozen: readonly FrozenGroup[],
  scope: RollbackScope,
): readonly number[] {
  return frozen.map((group, index) => {
    const now = state.groups.moved[index] ?? 0;
    if (scope.kind === "all") return 0;
    if (scope.kind === "where") return matches(scope.where, group) ? 0 : now;
    return Math.min(now, targetOf(state, index, { group, wave: scope.wave }));
  });
}

/** Whether a rollback of everything also has a default to put back. */
export function defaultsMoved(state: RolloutState): readonly ProductName[] {
  return state.defaults
    .filter(({ movedMs, putBackMs }) => movedMs !== null && putBackMs === null)
    .map(({ product }) => product);
}

export interface Going {
  readonly scope: RollbackScope;
  readonly reason: string;
  readonly by: string;
  readonly automatic: boolean;
  readonly confirmed: boolean;
  readonly paceBpPerMinute: number | null;
  /** Whether targets are marked bad; null: those that failed, when everybody goes back. */
  readonly markBad: boolean | null;
}

/** Begins a rollback that is allowed: probes first, or a split of groups before that. */
export function beginRollback(
  state: RolloutState,
  frozen: readonly FrozenGroup[],
  { markBad, ...going }: Going,
): Advanced {
  const split = needsSplit(state, going.scope);
  const rollback: Rollback = {
    ...going,
    askedMs: state.clockMs,
    stage: split ? "splitting" : "probing",
    goal: split ? state.groups.moved : goalOf(state, frozen, going.scope),
    steppedMs: null,
  };
  const next = enter(resetPace({ ...state, rollback, paused: null }), {
    phase: "rolling-back",
    cause: "rollback",
    reason: `rolling back: ${going.reason}`,
  });
  const probes: Wanted[] = returnVersions(state).map((target) => ({ kind: "probe-target", ...target }));
  const first: Wanted[] =
    split && going.scope.kind === "where" ? [{ kind: "split-groups", where: going.scope.where }] : [];
  const text = `${state.plan.id}: ${going.by} began to roll it back: ${going.reason}`;
  const notice: Wanted = { kind: "notify", level: "page", text };
  const { reason } = going;
  const marks = marksOf(state, { asked: markBad, whole: going.scope.kind === "all", reason });
  return wanting(next, [...first, ...probes, ...marks, notice], [`rolling back: ${going.reason}`]);
}

/** Goes back by itself where that is safe, else pauses. */
export function beginAutomaticRollback(state: RolloutState, turn: Turn, reason: string): Advanced {
  const { facts } = turn.observations;
  const oneWay = irreversibleTargets(facts, state.plan.targets, turn.nowMs);
  const closed = [
    ...oneWay.map((name) => `${name} is not declared reversible`),
    ...returnProblems(state, facts),
    ...returnPairProblems(state, facts),
    ...undoProblems(moveRule(state, facts).hooks, state.plan.targets),
  ];
  if (closed.length > 0) {
    return pauseItself(state, "gate", `${reason}; it does not roll back by itself: ${closed.join("; ")}`);
  }
  return beginRollback(state, turn.frozen, {
    scope: { kind: "all" },
    reason,
    by: "rollout",
    automatic: true,
    confirmed: false,
    paceBpPerMinute: null,
    markBad: null,
  });
}

/** Once control has split the groups that a rollback of labels is about: what goes down is known now. */
export function splitDone(state: RolloutState, frozen: readonly FrozenGroup[]): RolloutState {
  const { rollback } = state;
  if (rollback === null || rollback.stage !== "splitting") return state;
  return {
    ...state,
    rollback: { ...rollback, stage: "probing", goal: goalOf(state, frozen, rollback.scope) },
  };
}
