/**
 * The end of a replacement for accounts: homes, pins and quarantines that name the old version are rewritten in the
 * background, a batch a transaction, before the rule leaves the maps, so that nobody's decision changes by that. What is
 * said of the old version while this goes on (a new account, a pin, the end of one) is found by a last look, which costs
 * nothing while no account is at home there. Goes on where it was after a crash; each batch is whole or not at all.
 */
import type { AccountSlug, ProductName, VersionName } from "../../contracts/units.ts";
import { own } from "../../core/record.ts";
import { isReplaced } from "../../core/rollout/replacement-plan.ts";
import type { Db } from "../db.ts";
import { readText } from "../row.ts";
import { rehome } from "../rollouts/homes.ts";
import { ACCOUNT_COLUMNS, toAccountRecord } from "../store/accounts.ts";
import { appendAudit } from "../store/audit.ts";
import { markAccount, type Moment } from "../store/changes.ts";
import { loadHomeSets, openHomeBook } from "../store/home-sets.ts";
import { saveReplacement, type ReplacementRecord } from "../store/replacements.ts";

/** Accounts of one transaction: some 30 ms. */
const BATCH = 2000;

type Placed = "pins" | "quarantines";

/** One batch of what is under way. @returns the replacement, stored. */
export function sweepBatch(db: Db, moment: Moment, record: ReplacementRecord): ReplacementRecord {
  const { product, from, to } = record.state.plan;
  const accounts = db
    .rows(
      `SELECT ${ACCOUNT_COLUMNS} FROM accounts
       WHERE slug > ? AND seq >= ? AND homes_id IN (SELECT value FROM json_each(?)) ORDER BY slug LIMIT ?`,
      record.homesCursor,
      record.sweptSeq,
      JSON.stringify(homesNaming(db, product, from)),
      BATCH,
    )
    .map(toAccountRecord);
  const book = openHomeBook(db);
  const changed = accounts
    .filter(({ slug }) => isReplaced(record.state, slug))
    .map((account) => ({ record: account, homes: { ...book.homesOf(account.homesId), [product]: to } }));
  rehome(db, moment, { changed, book });
  const ends = accounts.length < BATCH;
  const placed = ends ? replacePlaced(db, moment, record) : 0;
  const next: ReplacementRecord = {
    ...record,
    homesCursor: accounts.at(-1)?.slug ?? record.homesCursor,
    homesSeq: changed.length + placed > 0 ? moment.seq : record.homesSeq,
    ...(ends ? { homes: "written", sweptSeq: record.passSeq } : {}),
  };
  saveReplacement(db, next);
  return next;
}

/** Sets of homes that somebody has and that name a version. */
function homesNaming(db: Db, product: ProductName, version: VersionName): readonly number[] {
  return loadHomeSets(db)
    .filter(({ homes, accounts, tombstones }) => accounts + tombstones > 0 && own(homes, product) === version)
    .map(({ id }) => id);
}

/** Pins and quarantines follow: they named the old version, and the account is on the new one. @returns how many. */
function replacePlaced(db: Db, moment: Moment, record: ReplacementRecord): number {
  const { product, from, to } = record.state.plan;
  let replaced = 0;
  for (const table of ["pins", "quarantines"] as const) {
    for (const account of placedOn(db, table, record)) {
      db.run(`UPDATE ${table} SET version = ? WHERE account = ? AND product = ?`, to, account, product);
      markAccount(db, moment, { account, urgent: false });
      appendAudit(db, {
        at: moment.nowMs,
        actor: "replacement",
        role: "system",
        action: table === "pins" ? "account.pin.replaced" : "account.quarantine.replaced",
        target: `account/${account}`,
        reason: `${product} ${from} is replaced by ${to}`,
        detail: { product, before: from, after: to },
      });
      replaced += 1;
    }
  }
  return replaced;
}

/** Accounts that a pin or quarantine keeps on the old version, and that the rule takes to the new one. */
function placedOn(db: Db, table: Placed, { state }: ReplacementRecord): readonly AccountSlug[] {
  const { product, from } = state.plan;
  return db
    .rows(`SELECT account FROM ${table} WHERE product = ? AND version = ? ORDER BY account`, product, from)
    .map((row) => readText(row, "account"))
    .filter((account) => isReplaced(state, account));
}

/** Whether anybody would fall back to the old version if the rule left the maps, after a pass that found nobody else. */
export function isAnybodyLeft(db: Db, record: ReplacementRecord): boolean {
  if (placedOn(db, "pins", record).length > 0 || placedOn(db, "quarantines", record).length > 0) return true;
  const { product, from } = record.state.plan;
  const ids = homesNaming(db, product, from);
  if (ids.length === 0) return false;
  return db
    .rows(
      "SELECT slug FROM accounts WHERE seq >= ? AND homes_id IN (SELECT value FROM json_each(?))",
      record.sweptSeq,
      JSON.stringify(ids),
    )
    .some((row) => isReplaced(record.state, readText(row, "slug")));
}
