/**
 * Rows of the homes that accounts had before a running rollout wrote its targets there: while it settles, and when it can
 * hold an account in no group any more. A rollback puts them back. Kept until the rollout has ended, since nothing leads
 * back after that. Reads and writes rows; who goes back is decided in rollouts/homes.ts and rollouts/kept-homes.ts.
 */
import type { AccountSlug, ProductName, VersionName } from "../../contracts/units.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { runEach, type Db, type SqlRow } from "../db.ts";
import { parseTexts, readText } from "../row.ts";
import type { SlugRange } from "./accounts.ts";
import type { Homes } from "./home-sets.ts";

/** Rows of one transaction: some 30 ms. */
const DROP_BATCH = 20_000;

export interface ReplacedHomes {
  readonly account: AccountSlug;
  readonly homes: Homes;
}

/** Remembers homes; what was remembered before stays, since that is where an account came from. */
export function saveReplacedHomes(db: Db, rollout: string, replaced: readonly ReplacedHomes[]): void {
  runEach(
    db,
    {
      sql: `INSERT OR IGNORE INTO rollout_homes (rollout, account, homes)
        SELECT ?2, value ->> 'account', value ->> 'homes' FROM json_each(?1)`,
      params: [rollout],
    },
    replaced.map(({ account, homes }) => ({ account, homes: canonicalJson(homes) })),
  );
}

/** In order of slug, from after the cursor on. */
export function loadReplacedHomes(
  db: Db,
  rollout: string,
  { cursor, limit }: { readonly cursor: AccountSlug; readonly limit: number },
): ReadonlyMap<AccountSlug, Homes> {
  const rows = db.rows(
    "SELECT account, homes FROM rollout_homes WHERE rollout = ? AND account > ? ORDER BY account LIMIT ?",
    rollout,
    cursor,
    limit,
  );
  return toHomes(rows);
}

/** Of a page of accounts. */
export function loadReplacedHomesWithin(
  db: Db,
  rollout: string,
  { first, last }: SlugRange,
): ReadonlyMap<AccountSlug, Homes> {
  const sql = "SELECT account, homes FROM rollout_homes WHERE rollout = ? AND account BETWEEN ? AND ?";
  return toHomes(db.rows(sql, rollout, first, last));
}

function toHomes(rows: readonly SqlRow[]): ReadonlyMap<AccountSlug, Homes> {
  return new Map(rows.map((row) => [readText(row, "account"), parseTexts(readText(row, "homes"))]));
}

/** Whether a rollback could put somebody back on a version. */
export function mayPutBackOn(
  db: Db,
  rollout: string,
  { product, version }: { readonly product: ProductName; readonly version: VersionName },
): boolean {
  const sql = "SELECT 1 FROM rollout_homes WHERE rollout = ? AND homes ->> ? = ? LIMIT 1";
  return db.rows(sql, rollout, `$."${product}"`, version).length > 0;
}

/** These are where they came from again. */
export function forgetReplacedHomes(db: Db, rollout: string, accounts: readonly AccountSlug[]): void {
  runEach(
    db,
    {
      sql: "DELETE FROM rollout_homes WHERE rollout = ?2 AND account IN (SELECT value FROM json_each(?1))",
      params: [rollout],
    },
    accounts,
  );
}

/** Drops rows of rollouts that have ended, a batch of one of them. */
export function dropReplacedHomes(db: Db): void {
  db.run(
    `DELETE FROM rollout_homes WHERE (rollout, account) IN (
       SELECT rollout, account FROM rollout_homes WHERE rollout = (
         SELECT id FROM rollouts WHERE active = 0
           AND EXISTS (SELECT 1 FROM rollout_homes WHERE rollout = rollouts.id) LIMIT 1) LIMIT ?)`,
    DROP_BATCH,
  );
}
