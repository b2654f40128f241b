/**
 * What a meter keeps of comparisons with today's fleet: sums by comparison, over all isolates that report to it, and the
 * accounts that differed, each as it was last seen. Tables of its own; of accounts it keeps a bounded number and counts the
 * rest, and a comparison that nobody has reported to for a month is forgotten.
 */
import {
  MAX_KEPT_DIFFERENCES,
  type FleetComparison,
  type FleetReport,
  type SeenDifference,
} from "../contracts/fleet.ts";
import type { EpochMs } from "../contracts/units.ts";
import type { Db } from "./db.ts";
import { readInt, readText } from "./row.ts";

const FORGET_MS = 30 * 24 * 60 * 60 * 1000;
/** Comparisons of one report: an isolate has one a product. */
const MAX_RUNS = 32;

const TABLES = [
  `CREATE TABLE IF NOT EXISTS fleet_runs (
    run TEXT PRIMARY KEY, agree INTEGER NOT NULL, differ INTEGER NOT NULL, unnamed INTEGER NOT NULL,
    undecided INTEGER NOT NULL, forgotten INTEGER NOT NULL, kept INTEGER NOT NULL, reported_at INTEGER NOT NULL
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS fleet_accounts (
    run TEXT NOT NULL, account TEXT NOT NULL, ours TEXT NOT NULL, theirs TEXT NOT NULL, requests INTEGER NOT NULL,
    last_at INTEGER NOT NULL, PRIMARY KEY (run, account)
  ) WITHOUT ROWID`,
];

export function createFleetTables(db: Db): void {
  for (const table of TABLES) db.run(table);
}

/** Adds what one report has compared. */
export function recordFleet(db: Db, reports: readonly FleetReport[], now: EpochMs): void {
  if (reports.length === 0) return;
  for (const report of reports.slice(0, MAX_RUNS)) {
    const { added, forgotten } = recordAccounts(db, report, now);
    db.run(
      `INSERT INTO fleet_runs (run, agree, differ, unnamed, undecided, forgotten, kept, reported_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
       ON CONFLICT (run) DO UPDATE SET agree = agree + ?2, differ = differ + ?3, unnamed = unnamed + ?4,
         undecided = undecided + ?5, forgotten = forgotten + ?6, kept = kept + ?7, reported_at = ?8`,
      report.run,
      report.agree,
      report.differ,
      report.unnamed,
      report.undecided,
      report.forgotten + forgotten,
      added,
      now,
    );
  }
  const old = "SELECT run FROM fleet_runs WHERE reported_at < ?";
  db.run(`DELETE FROM fleet_accounts WHERE run IN (${old})`, now - FORGET_MS);
  db.run("DELETE FROM fleet_runs WHERE reported_at < ?", now - FORGET_MS);
}

/** Known accounts are brought up to date; new ones are kept while there is room. */
function recordAccounts(
  db: Db,
  { run, accounts }: FleetReport,
  now: EpochMs,
): { readonly added: number; readonly forgotten: number } {
  const kept = db.rows("SELECT kept FROM fleet_runs WHERE run = ?", run)[0];
  let room = MAX_KEPT_DIFFERENCES - (kept === undefined ? 0 : readInt(kept, "kept"));
  let added = 0;
  let forgotten = 0;
  for (const { account, ours, theirs, requests } of accounts) {
    const known = db.rows("SELECT 1 AS one FROM fleet_accounts WHERE run = ? AND account = ?", run, account);
    if (known.length === 0 && room === 0) {
      forgotten += requests;
      continue;
    }
    if (known.length === 0) {
      room--;
      added++;
    }
    db.run(
      `INSERT INTO fleet_accounts (run, account, ours, theirs, requests, last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
       ON CONFLICT (run, account) DO UPDATE SET ours = ?3, theirs = ?4, requests = requests + ?5, last_at = ?6`,
      run,
      account,
      ours,
      theirs,
      requests,
      now,
    );
  }
  return { added, forgotten };
}

/** One comparison, as far as this meter has heard of it. */
export function readFleet(db: Db, run: string): FleetComparison {
  const sums = db.rows("SELECT * FROM fleet_runs WHERE run = ?", run)[0];
  const sum = (name: string): number => (sums === undefined ? 0 : readInt(sums, name));
  const accounts: SeenDifference[] = db
    .rows("SELECT * FROM fleet_accounts WHERE run = ? ORDER BY account", run)
    .map((row) => ({
      account: readText(row, "account"),
      ours: readText(row, "ours"),
      theirs: readText(row, "theirs"),
      requests: readInt(row, "requests"),
      lastAt: readInt(row, "last_at"),
    }));
  return {
    agree: sum("agree"),
    differ: sum("differ"),
    unnamed: sum("unnamed"),
    undecided: sum("undecided"),
    forgotten: sum("forgotten"),
    accounts,
  };
}
