/**
 * The tables of the control plane, as the first migration makes them. Never edited after a release: a change is a new
 * migration in migrations.ts.
 *
 * - `home_sets` and `groups` intern what many accounts share, with counters, so that "accounts on a version" never
 *   scans a million rows and a move of homes is one small update a row.
 * - `key_hash` is the 32-bit hash that puts a key into a shard: top bits, so a shard is one range of it.
 * - `seq` numbers changes; `accounts.seq` is the last one that the published maps must show.
 */

const PRODUCTS = `
CREATE TABLE products (
  name TEXT PRIMARY KEY, domains TEXT NOT NULL, timeouts TEXT NOT NULL,
  stable TEXT, default_version TEXT, standby TEXT, hold TEXT,
  revision INTEGER NOT NULL, created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE versions (
  product TEXT NOT NULL, name TEXT NOT NULL, origin TEXT NOT NULL, state TEXT NOT NULL,
  reversible TEXT NOT NULL, mixed TEXT NOT NULL, upgrades_from TEXT, requires TEXT NOT NULL, notes TEXT NOT NULL,
  bad TEXT, registered_at INTEGER NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY (product, name)
) WITHOUT ROWID;`;

const ACCOUNTS = `
CREATE TABLE home_sets (
  id INTEGER PRIMARY KEY, homes TEXT NOT NULL UNIQUE, accounts INTEGER NOT NULL, tombstones INTEGER NOT NULL
);
CREATE TABLE groups (
  id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, cohort TEXT NOT NULL, time_zone TEXT NOT NULL,
  window TEXT, cell TEXT, accounts INTEGER NOT NULL
);
CREATE TABLE accounts (
  slug TEXT PRIMARY KEY, key_hash INTEGER NOT NULL, time_zone TEXT NOT NULL, cohort TEXT NOT NULL,
  labels TEXT NOT NULL, cell TEXT, window TEXT, group_id INTEGER NOT NULL, homes_id INTEGER NOT NULL,
  revision INTEGER NOT NULL, seq INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER
) WITHOUT ROWID;
CREATE TABLE account_keys (key_hash INTEGER NOT NULL, slug TEXT NOT NULL, PRIMARY KEY (key_hash, slug)) WITHOUT ROWID;
CREATE TABLE new_account_keys (key_hash INTEGER NOT NULL, slug TEXT NOT NULL);
CREATE INDEX accounts_deleted ON accounts (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE TABLE custom_domains (
  host TEXT PRIMARY KEY, key_hash INTEGER NOT NULL, account TEXT NOT NULL, product TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX custom_domains_by_hash ON custom_domains (key_hash);
CREATE INDEX custom_domains_by_account ON custom_domains (account);
CREATE TABLE pins (
  account TEXT NOT NULL, product TEXT NOT NULL, version TEXT NOT NULL, reason TEXT NOT NULL,
  expires INTEGER, made_by TEXT NOT NULL, made_at INTEGER NOT NULL, PRIMARY KEY (account, product)
) WITHOUT ROWID;
CREATE INDEX pins_by_expiry ON pins (expires) WHERE expires IS NOT NULL;
CREATE TABLE quarantines (
  account TEXT NOT NULL, product TEXT NOT NULL, version TEXT NOT NULL, reason TEXT NOT NULL,
  made_by TEXT NOT NULL, made_at INTEGER NOT NULL, PRIMARY KEY (account, product)
) WITHOUT ROWID;
CREATE TABLE holds (account TEXT PRIMARY KEY, hold TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE deferrals (
  account TEXT PRIMARY KEY, until INTEGER NOT NULL, reason TEXT NOT NULL, owner TEXT NOT NULL,
  made_by TEXT NOT NULL, made_at INTEGER NOT NULL
) WITHOUT ROWID;`;

const RECORDS = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL, action TEXT NOT NULL,
  target TEXT NOT NULL, reason TEXT, detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
);
CREATE INDEX audit_by_target ON audit (target, seq);
CREATE INDEX audit_by_actor ON audit (actor, seq);
CREATE TABLE tokens (
  name TEXT PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, role TEXT NOT NULL, products TEXT, expires INTEGER,
  created_at INTEGER NOT NULL, created_by TEXT NOT NULL, revoked_at INTEGER
) WITHOUT ROWID;
CREATE TABLE idempotency (
  actor TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, answer TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (actor, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (at);`;

const IMPORTS = `
CREATE TABLE imports (
  id TEXT PRIMARY KEY, mode TEXT NOT NULL, dry_run INTEGER NOT NULL, expect_removed INTEGER, actor TEXT NOT NULL,
  state TEXT NOT NULL, started_at INTEGER NOT NULL, last_at INTEGER NOT NULL, last_line INTEGER NOT NULL,
  lines INTEGER NOT NULL, rejected INTEGER NOT NULL, added INTEGER NOT NULL, changed INTEGER NOT NULL,
  unchanged INTEGER NOT NULL, removed INTEGER NOT NULL, digest TEXT NOT NULL, seq INTEGER NOT NULL, result TEXT
) WITHOUT ROWID;
CREATE TABLE import_batches (
  import TEXT NOT NULL, first_line INTEGER NOT NULL, last_line INTEGER NOT NULL, answer TEXT NOT NULL,
  PRIMARY KEY (import, first_line)
) WITHOUT ROWID;
CREATE TABLE import_lines (
  import TEXT NOT NULL, slug TEXT NOT NULL, line INTEGER NOT NULL, input TEXT NOT NULL, PRIMARY KEY (import, slug)
) WITHOUT ROWID;`;

const PUBLISHING = `
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL, scope TEXT NOT NULL, account TEXT, changes INTEGER NOT NULL,
  done_generation INTEGER, done_at INTEGER
);
CREATE INDEX outbox_waiting ON outbox (scope, seq) WHERE done_generation IS NULL;
CREATE TABLE dirty_slots (slot INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE urgent (
  account TEXT PRIMARY KEY, seq INTEGER NOT NULL, published_seq INTEGER
) WITHOUT ROWID;
CREATE TABLE shards (number INTEGER PRIMARY KEY, hash TEXT NOT NULL);
CREATE TABLE published_shards (number INTEGER PRIMARY KEY, hash TEXT NOT NULL);
CREATE TABLE objects (
  hash TEXT PRIMARY KEY, kind TEXT NOT NULL, text TEXT, names TEXT NOT NULL,
  written_at INTEGER, last_generation INTEGER, deleting INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX objects_waiting ON objects (kind DESC, hash) WHERE text IS NOT NULL;
CREATE INDEX objects_unnamed ON objects (last_generation) WHERE last_generation IS NOT NULL;
CREATE TABLE roots (
  generation INTEGER PRIMARY KEY, state TEXT NOT NULL, text TEXT, plan TEXT,
  root_seq INTEGER NOT NULL, shard_seq INTEGER NOT NULL, at INTEGER NOT NULL, dropped_at INTEGER
);
CREATE INDEX roots_by_seq ON roots (shard_seq);`;

const TRANSFER = `
CREATE TABLE transfer_rows (
  kind TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, row TEXT NOT NULL, PRIMARY KEY (kind, position)
) WITHOUT ROWID;`;

/** Cuts texts of several statements into single ones. None of ours holds a semicolon of its own. */
export function statementsOf(...texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) =>
    text
      .split(";")
      .map((statement) => statement.trim())
      .filter((statement) => statement !== ""),
  );
}

/** Statements of migration `001_tables`, in order. */
export const FIRST_SCHEMA: readonly string[] = statementsOf(
  PRODUCTS,
  ACCOUNTS,
  RECORDS,
  IMPORTS,
  PUBLISHING,
  TRANSFER,
);
