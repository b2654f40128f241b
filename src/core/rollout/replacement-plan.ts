/**
 * What a replacement is made of: its plan, state, inputs and effects, what is wrong with a plan, and its rule in the maps.
 * Shapes and checks; what happens to it is in replacement.ts. Pure; called by control. Design §5.4.
 */
import type { Freeze } from "../../contracts/calendar.ts";
import type { Replacement } from "../../contracts/maps.ts";
import type { Facts, PreflightFact, VerdictFact } from "../../contracts/rollout-input.ts";
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import type { CalendarMemo } from "../calendar/memo.ts";
import { targetProblem, versionFacts } from "./versions.ts";

export type ReplacementPhase =
  | "preflight"
  | "waiting"
  | "shifting"
  | "baking"
  | "paused"
  | "settling"
  | "completed"
  | "rolled-back";

export interface ReplacementPlan {
  readonly product: ProductName;
  readonly from: VersionName;
  readonly to: VersionName;
  /** Null: everybody at once. */
  readonly paceBpPerMinute: number | null;
  readonly bakeMinutes: number;
  /** An operator's word that this cannot wait for a freeze to end. */
  readonly throughFreezes: boolean;
}

export interface ReplacementState {
  readonly plan: ReplacementPlan;
  readonly salt: string;
  readonly phase: ReplacementPhase;
  readonly reason: string;
  readonly nextAtMs: EpochMs | null;
  readonly clockMs: EpochMs;
  /** Threshold now, 0–10,000. */
  readonly below: number;
  readonly pacedMs: EpochMs | null;
  readonly shiftedMs: EpochMs | null;
  readonly preflightAskedMs: EpochMs | null;
  readonly settleAskedMs: EpochMs | null;
  readonly step: number;
}

export interface ReplacementInput {
  readonly nowMs: EpochMs;
  readonly halt: boolean;
  readonly facts: Facts;
  readonly freezes: readonly Freeze[];
  /** Zones that accounts have: a freeze in their own zones holds as long as it holds in one of them. */
  readonly zones: readonly string[];
  readonly preflight: PreflightFact | null;
  readonly gate: VerdictFact | null;
  /** Whether homes, pins and quarantines on `from` have been rewritten. */
  readonly homesWritten: boolean;
  /** A running rollout whose target is `from`; its accounts would fall back if the rule left the maps. */
  readonly heldBy: string | null;
  readonly memo?: CalendarMemo | undefined;
}

export type ReplacementEffect = { readonly step: number } & (
  | { readonly kind: "publish"; readonly why: string }
  | { readonly kind: "run-preflight"; readonly product: ProductName; readonly version: VersionName }
  | { readonly kind: "settle-replacement" }
  | { readonly kind: "notify"; readonly level: "info" | "page"; readonly text: string }
);

export interface ReplacementAdvanced {
  readonly state: ReplacementState;
  readonly effects: readonly ReplacementEffect[];
}

/** Why a plan may not begin; empty when it may. `others` are the rules that the product has already. */
export function replacementProblems(
  plan: ReplacementPlan,
  facts: Facts,
  others: readonly Replacement[],
): readonly string[] {
  const target = targetProblem(facts, plan.product, plan.to);
  const source = versionFacts(facts, plan.product, plan.from);
  const allowed = versionFacts(facts, plan.product, plan.to)?.upgradesFrom ?? null;
  return [
    ...(target === null ? [] : [target]),
    ...(source === null ? [`${plan.product} ${plan.from} is not registered`] : []),
    ...(plan.from === plan.to ? ["a version cannot replace itself"] : []),
    ...(allowed === null || allowed.includes(plan.from)
      ? []
      : [`${plan.to} does not upgrade from ${plan.from}`]),
    ...(others.some(({ from }) => from === plan.from) ? [`${plan.from} is being replaced already`] : []),
    ...(leadsBack(plan, others) ? [`${plan.to} is itself replaced by ${plan.from}, or leads there`] : []),
  ];
}

function leadsBack({ from, to }: ReplacementPlan, others: readonly Replacement[]): boolean {
  let version: string | undefined = to;
  for (let hop = 0; hop <= others.length && version !== undefined; hop += 1) {
    const here: string = version;
    version = others.find((rule) => rule.from === here)?.to;
    if (version === from) return true;
  }
  return false;
}

/** A replacement that has moved nobody yet. */
export function createReplacement(plan: ReplacementPlan, salt: string, nowMs: EpochMs): ReplacementState {
  return {
    plan,
    salt,
    phase: "preflight",
    reason: `Waiting for the preflight of ${plan.product} ${plan.to}`,
    nextAtMs: null,
    clockMs: nowMs,
    below: 0,
    pacedMs: null,
    shiftedMs: null,
    preflightAskedMs: null,
    settleAskedMs: null,
    step: 0,
  };
}

/** The rule for `root.products[…].replacements`; null when it has no effect or has left the maps. */
export function rootReplacement({ plan, salt, below, phase }: ReplacementState): Replacement | null {
  if (below === 0 || phase === "completed" || phase === "rolled-back") return null;
  return { from: plan.from, to: plan.to, salt, below };
}
