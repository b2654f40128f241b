/**
 * Since when an account has been deferred, again and again: what the limit of all its deferrals together is counted
 * from. Reads and writes rows; the limit itself is in commands/deferrals.ts.
 */
import type { AccountSlug, EpochMs } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { readInt } from "../row.ts";

export interface DeferralSeries {
  /** When the first of them was made. */
  readonly firstAt: EpochMs;
  /** When the last of them ends, or was lifted. */
  readonly lastUntil: EpochMs;
}

export function loadDeferralSeries(db: Db, account: AccountSlug): DeferralSeries | null {
  const row = db.rows("SELECT first_at, last_until FROM deferral_series WHERE account = ?", account)[0];
  return row === undefined
    ? null
    : { firstAt: readInt(row, "first_at"), lastUntil: readInt(row, "last_until") };
}

export function saveDeferralSeries(db: Db, account: AccountSlug, series: DeferralSeries): void {
  db.run(
    "INSERT OR REPLACE INTO deferral_series (account, first_at, last_until) VALUES (?, ?, ?)",
    account,
    series.firstAt,
    series.lastUntil,
  );
}
