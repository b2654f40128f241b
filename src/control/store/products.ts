/** Rows of `products`, typed. Reads and writes rows; decides nothing. */
import type { HoldView } from "../../contracts/api/products.ts";
import type { Hold, PathTimeout } from "../../contracts/maps.ts";
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import type { Db, SqlRow } from "../db.ts";
import { fromInstantOrNull } from "../clock.ts";
import { isRecord, parseList, parseObject, readInt, readText, readTextOrNull } from "../row.ts";

export interface ProductRecord {
  readonly name: ProductName;
  readonly domains: readonly string[];
  readonly timeouts: readonly PathTimeout[];
  readonly stable: VersionName | null;
  readonly default: VersionName | null;
  readonly standby: VersionName | null;
  readonly hold: HoldView | null;
  readonly revision: number;
  readonly createdAt: EpochMs;
}

const COLUMNS = "name, domains, timeouts, stable, default_version, standby, hold, revision, created_at";

export function loadProducts(db: Db): readonly ProductRecord[] {
  return db.rows(`SELECT ${COLUMNS} FROM products ORDER BY name`).map(toRecord);
}

export function loadProduct(db: Db, name: ProductName): ProductRecord | null {
  const row = db.rows(`SELECT ${COLUMNS} FROM products WHERE name = ?`, name)[0];
  return row === undefined ? null : toRecord(row);
}

export function saveProduct(db: Db, product: ProductRecord): void {
  db.run(
    `INSERT OR REPLACE INTO products (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    product.name,
    JSON.stringify(product.domains),
    JSON.stringify(product.timeouts),
    product.stable,
    product.default,
    product.standby,
    product.hold === null ? null : JSON.stringify(product.hold),
    product.revision,
    product.createdAt,
  );
}

function toRecord(row: SqlRow): ProductRecord {
  const hold = readTextOrNull(row, "hold");
  return {
    name: readText(row, "name"),
    domains: parseList(readText(row, "domains")),
    timeouts: parseTimeouts(readText(row, "timeouts")),
    stable: readTextOrNull(row, "stable"),
    default: readTextOrNull(row, "default_version"),
    standby: readTextOrNull(row, "standby"),
    hold: hold === null ? null : parseHold(hold),
    revision: readInt(row, "revision"),
    createdAt: readInt(row, "created_at"),
  };
}

function parseTimeouts(text: string): readonly PathTimeout[] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) throw new TypeError("timeouts should be a list");
  return value.map((entry: unknown) => {
    if (!isRecord(entry)) throw new TypeError("a time-out should be an object");
    return { prefix: readText(entry, "prefix"), seconds: readInt(entry, "seconds") };
  });
}

/** Reads a hold as it is stored for products and accounts alike. */
export function parseHold(text: string): HoldView {
  const value = parseObject(text);
  return {
    mode: readText(value, "mode") === "readOnly" ? "readOnly" : "page",
    message: readTextOrNull(value, "message"),
    until: readTextOrNull(value, "until"),
    reason: readText(value, "reason"),
    by: readText(value, "by"),
    at: readText(value, "at"),
  };
}

/** What edges see of a hold. */
export function toMapsHold(hold: HoldView): Hold {
  return { mode: hold.mode, message: hold.message, until: fromInstantOrNull(hold.until) };
}
