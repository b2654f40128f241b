/**
 * The tables of migration `010_gates`. Never edited after a release: a change is a new migration in migrations.ts.
 *
 * - `gate_signals`: words from outside, the newest of each source and product (`''`: all of them); they expire.
 * - `gate_quarantines`: accounts that a rollout's gate put back alone, with what they failed by.
 * - `gate_verdicts`: the last verdict over each wave and product; worked out, and left out of exports.
 * - `gate_points`: how it came to that, a point a minute and thinned with age; left out of exports as well.
 */
import { statementsOf } from "./schema.ts";

const GATES = `
CREATE TABLE gate_signals (
  rollout TEXT NOT NULL, source TEXT NOT NULL, product TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL,
  at INTEGER NOT NULL, expires INTEGER NOT NULL, made_by TEXT NOT NULL, PRIMARY KEY (rollout, source, product)
) WITHOUT ROWID;
CREATE TABLE gate_quarantines (
  rollout TEXT NOT NULL, account TEXT NOT NULL, product TEXT NOT NULL, version TEXT NOT NULL, was TEXT NOT NULL,
  at INTEGER NOT NULL, step INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (rollout, account, product)
) WITHOUT ROWID;
CREATE TABLE gate_verdicts (
  rollout TEXT NOT NULL, wave INTEGER NOT NULL, product TEXT NOT NULL, at INTEGER NOT NULL, verdict TEXT NOT NULL,
  PRIMARY KEY (rollout, wave, product)
) WITHOUT ROWID;
CREATE TABLE gate_points (
  rollout TEXT NOT NULL, wave INTEGER NOT NULL, product TEXT NOT NULL, at INTEGER NOT NULL, point TEXT NOT NULL,
  PRIMARY KEY (rollout, wave, product, at)
) WITHOUT ROWID;`;

/** Statements of the migration, in order. */
export const GATE_TABLES: readonly string[] = statementsOf(GATES);
