/** Rows of `version_use`, typed: what was last known of connections to a version, and since when it may be switched off. */
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { parseList, readInt, readIntOrNull, readText } from "../row.ts";

export interface VersionUseRecord {
  readonly product: ProductName;
  readonly version: VersionName;
  readonly sockets: number;
  readonly streams: number;
  readonly measuredAt: EpochMs;
  /** The last request that is known of; null: none is. */
  readonly seenAt: EpochMs | null;
  /** Null: it may not be, or nobody asked (it does not drain). */
  readonly safeSince: EpochMs | null;
  /** What a draining version waits for, in words. */
  readonly waits: readonly string[];
}

export function loadUse(db: Db, product: ProductName, version: VersionName): VersionUseRecord | null {
  const row = db.rows("SELECT * FROM version_use WHERE product = ? AND version = ?", product, version)[0];
  if (row === undefined) return null;
  return {
    product,
    version,
    sockets: readInt(row, "sockets"),
    streams: readInt(row, "streams"),
    measuredAt: readInt(row, "measured_at"),
    seenAt: readIntOrNull(row, "seen_at"),
    safeSince: readIntOrNull(row, "safe_since"),
    waits: parseList(readText(row, "waits")),
  };
}

export function saveUse(db: Db, use: VersionUseRecord): void {
  db.run(
    `INSERT OR REPLACE INTO version_use (product, version, sockets, streams, measured_at, seen_at, safe_since, waits)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    use.product,
    use.version,
    use.sockets,
    use.streams,
    use.measuredAt,
    use.seenAt,
    use.safeSince,
    JSON.stringify(use.waits),
  );
}

export function dropUse(db: Db, product: ProductName, version: VersionName): void {
  db.run("DELETE FROM version_use WHERE product = ? AND version = ?", product, version);
}
