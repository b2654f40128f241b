/** Deletes one account: it keeps answering as a tombstone for 90 days, and its slug is not given out meanwhile. */
import type { Account } from "../../contracts/api/accounts.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { buryAccounts } from "../accounts/remove.ts";
import { findAccount, showAccount } from "./find-account.ts";
import type { Change, Work } from "./work.ts";

/** Turns the account into a tombstone. */
export function deleteAccount(
  work: Work,
  { account, reason }: CommandInputs["account.delete"],
): Result<Change<Account>, Refusal> {
  const found = findAccount(work, account, null);
  if (!found.ok) return found;
  buryAccounts(work.db, work, [account]);
  const { homes, domains } = found.value;
  return ok({
    output: showAccount(work, account),
    told: { target: `account/${account}`, reason, detail: { homes, domains } },
  });
}
