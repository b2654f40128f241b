/**
 * What an edit or an imported line does to one account: the rules, apart from how many come at once. Used by
 * `account.put` and by imports alike, so that they can never differ. Pure over what it is handed; writes nothing.
 * An edit never changes a home: a product that is added starts on stable, everything else stays.
 */
import type { AccountInput, CustomDomain } from "../../contracts/api/accounts.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { AccountSlug, ProductName } from "../../contracts/units.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { parseHost } from "../../core/parse-host.ts";
import { own } from "../../core/record.ts";
import { isSlug } from "../../core/slug.ts";
import { toInstant } from "../clock.ts";
import { isUnder } from "../config.ts";
import { refuse } from "../refuse.ts";
import type { AccountRecord } from "../store/accounts.ts";
import type { Homes } from "../store/home-sets.ts";
import { TOMBSTONE_MS } from "../../contracts/limits.ts";
import type { Terrain } from "./terrain.ts";

/** An account as it is: its row, homes and custom domains. */
export interface Present {
  readonly record: AccountRecord;
  readonly homes: Homes;
  readonly domains: readonly CustomDomain[];
}

/** An account as it shall be. */
export interface Planned {
  readonly slug: AccountSlug;
  readonly timeZone: string;
  readonly cohort: string;
  readonly labels: string;
  readonly cell: string | null;
  readonly window: string | null;
  readonly homes: Homes;
  readonly domainsAdded: readonly CustomDomain[];
  readonly domainsRemoved: readonly CustomDomain[];
  /** Fields that differ, for people; empty when nothing does. */
  readonly fields: readonly string[];
}

/**
 * Plans one edit.
 * @param present the account as it is, null when there is none; a tombstone refuses.
 */
export function planAccount(
  terrain: Terrain,
  present: Present | null,
  { slug, input }: { readonly slug: AccountSlug; readonly input: AccountInput },
): Result<Planned, Refusal> {
  const refused = checkNames(terrain, slug, input) ?? checkTombstone(present);
  if (refused !== null) return refused;
  const homes = planHomes(terrain, present, input);
  if (!homes.ok) return homes;
  const domains = planDomains(present, input);
  const wrongDomain = checkDomains(terrain, {
    slug,
    homes: homes.value,
    domains: input.domains ?? null,
    present,
  });
  if (wrongDomain !== null) return wrongDomain;
  const record = present?.record ?? null;
  const planned = {
    slug,
    timeZone: input.timeZone,
    cohort: input.cohort,
    labels: input.labels === undefined ? (record?.labels ?? "{}") : canonicalJson(input.labels),
    cell: input.cell === undefined ? (record?.cell ?? null) : input.cell,
    window: record?.window ?? null,
    homes: homes.value,
    ...domains,
  };
  return ok({ ...planned, fields: differences(present, planned) });
}

/**
 * What adopting a line asks of a known account: the products it does not have, on the version that the line says, and
 * nothing else. Where the line says another home than is recorded it is refused by the rules, as every edit is.
 */
export function adoptedInput(present: Present | null, input: AccountInput): AccountInput {
  const given = input.products ?? Object.keys(input.homes ?? {});
  const homes = input.homes ?? {};
  if (present === null) return { ...input, products: given };
  const { timeZone, cohort } = present.record;
  return { timeZone, cohort, products: [...new Set([...Object.keys(present.homes), ...given])], homes };
}

function checkNames(terrain: Terrain, slug: string, input: AccountInput): Result<never, Refusal> | null {
  if (!isSlug(slug))
    return refuse("invalid", `"${slug}" is no account slug: one lower-case DNS label, not xn--`);
  if (!terrain.isZone(input.timeZone)) return refuse("invalid", `"${input.timeZone}" is no IANA time zone`);
  return null;
}

function checkTombstone(present: Present | null): Result<never, Refusal> | null {
  if (present === null || present.record.deletedAt === null) return null;
  const free = toInstant(present.record.deletedAt + TOMBSTONE_MS);
  return refuse(
    "conflict",
    `${present.record.slug} was deleted at ${toInstant(present.record.deletedAt)}; its slug is kept for 90 days and free again at ${free} at the earliest; until then \`firebreak accounts undelete ${present.record.slug} --reason …\` brings it back`,
    { slug_free_at: free },
  );
}

/** Homes afterwards: what is recorded stays; what is added starts where it says, else on stable. */
function planHomes(terrain: Terrain, present: Present | null, input: AccountInput): Result<Homes, Refusal> {
  const before = present?.homes ?? {};
  const given = input.homes ?? {};
  const products =
    input.products ?? (present === null ? terrain.startingProducts(Object.keys(given)) : Object.keys(before));
  const homes: Record<ProductName, string> = {};
  for (const product of products) {
    const home = planHome(terrain, product, { before: own(before, product), given: own(given, product) });
    if (!home.ok) return home;
    homes[product] = home.value;
  }
  const stray = Object.keys(given).find((product) => own(homes, product) === undefined);
  if (stray !== undefined)
    return refuse("invalid", `homes names ${stray}, which is not among the account's products`);
  return ok(homes);
}

function planHome(
  terrain: Terrain,
  product: ProductName,
  { before, given }: { readonly before: string | undefined; readonly given: string | undefined },
): Result<string, Refusal> {
  if (before !== undefined) {
    if (given === undefined || given === before) return ok(before);
    return refuse(
      "move-not-allowed",
      `the account's home of ${product} is ${before}, not ${given}: accounts change version by a rollout, a pin or quarantine, never by an edit`,
      { home: before },
    );
  }
  const facts = terrain.product(product);
  if (facts === null) return refuse("invalid", `there is no product ${product}`);
  if (given === undefined) {
    return facts.stable === null
      ? refuse("conflict", `${product} has no stable version yet: register one first`)
      : ok(facts.stable);
  }
  if (facts.bad.has(given)) return refuse("conflict", `${product} ${given} is marked bad`);
  const state = facts.states.get(given);
  if (state === "live" || state === "draining") return ok(given);
  return refuse(
    "invalid",
    `a new account's home must be live or draining; ${product} ${given} ${state === undefined ? "does not exist" : `is ${state}`}`,
  );
}

type DomainChanges = Pick<Planned, "domainsAdded" | "domainsRemoved">;

function planDomains(present: Present | null, input: AccountInput): DomainChanges {
  const before = present?.domains ?? [];
  const after = input.domains ?? before;
  const missing = (from: readonly CustomDomain[], other: readonly CustomDomain[]): CustomDomain[] =>
    from.filter(
      (domain) => !other.some(({ host, product }) => host === domain.host && product === domain.product),
    );
  return { domainsAdded: missing(after, before), domainsRemoved: missing(before, after) };
}

interface DomainCheck {
  readonly slug: AccountSlug;
  readonly homes: Homes;
  /** As given; null: unchanged. */
  readonly domains: readonly CustomDomain[] | null;
  readonly present: Present | null;
}

function checkDomains(terrain: Terrain, check: DomainCheck): Result<never, Refusal> | null {
  const hosts = new Set<string>();
  for (const { host, product } of check.domains ?? check.present?.domains ?? []) {
    if (hosts.has(host)) return refuse("invalid", `${host} is listed twice`);
    hosts.add(host);
    if (own(check.homes, product) === undefined) {
      return refuse("invalid", `${host} is for ${product}, which the account does not have`);
    }
  }
  for (const { host } of check.domains ?? []) {
    // A name of one label could be an account's slug, and a key of the maps is either; no Host reaches an address by it.
    if (!host.includes(".") || parseHost(host).kind !== "name") {
      return refuse("invalid", `${host} is no name with a dot in it, so it is no custom domain`);
    }
    const base = terrain.baseDomains.find((domain) => isUnder(host, domain));
    if (base !== undefined)
      return refuse("invalid", `${host} lies under the base domain ${base}, so it is no custom domain`);
    if (isUnder(host, terrain.adminHost)) return refuse("invalid", `${host} belongs to the admin host`);
    const owner = terrain.ownerOf(host);
    if (owner !== null && owner !== check.slug) {
      return refuse("conflict", `${host} is a custom domain of ${owner}: remove it there first`, { owner });
    }
  }
  return null;
}

function differences(present: Present | null, planned: Omit<Planned, "fields">): readonly string[] {
  const before = present?.record;
  const fields: [string, boolean][] = [
    ["timeZone", before?.timeZone !== planned.timeZone],
    ["cohort", before?.cohort !== planned.cohort],
    ["labels", (before?.labels ?? "{}") !== planned.labels],
    ["cell", (before?.cell ?? null) !== planned.cell],
    ["domains", planned.domainsAdded.length > 0 || planned.domainsRemoved.length > 0],
    ["products", productsOf(present?.homes ?? {}) !== productsOf(planned.homes)],
  ];
  return fields.filter(([, differs]) => differs).map(([name]) => name);
}

function productsOf(homes: Homes): string {
  return Object.keys(homes).toSorted().join(",");
}
