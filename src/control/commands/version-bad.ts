/**
 * The mark `bad`: a version that carries it is never a target again (rollout, default, stable, pin, quarantine, standby,
 * way back) until somebody clears it. Marking moves nobody and is never refused for what refers to the version: who is on
 * it stays, and the audit says what still names it. A standby stops being one, because that is a target in waiting.
 */
import type { Version } from "../../contracts/api/products.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { refuseProducts } from "../access.ts";
import { toInstant } from "../clock.ts";
import type { Db } from "../db.ts";
import { checkRevision, notFound } from "../refuse.ts";
import { markRoot, type Moment } from "../store/changes.ts";
import { loadProduct, saveProduct } from "../store/products.ts";
import { loadVersion, saveVersion, type VersionRecord } from "../store/versions.ts";
import { viewVersion } from "../view/products.ts";
import type { Change, Work } from "./work.ts";

/** Marks a version; the same reason again changes nothing. */
export function markBad(
  work: Work,
  { product, version, input: { reason } }: CommandInputs["version.bad.mark"],
): Result<Change<Version>, Refusal> {
  const found = findVersion(work, product, version);
  if (!found.ok) return found;
  const before = found.value;
  if (before.bad?.reason === reason) return ok({ output: viewVersion(work.db, before), told: null });
  const named = placesOf(work.db, product, version);
  const after = writeBad(work, before, { reason, by: work.actor.name });
  const told = { target: `version/${product}/${version}`, reason, detail: { before: before.bad, named } };
  return ok({ output: viewVersion(work.db, after), told });
}

/** Clears the mark: it may be a target again, and becomes none by this. */
export function clearBad(
  work: Work,
  { product, version, reason }: CommandInputs["version.bad.clear"],
): Result<Change<Version>, Refusal> {
  const found = findVersion(work, product, version);
  if (!found.ok) return found;
  const before = found.value;
  if (before.bad === null) return notFound(`mark bad of ${product} ${version}`);
  const after = { ...before, bad: null, revision: before.revision + 1 };
  saveVersion(work.db, after);
  const told = { target: `version/${product}/${version}`, reason, detail: { before: before.bad } };
  return ok({ output: viewVersion(work.db, after), told });
}

/** Writes the mark, and takes the version out of waiting as a standby. For commands and for what rollouts find out. */
export function writeBad(
  { db, seq, nowMs }: Moment & { readonly db: Db },
  version: VersionRecord,
  { reason, by }: { readonly reason: string; readonly by: string },
): VersionRecord {
  const after = {
    ...version,
    bad: { reason, by, at: toInstant(nowMs) },
    revision: version.revision + 1,
  };
  saveVersion(db, after);
  const product = loadProduct(db, version.product);
  if (product?.standby === version.name) {
    saveProduct(db, { ...product, standby: null, revision: product.revision + 1 });
    markRoot(db, { seq, nowMs });
  }
  return after;
}

function findVersion(work: Work, product: ProductName, name: VersionName): Result<VersionRecord, Refusal> {
  const version = loadVersion(work.db, product, name);
  if (version === null) return notFound(`version ${product} ${name}`);
  return (
    refuseProducts(work.actor, [product]) ?? checkRevision(work.ifMatch, version.revision) ?? ok(version)
  );
}

/** Where a product names the version now; 1 or 0 each. */
function placesOf(db: Db, product: ProductName, version: VersionName): Readonly<Record<string, number>> {
  const found = loadProduct(db, product);
  const is = (name: VersionName | null | undefined): number => (name === version ? 1 : 0);
  return { stable: is(found?.stable), default: is(found?.default), standby: is(found?.standby) };
}
