/**
 * Who may come in through Cloudflare Access, and moves of the default that wait for a second person. Never edited after a
 * release: a change is a new migration in migrations.ts.
 *
 * - `access_grants`: what identities of Cloudflare Access may do. Taken away means gone; the audit has what was.
 * - `four_eyes`: products whose default moves only with a second person's yes.
 * - `default_requests`: such moves that were asked for by hand and have no yes yet. They end by themselves at `until`.
 */
import { statementsOf } from "./schema.ts";

const ACCESS = `
CREATE TABLE access_grants (
  identity TEXT PRIMARY KEY, role TEXT NOT NULL, products TEXT, expires INTEGER, granted_at INTEGER NOT NULL,
  granted_by TEXT NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE four_eyes (
  product TEXT PRIMARY KEY, reason TEXT NOT NULL, made_by TEXT NOT NULL, made_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE default_requests (
  product TEXT PRIMARY KEY, version TEXT NOT NULL, force INTEGER NOT NULL, reason TEXT NOT NULL, before TEXT,
  asked_by TEXT NOT NULL, asked_at INTEGER NOT NULL, until INTEGER NOT NULL
) WITHOUT ROWID`;

/** Statements of the migration, in order. */
export const ACCESS_SCHEMA: readonly string[] = statementsOf(ACCESS);
