/**
 * Quarantine: one account put back alone, with the reason. Lifting it leaves the account where it is, as its home; over
 * a pin to another version that cannot be kept, so it is refused until the pin is settled.
 */
import type { Account } from "../../contracts/api/accounts.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import type { Result } from "../../contracts/result.ts";
import { own } from "../../core/record.ts";
import { settleHome } from "../accounts/apply.ts";
import { notFound, refuse } from "../refuse.ts";
import { findAhead, holdBack, keepInPlace } from "../rollouts/keep-in-place.ts";
import { deleteQuarantine, saveQuarantine } from "../store/placements.ts";
import { findAccount, findKnown, finishAccount } from "./find-account.ts";
import { checkPlacement, readStanding, versionOf } from "./placement-rules.ts";
import type { Change, Work } from "./work.ts";

/** Puts an account of one product on a version, whatever else says otherwise. */
export function setQuarantine(
  work: Work,
  { account, product, input }: CommandInputs["account.quarantine.set"],
): Result<Change<Account>, Refusal> {
  const found = findAccount(work, account, [product]);
  if (!found.ok) return found;
  const wrong = checkPlacement(work.db, found.value, { product, version: input.version });
  if (wrong !== null) return wrong;
  const ahead = findAhead(work.db, found.value.record, { product, version: input.version });
  if (ahead !== null)
    return refuse(
      "conflict",
      `a quarantine puts an account back, and ${ahead} has yet to move ${account} to ${product} ${input.version}: name the version that it shall stay on, or pin it to ${input.version} to move it there alone`,
    );
  const was = versionOf(readStanding(work.db, found.value, product));
  const { version, reason } = input;
  saveQuarantine(work.db, { account, product, version, reason, by: work.actor.name, at: work.nowMs });
  const held = holdBack(work.db, work, account);
  const detail = { product, version, was, ...(held.length > 0 ? { heldBackFrom: held } : {}) };
  const told = { target: `account/${account}`, reason, detail };
  return finishAccount(work, account, { told, maps: "urgent" });
}

/** Ends a quarantine. The version it was held on becomes its home. */
export function liftQuarantine(
  work: Work,
  { account, product, reason }: CommandInputs["account.quarantine.lift"],
): Result<Change<Account>, Refusal> {
  const found = findKnown(work, account, [product]);
  if (!found.ok) return found;
  const { quarantine, pin, home } = readStanding(work.db, found.value, product);
  if (quarantine === null) return notFound(`quarantine of ${account} for ${product}`);
  const has = own(found.value.homes, product) !== undefined;
  if (has && pin !== null && pin !== quarantine) {
    return refuse(
      "conflict",
      `${account} is pinned to ${product} ${pin}, so lifting its quarantine would move it there from ${quarantine}: lift the pin first, or pin it to ${quarantine}`,
    );
  }
  deleteQuarantine(work.db, account, product);
  const settles = has && pin === null;
  if (settles) {
    settleHome(work.db, found.value.record, { product, version: quarantine });
    keepInPlace(work.db, work, { slug: account, product });
  }
  const detail = {
    product,
    version: quarantine,
    homeBefore: home,
    homeAfter: settles ? quarantine : home,
  };
  return finishAccount(work, account, {
    told: { target: `account/${account}`, reason, detail },
    maps: "urgent",
  });
}
