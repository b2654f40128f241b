/**
 * What isolates say about themselves, added up for alarms and monitoring: how requests ended, what was wrong with maps,
 * and who keeps answering by which generation. Minutes are those of the control plane's clock; times of isolates are the
 * machine's, as everywhere in reports. Health checks need no maps, so they say nothing about the maps an isolate goes by.
 * Called by the meter object.
 */
import type { EdgePulse, KnownCount, PulseIsolate } from "../contracts/alarms.ts";
import type { EdgeTotals } from "../contracts/observation.ts";
import type { EdgeReport, Outcome } from "../contracts/telemetry.ts";
import type { EpochMs } from "../contracts/units.ts";
import type { Db, SqlRow } from "./db.ts";
import { floorTo, HOUR_MINUTES, minuteOf, readNumber } from "./metering/schema.ts";
import { readInt, readText } from "./row.ts";

/** The router itself answered these with 5xx: nothing that a version did. */
const ROUTER_ERRORS: readonly Outcome[] = ["unresolved", "internal-error", "loop"];
/** Answered without maps. */
const WITHOUT_MAPS: readonly Outcome[] = ["health", "refused", "admin"];

const ERROR_MINUTES = 10;
const LATELY_MINUTES = 15;
const DAY_MINUTES = 24 * HOUR_MINUTES;
const KEPT_MINUTES = 2 * HOUR_MINUTES;
/** Without a request by maps for this long, an isolate begins anew. */
const PAUSE_MS = 60_000;
const LIVELY_MS = 120_000;
const FORGET_MS = 10 * 60_000;

const TABLES = [
  `CREATE TABLE IF NOT EXISTS pulse_totals (
     kind TEXT NOT NULL, name TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS pulse_minutes (
     minute INTEGER PRIMARY KEY, requests INTEGER NOT NULL, errors INTEGER NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS pulse_isolates (
     isolate TEXT PRIMARY KEY, generation INTEGER NOT NULL, since INTEGER NOT NULL, asked INTEGER NOT NULL,
     asked_at INTEGER NOT NULL) WITHOUT ROWID`,
];

export function createPulseTables(db: Db): void {
  for (const table of TABLES) db.run(table);
}

/** Takes one report, which must not have been taken before. */
export function recordPulse(db: Db, report: EdgeReport, nowMs: EpochMs): void {
  const { byOutcome, mapsFaults, requests } = report;
  addTotals(db, "outcome", byOutcome);
  addTotals(db, "fault", mapsFaults);
  addTotals(db, "override", { refused: report.refusedOverrides ?? 0 });
  const errors = sumOf(byOutcome, ROUTER_ERRORS);
  const minute = minuteOf(readNumber(db, "clock"));
  db.run(
    `INSERT INTO pulse_minutes (minute, requests, errors) VALUES (?1, ?2, ?3)
     ON CONFLICT (minute) DO UPDATE SET requests = requests + ?2, errors = errors + ?3`,
    minute,
    requests,
    errors,
  );
  db.run("DELETE FROM pulse_minutes WHERE minute < ?", minute - KEPT_MINUTES);
  const asked = requests - sumOf(byOutcome, WITHOUT_MAPS);
  if (asked > 0) noteIsolate(db, { report, asked, nowMs });
}

function sumOf(counts: EdgeReport["byOutcome"], names: readonly Outcome[]): number {
  return names.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
}

function addTotals(
  db: Db,
  kind: "outcome" | "fault" | "override",
  counts: Readonly<Record<string, number>>,
): void {
  for (const [name, n] of Object.entries(counts)) {
    if (n === 0) continue;
    db.run(
      "INSERT INTO pulse_totals (kind, name, n) VALUES (?1, ?2, ?3) ON CONFLICT (kind, name) DO UPDATE SET n = n + ?3",
      kind,
      name,
      n,
    );
  }
}

interface Asked {
  readonly report: EdgeReport;
  readonly asked: number;
  readonly nowMs: EpochMs;
}

function noteIsolate(db: Db, { report: { isolate, generation }, asked, nowMs }: Asked): void {
  db.run(
    `INSERT INTO pulse_isolates (isolate, generation, since, asked, asked_at) VALUES (?1, ?2, ?3, ?4, ?3)
     ON CONFLICT (isolate) DO UPDATE SET generation = ?2, asked = ?4, asked_at = ?3,
       since = CASE WHEN generation = ?2 AND asked_at >= ?5 THEN since ELSE ?3 END`,
    isolate,
    generation,
    nowMs,
    asked,
    nowMs - PAUSE_MS,
  );
  db.run("DELETE FROM pulse_isolates WHERE asked_at < ?", nowMs - FORGET_MS);
}

/** This meter's part of the pulse. */
export function readPulse(db: Db, nowMs: EpochMs): EdgePulse {
  const minute = minuteOf(readNumber(db, "clock"));
  const errors = db.rows(
    "SELECT coalesce(sum(requests), 0) AS requests, coalesce(sum(errors), 0) AS errors FROM pulse_minutes WHERE minute > ?",
    minute - ERROR_MINUTES,
  )[0];
  const hour = floorTo(minute - DAY_MINUTES, HOUR_MINUTES);
  return {
    requests: readInt(errors ?? {}, "requests"),
    routerErrors: readInt(errors ?? {}, "errors"),
    lately: countKnown(db, minute - LATELY_MINUTES + 1, minute + 1),
    yesterday: countKnown(db, hour, hour + HOUR_MINUTES),
    isolates: listIsolates(db, nowMs - LIVELY_MS),
    refusedOverrides: countRefusedOverrides(db),
  };
}

/** Ever. */
function countRefusedOverrides(db: Db): number {
  const [row] = db.rows("SELECT n FROM pulse_totals WHERE kind = 'override' AND name = 'refused'");
  return row === undefined ? 0 : readInt(row, "n");
}

/** Requests of minutes from the first up to, and not including, the second. */
function countKnown(db: Db, from: number, to: number): KnownCount {
  const row = db.rows(
    `SELECT coalesce(sum(CASE WHEN s.class = 'known' THEN c.requests ELSE 0 END), 0) AS known,
       coalesce(sum(CASE WHEN s.class = 'unknown' THEN c.requests ELSE 0 END), 0) AS unknown
     FROM cells AS c JOIN series AS s ON s.id = c.series WHERE c.minute >= ? AND c.minute < ?`,
    from,
    to,
  )[0];
  return { known: readInt(row ?? {}, "known"), unknown: readInt(row ?? {}, "unknown") };
}

function listIsolates(db: Db, sinceMs: EpochMs): readonly PulseIsolate[] {
  return db
    .rows("SELECT generation, since, asked FROM pulse_isolates WHERE asked_at >= ? ORDER BY isolate", sinceMs)
    .map((row: SqlRow) => ({
      generation: readInt(row, "generation"),
      sinceMs: readInt(row, "since"),
      requests: readInt(row, "asked"),
    }));
}

/** Everything ever reported here, for monitoring. */
export function readEdgeTotals(db: Db): EdgeTotals {
  const of = (kind: "outcome" | "fault"): Record<string, number> =>
    Object.fromEntries(
      db
        .rows("SELECT name, n FROM pulse_totals WHERE kind = ? ORDER BY name", kind)
        .map((row) => [readText(row, "name"), readInt(row, "n")]),
    );
  return { outcomes: of("outcome"), faults: of("fault") };
}
