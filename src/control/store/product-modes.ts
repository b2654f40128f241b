/** Rows of `product_modes`: products that today's fleet serves. An active product has none. Decides nothing. */
import type { RootFleet } from "../../contracts/fleet.ts";
import type { EpochMs, ProductName } from "../../contracts/units.ts";
import type { Db, SqlRow } from "../db.ts";
import { readInt, readText, readTextOrNull } from "../row.ts";

export interface FleetRecord extends RootFleet {
  readonly product: ProductName;
  readonly reason: string;
  readonly by: string;
  readonly since: EpochMs;
}

const COLUMNS = "product, mode, origin, version_header, run, reason, made_by, made_at";

export function loadFleets(db: Db): ReadonlyMap<ProductName, FleetRecord> {
  const rows = db.rows(`SELECT ${COLUMNS} FROM product_modes ORDER BY product`).map(toRecord);
  return new Map(rows.map((record) => [record.product, record]));
}

export function loadFleet(db: Db, product: ProductName): FleetRecord | null {
  const row = db.rows(`SELECT ${COLUMNS} FROM product_modes WHERE product = ?`, product)[0];
  return row === undefined ? null : toRecord(row);
}

export function saveFleet(db: Db, record: FleetRecord): void {
  db.run(
    `INSERT OR REPLACE INTO product_modes (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    record.product,
    record.mode,
    record.origin,
    record.versionHeader,
    record.run,
    record.reason,
    record.by,
    record.since,
  );
}

/** Makes the product active. */
export function dropFleet(db: Db, product: ProductName): void {
  db.run("DELETE FROM product_modes WHERE product = ?", product);
}

/** What edges see of it. */
export function toRootFleet({ mode, origin, versionHeader, run }: FleetRecord): RootFleet {
  return { mode, origin, versionHeader, run };
}

function toRecord(row: SqlRow): FleetRecord {
  return {
    product: readText(row, "product"),
    mode: readText(row, "mode") === "compare" ? "compare" : "pass-through",
    origin: readText(row, "origin"),
    versionHeader: readTextOrNull(row, "version_header"),
    run: readText(row, "run"),
    reason: readText(row, "reason"),
    by: readText(row, "made_by"),
    since: readInt(row, "made_at"),
  };
}
