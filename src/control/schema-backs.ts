/**
 * The tables of migration `backs`. Never edited after a release: a change is a new migration in migrations.ts.
 *
 * - `account_backs`: that a rollout moved an account back, and when; what the flap brake counts. Kept 30 days.
 * - `rollout_tallies`: rollouts of which it is still to be noted whom they moved back and left behind; accounts up to the
 *   cursor are done.
 * - `left_behind.detail`: what else there is to say of the reason, in words.
 */
import { statementsOf } from "./schema.ts";

const BACKS = `
CREATE TABLE account_backs (
  account TEXT NOT NULL, rollout TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (account, rollout, at)
) WITHOUT ROWID;
CREATE INDEX account_backs_at ON account_backs (at);
CREATE TABLE rollout_tallies (rollout TEXT PRIMARY KEY, cursor TEXT NOT NULL) WITHOUT ROWID;
ALTER TABLE left_behind ADD COLUMN detail TEXT;`;

/** Statements of the migration, in order. */
export const BACKS_SCHEMA: readonly string[] = statementsOf(BACKS);
