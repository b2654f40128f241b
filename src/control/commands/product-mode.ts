/**
 * Says who serves a product: Firebreak (`active`) or today's fleet (`pass-through`, `compare`). Nothing that moves accounts
 * may run while it is the fleet: nobody would be moved by it, and everybody on the day it ends. Each setting begins a
 * comparison of its own. One publish, like every change of a product.
 */
import type { ModeInput } from "../../contracts/api/fleet.ts";
import type { Product } from "../../contracts/api/products.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { ProductName } from "../../contracts/units.ts";
import { own } from "../../core/record.ts";
import type { Db } from "../db.ts";
import { refuse } from "../refuse.ts";
import { dropFleet, loadFleet, loadFleets, saveFleet, type FleetRecord } from "../store/product-modes.ts";
import type { ProductRecord } from "../store/products.ts";
import { loadActiveReplacements } from "../store/replacements.ts";
import { loadActiveRollouts } from "../store/rollouts.ts";
import { viewProduct } from "../view/products.ts";
import { findProduct, finishProduct } from "./find-product.ts";
import { refuseOriginHere } from "./products.ts";
import type { Change, Work } from "./work.ts";

type SetMode = CommandInputs["product.mode.set"];

export function setProductMode(
  work: Work,
  { product: name, input, known }: SetMode,
): Result<Change<Product>, Refusal> {
  const { db } = work;
  const found = findProduct(work, name);
  if (!found.ok) return found;
  const product = found.value;
  const refused = input.mode === "active" ? null : refuseMoving(db, name);
  if (refused !== null) return refused;
  const before = loadFleet(db, name);
  if (input.mode === "active") return makeActive(work, { product, before, input, known });
  const wanted = plan(work, { product, before, input, mode: input.mode });
  if (!wanted.ok) return wanted;
  const { mode, origin, versionHeader, run } = wanted.value;
  saveFleet(db, wanted.value);
  const detail = { before: before?.mode ?? "active", mode, origin, versionHeader, run };
  return finishProduct(work, product, { told: { reason: input.reason, detail }, maps: "root" });
}

interface Asked {
  readonly product: ProductRecord;
  readonly before: FleetRecord | null;
  readonly input: ModeInput;
}

function makeActive(
  work: Work,
  { product, before, input, known }: Asked & Pick<SetMode, "known">,
): Result<Change<Product>, Refusal> {
  if (before === null) return ok({ output: viewProduct(work.db, product), told: null });
  if (product.stable === null || product.default === null)
    return refuse("conflict", `${product.name} has no version yet: register one first`);
  dropFleet(work.db, product.name);
  const { mode, origin } = before;
  const detail = { before: mode, mode: "active", origin, known };
  return finishProduct(work, product, { told: { reason: input.reason, detail }, maps: "root" });
}

function plan(
  work: Work,
  { product, before, input, mode }: Asked & { readonly mode: FleetRecord["mode"] },
): Result<FleetRecord, Refusal> {
  const origin = input.origin ?? before?.origin;
  const versionHeader =
    input.versionHeader === undefined ? (before?.versionHeader ?? null) : input.versionHeader;
  if (origin === undefined)
    return refuse("invalid", `origin says where today's fleet of ${product.name} is; it was never set`);
  if (origin.includes("{cell}")) return refuse("invalid", "the fleet is one origin, without {cell}");
  const notAllowed = refuseOriginHere(work, origin);
  if (notAllowed !== null) return refuse("conflict", notAllowed);
  if (mode === "compare" && versionHeader === null)
    return refuse(
      "invalid",
      "compare needs versionHeader: the response header in which the fleet names the version",
    );
  const { nowMs, seq, actor } = work;
  const run = `${product.name}/${seq}`;
  return ok({
    product: product.name,
    mode,
    origin,
    versionHeader,
    run,
    reason: input.reason,
    by: actor.name,
    since: nowMs,
  });
}

/** What moves accounts of the product at this moment. */
function refuseMoving(db: Db, name: ProductName): Result<never, Refusal> | null {
  const rollout = loadActiveRollouts(db).find(({ state }) => own(state.plan.targets, name) !== undefined);
  if (rollout !== undefined)
    return refuse(
      "conflict",
      `rollout ${rollout.id} moves accounts of ${name}: end it first, with stop or rollback`,
    );
  const replaced = loadActiveReplacements(db).find(({ state }) => state.plan.product === name);
  if (replaced === undefined) return null;
  const { from, to } = replaced.state.plan;
  return refuse("conflict", `${name} ${from} is being replaced by ${to}: end that first`);
}

/** @returns why nothing may begin to move accounts of these products, or null: today's fleet serves none of them. */
export function refuseFleetServed(db: Db, products: readonly ProductName[]): Result<never, Refusal> | null {
  const fleets = loadFleets(db);
  const served = products.map((name) => fleets.get(name)).find((fleet) => fleet !== undefined);
  if (served === undefined) return null;
  return refuse(
    "conflict",
    `${served.product} is in ${served.mode}: today's fleet at ${served.origin} answers all of it, so nobody would move. Make it active first`,
  );
}
