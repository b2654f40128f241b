/**
 * The one place that says what refers to a named window, for the refusal of its deletion: every kind of thing that can
 * name one is counted here. Reads only.
 */
import type { Db } from "../db.ts";
import { readInt } from "../row.ts";

/** Things by kind with how many of them name the window; kinds that have none are left out. */
export function countWindowUses(db: Db, name: string): Readonly<Record<string, number>> {
  const uses = {
    // An account's own window is a name or windows of its own, both as JSON.
    accounts: count(
      db,
      "SELECT coalesce(sum(accounts), 0) AS n FROM groups WHERE window = ?",
      JSON.stringify(name),
    ),
  };
  return Object.fromEntries(Object.entries(uses).filter(([, number]) => number > 0));
}

function count(db: Db, sql: string, name: string): number {
  return readInt(db.rows(sql, name)[0] ?? {}, "n");
}
