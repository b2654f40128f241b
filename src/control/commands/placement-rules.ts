/**
 * Where an operator may put one account by hand (pin, quarantine), and what happens to its home when that ends.
 * The end never moves the account: its home becomes the version it was held on. Only naming a version moves it.
 * Also: which of it binds a tester's override.
 */
import type { VersionState } from "../../contracts/maps.ts";
import type { Refusal } from "../../contracts/problems.ts";
import type { Result } from "../../contracts/result.ts";
import type { Facts } from "../../contracts/rollout-input.ts";
import type { AccountSlug, ProductName, VersionName } from "../../contracts/units.ts";
import { own } from "../../core/record.ts";
import { isReplaced } from "../../core/rollout/replacement-plan.ts";
import { reachableVersions } from "../../core/rollout/served.ts";
import type { Present } from "../accounts/plan.ts";
import type { Db } from "../db.ts";
import { refuseOnItsWay } from "../data/members.ts";
import { notFound, refuse } from "../refuse.ts";
import { currentHomes, loadFacts, loadRunning } from "../rollouts/facts.ts";
import { loadPlacements } from "../store/placements.ts";
import { loadSettings } from "../store/preflight-settings.ts";
import { loadActiveReplacements } from "../store/replacements.ts";
import { loadActiveRollouts } from "../store/rollouts.ts";
import { loadVersion, type VersionRecord } from "../store/versions.ts";

const PLACEABLE: readonly VersionState[] = ["live", "draining"];

/** What decides the account's version of one product now. */
export interface Standing {
  readonly quarantine: VersionName | null;
  readonly pin: VersionName | null;
  /** Empty where the account does not have the product. */
  readonly home: VersionName;
}

/** Quarantine beats pin beats what a running rollout has made of it beats home, as in the decision. */
export function readStanding(db: Db, present: Present, product: ProductName): Standing {
  const { slug, groupId } = present.record;
  const homes = currentHomes(loadRunning(db), { slug, group: groupId, homes: present.homes });
  const placements = loadPlacements(db, [slug]);
  const find = (list: readonly { product: string; version: string }[] | undefined): string | null =>
    list?.find((entry) => entry.product === product)?.version ?? null;
  return {
    quarantine: find(placements.quarantines.get(slug)),
    pin: find(placements.pins.get(slug)),
    home: own(homes, product) ?? "",
  };
}

export function versionOf({ quarantine, pin, home }: Standing): VersionName {
  return quarantine ?? pin ?? home;
}

/** @returns null when the account may be put on the version by hand. */
export function checkPlacement(
  db: Db,
  present: Present,
  to: { readonly product: ProductName; readonly version: VersionName },
): Result<never, Refusal> | null {
  const moving = refuseOnItsWay(db, present.record);
  if (moving !== null) return moving;
  const target = loadVersion(db, to.product, to.version);
  if (target === null) return notFound(`version ${to.product} ${to.version}`);
  const name = `${to.product} ${to.version}`;
  if (!PLACEABLE.includes(target.state))
    return refuse("conflict", `${name} is ${target.state}; it must be live or draining`);
  if (target.bad !== null) return refuse("conflict", `${name} is marked bad: ${target.bad.reason}`);
  const from = versionOf(readStanding(db, present, to.product));
  const reason = replacedConflict(db, present, to) ?? placementConflict(db, present, { target, from });
  return reason === null ? null : refuse("conflict", reason);
}

/**
 * Candidates are what overrides are for, so of all that binds a placement only the data of the account binds them.
 * @returns null when the account may be shown the version.
 */
export function checkOverride(
  db: Db,
  present: Present,
  { product, version }: { readonly product: ProductName; readonly version: VersionName },
): Result<never, Refusal> | null {
  const { slug } = present.record;
  const from = versionOf(readStanding(db, present, product));
  // Probes ask candidates as the synthetic accounts anyway, so nobody's data is in those.
  if (from === "" || isSynthetic(db, product, slug)) return null;
  const movers = loadActiveRollouts(db).filter(({ state }) => own(state.plan.targets, product) !== undefined);
  const moving = refuseOnItsWay(db, present.record, movers);
  if (moving !== null || from === version) return moving;
  const migrates = migratingBetween(db, product, { from, to: version });
  return migrates === null
    ? null
    : refuse(
        "conflict",
        `${product} ${migrates} migrates the data of accounts and ${slug} is on ${from}: issue the override for a synthetic account of ${product}'s preflight settings, or for one that is on ${version} already`,
      );
}

function isSynthetic(db: Db, product: ProductName, slug: AccountSlug): boolean {
  const { syntheticAccount, syntheticByCell } = loadSettings(db, product).settings;
  return slug === syntheticAccount || Object.values(syntheticByCell).includes(slug);
}

/** The version that migrates data between two, replacements of either counted in; null when none does. */
function migratingBetween(
  db: Db,
  product: ProductName,
  { from, to }: { readonly from: VersionName; readonly to: VersionName },
): VersionName | null {
  const facts = loadFacts(db);
  for (const served of reachableVersions(facts, product, to)) {
    const target = loadVersion(db, product, served);
    if (target === null) continue;
    for (const before of reachableVersions(facts, product, from)) {
      const migrates = migratingOf(db, target, before);
      if (migrates !== null) return migrates;
    }
  }
  return null;
}

/** Replacements follow pins and quarantines: put where one has taken it from, the account would not be served that. */
function replacedConflict(
  db: Db,
  { record: { slug } }: Present,
  { product, version }: { readonly product: ProductName; readonly version: VersionName },
): string | null {
  const found = loadActiveReplacements(db).find(
    ({ state }) => state.plan.product === product && state.plan.from === version && isReplaced(state, slug),
  );
  if (found === undefined) return null;
  const { to } = found.state.plan;
  return `${product} ${version} is being replaced by ${to}, also for ${slug}, which would be served ${to} all the same: name another version, or roll the replacement of ${product} ${version} back first`;
}

/** Held against what takes the place of versions as well: replacements follow pins and quarantines. */
function placementConflict(
  db: Db,
  present: Present,
  { target, from }: { readonly target: VersionRecord; readonly from: VersionName },
): string | null {
  const facts = loadFacts(db);
  const { product, name } = target;
  for (const served of reachableVersions(facts, product, name)) {
    const version = served === name ? target : loadVersion(db, product, served);
    if (version === null) continue;
    const stays = from === name;
    for (const before of stays ? [] : reachableVersions(facts, product, from)) {
      const reason = upgradeConflict(db, version, before) ?? dataConflict(db, version, before);
      if (reason !== null) return reason;
    }
    const reason = requirementConflict(db, present, { target: version, facts });
    if (reason !== null) return reason;
  }
  return null;
}

/** A version may say which ones it can take over from. That binds going forward only: going back has rules of its own. */
function upgradeConflict(db: Db, target: VersionRecord, from: VersionName): string | null {
  if (target.upgradesFrom === null || from === target.name || target.upgradesFrom.includes(from)) return null;
  const present = loadVersion(db, target.product, from);
  if (present === null || present.registeredAt >= target.registeredAt) return null;
  return `${target.product} ${target.name} upgrades from ${target.upgradesFrom.join(", ")}; the account is on ${from}`;
}

/**
 * Data goes with the account, there and back, and hooks are called by rollouts alone: put by hand it would be served by a
 * version that its data is not made for. The newer of the two declares the hooks.
 */
function dataConflict(db: Db, target: VersionRecord, from: VersionName): string | null {
  const migrates = migratingOf(db, target, from);
  return migrates === null
    ? null
    : `${target.product} ${migrates} migrates the data of accounts, so an account moves between ${from} and ${target.name} by a rollout or its rollback alone; a hold keeps it from being served`;
}

function migratingOf(db: Db, target: VersionRecord, from: VersionName): VersionName | null {
  const present = from === target.name ? null : loadVersion(db, target.product, from);
  if (present === null) return null;
  const newest = Math.max(present.registeredAt, target.registeredAt);
  const migrates = [present, target].find(
    ({ registeredAt, migration }) => registeredAt === newest && migration.kind !== "none",
  );
  return migrates?.name ?? null;
}

/** Pairs of products: what the target requires of the others, and what the others require of this product. */
function requirementConflict(
  db: Db,
  present: Present,
  { target, facts }: { readonly target: VersionRecord; readonly facts: Facts },
): string | null {
  for (const product of Object.keys(present.homes)) {
    if (product === target.product) continue;
    const standing = versionOf(readStanding(db, present, product));
    for (const version of reachableVersions(facts, product, standing)) {
      const wanted = own(target.requires, product);
      if (wanted !== undefined && !wanted.includes(version)) {
        return `${target.product} ${target.name} requires ${product} ${wanted.join(" or ")}; the account is on ${version}`;
      }
      const needed = own(loadVersion(db, product, version)?.requires ?? {}, target.product);
      if (needed !== undefined && !needed.includes(target.name)) {
        return `the account's ${product} ${version} requires ${target.product} ${needed.join(" or ")}`;
      }
    }
  }
  return null;
}
