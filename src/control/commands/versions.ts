/**
 * Registering a version, and editing what was said of it. The first version of a product without stable becomes live,
 * stable and default at once: nobody can be moved by that. Editing never changes who is on a version; the audit shows
 * before and after, because a changed origin is a release of its own.
 */
import type { Version } from "../../contracts/api/products.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import { MAX_VERSIONS_PER_PRODUCT } from "../../contracts/limits.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { refuseProducts } from "../access.ts";
import { checkRevision, notFound, refuse } from "../refuse.ts";
import { markRoot } from "../store/changes.ts";
import { forgetPreflight } from "../store/preflight-runs.ts";
import { loadProduct, saveProduct, type ProductRecord } from "../store/products.ts";
import { loadVersion, loadVersions, saveVersion, type VersionRecord } from "../store/versions.ts";
import { viewVersion } from "../view/products.ts";
import { refuseClaimedAssets } from "./claimed-assets.ts";
import { refuseEvents, refuseHooks, refuseOriginHere } from "./products.ts";
import { servingAs } from "./version-state.ts";
import type { Change, Work } from "./work.ts";

type Put = CommandInputs["version.put"];

/** Registers a version, or edits one. */
export function putVersion(work: Work, put: Put): Result<Change<Version>, Refusal> {
  const { db } = work;
  const product = loadProduct(db, put.product);
  if (product === null) return notFound(`product ${put.product}`);
  const before = loadVersion(db, put.product, put.version);
  const refused =
    refuseProducts(work.actor, [put.product]) ??
    checkRevision(work.ifMatch, before?.revision ?? 0) ??
    checkInput(work, put, before);
  if (refused !== null) return refused;
  const first = before === null && product.stable === null;
  const after = toRecord(work, put, before ?? { state: first ? "live" : "registered" });
  saveVersion(db, after);
  if (first) adopt(work, product, put.version);
  const moved = before !== null && before.origin !== after.origin;
  // What was seen of another origin, and let past there, says nothing of this one.
  const forgotten = moved ? forgetPreflight(db, put) : null;
  markRoot(db, work);
  return ok({
    output: viewVersion(db, after),
    told: {
      target: `version/${put.product}/${put.version}`,
      reason: null,
      detail: {
        before: shown(before),
        after: shown(after),
        ...(forgotten === null ? {} : { preflightForgotten: forgotten }),
        ...(first ? { became: ["live", "stable", "default"] } : {}),
      },
    },
  });
}

function toRecord(
  work: Work,
  { product, version, input }: Put,
  before: Partial<VersionRecord>,
): VersionRecord {
  return {
    product,
    name: version,
    origin: input.origin,
    state: before.state ?? "registered",
    reversible: input.reversible,
    mixed: input.mixed,
    migration: input.migration,
    events: input.events,
    upgradesFrom: input.upgradesFrom,
    requires: input.requires,
    assets: input.assets,
    notes: input.notes,
    bad: before.bad ?? null,
    registeredAt: before.registeredAt ?? work.nowMs,
    revision: (before.revision ?? 0) + 1,
  };
}

function shown(version: VersionRecord | null): unknown {
  if (version === null) return null;
  const { origin, state, reversible, mixed, migration, upgradesFrom, requires, assets, events, notes } =
    version;
  return { origin, state, reversible, mixed, migration, upgradesFrom, requires, assets, events, notes };
}

function adopt({ db }: Work, product: ProductRecord, version: string): void {
  saveProduct(db, { ...product, stable: version, default: version, revision: product.revision + 1 });
}

function checkInput(work: Work, put: Put, before: VersionRecord | null): Result<never, Refusal> | null {
  const reason = before?.origin === put.input.origin ? null : refuseOriginHere(work, put.input.origin);
  if (reason !== null) return refuse("invalid", reason);
  const hook = refuseHooks(work, put.input.migration) ?? refuseEvents(work, put.input.events);
  if (hook !== null) return refuse("invalid", hook);
  const { product, version: name, input } = put;
  const claimed = refuseClaimedAssets(work.db, { product, name, assets: input.assets });
  if (claimed !== null) return claimed;
  if (before === null) return checkRoom(work, put);
  // Who may only register must not redirect what already serves people.
  const serving = servingAs(work.db, before);
  if (work.actor.role === "deployer" && serving !== null) {
    return refuse(
      "forbidden",
      `${put.product} ${put.version} is ${serving}: changing it takes the role operator`,
    );
  }
  return null;
}

function checkRoom({ db }: Work, { product }: Put): Result<never, Refusal> | null {
  const present = loadVersions(db, product).filter(({ state }) => state !== "retired").length;
  return present < MAX_VERSIONS_PER_PRODUCT
    ? null
    : refuse(
        "conflict",
        `${product} has ${present} versions that are not retired, which is the most the maps take: retire one`,
      );
}
