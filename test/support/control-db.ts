/**
 * SQLite for tests of the control plane on plain Node: the same `Db` port over `node:sqlite`, in memory, with the
 * platform's limit of 100 parameters kept, so that what passes here does not fail in a Durable Object for that.
 * The integration tests run the same code on the object's own storage.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Db, SqlValue } from "../../src/control/db.ts";

const MAX_PARAMETERS = 100;

/** A fresh, empty database. */
export function createMemoryDb(): Db {
  const database = new DatabaseSync(":memory:");
  return over(database, (body) => inside(database, body, ["BEGIN", "COMMIT", "ROLLBACK"]));
}

/** A database that can go back: to where it was kept, and to what was last confirmed. */
export interface RewindableDb extends Db {
  /** From now on `rewind` comes back to here. Once. */
  keep(): void;
  /** Everything since `keep` is undone, as often as it is wanted. */
  rewind(): void;
  /** What was written is on disk: `lose` does not take it. */
  confirm(): void;
  /** Undoes what was not confirmed, as a machine does that stops before its writes are on disk. */
  lose(): void;
}

/** The same in savepoints: going back costs what was written since, however large the database is. */
export function createRewindableDb(): RewindableDb {
  const database = new DatabaseSync(":memory:");
  const steps = ["SAVEPOINT step", "RELEASE step", "ROLLBACK TO step; RELEASE step"] as const;
  return {
    ...over(database, (body) => inside(database, body, steps)),
    keep: () => database.exec("SAVEPOINT kept; SAVEPOINT confirmed"),
    rewind: () => database.exec("ROLLBACK TO kept; SAVEPOINT confirmed"),
    confirm: () => database.exec("RELEASE confirmed; SAVEPOINT confirmed"),
    lose: () => database.exec("ROLLBACK TO confirmed"),
  };
}

function inside<T>(
  database: DatabaseSync,
  body: () => T,
  [begin, commit, undo]: readonly [string, string, string],
): T {
  database.exec(begin);
  try {
    const value = body();
    database.exec(commit);
    return value;
  } catch (error) {
    database.exec(undo);
    throw error;
  }
}

function over(database: DatabaseSync, transaction: Db["transaction"]): Db {
  const [objects, arrays] = [new Map<string, StatementSync>(), new Map<string, StatementSync>()];
  const prepare = (sql: string, asArrays: boolean): StatementSync => {
    const statements = asArrays ? arrays : objects;
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const made = database.prepare(sql);
    made.setReturnArrays(asArrays);
    // Schema changes make statements stale, so only those of tables that stay are kept.
    if (!/CREATE|DROP|homes_before/.test(sql)) statements.set(sql, made);
    return made;
  };
  const bounded = (params: readonly SqlValue[]): readonly SqlValue[] => {
    if (params.length > MAX_PARAMETERS) throw new Error(`too many SQL variables: ${params.length}`);
    return params;
  };
  return {
    rows: (sql, ...params) => prepare(sql, false).all(...bounded(params)),
    raw: (sql, ...params) =>
      prepare(sql, true)
        .all(...bounded(params))
        .map((row) => Object.values(row)),
    run: (sql, ...params) => {
      prepare(sql, false).run(...bounded(params));
    },
    transaction,
  };
}
