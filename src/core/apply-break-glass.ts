/**
 * What the break-glass document does to one decision: `instead`, `default`, `accounts`, `hold`, later ones winning.
 * `default` and `accounts` are final; `instead` rewrites whatever version everything else came to.
 * An entry that names a version the maps do not have is ignored: a typing mistake must not take anybody down.
 * Pure; called by `decide-version`. Which document is in force was decided before (`maps/break-glass`).
 */
import type { BreakGlass, Hold, RootProduct } from "../contracts/maps.ts";
import type { AccountSlug, ProductName, VersionName } from "../contracts/units.ts";
import { own } from "./record.ts";

export interface Target {
  readonly product: ProductName;
  readonly facts: RootProduct;
  /** The slug of the account, or the one an unknown host names; null for an apex. */
  readonly slug: AccountSlug | null;
  readonly known: boolean;
}

/** The hold that the document puts on the account or else on its product, or null. */
export function breakGlassHold(
  document: BreakGlass | null,
  { product, slug }: Pick<Target, "product" | "slug">,
): Hold | null {
  if (document === null) return null;
  const account = slug === null ? undefined : own(document.hold.accounts, slug);
  return account ?? own(document.hold.products, product) ?? null;
}

/** The version that the document fixes for this account, or for requests of no known account; null when none. */
export function breakGlassVersion(document: BreakGlass | null, target: Target): VersionName | null {
  if (document === null) return null;
  const { product, facts, slug, known } = target;
  const account = slug === null ? undefined : own(own(document.accounts, slug) ?? {}, product);
  if (account !== undefined && exists(facts, account)) return account;
  const version = known ? undefined : own(document.default, product);
  return version !== undefined && exists(facts, version) ? version : null;
}

/** The version that the document wants in the place of `version`; `version` itself when it says nothing. */
export function breakGlassInstead(
  document: BreakGlass | null,
  target: Target,
  version: VersionName,
): VersionName {
  if (document === null) return version;
  const other = own(own(document.instead, target.product) ?? {}, version);
  return other !== undefined && exists(target.facts, other) ? other : version;
}

function exists(facts: RootProduct, version: VersionName): boolean {
  return own(facts.versions, version) !== undefined;
}
