/**
 * Where an account stands in a rollout: its group and bucket when it is still to be moved, else why it is not. The same
 * questions as at the start of a rollout and when an obstacle begins, so that an answer ahead does not differ from what
 * is done. Reads only.
 */
import type { Frozen } from "../../contracts/rollout-input.ts";
import type { LeftBehindReason } from "../../contracts/rollout.ts";
import { NO_GROUP } from "../../contracts/maps.ts";
import type { EpochMs, ProductName } from "../../contracts/units.ts";
import { bucketOf } from "../../core/bucket.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { placeAccount } from "../../core/rollout/freeze.ts";
import type { Watched } from "../../core/rollout/simulate-wave.ts";
import type { Db } from "../db.ts";
import { readText } from "../row.ts";
import { loadFacts, type ReadAccount } from "../rollouts/facts.ts";
import type { RolloutRecord } from "../store/rollouts.ts";

export interface PlaceQuestion {
  readonly db: Db;
  readonly nowMs: EpochMs;
  readonly record: RolloutRecord;
  readonly account: ReadAccount;
  readonly product: ProductName;
  readonly frozen: Frozen;
}

/** Why a rollout leaves an account where it is, to follow the account's name. */
const LEFT: Readonly<Record<LeftBehindReason, string>> = {
  "no-product": "has none of its products",
  "already-there": "is on the target already",
  pinned: "is pinned",
  quarantined: "is in quarantine",
  deferred: "is deferred",
  incompatible: "is on a version that may not go to the target",
  flapping: "was moved back a short while ago",
  "rolled-back": "was moved back by it",
  late: "became eligible after its wave",
  "not-reached": "was not reached",
  "created-later": "came after it had started",
  deleted: "was deleted",
  kept: "could not go back, so its version stays",
  migration: "could not have its data moved",
  stuck: "waits for people, because its data is between two versions",
};

/** A sentence for somebody left behind. */
function leftSentence({ account, record }: PlaceQuestion, reason: LeftBehindReason): string {
  return `rollout ${record.id} leaves the account where it is: it ${LEFT[reason]}${detailOf(account, reason)}`;
}

function detailOf({ facts }: ReadAccount, reason: LeftBehindReason): string {
  if (reason !== "deferred" || facts.deferredUntilMs === null) return "";
  return ` until ${new Date(facts.deferredUntilMs).toISOString()}, which makes it eligible and moves nobody`;
}

/** Its place in a draft, if that were started now. */
export function placeInDraft(question: PlaceQuestion): Watched | string {
  const { db, nowMs, record, account, frozen } = question;
  const { plan, salt } = record.state;
  const options = {
    plan,
    salt,
    nowMs,
    facts: loadFacts(db),
    freezes: [],
    again: false,
    numberOf: () => null,
  };
  const { key, leftBehind } = placeAccount(account.facts, options, frozen.labelKeys);
  if (leftBehind !== null) return leftSentence(question, leftBehind);
  const text = canonicalJson(key);
  const index = frozen.groups.findIndex(
    ({ cohort, zone, window, cell, variant }) =>
      canonicalJson({ cohort, zone, window, cell, variant }) === text,
  );
  return { index, bucket: bucketOf(salt, account.facts.slug) };
}

/** Its place in a rollout that runs. */
export function placeInRunning(question: PlaceQuestion): Watched | string {
  const { db, record, account, product } = question;
  const { state } = record;
  const { slug, pinned, quarantined } = account.facts;
  if (quarantined.includes(product)) return leftSentence(question, "quarantined");
  if (pinned.includes(product)) return leftSentence(question, "pinned");
  const { groupId } = account.record;
  if (groupId === NO_GROUP) return leftSentence(question, "created-later");
  const index = state.groups.number.indexOf(groupId);
  if (index < 0) {
    const row = db.rows(
      "SELECT reason FROM left_behind WHERE rollout = ? AND account = ?",
      record.id,
      slug,
    )[0];
    // Written from the closed list alone.
    return leftSentence(question, row === undefined ? "late" : (readText(row, "reason") as LeftBehindReason));
  }
  const bucket = bucketOf(state.salt, slug);
  if (bucket < (state.groups.moved[index] ?? 0)) return `rollout ${record.id} has moved the account already`;
  if ((state.groups.barredMs[index] ?? null) !== null)
    return `${leftSentence(question, "rolled-back")}; it goes forward again only when somebody says so`;
  return { index, bucket };
}
