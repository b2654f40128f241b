/**
 * Stable (what new accounts start on) and default (what requests of no known account get). Setting stable changes
 * nobody. Moving the default is the step that once took everything down, so by hand it takes a fresh
 * preflight that passed for this purpose, or `force`; the version it leaves stays as standby, unless it is marked bad.
 */
import type { Product } from "../../contracts/api/products.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { refuseProducts } from "../access.ts";
import { refuseUntried } from "../preflight/default-check.ts";
import { checkRevision, notFound, refuse } from "../refuse.ts";
import { markRoot } from "../store/changes.ts";
import { loadProduct, saveProduct, type ProductRecord } from "../store/products.ts";
import { loadVersion, type VersionRecord } from "../store/versions.ts";
import { viewProduct } from "../view/products.ts";
import type { Change, Work } from "./work.ts";

interface Subject {
  readonly product: ProductRecord;
  readonly version: VersionRecord;
}

/** Makes a live version the one that new accounts get. */
export function setStable(
  work: Work,
  set: CommandInputs["product.stable.set"],
): Result<Change<Product>, Refusal> {
  const found = findSubject(work, set.product, set.input.version);
  if (!found.ok) return found;
  const { product, version } = found.value;
  if (product.stable === version.name) return ok({ output: viewProduct(work.db, product), told: null });
  if (version.state !== "live") {
    return refuse("conflict", `stable must be live; ${product.name} ${version.name} is ${version.state}`);
  }
  return write(work, { before: product, after: { ...product, stable: version.name } }, set.input.reason);
}

/** Moves the default (unknown accounts) to a version that is live or a candidate. */
export function setDefault(
  work: Work,
  set: CommandInputs["product.default.set"],
): Result<Change<Product>, Refusal> {
  const found = findSubject(work, set.product, set.input.version);
  if (!found.ok) return found;
  const { product, version } = found.value;
  if (product.default === version.name) return ok({ output: viewProduct(work.db, product), told: null });
  if (version.state !== "live" && version.state !== "candidate") {
    return refuse(
      "conflict",
      `the default must be live or a candidate; ${product.name} ${version.name} is ${version.state}`,
    );
  }
  const untried = set.input.force ? null : refuseUntried(work, product.name, version.name);
  if (untried !== null) return untried;
  const after = { ...product, default: version.name, standby: goodOrNull(work, product, product.default) };
  return write(work, { before: product, after, forced: set.input.force }, set.input.reason);
}

/** A version that may stand by; a bad one may not. */
function goodOrNull(
  { db }: Work,
  { name }: ProductRecord,
  version: ProductRecord["default"],
): ProductRecord["default"] {
  return version === null || loadVersion(db, name, version)?.bad !== null ? null : version;
}

/**
 * Puts the default back on its standby: protective, so no preflight is asked for. What it leaves failed somebody, so it
 * does not stand by, and the second of two clicks finds nothing to go back to.
 */
export function revertDefault(
  work: Work,
  { product: name, input }: CommandInputs["product.default.revert"],
): Result<Change<Product>, Refusal> {
  const before = loadProduct(work.db, name);
  if (before === null) return notFound(`product ${name}`);
  const refused = refuseProducts(work.actor, [name]) ?? checkRevision(work.ifMatch, before.revision);
  if (refused !== null) return refused;
  const { standby } = before;
  if (standby === null) {
    return refuse(
      "conflict",
      `${name} has no standby, so there is nothing to go back to: move the default to a version by name (on the command line: default promote ${name} VERSION)`,
    );
  }
  const found = findSubject(work, name, standby);
  if (!found.ok) return found;
  const { state } = found.value.version;
  if (state === "registered" || state === "retired")
    return refuse("conflict", `the standby ${name} ${standby} is ${state}, so it cannot serve`);
  return write(work, { before, after: { ...before, default: standby, standby: null } }, input.reason);
}

function findSubject(work: Work, productName: string, versionName: string): Result<Subject, Refusal> {
  const product = loadProduct(work.db, productName);
  if (product === null) return notFound(`product ${productName}`);
  const version = loadVersion(work.db, productName, versionName);
  if (version === null) return notFound(`version ${productName} ${versionName}`);
  const refused = refuseProducts(work.actor, [productName]) ?? checkRevision(work.ifMatch, product.revision);
  if (refused !== null) return refused;
  if (version.bad !== null)
    return refuse("conflict", `${productName} ${versionName} is marked bad: ${version.bad.reason}`);
  return ok({ product, version });
}

function write(
  work: Work,
  {
    before,
    after,
    forced,
  }: { readonly before: ProductRecord; readonly after: ProductRecord; readonly forced?: boolean },
  reason: string,
): Result<Change<Product>, Refusal> {
  const next = { ...after, revision: before.revision + 1 };
  saveProduct(work.db, next);
  markRoot(work.db, work);
  // Whoever looks for why a default failed asks first whether anything had tried it.
  const detail = { before: shown(before), after: shown(next), ...(forced === true ? { forced } : {}) };
  return ok({
    output: viewProduct(work.db, next),
    told: { target: `product/${before.name}`, reason, detail },
  });
}

function shown({ stable, default: unknown, standby }: ProductRecord): unknown {
  return { stable, default: unknown, standby };
}
