/** Deferrals: "not before that day", with an owner. Rollouts read them; the maps do not, and nobody moves by their end. */
import type { Account } from "../../contracts/api/accounts.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import type { Result } from "../../contracts/result.ts";
import { fromInstant, toInstant } from "../clock.ts";
import { notFound, refuse } from "../refuse.ts";
import { deleteDeferral, loadPlacements, saveDeferral } from "../store/placements.ts";
import { findAccount, finishAccount } from "./find-account.ts";
import type { Change, Work } from "./work.ts";

/** Defers every move of an account until an instant. */
export function setDeferral(
  work: Work,
  { account, input }: CommandInputs["account.deferral.set"],
): Result<Change<Account>, Refusal> {
  const found = findAccount(work, account, null);
  if (!found.ok) return found;
  const until = fromInstant(input.until);
  if (until <= work.nowMs)
    return refuse("invalid", `the deferral would end at ${input.until}, which is past`);
  const { reason, owner } = input;
  saveDeferral(work.db, { account, until, reason, owner, by: work.actor.name, at: work.nowMs });
  const told = { target: `account/${account}`, reason, detail: { until: toInstant(until), owner } };
  return finishAccount(work, account, { told, maps: "unchanged" });
}

/** Ends a deferral: the account may be moved again, and is not moved by this. */
export function liftDeferral(
  work: Work,
  { account, reason }: CommandInputs["account.deferral.lift"],
): Result<Change<Account>, Refusal> {
  const found = findAccount(work, account, null);
  if (!found.ok) return found;
  const deferral = loadPlacements(work.db, [account]).deferrals.get(account);
  if (deferral === undefined) return notFound(`deferral of ${account}`);
  deleteDeferral(work.db, account);
  const told = {
    target: `account/${account}`,
    reason,
    detail: { until: toInstant(deferral.until), owner: deferral.owner },
  };
  return finishAccount(work, account, { told, maps: "unchanged" });
}
