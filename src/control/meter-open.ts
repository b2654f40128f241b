/**
 * What isolates hold open, as their reports say, and when versions were last asked. A report tells everything its isolate
 * has open, so the newest replaces the one before; an isolate that falls silent is left out by its time. Called by the
 * meter object.
 */
import type { EdgeReport, OpenCount } from "../contracts/telemetry.ts";
import type { EpochMs } from "../contracts/units.ts";
import type { LastRequest, VersionUse } from "../adapters/use-meters.ts";
import type { Db } from "./db.ts";
import { MINUTE_MS } from "./metering/schema.ts";
import { readInt, readText } from "./row.ts";

/** Rows of one report that are taken. */
const MAX_ROWS = 256;
const FORGET_MS = 10 * 60 * 1000;

export function createOpenTable(db: Db): void {
  db.run(
    `CREATE TABLE IF NOT EXISTS open_connections (
       isolate TEXT NOT NULL, product TEXT NOT NULL, version TEXT NOT NULL, sockets INTEGER NOT NULL,
       streams INTEGER NOT NULL, sequence INTEGER NOT NULL, reported_at INTEGER NOT NULL,
       PRIMARY KEY (isolate, product, version)) WITHOUT ROWID`,
  );
}

/** Takes what a report says is open. One without the list comes from a release that does not count. */
export function recordOpen(db: Db, { isolate, sequence, open }: EdgeReport, now: EpochMs): void {
  if (open === undefined) return;
  const later = db.rows(
    "SELECT 1 FROM open_connections WHERE isolate = ? AND sequence > ? LIMIT 1",
    isolate,
    sequence,
  );
  if (later.length > 0) return;
  db.run("DELETE FROM open_connections WHERE isolate = ? OR reported_at < ?", isolate, now - FORGET_MS);
  for (const { product, version, sockets, streams } of open.slice(0, MAX_ROWS)) {
    db.run(
      `INSERT OR REPLACE INTO open_connections (isolate, product, version, sockets, streams, sequence, reported_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      isolate,
      product,
      version,
      sockets,
      streams,
      sequence,
      now,
    );
  }
}

/** Connections of isolates that reported at or after `sinceMs`, and every version's last request. */
export function readUse(db: Db, sinceMs: EpochMs): VersionUse {
  const open = db
    .rows(
      `SELECT product, version, sum(sockets) AS sockets, sum(streams) AS streams FROM open_connections
       WHERE reported_at >= ? GROUP BY product, version`,
      sinceMs,
    )
    .map((row): OpenCount => ({
      product: readText(row, "product"),
      version: readText(row, "version"),
      sockets: readInt(row, "sockets"),
      streams: readInt(row, "streams"),
    }));
  const last = db
    .rows("SELECT product, version, max(seen) AS seen FROM series GROUP BY product, version")
    .map((row): LastRequest => ({
      product: readText(row, "product"),
      version: readText(row, "version"),
      atMs: readInt(row, "seen") * MINUTE_MS,
    }));
  return { open, last };
}
