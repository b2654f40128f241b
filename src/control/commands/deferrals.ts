/**
 * Deferrals: "not before that day", with an owner. Rollouts read them; the maps do not, and nobody moves by their end,
 * whether it comes by hand or by itself. Whom a running rollout has not moved yet is out of its reach from then on.
 * Limited, because what may be put off for ever is: each ends within 90 days, and all of one account together within a
 * year of the first. Lifting one and making another does not begin anew; 90 days without one do.
 */
import type { Account } from "../../contracts/api/accounts.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import type { Result } from "../../contracts/result.ts";
import type { AccountSlug, EpochMs } from "../../contracts/units.ts";
import { fromInstant, toInstant } from "../clock.ts";
import { notFound, refuse } from "../refuse.ts";
import type { Db } from "../db.ts";
import { holdBack, keepInPlace } from "../rollouts/keep-in-place.ts";
import { appendAudit } from "../store/audit.ts";
import type { Moment } from "../store/changes.ts";
import { loadDeferralSeries, saveDeferralSeries } from "../store/deferral-series.ts";
import { deleteDeferral, loadEndedDeferrals, loadPlacements, saveDeferral } from "../store/placements.ts";
import { findAccount, finishAccount } from "./find-account.ts";
import type { Change, Work } from "./work.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_AHEAD_DAYS = 90;
const MAX_TOGETHER_DAYS = 365;
/** Without a deferral for this long, an account begins anew. */
const FORGOTTEN_AFTER_DAYS = 90;

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
  const firstAt = beginOfSeries(work, account);
  const tooLong = refuseTooLong(work, { account, until, firstAt });
  if (tooLong !== null) return tooLong;
  const { reason, owner } = input;
  saveDeferralSeries(work.db, account, { firstAt, lastUntil: until });
  saveDeferral(work.db, { account, until, reason, owner, by: work.actor.name, at: work.nowMs });
  const held = holdBack(work.db, work, account);
  const detail = { until: toInstant(until), owner, ...(held.length > 0 ? { heldBackFrom: held } : {}) };
  const told = { target: `account/${account}`, reason, detail };
  // Its new group must be known before a threshold could take the old one along.
  return finishAccount(work, account, { told, maps: held.length > 0 ? "urgent" : "unchanged" });
}

/** Ends the deferrals whose time is over. @returns one sentence for each. */
export function expireDeferrals(db: Db, moment: Moment, limit: number): readonly string[] {
  return loadEndedDeferrals(db, moment.nowMs, limit).map(({ account, until, owner, reason }) => {
    deleteDeferral(db, account);
    keepInPlace(db, moment, { slug: account, product: null });
    db.run(
      "UPDATE accounts SET revision = revision + 1, updated_at = ? WHERE slug = ?",
      moment.nowMs,
      account,
    );
    appendAudit(db, {
      at: moment.nowMs,
      actor: "tick",
      role: "system",
      action: "account.deferral.expired",
      target: `account/${account}`,
      reason,
      detail: { until: toInstant(until), owner },
    });
    return `the deferral of ${account} is over; it is not moved by that`;
  });
}

function beginOfSeries({ db, nowMs }: Work, account: AccountSlug): EpochMs {
  const series = loadDeferralSeries(db, account);
  const over = series === null || nowMs - series.lastUntil > FORGOTTEN_AFTER_DAYS * DAY_MS;
  return over ? nowMs : series.firstAt;
}

function refuseTooLong(
  { nowMs }: Work,
  {
    account,
    until,
    firstAt,
  }: { readonly account: AccountSlug; readonly until: EpochMs; readonly firstAt: EpochMs },
): Result<never, Refusal> | null {
  const lastTogether = firstAt + MAX_TOGETHER_DAYS * DAY_MS;
  const lastAhead = nowMs + MAX_AHEAD_DAYS * DAY_MS;
  if (until > lastTogether) {
    return refuse(
      "conflict",
      `${account} has been deferred again and again since ${toInstant(firstAt)}, and ${MAX_TOGETHER_DAYS} days in all is the limit: until ${toInstant(lastTogether)} at most. To keep it where it is, pin it`,
      { first_deferred_at: toInstant(firstAt), latest: toInstant(Math.min(lastTogether, lastAhead)) },
    );
  }
  return until <= lastAhead
    ? null
    : refuse(
        "invalid",
        `a deferral ends at most ${MAX_AHEAD_DAYS} days ahead: until ${toInstant(lastAhead)} for now, and then again if it must be`,
        { latest: toInstant(lastAhead) },
      );
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
  keepInPlace(work.db, work, { slug: account, product: null });
  const series = loadDeferralSeries(work.db, account);
  if (series !== null) {
    const lastUntil = Math.min(series.lastUntil, work.nowMs);
    saveDeferralSeries(work.db, account, { ...series, lastUntil });
  }
  const told = {
    target: `account/${account}`,
    reason,
    detail: { until: toInstant(deferral.until), owner: deferral.owner },
  };
  return finishAccount(work, account, { told, maps: "unchanged" });
}
