/**
 * Pins: an operator keeps an account on a version, perhaps until a day. Setting one names the account and may move it;
 * its end, by hand or by time, never does.
 */
import type { Account } from "../../contracts/api/accounts.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import type { Result } from "../../contracts/result.ts";
import { settleHome } from "../accounts/apply.ts";
import type { Present } from "../accounts/plan.ts";
import { loadPresent } from "../accounts/present.ts";
import { own } from "../../core/record.ts";
import { fromInstantOrNull } from "../clock.ts";
import type { Db } from "../db.ts";
import { notFound, refuse } from "../refuse.ts";
import { holdBack, keepInPlace } from "../rollouts/keep-in-place.ts";
import { appendAudit } from "../store/audit.ts";
import { markAccount, type Moment } from "../store/changes.ts";
import { deletePin, loadExpiredPins, savePin, type PinRecord } from "../store/placements.ts";
import { findAccount, findKnown, finishAccount } from "./find-account.ts";
import { checkPlacement, readStanding, versionOf } from "./placement-rules.ts";
import type { Change, Work } from "./work.ts";

/** Pins an account of one product to a version that may serve. */
export function setPin(
  work: Work,
  { account, product, input }: CommandInputs["account.pin.set"],
): Result<Change<Account>, Refusal> {
  const found = findAccount(work, account, [product]);
  if (!found.ok) return found;
  const wrong = checkPlacement(work.db, found.value, { product, version: input.version });
  if (wrong !== null) return wrong;
  const expires = fromInstantOrNull(input.expires);
  if (expires !== null && expires <= work.nowMs)
    return refuse("invalid", `the pin would end at ${input.expires}, which is past`);
  const standing = readStanding(work.db, found.value, product);
  const { version, reason } = input;
  savePin(work.db, { account, product, version, reason, expires, by: work.actor.name, at: work.nowMs });
  const held = holdBack(work.db, work, account);
  const detail = {
    ...(held.length > 0 ? { heldBackFrom: held } : {}),
    product,
    version,
    expires: input.expires,
    was: versionOf(standing),
    previousPin: standing.pin,
  };
  return finishAccount(work, account, {
    told: { target: `account/${account}`, reason, detail },
    maps: "urgent",
  });
}

/** Ends a pin. The account stays where it is: that version becomes its home. */
export function liftPin(
  work: Work,
  { account, product, reason }: CommandInputs["account.pin.lift"],
): Result<Change<Account>, Refusal> {
  const found = findKnown(work, account, [product]);
  if (!found.ok) return found;
  const standing = readStanding(work.db, found.value, product);
  if (standing.pin === null) return notFound(`pin of ${account} for ${product}`);
  const detail = endPin(work, found.value, { product, version: standing.pin });
  return finishAccount(work, account, {
    told: { target: `account/${account}`, reason, detail },
    maps: "urgent",
  });
}

/** Carries out the end of a pin and says what it meant for the home. */
function endPin(
  { db, seq, nowMs }: Moment & { readonly db: Db },
  present: Present,
  pin: { readonly product: string; readonly version: string },
): Readonly<Record<string, unknown>> {
  const { product, version } = pin;
  const { quarantine, home } = readStanding(db, present, product);
  deletePin(db, present.record.slug, product);
  // Under a quarantine the pin decided nothing, so its end leaves the home alone too.
  const settles = quarantine === null && own(present.homes, product) !== undefined;
  if (settles) {
    settleHome(db, present.record, pin);
    keepInPlace(db, { seq, nowMs }, { slug: present.record.slug, product });
  }
  return { product, version, homeBefore: home, homeAfter: settles ? version : home };
}

/** Ends the pins whose time is over. @returns one sentence for each. */
export function expirePins(db: Db, moment: Moment, limit: number): readonly string[] {
  return loadExpiredPins(db, moment.nowMs, limit).map((pin) => expirePin(db, moment, pin));
}

function expirePin(db: Db, moment: Moment, pin: PinRecord): string {
  const { account, product, version } = pin;
  const present = loadPresent(db, [account]).get(account);
  if (present === undefined) {
    deletePin(db, account, product);
    return `forgot the pin of ${account}, which is gone`;
  }
  const detail = endPin({ db, ...moment }, present, pin);
  db.run("UPDATE accounts SET revision = revision + 1, updated_at = ? WHERE slug = ?", moment.nowMs, account);
  markAccount(db, moment, { account, urgent: false });
  appendAudit(db, {
    at: moment.nowMs,
    actor: "tick",
    role: "system",
    action: "account.pin.expired",
    target: `account/${account}`,
    reason: pin.reason,
    detail,
  });
  return `the pin of ${account} to ${product} ${version} ended; it stays there`;
}
