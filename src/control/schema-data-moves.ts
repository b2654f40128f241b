/**
 * The tables of migration `data_moves`. Never edited after a release: a change is a new migration in migrations.ts.
 *
 * - `versions.migration`: what a version declares of carrying data over.
 * - `data_publishes`: publishes that moves of data wait for: the change they are, and when and as what generation the
 *   first root that shows it could be read.
 * - `data_batches`: what the calls of a batch go by; `open` while a call may still be made for it.
 * - `data_units`: accounts that are called together, one row each, as the engine left them. `open`: not over, or stuck.
 * - `data_left`: accounts that were taken out of a batch, with why.
 */
import { statementsOf } from "./schema.ts";

const DATA_MOVES = `
ALTER TABLE versions ADD COLUMN migration TEXT NOT NULL DEFAULT '{"kind":"none"}';
CREATE TABLE data_publishes (
  rollout TEXT NOT NULL, step INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER, generation INTEGER,
  PRIMARY KEY (rollout, step)
) WITHOUT ROWID;
CREATE TABLE data_batches (
  rollout TEXT NOT NULL, batch INTEGER NOT NULL, terms TEXT NOT NULL, left_seq INTEGER NOT NULL, open INTEGER NOT NULL,
  PRIMARY KEY (rollout, batch)
) WITHOUT ROWID;
CREATE TABLE data_units (
  rollout TEXT NOT NULL, batch INTEGER NOT NULL, unit TEXT NOT NULL, open INTEGER NOT NULL, state TEXT NOT NULL,
  PRIMARY KEY (rollout, batch, unit)
) WITHOUT ROWID;
CREATE INDEX data_units_open ON data_units (rollout, batch, unit) WHERE open = 1;
CREATE TABLE data_left (
  rollout TEXT NOT NULL, batch INTEGER NOT NULL, account TEXT NOT NULL, fate TEXT NOT NULL,
  PRIMARY KEY (rollout, batch, account)
) WITHOUT ROWID;`;

/** Statements of the migration, in order. */
export const DATA_MOVES_SCHEMA: readonly string[] = statementsOf(DATA_MOVES);
