/**
 * Export: everything that is the truth, as NDJSON. The first page takes a snapshot in one transaction, the others read
 * it, so that an export is of one moment however long it takes to fetch. First line: format, counts; last line: digest,
 * chained over every line before it. The cursor carries all state; abandoned snapshots are dropped by ticks.
 */
import type { ExportPage } from "../../contracts/control.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { sha256Hex } from "../../core/sha256.ts";
import { toInstant } from "../clock.ts";
import type { Db } from "../db.ts";
import { MIGRATIONS } from "../migrations.ts";
import { readInt, readText } from "../row.ts";
import { readCounter } from "../store/meta.ts";
import { EXPORT_SCHEMA, EXPORT_TABLES } from "./tables.ts";

const PAGE_ROWS = 2000;
/** A page must stay far below what RPC takes (32 MiB). */
const PAGE_CHARS = 4_000_000;
const SNAPSHOT_KEPT_MS = 60 * 60 * 1000;
/** Digest before the first line. */
export const EXPORT_START = "0".repeat(64);

/** @throws when the cursor is none of ours, or its snapshot was dropped after an hour. */
export function exportPage(db: Db, cursor: string | null, nowMs: EpochMs): ExportPage {
  return db.transaction(() => (cursor === null ? firstPage(db, nowMs) : nextPage(db, parseCursor(cursor))));
}

/** Chains one line into a digest. */
export function chainLine(digest: string, line: string): string {
  return sha256Hex(digest + line);
}

interface Cursor {
  readonly snapshot: string;
  readonly position: number;
  readonly digest: string;
}

function parseCursor(text: string): Cursor {
  const [snapshot, position, digest] = text.split(" ");
  if (snapshot === undefined || digest === undefined || !Number.isSafeInteger(Number(position))) {
    throw new Error("this is no cursor of an export");
  }
  return { snapshot, position: Number(position), digest };
}

function firstPage(db: Db, nowMs: EpochMs): ExportPage {
  const snapshot = `export-${nowMs}-${readCounter(db, "seq")}`;
  db.run("DELETE FROM transfer_rows WHERE kind = ?", snapshot);
  const counts: Record<string, number> = {};
  let position = 0;
  for (const table of EXPORT_TABLES) {
    const members = Object.entries(table.columns).map(
      ([column, type]) => `'${column}', ${type === "blob" ? `hex(${column})` : column}`,
    );
    db.run(
      `INSERT INTO transfer_rows (kind, position, name, row)
       SELECT ?1, ?2 + row_number() OVER (ORDER BY ${table.order}), ?3, json_object(${members.join(", ")})
       FROM ${table.name} WHERE ${table.only ?? "true"}`,
      snapshot,
      position,
      table.name,
    );
    const after = readInt(
      db.rows("SELECT coalesce(max(position), 0) AS n FROM transfer_rows WHERE kind = ?", snapshot)[0] ?? {},
      "n",
    );
    counts[table.name] = after - position;
    position = after;
  }
  const header = JSON.stringify({
    firebreak: "export",
    schema: EXPORT_SCHEMA,
    migration: MIGRATIONS.at(-1)?.id ?? "",
    exportedAt: toInstant(nowMs),
    generation: readCounter(db, "generation"),
    counts,
  });
  const cursor = [snapshot, 0, chainLine(EXPORT_START, header)].join(" ");
  return { lines: [header], cursor };
}

function nextPage(db: Db, { snapshot, position, digest }: Cursor): ExportPage {
  const rows = db.rows(
    "SELECT position, name, row FROM transfer_rows WHERE kind = ? AND position > ? ORDER BY position LIMIT ?",
    snapshot,
    position,
    PAGE_ROWS,
  );
  const lines: string[] = [];
  let [chars, last, chained] = [0, position, digest];
  for (const row of rows) {
    if (chars > PAGE_CHARS) break;
    const line = `{"table":${JSON.stringify(readText(row, "name"))},"row":${readText(row, "row")}}`;
    lines.push(line);
    chars += line.length;
    last = readInt(row, "position");
    chained = chainLine(chained, line);
  }
  if (lines.length > 0) return { lines, cursor: [snapshot, last, chained].join(" ") };
  if (position === 0 || !dropSnapshot(db, snapshot)) {
    throw new Error("the snapshot of this export is gone: exports end within an hour, start a new one");
  }
  return { lines: [JSON.stringify({ end: true, lines: position, digest: chained })], cursor: null };
}

function dropSnapshot(db: Db, snapshot: string): boolean {
  const there = db.rows("SELECT 1 FROM transfer_rows WHERE kind = ? LIMIT 1", snapshot).length > 0;
  db.run("DELETE FROM transfer_rows WHERE kind = ?", snapshot);
  return there;
}

/** Drops snapshots nobody came back for. */
export function dropOldSnapshots(db: Db, now: EpochMs): void {
  for (const row of db.rows("SELECT DISTINCT kind FROM transfer_rows WHERE kind LIKE 'export-%'")) {
    const kind = readText(row, "kind");
    const made = Number(kind.split("-")[1]);
    if (now - made > SNAPSHOT_KEPT_MS) db.run("DELETE FROM transfer_rows WHERE kind = ?", kind);
  }
}
