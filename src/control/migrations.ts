/**
 * Brings the database to the newest schema, and refuses to touch one it does not understand.
 * Append-only: a released migration is never edited or reordered; its digest is stored beside its id and compared, so
 * that an edited one is noticed. A newer database (after a deploy was rolled back) is refused as well: fail closed,
 * because old code on new tables would lose data silently.
 * Called once, by the object's constructor.
 */
import { sha256Hex } from "../core/sha256.ts";
import type { Db } from "./db.ts";
import { readText } from "./row.ts";
import { ACCESS_SCHEMA } from "./schema-access.ts";
import { ALARM_SCHEMA } from "./schema-alarms.ts";
import { BACKS_SCHEMA } from "./schema-backs.ts";
import { CALENDAR_SCHEMA } from "./schema-calendar.ts";
import { DATA_MOVES_SCHEMA } from "./schema-data-moves.ts";
import { GATE_TABLES } from "./schema-gates.ts";
import { HANDOVER_SCHEMA } from "./schema-handover.ts";
import { HISTORY_SCHEMA } from "./schema-history.ts";
import { REPLACEMENT_SCHEMA } from "./schema-replacements.ts";
import { MODES_SCHEMA } from "./schema-modes.ts";
import { OBSERVATION_TABLES } from "./schema-observations.ts";
import { REFUSED_SCHEMA } from "./schema-refused.ts";
import { ROLLOUT_SCHEMA } from "./schema-rollouts.ts";
import { FIRST_SCHEMA } from "./schema.ts";

export interface Migration {
  /** `NNN_name`, in strictly rising order. */
  readonly id: string;
  readonly statements: readonly string[];
}

export const MIGRATIONS: readonly Migration[] = [
  { id: "001_tables", statements: FIRST_SCHEMA },
  { id: "002_calendar_and_preflight", statements: CALENDAR_SCHEMA },
  { id: "003_rollouts", statements: ROLLOUT_SCHEMA },
  {
    id: "004_version_assets",
    statements: ["ALTER TABLE versions ADD COLUMN assets TEXT NOT NULL DEFAULT '[]'"],
  },
  { id: "005_history", statements: HISTORY_SCHEMA },
  { id: "006_replacements", statements: REPLACEMENT_SCHEMA },
  {
    id: "007_sessions",
    statements: [
      "CREATE TABLE sessions (sha256 TEXT PRIMARY KEY, token TEXT NOT NULL, bootstrap TEXT, expires INTEGER NOT NULL) WITHOUT ROWID",
    ],
  },
  { id: "008_backs", statements: BACKS_SCHEMA },
  { id: "009_observations", statements: OBSERVATION_TABLES },
  { id: "010_gates", statements: GATE_TABLES },
  { id: "011_data_moves", statements: DATA_MOVES_SCHEMA },
  { id: "012_handover", statements: HANDOVER_SCHEMA },
  { id: "013_alarms_and_webhooks", statements: ALARM_SCHEMA },
  { id: "014_refused", statements: REFUSED_SCHEMA },
  {
    id: "015_import_homes",
    statements: ["ALTER TABLE imports ADD COLUMN homes TEXT NOT NULL DEFAULT '{}'"],
  },
  { id: "016_access_and_four_eyes", statements: ACCESS_SCHEMA },
  { id: "017_product_modes", statements: MODES_SCHEMA },
  {
    id: "018_import_begun",
    // 0: of an import that was begun before, only its time says what is newer.
    statements: ["ALTER TABLE imports ADD COLUMN begun_seq INTEGER NOT NULL DEFAULT 0"],
  },
  {
    id: "019_import_files",
    statements: [
      "ALTER TABLE imports ADD COLUMN file_digest TEXT NOT NULL DEFAULT ''",
      "ALTER TABLE imports ADD COLUMN sent_line INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE imports ADD COLUMN sent_digest TEXT NOT NULL DEFAULT ''",
    ],
  },
];

/**
 * Runs what is missing, all of it in one transaction.
 * @param upTo stop after this id; for tests.
 * @throws when the stored history is not the beginning of ours, with what differs.
 */
export function migrate(db: Db, migrations: readonly Migration[] = MIGRATIONS, upTo?: string): void {
  db.run(
    "CREATE TABLE IF NOT EXISTS migrations (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest TEXT NOT NULL)",
  );
  const done = db.rows("SELECT id, digest FROM migrations ORDER BY position");
  for (const [position, row] of done.entries()) {
    checkHistory(migrations[position], { id: readText(row, "id"), digest: readText(row, "digest") });
  }
  db.transaction(() => {
    for (const [position, migration] of migrations.entries()) {
      const beyond = upTo !== undefined && migration.id > upTo;
      if (position >= done.length && !beyond) apply(db, position, migration);
    }
  });
}

function checkHistory(ours: Migration | undefined, stored: { id: string; digest: string }): void {
  if (ours === undefined) {
    throw new Error(
      `the database has migration ${stored.id}, which this release does not know: deploy a newer release`,
    );
  }
  if (ours.id !== stored.id) {
    throw new Error(
      `the database has migration ${stored.id} where this release has ${ours.id}: the histories differ`,
    );
  }
  if (digestOf(ours) !== stored.digest) {
    throw new Error(
      `migration ${ours.id} was edited after it had been applied: put it back and append a new one`,
    );
  }
}

function apply(db: Db, position: number, migration: Migration): void {
  for (const statement of migration.statements) db.run(statement);
  db.run(
    "INSERT INTO migrations (position, id, digest) VALUES (?, ?, ?)",
    position,
    migration.id,
    digestOf(migration),
  );
}

function digestOf(migration: Migration): string {
  return sha256Hex(migration.statements.join(";\n"));
}
