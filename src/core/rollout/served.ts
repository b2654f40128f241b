/**
 * What accounts are served while versions are being replaced: a decision says one version, and the product's replacements
 * follow (decide-version.ts, `replace`). Everything that asks whether a version may take accounts, let them come back or
 * stand beside another one asks it of these. Pure; called by versions.ts and by control. Design §3.2, §5.4.
 */
import { BUCKETS } from "../../contracts/limits.ts";
import type { Replacement } from "../../contracts/maps.ts";
import type { Facts } from "../../contracts/rollout-input.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { own } from "../record.ts";

type Rule = Pick<Replacement, "from" | "to" | "below">;

/** Follows rules from a version; `leaves` says which of its accounts stay and whether some go on. No version comes twice. */
function follow(
  rules: readonly Rule[],
  version: VersionName,
  leaves: (rule: Rule) => { readonly stays: boolean; readonly goes: boolean },
): readonly VersionName[] {
  const found: VersionName[] = [];
  let current: VersionName | undefined = version;
  // Rules never run in a circle; the count guards against ones that do.
  for (let hop = 0; hop <= rules.length && current !== undefined; hop += 1) {
    const here: VersionName = current;
    const rule = rules.find(({ from }) => from === here);
    const { stays, goes } = rule === undefined ? { stays: true, goes: false } : leaves(rule);
    if (stays) found.push(here);
    current = goes ? rule?.to : undefined;
  }
  return found;
}

function rulesOf(facts: Facts, product: ProductName): readonly Rule[] {
  return own(facts, product)?.replacements ?? [];
}

/**
 * Versions that accounts whose decision says `version` are served now, by their buckets.
 * Example: 2.8.0 ⇒ 2.8.1 below 3,000: both; below 10,000: 2.8.1 alone; below 0: 2.8.0 alone.
 */
export function servedVersions(
  facts: Facts,
  product: ProductName,
  version: VersionName,
): readonly VersionName[] {
  return follow(rulesOf(facts, product), version, ({ below }) => ({
    stays: below < BUCKETS,
    goes: below > 0,
  }));
}

/** Versions that such accounts are served now, or may be while the replacements that were begun go on or back. */
export function reachableVersions(
  facts: Facts,
  product: ProductName,
  version: VersionName,
): readonly VersionName[] {
  return follow(rulesOf(facts, product), version, () => ({ stays: true, goes: true }));
}

/** The facts as they would be with one more replacement, which nobody has followed yet. */
export function withReplacement(facts: Facts, product: ProductName, rule: Omit<Rule, "below">): Facts {
  const known = own(facts, product);
  if (known === undefined) return facts;
  return {
    ...facts,
    [product]: { ...known, replacements: [...(known.replacements ?? []), { ...rule, below: 0 }] },
  };
}
