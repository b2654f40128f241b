/**
 * The tables of migration `003_rollouts`. Never edited after a release: a change is a new migration in migrations.ts.
 *
 * - `rollouts.state` is the engine's state as JSON; what it froze of the accounts lies beside it, a row a group, the
 *   sorted buckets as 16-bit numbers in BLOBs, cut into parts because SQLite takes 2 MB in one value.
 * - `groups_seq`, `split_seq`, `homes_seq`: changes of account rows that must be in the published shards before the
 *   rollout may count on them.
 * - `rollout_steps` is the outbox of effects; each is carried out once for its number.
 * - `rollout_homes` remembers homes that settling replaced, until the rollout has ended.
 */
import { statementsOf } from "./schema.ts";

const ROLLOUTS = `
CREATE TABLE rollouts (
  id TEXT PRIMARY KEY, state TEXT NOT NULL, active INTEGER NOT NULL, revision INTEGER NOT NULL,
  left_behind TEXT NOT NULL, groups_seq INTEGER NOT NULL, split_seq INTEGER NOT NULL,
  homes TEXT NOT NULL, homes_cursor TEXT NOT NULL, homes_seq INTEGER NOT NULL,
  made_by TEXT NOT NULL, made_at INTEGER NOT NULL, ended_at INTEGER
) WITHOUT ROWID;
CREATE TABLE rollout_groups (
  rollout TEXT NOT NULL, position INTEGER NOT NULL, number INTEGER NOT NULL, identity TEXT NOT NULL,
  labels TEXT, accounts INTEGER NOT NULL, PRIMARY KEY (rollout, position)
) WITHOUT ROWID;
CREATE TABLE rollout_buckets (
  rollout TEXT NOT NULL, position INTEGER NOT NULL, part INTEGER NOT NULL, buckets BLOB NOT NULL,
  PRIMARY KEY (rollout, position, part)
);
CREATE TABLE rollout_steps (
  rollout TEXT NOT NULL, step INTEGER NOT NULL, effect TEXT NOT NULL, asked_at INTEGER NOT NULL,
  done_at INTEGER, outcome TEXT, PRIMARY KEY (rollout, step)
) WITHOUT ROWID;
CREATE INDEX rollout_steps_waiting ON rollout_steps (rollout, step) WHERE done_at IS NULL;
CREATE TABLE rollout_homes (
  rollout TEXT NOT NULL, account TEXT NOT NULL, homes TEXT NOT NULL, PRIMARY KEY (rollout, account)
) WITHOUT ROWID;
CREATE TABLE left_behind (
  rollout TEXT NOT NULL, account TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (rollout, account)
) WITHOUT ROWID;
CREATE INDEX accounts_without_group ON accounts (created_at) WHERE group_id = -1;`;

/** Statements of migration `003_rollouts`, in order. */
export const ROLLOUT_SCHEMA: readonly string[] = statementsOf(ROLLOUTS);
