/**
 * The life of a version: registered → candidate → live → draining → retired, and the steps back that make sense.
 * A version that anything refers to can neither be retired nor leave the states that may serve; the refusal lists what
 * refers to it and how often, so that the operator sees what to move first.
 */
import type { Version } from "../../contracts/api/products.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import { MAX_VERSIONS_PER_PRODUCT } from "../../contracts/limits.ts";
import type { VersionState } from "../../contracts/maps.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { own } from "../../core/record.ts";
import { SERVING_STATES, VERSION_STEPS } from "../../core/version-steps.ts";
import { refuseProducts } from "../access.ts";
import type { Db } from "../db.ts";
import { checkRevision, notFound, refuse } from "../refuse.ts";
import { readInt } from "../row.ts";
import { markRoot } from "../store/changes.ts";
import { countHomes } from "../store/home-sets.ts";
import { countObjectsNaming } from "../store/objects.ts";
import { loadProduct } from "../store/products.ts";
import { loadActiveReplacements } from "../store/replacements.ts";
import { loadActiveRollouts } from "../store/rollouts.ts";
import { loadVersion, loadVersions, saveVersion, type VersionRecord } from "../store/versions.ts";
import { viewVersion } from "../view/products.ts";
import { refuseClaimedAssets } from "./claimed-assets.ts";
import { refuseEvents, refuseHooks, refuseOriginHere } from "./products.ts";
import type { Change, Work } from "./work.ts";

/** Takes a version one step along its life, or back. */
export function setVersionState(
  work: Work,
  { product, version: name, input }: CommandInputs["version.state.set"],
): Result<Change<Version>, Refusal> {
  const { db } = work;
  const before = loadVersion(db, product, name);
  if (before === null) return notFound(`version ${product} ${name}`);
  const refused = refuseProducts(work.actor, [product]) ?? checkRevision(work.ifMatch, before.revision);
  if (refused !== null) return refused;
  if (before.state === input.state) return ok({ output: viewVersion(db, before), told: null });
  const wrong = checkStep(work, before, input.state);
  if (wrong !== null) return wrong;
  const after = { ...before, state: input.state, revision: before.revision + 1 };
  saveVersion(db, after);
  markRoot(db, work);
  return ok({
    output: viewVersion(db, after),
    told: {
      target: `version/${product}/${name}`,
      reason: input.reason,
      detail: { before: before.state, after: after.state },
    },
  });
}

function checkStep(work: Work, version: VersionRecord, to: VersionState): Result<never, Refusal> | null {
  const { db, actor } = work;
  const { product, name, state: from } = version;
  const serves = servingAs(db, version) !== null;
  if (!VERSION_STEPS[from].includes(to)) {
    return refuse(
      "conflict",
      `${product} ${name} is ${from}; from there it can become ${VERSION_STEPS[from].join(" or ")}`,
    );
  }
  if (actor.role === "deployer" && (serves || SERVING_STATES.includes(to) || to === "retired")) {
    return refuse("forbidden", `taking ${product} ${name} from ${from} to ${to} takes the role operator`);
  }
  if (to === "live" && version.bad !== null) {
    return refuse("conflict", `${product} ${name} is marked bad: ${version.bad.reason}`);
  }
  if (to === "draining" && loadProduct(db, product)?.stable === name) {
    return refuse(
      "in-use",
      `${product} ${name} is stable, so new accounts start on it: make another version stable first`,
    );
  }
  if (from === "retired") {
    const outdated = refuseReturn(work, version);
    if (outdated !== null) return outdated;
  }
  const leavesMaps = to === "retired" || (serves && !SERVING_STATES.includes(to));
  return leavesMaps ? refuseInUse(db, product, name) : null;
}

/** While it was retired nobody minded it: what is asked of a version that is registered is asked of it again. */
function refuseReturn(work: Work, version: VersionRecord): Result<never, Refusal> | null {
  const { product, origin, migration, events } = version;
  if (activeVersions(work.db, product) >= MAX_VERSIONS_PER_PRODUCT) {
    return refuse(
      "conflict",
      `${product} has ${MAX_VERSIONS_PER_PRODUCT} versions that are not retired: retire one`,
    );
  }
  const reason = refuseOriginHere(work, origin) ?? refuseHooks(work, migration) ?? refuseEvents(work, events);
  return reason === null ? refuseClaimedAssets(work.db, version) : refuse("conflict", reason);
}

/** What makes a version one that people are on, in words; null: nothing does. Unknown accounts are people too. */
export function servingAs(
  db: Db,
  { product, name, state }: Pick<VersionRecord, "product" | "name" | "state">,
): string | null {
  if (SERVING_STATES.includes(state)) return state;
  const record = loadProduct(db, product);
  if (record?.default === name) return "the default (unknown accounts)";
  return record?.standby === name ? "the standby of the default" : null;
}

function activeVersions(db: Db, product: ProductName): number {
  return loadVersions(db, product).filter(({ state }) => state !== "retired").length;
}

/** @returns null when nothing refers to the version, else a refusal that lists what does. */
export function refuseInUse(
  db: Db,
  product: ProductName,
  version: VersionName,
): Result<never, Refusal> | null {
  const uses = Object.entries(countUses(db, product, version)).filter(([, count]) => count > 0);
  if (uses.length === 0) return null;
  const list = listUses(db, product, version).join(", ");
  return refuse("in-use", `${product} ${version} is still referred to by: ${list}`, {
    uses: Object.fromEntries(uses),
  });
}

/** What refers to a version and how often, in words; empty: nothing does. */
export function listUses(db: Db, product: ProductName, version: VersionName): readonly string[] {
  return Object.entries(countUses(db, product, version))
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${what} (${count})`);
}

/** As a target, or as where a rollback leads. */
function refersTo({ plan, origins }: RolloutState, product: ProductName, version: VersionName): boolean {
  return own(plan.targets, product) === version || (own(origins, product) ?? []).includes(version);
}

function countUses(db: Db, product: ProductName, version: VersionName): Record<string, number> {
  const homes = countHomes(db, product).get(version);
  const record = loadProduct(db, product);
  const isNamed = (name: VersionName | null | undefined): number => (name === version ? 1 : 0);
  const countRows = (table: "pins" | "quarantines"): number =>
    readInt(
      db.rows(`SELECT count(*) AS n FROM ${table} WHERE product = ? AND version = ?`, product, version)[0] ??
        {},
      "n",
    );
  return {
    stable: isNamed(record?.stable),
    default: isNamed(record?.default),
    standby: isNamed(record?.standby),
    homes: homes?.accounts ?? 0,
    "homes of deleted accounts": homes?.tombstones ?? 0,
    pins: countRows("pins"),
    quarantines: countRows("quarantines"),
    "running replacements": loadActiveReplacements(db).filter(
      ({ state: { plan } }) => plan.product === product && (plan.from === version || plan.to === version),
    ).length,
    "running rollouts": loadActiveRollouts(db).filter(({ state }) => refersTo(state, product, version))
      .length,
    "published or waiting shards": countObjectsNaming(db, product, version),
  };
}
