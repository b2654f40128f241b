/**
 * What a rollout knows of its targets having failed, and which marks a rollback leaves on them: "a version marked bad is
 * never a target again". A gate is measured over accounts that were moved to all targets together, so it speaks of all;
 * a preflight speaks of one. A pause marks nothing: what is paused may turn out well, and a resume forgets it.
 * Pure; called by the watch, the default step and whatever begins a rollback. Design §5.
 */
import type { Facts } from "../../contracts/rollout-input.ts";
import type { DefaultBefore, RolloutFailure, RolloutState } from "../../contracts/rollout.ts";
import type { ProductName } from "../../contracts/units.ts";
import { own } from "../record.ts";
import type { Wanted } from "./state.ts";
import { ownReturnProblem } from "./versions.ts";

/** Remembers a failure until somebody resumes. `products` null: all targets. */
export function withFailure(
  state: RolloutState,
  reason: string,
  products: readonly ProductName[] | null = null,
): RolloutState {
  const failed = { products: products ?? Object.keys(state.plan.targets), reason, atMs: state.clockMs };
  return { ...state, failed };
}

/** What failed, remembered or as the phase says; null when nothing is known to have. */
function knownFailure(state: RolloutState): RolloutFailure | null {
  if (state.failed != null) return state.failed;
  if (state.phase !== "preflight-failed") return null;
  const products = Object.entries(state.preflights)
    .filter(([, { reds }]) => reds > 0)
    .map(([product]) => product);
  return products.length === 0 ? null : { products, reason: state.reason, atMs: state.clockMs };
}

/**
 * The marks that a rollback leaves.
 * @param asked an operator's word: true marks all targets where nothing is known to have failed, false none. Null: those
 * that failed are marked by a rollback of everything; one of some of the accounts leaves the rest to go on.
 */
export function marksOf(
  state: RolloutState,
  { asked, whole, reason }: { asked: boolean | null; whole: boolean; reason: string },
): readonly Extract<Wanted, { kind: "mark-bad" }>[] {
  const failure = knownFailure(state);
  if (!(asked ?? (whole && failure !== null))) return [];
  const products = failure?.products ?? Object.keys(state.plan.targets);
  const why = `rollout ${state.plan.id}: ${failure?.reason ?? reason}`;
  return products.map((product) => markOf(state, product, why));
}

/** The mark on one target. */
export function markOf(
  state: RolloutState,
  product: ProductName,
  reason: string,
): Extract<Wanted, { kind: "mark-bad" }> {
  return { kind: "mark-bad", product, version: own(state.plan.targets, product) ?? "", reason };
}

/** A standby that may stand by: never a bad one, nor one that was retired meanwhile and is in no maps. */
export function goodStandby(
  facts: Facts,
  product: ProductName,
  standby: DefaultBefore["standby"],
): DefaultBefore["standby"] {
  return standby === null || ownReturnProblem(facts, product, standby) !== null ? null : standby;
}

/** What a default may be put back to. @returns why it may not, when it may not. */
export function defaultReturn(
  facts: Facts,
  product: ProductName,
  before: DefaultBefore,
): { readonly to: DefaultBefore; readonly problem: string | null } {
  const to = { default: before.default, standby: goodStandby(facts, product, before.standby) };
  // Itself: what takes a version's place is for accounts, the default does not follow it.
  return { to, problem: ownReturnProblem(facts, product, before.default) };
}
