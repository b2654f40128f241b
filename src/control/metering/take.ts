/**
 * Takes a report of an edge into a meter's tables, once: a number that was seen counts for nothing, one that its isolate
 * took for lost is refused when it comes late. Everything is stamped with the control plane's clock as the meter knows it.
 * Called inside a transaction of the meter object. Throws for a report that makes no sense, which its sender counts as lost.
 */
import {
  BLOCK_MS,
  COUNTS_PER_ACCOUNT,
  LATENCY_BUCKETS,
  OBSERVATION_SCHEMA,
  type LostReport,
  type ObservationReport,
  type SeriesReport,
  type Tally,
} from "../../contracts/observation.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { accountHash, isSampled } from "../../core/observation/account-hash.ts";
import { runEach, type Db } from "../db.ts";
import { intAt } from "../row.ts";
import { addNumber, floorTo, MINUTE_MS, minuteOf, readNumber } from "./schema.ts";

/** Reports are remembered this long, by the time of their arrival. */
const REMEMBER_MS = 60 * 60 * 1000;
const MAX_SERIES = 4096;

/**
 * @param wallMs now, for how long a number is remembered; never for what is counted.
 * @throws TypeError for a report of another schema or with numbers that are none.
 */
export function takeReport(db: Db, report: ObservationReport, wallMs: EpochMs): void {
  checkReport(report);
  db.transaction(() => {
    const minute = minuteOf(readNumber(db, "clock"));
    for (const lost of report.lost) noteLost(db, { isolate: report.isolate, lost, minute, wallMs });
    const { isolate, sequence } = report;
    if (db.raw("SELECT 1 FROM taken WHERE isolate = ? AND sequence = ?", isolate, sequence).length > 0)
      return;
    const requests = report.series.reduce((sum, { total }) => sum + total.requests + total.gone, 0);
    remember(db, { isolate, sequence, requests, lost: 0, wallMs });
    addNumber(db, "reports", 1);
    addNumber(db, "requests", requests);
    addIntake(db, minute, { reports: 1, requests, lostReports: 0, lostRequests: 0 });
    const level = readNumber(db, "level");
    for (const series of report.series) takeSeries(db, series, { minute, level });
    db.run("DELETE FROM taken WHERE at < ?", wallMs - REMEMBER_MS);
  });
}

function checkReport({ schema, series, lost }: ObservationReport): void {
  if (schema !== OBSERVATION_SCHEMA) throw new TypeError(`schema ${String(schema)} of a report is not known`);
  if (series.length > MAX_SERIES || lost.length > MAX_SERIES) throw new TypeError("a report is too long");
  for (const { total, latency, accounts, counts } of series) {
    const numbers = [total.requests, total.errors, total.failures, total.gone, ...latency, ...counts];
    const fits = latency.length === LATENCY_BUCKETS && counts.length === accounts.length * COUNTS_PER_ACCOUNT;
    if (!fits || !numbers.every((value) => Number.isSafeInteger(value) && value >= 0)) {
      throw new TypeError("a report has counts that are none");
    }
  }
}

interface Remembered {
  readonly isolate: string;
  readonly sequence: number;
  readonly requests: number;
  readonly lost: 0 | 1;
  readonly wallMs: EpochMs;
}

function remember(db: Db, { isolate, sequence, requests, lost, wallMs }: Remembered): void {
  db.run(
    `INSERT INTO taken (isolate, sequence, requests, lost, at) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (isolate, sequence) DO UPDATE SET requests = ?3`,
    isolate,
    sequence,
    requests,
    lost,
    wallMs,
  );
}

/** A report that did arrive was not lost. Losses that were put together under one number may grow. */
function noteLost(
  db: Db,
  { isolate, lost, minute, wallMs }: { isolate: string; lost: LostReport; minute: number; wallMs: EpochMs },
): void {
  const { sequence } = lost;
  const known = db.raw(
    "SELECT lost, requests FROM taken WHERE isolate = ? AND sequence = ?",
    isolate,
    sequence,
  )[0];
  if (known !== undefined && intAt(known, 0) === 0) return;
  const before = known === undefined ? 0 : intAt(known, 1);
  const more = lost.requests - before;
  if (known !== undefined && more <= 0) return;
  remember(db, { isolate, sequence, requests: lost.requests, lost: 1, wallMs });
  const lostReports = known === undefined ? 1 : 0;
  addNumber(db, "dropped_reports", lostReports);
  addNumber(db, "dropped_requests", more);
  addIntake(db, minute, { reports: 0, requests: 0, lostReports, lostRequests: more });
}

interface Intake {
  readonly reports: number;
  readonly requests: number;
  readonly lostReports: number;
  readonly lostRequests: number;
}

function addIntake(db: Db, minute: number, more: Intake): void {
  db.run(
    `INSERT INTO intake (minute, reports, requests, lost_reports, lost_requests) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (minute) DO UPDATE SET reports = reports + ?2, requests = requests + ?3,
       lost_reports = lost_reports + ?4, lost_requests = lost_requests + ?5`,
    minute,
    more.reports,
    more.requests,
    more.lostReports,
    more.lostRequests,
  );
}

function takeSeries(
  db: Db,
  report: SeriesReport,
  { minute, level }: { minute: number; level: number },
): void {
  const { generation, total } = report;
  const series = addToSeries(db, report, minute);
  db.run(
    `INSERT INTO cells (series, minute, generation, requests, errors, failures, gone) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
     ON CONFLICT (series, minute, generation) DO UPDATE SET requests = requests + ?4, errors = errors + ?5,
       failures = failures + ?6, gone = gone + ?7`,
    series,
    minute,
    generation,
    ...columns(total),
  );
  const buckets = report.latency.map((n, bucket) => [bucket, n]).filter(([, n]) => n !== 0);
  runEach(db, { sql: ADD_LATENCY, params: [series, minute, generation] }, buckets);
  runEach(db, { sql: ADD_SERIES_LATENCY, params: [series] }, buckets);
  runEach(
    db,
    { sql: ADD_ACCOUNTS, params: [series, floorTo(minute, BLOCK_MS / MINUTE_MS), generation] },
    sampledAccounts(report, level),
  );
}

const ADD_LATENCY = `INSERT INTO latency (series, minute, generation, bucket, n)
  SELECT ?2, ?3, ?4, value ->> 0, value ->> 1 FROM json_each(?1) WHERE true
  ON CONFLICT (series, minute, generation, bucket) DO UPDATE SET n = n + excluded.n`;

const ADD_SERIES_LATENCY = `INSERT INTO series_latency (series, bucket, n)
  SELECT ?2, value ->> 0, value ->> 1 FROM json_each(?1) WHERE true
  ON CONFLICT (series, bucket) DO UPDATE SET n = n + excluded.n`;

const ADD_ACCOUNTS = `INSERT INTO blocks (series, block, account, generation, requests, failed)
  SELECT ?2, ?3, value ->> 0, ?4, value ->> 1, value ->> 2 FROM json_each(?1) WHERE true
  ON CONFLICT (series, block, account, generation)
  DO UPDATE SET requests = requests + excluded.requests, failed = failed + excluded.failed`;

/** Adds to what was ever counted. @returns the number of the series. */
function addToSeries(db: Db, { product, version, class: name, total }: SeriesReport, minute: number): number {
  db.run(
    `INSERT INTO series (product, version, class, seen, requests, errors, failures, gone)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
     ON CONFLICT (product, version, class) DO UPDATE SET seen = ?4, requests = requests + ?5, errors = errors + ?6,
       failures = failures + ?7, gone = gone + ?8`,
    product,
    version,
    name,
    minute,
    ...columns(total),
  );
  const row = db.raw(
    "SELECT id FROM series WHERE product = ? AND version = ? AND class = ?",
    product,
    version,
    name,
  )[0];
  return intAt(row ?? [], 0);
}

function columns({ requests, errors, failures, gone }: Tally): readonly number[] {
  return [requests, errors, failures, gone];
}

function sampledAccounts({ accounts, counts }: SeriesReport, level: number): readonly (readonly unknown[])[] {
  return accounts.flatMap((account, index) => {
    if (level > 0 && !isSampled(accountHash(account), level)) return [];
    const at = index * COUNTS_PER_ACCOUNT;
    return [[account, counts[at] ?? 0, counts[at + 1] ?? 0]];
  });
}
