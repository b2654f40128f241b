/**
 * One name for "this plan over these accounts": what `plan` prints and `start` can require, so that nobody starts
 * something other than what was looked at. Group numbers and the salt are left out: they are given at the start.
 * Buckets depend on the salt, so the number of accounts stands for them. Pure.
 */
import type { Frozen } from "../../contracts/rollout-input.ts";
import type { RolloutPlan } from "../../contracts/rollout.ts";
import { canonicalJson } from "../maps/canonical.ts";
import { sha256Hex } from "../sha256.ts";

/** SHA-256 (64 hex characters) of the canonical plan and the frozen facts. The same world gives the same digest. */
export function frozenDigest(plan: RolloutPlan, frozen: Omit<Frozen, "digest">): string {
  const groups = frozen.groups
    .map(({ cohort, zone, window, cell, variant, buckets }) =>
      canonicalJson({ cohort, zone, window, cell, variant, accounts: buckets.length }),
    )
    .sort();
  const left = frozen.leftBehind.map(({ reason, accounts }) => [reason, accounts]);
  return sha256Hex(canonicalJson({ plan, groups, origins: frozen.origins, left, labels: frozen.labelKeys }));
}
