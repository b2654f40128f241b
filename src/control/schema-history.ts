/**
 * The tables that the history of published maps lives in. Never edited after a release: a change is a new migration in
 * migrations.ts.
 *
 * - `history_values` interns what rows and roots share, so that a row of a million accounts is a key and a number.
 * - `history_shards` holds what each build of a shard changed, as lines `KEY<tab>VALUE` (0: gone); a `whole` record lists
 *   every row. `history_now` is the shard as it was last built, to compare with.
 * - `history_roots` is one row a published root: since when edges could have it, up to which change its shards go, and
 *   everything in it that is not a threshold. Thresholds are a BLOB of 16-bit numbers, only where they changed.
 * - Roots from before have no `base`: for those there is the copy in KV, as long as that is kept.
 */
import { statementsOf } from "./schema.ts";

const HISTORY = `
CREATE TABLE history_values (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, text TEXT NOT NULL);
CREATE TABLE history_roots (
  generation INTEGER PRIMARY KEY, from_at INTEGER NOT NULL, at INTEGER NOT NULL, shard_seq INTEGER NOT NULL,
  base INTEGER, urgent INTEGER
);
CREATE INDEX history_roots_by_time ON history_roots (from_at);
CREATE TABLE history_thresholds (
  rollout TEXT NOT NULL, generation INTEGER NOT NULL, moved BLOB NOT NULL, held BLOB NOT NULL,
  PRIMARY KEY (rollout, generation)
);
CREATE TABLE history_shards (
  shards INTEGER NOT NULL, shard INTEGER NOT NULL, seq INTEGER NOT NULL, whole INTEGER NOT NULL, lines TEXT NOT NULL,
  PRIMARY KEY (shards, shard, seq)
);
CREATE TABLE history_now (
  shards INTEGER NOT NULL, shard INTEGER NOT NULL, lines TEXT NOT NULL, PRIMARY KEY (shards, shard)
);
CREATE TABLE history_break_glass (at INTEGER PRIMARY KEY, documents TEXT NOT NULL);
INSERT INTO history_roots (generation, from_at, at, shard_seq)
  SELECT generation, at, at, shard_seq FROM roots WHERE state = 'published'`;

/** What was built before is built once more, so that the history knows every row; equal shards are not written again. */
const BUILD_ALL_ONCE = `
WITH RECURSIVE slots (slot) AS (SELECT 0 UNION ALL SELECT slot + 1 FROM slots WHERE slot + 1 < 16384)
INSERT OR IGNORE INTO dirty_slots (slot, seq)
  SELECT slot, (SELECT value FROM counters WHERE name = 'seq') FROM slots
  WHERE EXISTS (SELECT 1 FROM shards) AND EXISTS (SELECT 1 FROM counters WHERE name = 'seq')`;

/** Statements of the migration that adds the history, in order. */
export const HISTORY_SCHEMA: readonly string[] = statementsOf(HISTORY, BUILD_ALL_ONCE);
