/**
 * Switches four eyes for the default of a product on and off. Admins alone: it is there to hold operators to it. Switched on
 * it also takes back yeses that rollouts were given when one pair of eyes was enough; switched off it ends what waits.
 */
import type { Product } from "../../contracts/api/products.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { takeBackApprovals } from "../rollouts/second-person.ts";
import { deleteFourEyes, holdsFourEyes, saveFourEyes, takeDefaultRequest } from "../store/four-eyes.ts";
import { viewProduct } from "../view/products.ts";
import { shownRequest } from "./default-requests.ts";
import { findProduct, finishProduct } from "./find-product.ts";
import type { Change, Work } from "./work.ts";

export function setFourEyes(
  work: Work,
  { product: name, input: { on, reason } }: CommandInputs["product.four-eyes.set"],
): Result<Change<Product>, Refusal> {
  const { db, actor, nowMs } = work;
  const found = findProduct(work, name);
  if (!found.ok) return found;
  if (holdsFourEyes(db, name) === on) return ok({ output: viewProduct(db, found.value), told: null });
  if (on) saveFourEyes(db, { product: name, reason, by: actor.name, atMs: nowMs });
  else deleteFourEyes(db, name);
  const askAgain = on ? takeBackApprovals(db, name) : [];
  const ended = on ? null : takeDefaultRequest(db, name);
  const detail = { on, askAgain, ended: ended === null ? null : shownRequest(ended) };
  return finishProduct(work, found.value, { told: { reason, detail }, maps: "unchanged" });
}
