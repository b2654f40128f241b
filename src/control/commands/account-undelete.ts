/** Takes a deletion back within its 90 days: the tombstone is an account again, as it was, and nobody moves by it. */
import type { Account } from "../../contracts/api/accounts.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { refuseProducts } from "../access.ts";
import { loadPresent } from "../accounts/present.ts";
import { raiseAccount } from "../accounts/remove.ts";
import { toInstant } from "../clock.ts";
import { checkRevision, notFound, refuse } from "../refuse.ts";
import { showAccount } from "./find-account.ts";
import type { Change, Work } from "./work.ts";

/** Makes the tombstone an account again. Refused for a living account and for one that was forgotten. */
export function undeleteAccount(
  work: Work,
  { account, input }: CommandInputs["account.undelete"],
): Result<Change<Account>, Refusal> {
  const present = loadPresent(work.db, [account]).get(account);
  if (present === undefined) return notFound(`account ${account}, deleted or not`);
  const { record, homes, domains } = present;
  const refused =
    refuseProducts(work.actor, Object.keys(homes)) ?? checkRevision(work.ifMatch, record.revision);
  if (refused !== null) return refused;
  if (record.deletedAt === null) return refuse("conflict", `${account} is not deleted`);
  raiseAccount(work.db, work, record);
  return ok({
    output: showAccount(work, account),
    told: {
      target: `account/${account}`,
      reason: input.reason,
      detail: { deleted: toInstant(record.deletedAt), homes, domains },
    },
  });
}
