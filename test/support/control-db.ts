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
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string, asArrays: boolean): StatementSync => {
    const key = `${asArrays}${sql}`;
    const known = statements.get(key);
    if (known !== undefined) return known;
    const made = database.prepare(sql);
    made.setReturnArrays(asArrays);
    // Schema changes make statements stale, so only those of tables that stay are kept.
    if (!/CREATE|DROP|homes_before/.test(sql)) statements.set(key, made);
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
    transaction: (body) => {
      database.exec("BEGIN");
      try {
        const value = body();
        database.exec("COMMIT");
        return value;
      } catch (error) {
        database.exec("ROLLBACK");
        throw error;
      }
    },
  };
}
