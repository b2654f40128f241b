/**
 * Rows of who was moved back, and of rollouts whose end is still to be noted account by account. Reads and writes rows;
 * what counts as back and as left behind is decided in rollouts/tally.ts.
 */
import type { AccountSlug, EpochMs } from "../../contracts/units.ts";
import { rowsEach, runEach, type Db, type SqlRow } from "../db.ts";
import { readInt, readText } from "../row.ts";
import type { SlugRange } from "./accounts.ts";

export interface BackRecord {
  readonly account: AccountSlug;
  readonly at: EpochMs;
}

export function saveBacks(db: Db, rollout: string, backs: readonly BackRecord[]): void {
  if (backs.length === 0) return;
  runEach(
    db,
    {
      sql: `INSERT OR IGNORE INTO account_backs (account, rollout, at)
        SELECT value ->> 'account', ?2, CAST(value ->> 'at' AS INTEGER) FROM json_each(?1)`,
      params: [rollout],
    },
    backs,
  );
}

/** How often an account was moved back since an instant, and when last. */
export interface Backs {
  readonly times: number;
  readonly lastMs: EpochMs;
}

const BACKS = "SELECT account, count(*) AS times, max(at) AS last FROM account_backs WHERE at >=";

/** By account. Who was not moved back is left out. */
export function loadBacks(
  db: Db,
  since: EpochMs,
  slugs: readonly AccountSlug[],
): ReadonlyMap<AccountSlug, Backs> {
  const sql = `${BACKS} ?2 AND account IN (SELECT value FROM json_each(?1)) GROUP BY account`;
  return toBacks(rowsEach(db, { sql, params: [since] }, slugs));
}

/** The same of a page of accounts. */
export function loadBacksWithin(
  db: Db,
  since: EpochMs,
  { first, last }: SlugRange,
): ReadonlyMap<AccountSlug, Backs> {
  return toBacks(db.rows(`${BACKS} ? AND account BETWEEN ? AND ? GROUP BY account`, since, first, last));
}

function toBacks(rows: readonly SqlRow[]): ReadonlyMap<AccountSlug, Backs> {
  return new Map(
    rows.map((row) => [
      readText(row, "account"),
      { times: readInt(row, "times"), lastMs: readInt(row, "last") },
    ]),
  );
}

export function dropOldBacks(db: Db, before: EpochMs): void {
  db.run("DELETE FROM account_backs WHERE at < ?", before);
}

/** A rollout whose accounts are still to be gone through, from after the cursor on. */
export interface TallyRecord {
  readonly rollout: string;
  readonly cursor: AccountSlug;
}

export function saveTally(db: Db, { rollout, cursor }: TallyRecord): void {
  db.run("INSERT OR REPLACE INTO rollout_tallies (rollout, cursor) VALUES (?, ?)", rollout, cursor);
}

export function dropTally(db: Db, rollout: string): void {
  db.run("DELETE FROM rollout_tallies WHERE rollout = ?", rollout);
}

/** All that are open, by rollout. */
export function loadTallies(db: Db): readonly TallyRecord[] {
  return db
    .rows("SELECT rollout, cursor FROM rollout_tallies ORDER BY rollout")
    .map((row) => ({ rollout: readText(row, "rollout"), cursor: readText(row, "cursor") }));
}
