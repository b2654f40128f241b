/**
 * Whether going back would leave an account on versions of several products that do not go together. An account goes back
 * for all targets at once, to versions it had together before; what can have changed since are products outside of this
 * rollout, by another one that has moved them or is about to. Posture: closed; a pair that was not declared is not made.
 * Pure; control hands in the accounts for a person's rollback, an automatic one judges by the versions alone. Design §5.
 */
import type { Facts } from "../../contracts/rollout-input.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { own } from "../record.ts";
import { pairProblem } from "./versions.ts";

/** Versions of products outside of a rollout that accounts may be on or come to. */
function outside(state: RolloutState, facts: Facts): readonly (readonly [ProductName, VersionName])[] {
  return Object.entries(facts)
    .filter(([product]) => own(state.plan.targets, product) === undefined)
    .flatMap(([product, { versions }]) =>
      Object.entries(versions)
        .filter(([, { state: stage }]) => stage !== "registered" && stage !== "retired")
        .map(([version]) => [product, version] as const),
    );
}

/**
 * Pairs that a rollback could make and that are not declared, by versions alone: who has them is not asked.
 * Empty: no account has to be looked at.
 */
export function returnPairProblems(state: RolloutState, facts: Facts): readonly string[] {
  const found = new Set<string>();
  for (const [other, version] of outside(state, facts)) {
    for (const [product, origins] of Object.entries(state.origins)) {
      for (const origin of origins) {
        if (origin === state.plan.targets[product]) continue;
        const problem = pairProblem(facts, { [other]: version, [product]: origin });
        if (problem !== null) found.add(problem);
      }
    }
  }
  return [...found];
}
