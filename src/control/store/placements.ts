/**
 * What operators own of an account: pins, quarantines, hold, deferral. Imports and syncs never write these tables.
 * Reads and writes rows; decides nothing.
 */
import type { HoldView } from "../../contracts/api/products.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { rowsEach, type Db, type SqlRow } from "../db.ts";
import { readInt, readIntOrNull, readText } from "../row.ts";
import { parseHold } from "./products.ts";

export interface PinRecord {
  readonly account: AccountSlug;
  readonly product: ProductName;
  readonly version: VersionName;
  readonly reason: string;
  readonly expires: EpochMs | null;
  readonly by: string;
  readonly at: EpochMs;
}

export type QuarantineRecord = Omit<PinRecord, "expires">;

export interface DeferralRecord {
  readonly account: AccountSlug;
  readonly until: EpochMs;
  readonly reason: string;
  readonly owner: string;
  readonly by: string;
  readonly at: EpochMs;
}

/** Everything operators said of a set of accounts, by account. */
export interface Placements {
  readonly pins: ReadonlyMap<AccountSlug, readonly PinRecord[]>;
  readonly quarantines: ReadonlyMap<AccountSlug, readonly QuarantineRecord[]>;
  readonly holds: ReadonlyMap<AccountSlug, HoldView>;
  readonly deferrals: ReadonlyMap<AccountSlug, DeferralRecord>;
}

const THESE = "WHERE account IN (SELECT value FROM json_each(?1))";

export function loadPlacements(db: Db, accounts: readonly AccountSlug[]): Placements {
  const read = (sql: string): readonly SqlRow[] => rowsEach(db, { sql: `${sql} ${THESE}` }, accounts);
  return {
    pins: byAccount(
      read("SELECT account, product, version, reason, expires, made_by, made_at FROM pins").map(toPin),
    ),
    quarantines: byAccount(
      read("SELECT account, product, version, reason, made_by, made_at FROM quarantines").map(toQuarantine),
    ),
    holds: new Map(
      read("SELECT account, hold FROM holds").map((row) => [
        readText(row, "account"),
        parseHold(readText(row, "hold")),
      ]),
    ),
    deferrals: new Map(
      read("SELECT account, until, reason, owner, made_by, made_at FROM deferrals").map((row) => {
        const deferral = toDeferral(row);
        return [deferral.account, deferral];
      }),
    ),
  };
}

function byAccount<T extends { readonly account: AccountSlug }>(
  records: readonly T[],
): ReadonlyMap<AccountSlug, readonly T[]> {
  const map = new Map<AccountSlug, T[]>();
  for (const record of records) {
    const list = map.get(record.account);
    if (list === undefined) map.set(record.account, [record]);
    else list.push(record);
  }
  return map;
}

export function savePin(db: Db, pin: PinRecord): void {
  db.run(
    "INSERT OR REPLACE INTO pins (account, product, version, reason, expires, made_by, made_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
    pin.account,
    pin.product,
    pin.version,
    pin.reason,
    pin.expires,
    pin.by,
    pin.at,
  );
}

export function deletePin(db: Db, account: AccountSlug, product: ProductName): void {
  db.run("DELETE FROM pins WHERE account = ? AND product = ?", account, product);
}

/** Pins that end at or before `now`, soonest first. */
export function loadExpiredPins(db: Db, now: EpochMs, limit: number): readonly PinRecord[] {
  return db
    .rows(
      `SELECT account, product, version, reason, expires, made_by, made_at FROM pins
       WHERE expires IS NOT NULL AND expires <= ? ORDER BY expires, account, product LIMIT ?`,
      now,
      limit,
    )
    .map(toPin);
}

export function saveQuarantine(db: Db, quarantine: QuarantineRecord): void {
  db.run(
    "INSERT OR REPLACE INTO quarantines (account, product, version, reason, made_by, made_at) VALUES (?, ?, ?, ?, ?, ?)",
    quarantine.account,
    quarantine.product,
    quarantine.version,
    quarantine.reason,
    quarantine.by,
    quarantine.at,
  );
}

export function deleteQuarantine(db: Db, account: AccountSlug, product: ProductName): void {
  db.run("DELETE FROM quarantines WHERE account = ? AND product = ?", account, product);
}

/** Sets or (null) lifts the hold of an account. */
export function saveHold(db: Db, account: AccountSlug, hold: HoldView | null): void {
  if (hold === null) db.run("DELETE FROM holds WHERE account = ?", account);
  else db.run("INSERT OR REPLACE INTO holds (account, hold) VALUES (?, ?)", account, JSON.stringify(hold));
}

export function saveDeferral(db: Db, deferral: DeferralRecord): void {
  db.run(
    "INSERT OR REPLACE INTO deferrals (account, until, reason, owner, made_by, made_at) VALUES (?, ?, ?, ?, ?, ?)",
    deferral.account,
    deferral.until,
    deferral.reason,
    deferral.owner,
    deferral.by,
    deferral.at,
  );
}

/** Deferrals that end at or before `now`, soonest first. */
export function loadEndedDeferrals(db: Db, now: EpochMs, limit: number): readonly DeferralRecord[] {
  return db
    .rows(
      `SELECT account, until, reason, owner, made_by, made_at FROM deferrals
       WHERE until <= ? ORDER BY until, account LIMIT ?`,
      now,
      limit,
    )
    .map(toDeferral);
}

export function deleteDeferral(db: Db, account: AccountSlug): void {
  db.run("DELETE FROM deferrals WHERE account = ?", account);
}

function toQuarantine(row: SqlRow): QuarantineRecord {
  return {
    account: readText(row, "account"),
    product: readText(row, "product"),
    version: readText(row, "version"),
    reason: readText(row, "reason"),
    by: readText(row, "made_by"),
    at: readInt(row, "made_at"),
  };
}

function toPin(row: SqlRow): PinRecord {
  return { ...toQuarantine(row), expires: readIntOrNull(row, "expires") };
}

function toDeferral(row: SqlRow): DeferralRecord {
  return {
    account: readText(row, "account"),
    until: readInt(row, "until"),
    reason: readText(row, "reason"),
    owner: readText(row, "owner"),
    by: readText(row, "made_by"),
    at: readInt(row, "made_at"),
  };
}
