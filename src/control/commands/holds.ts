/** Holds: maintenance for one account or one product, as a page or read-only. A hold ends by being lifted only. */
import type { Account } from "../../contracts/api/accounts.ts";
import type { HoldInput, HoldView, Product } from "../../contracts/api/products.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import type { Result } from "../../contracts/result.ts";
import { fromInstantOrNull, toInstant } from "../clock.ts";
import { stuckHold } from "../data/leave.ts";
import { tellStuck } from "../data/members.ts";
import { notFound, refuse } from "../refuse.ts";
import { loadStuck } from "../store/data-moves.ts";
import { loadPlacements, saveHold } from "../store/placements.ts";
import { findAccount, findKnown, finishAccount } from "./find-account.ts";
import { findProduct, finishProduct } from "./find-product.ts";
import type { Change, Work } from "./work.ts";

/** A hold that begins after its end would raise its alarm at once. */
function refuseHold(work: Work, { until }: HoldInput): Result<never, Refusal> | null {
  const untilMs = fromInstantOrNull(until);
  return untilMs !== null && untilMs <= work.nowMs
    ? refuse("invalid", `the hold would end at ${until}, which is past`)
    : null;
}

function toHold(work: Work, { mode, message, until, reason }: HoldInput): HoldView {
  return { mode, message, until, reason, by: work.actor.name, at: toInstant(work.nowMs) };
}

/** Holds one account, all products of it. */
export function setAccountHold(
  work: Work,
  { account, input }: CommandInputs["account.hold.set"],
): Result<Change<Account>, Refusal> {
  const found = findAccount(work, account, null);
  if (!found.ok) return found;
  const wrong = refuseHold(work, input);
  if (wrong !== null) return wrong;
  const stuckIn = loadStuck(work.db).get(account);
  if (stuckIn !== undefined && input.mode !== "page")
    return refuse("conflict", `only a page may hold it now: ${tellStuck(account, stuckIn)}`);
  const hold = toHold(work, input);
  saveHold(work.db, account, hold);
  const { mode, message, until } = hold;
  const told = { target: `account/${account}`, reason: input.reason, detail: { mode, message, until } };
  return finishAccount(work, account, { told, maps: "urgent" });
}

/** Lets an account go on. */
export function liftAccountHold(
  work: Work,
  { account, reason }: CommandInputs["account.hold.lift"],
): Result<Change<Account>, Refusal> {
  const found = findKnown(work, account, null);
  if (!found.ok) return found;
  const hold = loadPlacements(work.db, [account]).holds.get(account);
  if (hold === undefined) return notFound(`hold of ${account}`);
  const stuckIn = loadStuck(work.db).get(account);
  // Whoever lifts the hold of the move itself has read what it says; under their own hold they could not see it.
  const isOwn = hold.by !== `rollout/${stuckIn ?? ""}`;
  const under = stuckIn !== undefined && isOwn ? { rollout: stuckIn, why: "see its left-behind list" } : null;
  saveHold(work.db, account, under === null ? null : stuckHold(work, under));
  const stillHeldBy = under === null ? {} : { stillHeldBy: `rollout/${under.rollout}` };
  return finishAccount(work, account, {
    told: {
      target: `account/${account}`,
      reason,
      detail: { mode: hold.mode, since: hold.at, ...stillHeldBy },
    },
    maps: "urgent",
  });
}

/** Holds a whole product, requests of no known account too. */
export function setProductHold(
  work: Work,
  { product: name, input }: CommandInputs["product.hold.set"],
): Result<Change<Product>, Refusal> {
  const found = findProduct(work, name);
  if (!found.ok) return found;
  const wrong = refuseHold(work, input);
  if (wrong !== null) return wrong;
  const hold = toHold(work, input);
  const { mode, message, until } = hold;
  const told = { reason: input.reason, detail: { mode, message, until } };
  return finishProduct(work, { ...found.value, hold }, { told, maps: "root" });
}

/** Lets a product go on. */
export function liftProductHold(
  work: Work,
  { product: name, reason }: CommandInputs["product.hold.lift"],
): Result<Change<Product>, Refusal> {
  const found = findProduct(work, name);
  if (!found.ok) return found;
  const { hold } = found.value;
  if (hold === null) return notFound(`hold of ${name}`);
  const told = { reason, detail: { mode: hold.mode, since: hold.at } };
  return finishProduct(work, { ...found.value, hold: null }, { told, maps: "root" });
}
