/**
 * Deleting accounts: they become tombstones. The row stays in the maps for 90 days with its homes, pins, quarantine,
 * hold and custom domains, so that "was known" never reads as "unknown" and what operators own is not wiped by a sync.
 * Until then `raiseAccount` makes it an account again; after that `freeTombstones` forgets it and gives its slug back,
 * unless hooks are still asked to undo what a move did to its data: whoever got the slug would be undone in its place.
 */
import { TOMBSTONE_MS } from "../../contracts/limits.ts";
import type { AccountSlug, EpochMs } from "../../contracts/units.ts";
import { rowsEach, runEach, type Db, type SqlRow } from "../db.ts";
import { readInt, readText } from "../row.ts";
import { forgetKeys } from "../store/account-keys.ts";
import type { AccountRecord } from "../store/accounts.ts";
import { markMany, type Moment } from "../store/changes.ts";
import { loadStuck } from "../store/data-moves.ts";
import { openGroupBook } from "../store/groups.ts";
import { openHomeBook } from "../store/home-sets.ts";
import { addCounter } from "../store/meta.ts";

const THESE = "(SELECT value FROM json_each(?1))";
const HASHES = `SELECT key_hash FROM accounts WHERE slug IN ${THESE}
  UNION ALL SELECT key_hash FROM custom_domains WHERE account IN ${THESE}`;
/** Everything that hangs on an account by its slug. */
const SATELLITES = [
  "custom_domains",
  "pins",
  "quarantines",
  "holds",
  "deferrals",
  "deferral_series",
  "urgent",
];

/** Turns living accounts into tombstones. The slugs must be of living ones. */
export function buryAccounts(db: Db, moment: Moment, slugs: readonly AccountSlug[]): void {
  const { seq, nowMs } = moment;
  const hashes = hashesOf(db, slugs);
  const homes = openHomeBook(db);
  for (const row of rowsEach(db, { sql: `SELECT homes_id FROM accounts WHERE slug IN ${THESE}` }, slugs)) {
    homes.add(readInt(row, "homes_id"), { accounts: -1, tombstones: 1 });
  }
  homes.flush();
  runEach(
    db,
    {
      sql: `UPDATE accounts SET deleted_at = ?2, updated_at = ?2, seq = ?3, revision = revision + 1 WHERE slug IN ${THESE}`,
      params: [nowMs, seq],
    },
    slugs,
  );
  const domains = hashes.length - slugs.length;
  addCounter(db, "accounts", -slugs.length);
  addCounter(db, "removed_accounts", slugs.length);
  addCounter(db, "domains", -domains);
  addCounter(db, "removed_domains", domains);
  markMany(db, moment, { hashes, changes: slugs.length });
}

/**
 * Makes a tombstone a living account again: its row keeps group, homes and all that hangs on it, so that no decision
 * changes. A custom domain that another account has taken since stays there.
 * @param record of a tombstone.
 */
export function raiseAccount(db: Db, moment: Moment, { slug, homesId }: AccountRecord): void {
  const { seq, nowMs } = moment;
  const hashes = hashesOf(db, [slug]);
  const homes = openHomeBook(db);
  homes.add(homesId, { accounts: 1, tombstones: -1 });
  homes.flush();
  db.run(
    "UPDATE accounts SET deleted_at = NULL, updated_at = ?2, seq = ?3, revision = revision + 1 WHERE slug = ?1",
    slug,
    nowMs,
    seq,
  );
  // What was counted as removed stays so until it is published: the edges only tolerate one loss more than there is.
  addCounter(db, "accounts", 1);
  addCounter(db, "domains", hashes.length - 1);
  markMany(db, moment, { hashes, changes: 1 });
}

function hashesOf(db: Db, slugs: readonly AccountSlug[]): number[] {
  return rowsEach(db, { sql: HASHES }, slugs).map((row: SqlRow) => readInt(row, "key_hash"));
}

/** Forgets tombstones whose 90 days are over. @returns their slugs, at most `limit`. */
export function freeTombstones(db: Db, moment: Moment, limit: number): readonly AccountSlug[] {
  const due: EpochMs = moment.nowMs - TOMBSTONE_MS;
  const rows = db.rows(
    `SELECT slug, homes_id, group_id FROM accounts WHERE deleted_at IS NOT NULL AND deleted_at <= ?1
     AND slug NOT IN (SELECT value FROM json_each(?2)) ORDER BY deleted_at, slug LIMIT ?3`,
    due,
    JSON.stringify([...loadStuck(db).keys()]),
    limit,
  );
  const slugs = rows.map((row) => readText(row, "slug"));
  if (slugs.length === 0) return [];
  const hashes = hashesOf(db, slugs);
  const homes = openHomeBook(db);
  const groups = openGroupBook(db);
  for (const row of rows) {
    homes.add(readInt(row, "homes_id"), { accounts: 0, tombstones: -1 });
    groups.add(readInt(row, "group_id"), -1);
  }
  homes.flush();
  groups.flush();
  for (const table of SATELLITES)
    runEach(db, { sql: `DELETE FROM ${table} WHERE account IN ${THESE}` }, slugs);
  forgetKeys(db, slugs);
  runEach(db, { sql: `DELETE FROM accounts WHERE slug IN ${THESE}` }, slugs);
  markMany(db, moment, { hashes, changes: slugs.length });
  return slugs;
}
