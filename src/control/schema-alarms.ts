/**
 * The tables of alarms and webhooks. Never edited after a release: a change is a new migration in migrations.ts.
 *
 * - `alarms`: conditions that hold, and since when; `raised_at` NULL: not for long enough to be told.
 * - `webhooks`: who is told of what. `key` numbers its secret, which is derived and nowhere stored; `previous_key` signs
 *   as well for a day after a new one.
 * - `webhook_states`: how far a receiver is. The audit itself is the outbox, so `cursor` is the entry it has dealt with.
 * - `webhook_letters`: what was given up (`dead`), or is to be sent again (`waiting`).
 */
import { statementsOf } from "./schema.ts";

const ALARMS = `
CREATE TABLE alarms (
  name TEXT NOT NULL, subject TEXT NOT NULL, level TEXT NOT NULL, words TEXT NOT NULL, first_command TEXT NOT NULL,
  since INTEGER NOT NULL, raised_at INTEGER, position INTEGER NOT NULL, PRIMARY KEY (name, subject)
) WITHOUT ROWID;
CREATE TABLE webhooks (
  name TEXT PRIMARY KEY, url TEXT NOT NULL, events TEXT NOT NULL, notes TEXT NOT NULL, key INTEGER NOT NULL,
  previous_key INTEGER, rotated_at INTEGER, made_by TEXT NOT NULL, made_at INTEGER NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE webhook_states (
  name TEXT PRIMARY KEY, cursor INTEGER NOT NULL, attempts INTEGER NOT NULL, delivered INTEGER NOT NULL,
  delivered_at INTEGER, failures INTEGER NOT NULL, failing_since INTEGER, retry_at INTEGER NOT NULL, problem TEXT
) WITHOUT ROWID;
CREATE TABLE webhook_letters (
  name TEXT NOT NULL, event INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, give_up_at INTEGER NOT NULL,
  problem TEXT, PRIMARY KEY (name, event)
) WITHOUT ROWID`;

/** Statements of the migration, in order. */
export const ALARM_SCHEMA: readonly string[] = statementsOf(ALARMS);
