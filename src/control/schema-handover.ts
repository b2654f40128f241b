/**
 * The tables of migration `012_handover`. Never edited after a release: a change is a new migration in migrations.ts.
 *
 * - `versions.events`: where a version wants to be told who moved; NULL: nowhere.
 * - `events`: one event each, with the accounts it names; `sealed` 0 while more may join it. Not a row an account.
 * - `event_deliveries`: who has not taken an event yet; `dead`: given up until somebody asks for it again.
 * - `event_receivers`: how a receiver does, for the order of its events and for people.
 * - `version_use`: what a tick last knew of connections to a version, and since when nothing is there any more.
 */
import { statementsOf } from "./schema.ts";

const HANDOVER = `
ALTER TABLE versions ADD COLUMN events TEXT;
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, product TEXT NOT NULL, moved_from TEXT NOT NULL,
  moved_to TEXT NOT NULL, previous INTEGER NOT NULL, generation INTEGER NOT NULL, from_at INTEGER NOT NULL,
  settled_at INTEGER NOT NULL, made_at INTEGER NOT NULL, accounts TEXT NOT NULL, sealed INTEGER NOT NULL
);
CREATE INDEX events_open ON events (product, moved_from, moved_to) WHERE sealed = 0;
CREATE TABLE event_deliveries (
  product TEXT NOT NULL, version TEXT NOT NULL, event INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
  give_up_at INTEGER NOT NULL, problem TEXT, PRIMARY KEY (product, version, event)
) WITHOUT ROWID;
CREATE INDEX event_deliveries_by_event ON event_deliveries (event);
CREATE TABLE event_receivers (
  product TEXT NOT NULL, version TEXT NOT NULL, delivered INTEGER NOT NULL, delivered_at INTEGER,
  failures INTEGER NOT NULL, failing_since INTEGER, retry_at INTEGER NOT NULL, problem TEXT, PRIMARY KEY (product, version)
) WITHOUT ROWID;
CREATE TABLE version_use (
  product TEXT NOT NULL, version TEXT NOT NULL, sockets INTEGER NOT NULL, streams INTEGER NOT NULL,
  measured_at INTEGER NOT NULL, seen_at INTEGER, safe_since INTEGER, waits TEXT NOT NULL, PRIMARY KEY (product, version)
) WITHOUT ROWID`;

/** Statements of the migration, in order. */
export const HANDOVER_SCHEMA: readonly string[] = statementsOf(HANDOVER);
