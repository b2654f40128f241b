/**
 * Stable (what new accounts start on) and default (what requests of no known account get). Setting stable changes
 * nobody. Moving the default is the step that once took everything down, so by hand it takes a fresh
 * preflight that passed for this purpose, or `force`, and where four eyes hold a second person (default-requests.ts); the
 * version it leaves stays as standby, unless it is marked bad.
 */
import type { Product } from "../../contracts/api/products.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { toInstant } from "../clock.ts";
import { refuseUntried } from "../preflight/default-check.ts";
import { notFound, refuse } from "../refuse.ts";
import { holdsFourEyes, takeDefaultRequest } from "../store/four-eyes.ts";
import type { ProductRecord } from "../store/products.ts";
import { loadVersion, type VersionRecord } from "../store/versions.ts";
import { viewProduct } from "../view/products.ts";
import { askForDefault, findApprovable, shownRequest } from "./default-requests.ts";
import { findProduct, finishProduct } from "./find-product.ts";
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
  const found = findMovable(work, set);
  if (!found.ok) return found;
  const { product, version } = found.value;
  if (product.default === version.name) return ok({ output: viewProduct(work.db, product), told: null });
  if (holdsFourEyes(work.db, product.name)) return askForDefault(work, product, set.input);
  const after = { ...product, default: version.name, standby: goodOrNull(work, product, product.default) };
  return write(work, { before: product, after, forced: set.input.force }, set.input.reason);
}

/** Says the second person's yes: the move is made, if it may still be made. */
export function approveDefault(
  work: Work,
  approved: CommandInputs["product.default.approve"],
): Result<Change<Product>, Refusal> {
  const approvable = findApprovable(work, approved);
  if (!approvable.ok) return approvable;
  const { version: name, force, reason, askedBy, askedMs } = approvable.value.request;
  const found = findMovable(work, { product: approved.product, input: { version: name, force } });
  if (!found.ok) return found;
  const { product, version } = found.value;
  takeDefaultRequest(work.db, product.name);
  const after = { ...product, default: version.name, standby: goodOrNull(work, product, product.default) };
  const asked = { by: askedBy, at: toInstant(askedMs) };
  return write(work, { before: product, after, forced: force, asked }, reason);
}

/** The product and the version that its default may move to; whether it is there already is not looked at. */
function findMovable(
  work: Work,
  {
    product: name,
    input: { version: wanted, force },
  }: { readonly product: string; readonly input: { readonly version: string; readonly force: boolean } },
): Result<Subject, Refusal> {
  const found = findSubject(work, name, wanted);
  if (!found.ok) return found;
  const { product, version } = found.value;
  if (product.default === version.name) return found;
  if (version.state !== "live" && version.state !== "candidate") {
    return refuse(
      "conflict",
      `the default must be live or a candidate; ${product.name} ${version.name} is ${version.state}`,
    );
  }
  const untried = force ? null : refuseUntried(work, product.name, version.name);
  return untried ?? found;
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
  const product = findProduct(work, name);
  if (!product.ok) return product;
  const before = product.value;
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
  const product = findProduct(work, productName);
  if (!product.ok) return product;
  const version = loadVersion(work.db, productName, versionName);
  if (version === null) return notFound(`version ${productName} ${versionName}`);
  if (version.bad !== null)
    return refuse("conflict", `${productName} ${versionName} is marked bad: ${version.bad.reason}`);
  return ok({ product: product.value, version });
}

interface Written {
  readonly before: ProductRecord;
  readonly after: ProductRecord;
  readonly forced?: boolean;
  /** By whom, where another one approved. */
  readonly asked?: { readonly by: string; readonly at: string };
}

function write(
  work: Work,
  { before, after, forced, asked }: Written,
  reason: string,
): Result<Change<Product>, Refusal> {
  const ended = before.default === after.default ? null : takeDefaultRequest(work.db, before.name);
  // Whoever looks for why a default failed asks first whether anything had tried it.
  const detail = {
    before: shown(before),
    after: shown(after),
    ...(forced === true ? { forced } : {}),
    ...(asked === undefined ? {} : { asked }),
    ...(ended === null ? {} : { ended: shownRequest(ended) }),
  };
  const action = asked === undefined ? {} : { action: "product.default.set" };
  return finishProduct(work, after, { told: { ...action, reason, detail }, maps: "root" });
}

function shown({ stable, default: unknown, standby }: ProductRecord): unknown {
  return { stable, default: unknown, standby };
}
