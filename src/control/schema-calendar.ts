/**
 * The tables of migration `002_calendar_and_preflight`: windows, freezes, what is known of preflight, and since when an
 * account has been deferred. Never edited after a release: a change is a new migration in migrations.ts.
 *
 * - Results of a run are rows of their own: together they may be larger than SQLite takes in one value (2 MB).
 * - `basis` is a digest of what the probes were made of (origin, domains, settings): a run of another basis is stale.
 * - A waiver names the origin it was given for; one for another origin does not count.
 */
import { statementsOf } from "./schema.ts";

const CALENDAR = `
CREATE TABLE windows (
  name TEXT PRIMARY KEY, windows TEXT NOT NULL, made_by TEXT NOT NULL, made_at INTEGER NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE freezes (
  name TEXT PRIMARY KEY, starts TEXT NOT NULL, ends TEXT NOT NULL, zone TEXT NOT NULL, scope TEXT NOT NULL,
  reason TEXT NOT NULL, made_by TEXT NOT NULL, made_at INTEGER NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE deferral_series (
  account TEXT PRIMARY KEY, first_at INTEGER NOT NULL, last_until INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO deferral_series (account, first_at, last_until) SELECT account, made_at, until FROM deferrals;`;

const PREFLIGHT = `
CREATE TABLE preflight_settings (
  product TEXT PRIMARY KEY, settings TEXT NOT NULL, made_by TEXT NOT NULL, made_at INTEGER NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE preflight_runs (
  id INTEGER PRIMARY KEY, product TEXT NOT NULL, version TEXT NOT NULL, origin TEXT NOT NULL, via TEXT,
  basis TEXT NOT NULL, purpose TEXT NOT NULL, source TEXT NOT NULL, made_by TEXT NOT NULL, made_at INTEGER NOT NULL,
  wave_verdict TEXT NOT NULL, default_verdict TEXT NOT NULL
);
CREATE INDEX preflight_runs_by_version ON preflight_runs (product, version, source, id);
CREATE TABLE preflight_results (
  run INTEGER NOT NULL, position INTEGER NOT NULL, result TEXT NOT NULL, PRIMARY KEY (run, position)
) WITHOUT ROWID;
CREATE TABLE preflight_waivers (
  product TEXT NOT NULL, version TEXT NOT NULL, target TEXT NOT NULL, probe TEXT NOT NULL, origin TEXT NOT NULL,
  reason TEXT NOT NULL, made_by TEXT NOT NULL, made_at INTEGER NOT NULL, PRIMARY KEY (product, version, target, probe)
) WITHOUT ROWID;`;

/** Statements of migration `002_calendar_and_preflight`, in order. */
export const CALENDAR_SCHEMA: readonly string[] = statementsOf(CALENDAR, PREFLIGHT);
