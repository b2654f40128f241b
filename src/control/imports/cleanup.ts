/** Forgets imports nobody finished, and the batches of finished ones, so that staged lines do not pile up. */
import type { EpochMs } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { readText } from "../row.ts";
import { dropImportWork } from "../store/imports.ts";

/** An import that took no line for this long was abandoned. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;
/** How long a finished import answers a repeated call with the same id. */
const REMEMBERED_MS = 7 * 24 * 60 * 60 * 1000;
/** Imports of one tick: each may have a million staged lines. */
const MAX_AT_ONCE = 1;

/** @returns what happened, in words. A sync that is being carried out is never forgotten. */
export function dropOldImports(db: Db, now: EpochMs): readonly string[] {
  const rows = db.rows(
    "SELECT id, state FROM imports WHERE (state = 'open' AND last_at < ?) OR (state = 'done' AND last_at < ?) LIMIT ?",
    now - ABANDONED_MS,
    now - REMEMBERED_MS,
    MAX_AT_ONCE,
  );
  return rows.flatMap((row) => {
    const id = readText(row, "id");
    dropImportWork(db, id);
    db.run("DELETE FROM import_batches WHERE import = ?", id);
    db.run("DELETE FROM imports WHERE id = ?", id);
    return row["state"] === "open" ? [`forgot import ${id}, which was never finished`] : [];
  });
}
