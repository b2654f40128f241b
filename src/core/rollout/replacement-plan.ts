/**
 * What a replacement is made of: its beginning, what is wrong with a plan, its rule in the maps, whose homes it rewrites,
 * and what it makes of where rollouts lead back to. Shapes are in contracts/replacement.ts; what happens to one is in
 * replacement.ts. Pure; called by control. Design §5.4.
 */
import { BUCKETS, MAX_REPLACEMENTS_PER_PRODUCT } from "../../contracts/limits.ts";
import type { Replacement } from "../../contracts/maps.ts";
import type { ReplacementPlan, ReplacementState } from "../../contracts/replacement.ts";
import type { Facts } from "../../contracts/rollout-input.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { bucketOf } from "../bucket.ts";
import { own } from "../record.ts";
import { reachableVersions, withReplacement } from "./served.ts";
import { pairProblem, targetProblem, upgradeProblem, versionFacts } from "./versions.ts";

/** What a plan is held against. */
export interface ReplacementWorld {
  /** With the replacements that are active already. */
  readonly facts: Facts;
  /** Every combination of versions that some account's decision says now or will by a running rollout. */
  readonly combinations: Iterable<Readonly<Record<ProductName, VersionName>>>;
  /** Running rollouts that touch the product. */
  readonly rollouts: readonly Pick<RolloutState, "plan" | "origins">[];
}

/** Why a plan may not begin; empty when it may. */
export function replacementProblems(plan: ReplacementPlan, world: ReplacementWorld): readonly string[] {
  const { product, from, to } = plan;
  const { facts } = world;
  const others = own(facts, product)?.replacements ?? [];
  const target = targetProblem(facts, product, to);
  const basic = [
    ...rampProblems(plan),
    ...(target === null ? [] : [target]),
    ...(versionFacts(facts, product, from) === null ? [`${product} ${from} is not registered`] : []),
    ...(from === to ? ["a version cannot replace itself"] : []),
    ...(others.some((rule) => rule.from === from) ? [`${product} ${from} is being replaced already`] : []),
    ...(from !== to && reachableVersions(facts, product, to).includes(from)
      ? [`${product} ${to} is itself replaced by ${from}, or leads there`]
      : []),
    ...(others.length >= MAX_REPLACEMENTS_PER_PRODUCT
      ? [`${product} has ${others.length} replacements, which is the most the maps take`]
      : []),
  ];
  return basic.length > 0 ? basic : compatibilityProblems(plan, world);
}

function rampProblems({ stepsBp }: ReplacementPlan): readonly string[] {
  const rising = stepsBp.every((step, index) => step > (stepsBp[index - 1] ?? 0));
  return rising && stepsBp.at(-1) === BUCKETS
    ? []
    : ["the steps of the ramp must rise, and the last must be 100 %"];
}

/** Declared compatible, for everybody whom it may reach: whatever leads to the old version, and whatever goes on from it. */
function compatibilityProblems(plan: ReplacementPlan, world: ReplacementWorld): readonly string[] {
  const { product, from, to } = plan;
  const found = new Set<string | null>();
  const feeders = Object.keys(own(world.facts, product)?.versions ?? {}).filter((version) =>
    reachableVersions(world.facts, product, version).includes(from),
  );
  for (const feeder of feeders) found.add(upgradeProblem(world.facts, product, { from: feeder, to }));
  const facts = withReplacement(world.facts, product, { from, to });
  for (const rollout of world.rollouts) found.add(rolloutProblem(facts, product, rollout));
  for (const homes of world.combinations) {
    const home = own(homes, product);
    if (home !== undefined && reachableVersions(facts, product, home).includes(to))
      found.add(pairProblem(facts, homes));
  }
  return [...found].filter((message) => message !== null);
}

/** A running rollout takes accounts from the old version, or to it: the new one must stand in the same place. */
function rolloutProblem(
  facts: Facts,
  product: ProductName,
  { plan, origins }: Pick<RolloutState, "plan" | "origins">,
): string | null {
  const target = own(plan.targets, product);
  if (target === undefined) return null;
  for (const from of own(origins, product) ?? []) {
    const problem = upgradeProblem(facts, product, { from, to: target });
    if (problem !== null) return `rollout ${plan.id} is running: ${problem}`;
  }
  return null;
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
    stage: 0,
    pacedMs: null,
    shiftedMs: null,
    preflightAskedMs: null,
    preflightSinceMs: -1,
    rollback: null,
    ending: "completed",
    settleAskedMs: null,
    step: 0,
  };
}

export function isReplacing({ phase }: Pick<ReplacementState, "phase">): boolean {
  return phase !== "completed" && phase !== "stopped" && phase !== "rolled-back";
}

/** The rule for `root.products[…].replacements`; null when it has no effect or has left the maps. */
export function rootReplacement(state: ReplacementState): Replacement | null {
  const { plan, salt, below } = state;
  return below === 0 || !isReplacing(state) ? null : { from: plan.from, to: plan.to, salt, below };
}

/** The version an account is served whose decision says `version`: follows rules as the decision does, each at most once. */
export function followReplacements(
  rules: readonly Replacement[],
  slug: AccountSlug,
  version: VersionName,
): VersionName {
  let current = version;
  for (let step = 0; step < rules.length; step += 1) {
    const here = current;
    const rule = rules.find(({ from }) => from === here);
    if (rule === undefined || bucketOf(rule.salt, slug) >= rule.below) return current;
    current = rule.to;
  }
  return current;
}

/** Whether its rule takes an account from the old version to the new one, so that its home must follow at the end. */
export function isReplaced(
  { salt, below }: Pick<ReplacementState, "salt" | "below">,
  slug: AccountSlug,
): boolean {
  return bucketOf(salt, slug) < below;
}

/** Where a running rollout leads back to once homes are rewritten: nobody is at home on the old version then, or fewer. */
export function replacedOrigins(state: RolloutState, { plan, ending }: ReplacementState): RolloutState {
  const { product, from, to } = plan;
  const before = own(state.origins, product);
  if (before === undefined || !before.includes(from)) return state;
  const kept = ending === "completed" ? before.filter((version) => version !== from) : before;
  return { ...state, origins: { ...state.origins, [product]: [...new Set([...kept, to])].sort() } };
}
