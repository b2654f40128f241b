/**
 * The tables of a meter. Times are minutes of the control plane's clock; what is older than two hours is folded into the
 * minute its hour begins with, and single accounts into `hours`. Everything can be lost without harm but the verdicts of
 * rollouts that run; nothing here is exported.
 *
 * - `series` gives (product, version, class) a number, and holds what was ever counted of it, for monitoring.
 * - `taken` remembers reports by isolate and number for an hour, so that each counts once or is lost once.
 * - `blocks` has accounts by five minutes, `hours` by the hour, as blocks with the sum of their shares of failures.
 * - `pasts`, `past`: what accounts did before a time that is being asked about, worked out once.
 */
import { LATENCY_BUCKETS } from "../../contracts/observation.ts";
import type { Db } from "../db.ts";
import { statementsOf } from "../schema.ts";

const TABLES = `
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS series (
  id INTEGER PRIMARY KEY, product TEXT NOT NULL, version TEXT NOT NULL, class TEXT NOT NULL, seen INTEGER NOT NULL,
  requests INTEGER NOT NULL, errors INTEGER NOT NULL, failures INTEGER NOT NULL, gone INTEGER NOT NULL,
  UNIQUE (product, version, class)
);
CREATE TABLE IF NOT EXISTS series_latency (
  series INTEGER NOT NULL, bucket INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (series, bucket)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS taken (
  isolate TEXT NOT NULL, sequence INTEGER NOT NULL, requests INTEGER NOT NULL, lost INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (isolate, sequence)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS taken_at ON taken (at);
CREATE TABLE IF NOT EXISTS intake (
  minute INTEGER PRIMARY KEY, reports INTEGER NOT NULL, requests INTEGER NOT NULL,
  lost_reports INTEGER NOT NULL, lost_requests INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS cells (
  series INTEGER NOT NULL, minute INTEGER NOT NULL, generation INTEGER NOT NULL, requests INTEGER NOT NULL,
  errors INTEGER NOT NULL, failures INTEGER NOT NULL, gone INTEGER NOT NULL, PRIMARY KEY (series, minute, generation)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS latency (
  series INTEGER NOT NULL, minute INTEGER NOT NULL, generation INTEGER NOT NULL, bucket INTEGER NOT NULL,
  n INTEGER NOT NULL, PRIMARY KEY (series, minute, generation, bucket)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocks (
  series INTEGER NOT NULL, block INTEGER NOT NULL, account TEXT NOT NULL, generation INTEGER NOT NULL,
  requests INTEGER NOT NULL, failed INTEGER NOT NULL, PRIMARY KEY (series, block, account, generation)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hours (
  series INTEGER NOT NULL, hour INTEGER NOT NULL, account TEXT NOT NULL, generation INTEGER NOT NULL,
  blocks INTEGER NOT NULL, share_sum REAL NOT NULL, requests INTEGER NOT NULL, failed INTEGER NOT NULL,
  PRIMARY KEY (series, hour, account, generation)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hour_rows (hour INTEGER PRIMARY KEY, rows INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS marks (generation INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS pasts (
  id INTEGER PRIMARY KEY, question TEXT NOT NULL UNIQUE, asked INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS past (
  past INTEGER NOT NULL, account TEXT NOT NULL, blocks INTEGER NOT NULL, share_sum REAL NOT NULL,
  requests INTEGER NOT NULL, failed INTEGER NOT NULL, PRIMARY KEY (past, account)
) WITHOUT ROWID;`;

/** Makes what is not there. A change of these tables is one that an older release can live with, or a new table. */
export function createTables(db: Db): void {
  for (const statement of statementsOf(TABLES)) db.run(statement);
  forgetOtherBuckets(db);
}

/** Latencies counted in other buckets would be read as other times: they are worth less than the minutes they cost. */
function forgetOtherBuckets(db: Db): void {
  if (readNumber(db, "buckets") === LATENCY_BUCKETS) return;
  for (const table of ["latency", "series_latency"]) db.run(`DELETE FROM ${table}`);
  writeNumber(db, "buckets", LATENCY_BUCKETS);
}

export type MeterNumber =
  | "clock" // milliseconds
  | "folded" // minute before which everything is folded into hours
  | "buckets" // that latencies are counted in
  | "level" // of the sample of accounts that are kept by themselves
  | "reports"
  | "requests"
  | "dropped_reports"
  | "dropped_requests";

export function readNumber(db: Db, name: MeterNumber): number {
  const value = db.raw("SELECT value FROM meta WHERE name = ?", name)[0]?.[0];
  return typeof value === "number" ? value : 0;
}

export function writeNumber(db: Db, name: MeterNumber, value: number): void {
  db.run(
    "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
    name,
    value,
  );
}

export function addNumber(db: Db, name: MeterNumber, more: number): void {
  db.run(
    "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + ?2",
    name,
    more,
  );
}

export const MINUTE_MS = 60_000;
export const HOUR_MINUTES = 60;
export const BLOCK_MINUTES = 5;

/** Minute of a time. */
export function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS);
}

/** First minute of the hour or block that a minute lies in. */
export function floorTo(minute: number, step: number): number {
  return minute - (minute % step);
}
