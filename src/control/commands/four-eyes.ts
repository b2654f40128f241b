/**
 * Switches four eyes for the default of a product on and off. Admins alone: it is there to hold operators to it. Switched on
 * it also takes back yeses that rollouts were given when one pair of eyes was enough; switched off it ends what waits.
 */
import type { Product } from "../../contracts/api/products.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { refuseProducts } from "../access.ts";
import { checkRevision, notFound } from "../refuse.ts";
import { takeBackApprovals } from "../rollouts/second-person.ts";
import { deleteFourEyes, holdsFourEyes, saveFourEyes, takeDefaultRequest } from "../store/four-eyes.ts";
import { loadProduct, saveProduct } from "../store/products.ts";
import { viewProduct } from "../view/products.ts";
import { shownRequest } from "./default-requests.ts";
import type { Change, Work } from "./work.ts";

export function setFourEyes(
  work: Work,
  { product: name, input: { on, reason } }: CommandInputs["product.four-eyes.set"],
): Result<Change<Product>, Refusal> {
  const { db, actor, nowMs } = work;
  const product = loadProduct(db, name);
  if (product === null) return notFound(`product ${name}`);
  const refused = refuseProducts(actor, [name]) ?? checkRevision(work.ifMatch, product.revision);
  if (refused !== null) return refused;
  if (holdsFourEyes(db, name) === on) return ok({ output: viewProduct(db, product), told: null });
  if (on) saveFourEyes(db, { product: name, reason, by: actor.name, atMs: nowMs });
  else deleteFourEyes(db, name);
  const askAgain = on ? takeBackApprovals(db, name) : [];
  const ended = on ? null : takeDefaultRequest(db, name);
  const after = { ...product, revision: product.revision + 1 };
  saveProduct(db, after);
  const detail = { on, askAgain, ended: ended === null ? null : shownRequest(ended) };
  return ok({ output: viewProduct(db, after), told: { target: `product/${name}`, reason, detail } });
}
