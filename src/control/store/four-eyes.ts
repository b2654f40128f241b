/** Products whose default moves with a second person's yes, and the moves that wait for one. Rows only. */
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import type { Db, SqlRow } from "../db.ts";
import { readInt, readText, readTextOrNull } from "../row.ts";

export interface FourEyes {
  readonly product: ProductName;
  readonly reason: string;
  readonly by: string;
  readonly atMs: EpochMs;
}

/** A move that waits. One at a time for each product. */
export interface DefaultRequest {
  readonly product: ProductName;
  readonly version: VersionName;
  readonly force: boolean;
  readonly reason: string;
  /** The default when it was asked for. */
  readonly before: VersionName | null;
  readonly askedBy: string;
  readonly askedMs: EpochMs;
  readonly untilMs: EpochMs;
}

export function holdsFourEyes(db: Db, product: ProductName): boolean {
  return db.rows("SELECT 1 FROM four_eyes WHERE product = ?", product).length > 0;
}

/** Names of products for which they hold. */
export function loadFourEyes(db: Db): ReadonlySet<ProductName> {
  return new Set(db.rows("SELECT product FROM four_eyes").map((row) => readText(row, "product")));
}

export function saveFourEyes(db: Db, { product, reason, by, atMs }: FourEyes): void {
  db.run(
    "INSERT OR REPLACE INTO four_eyes (product, reason, made_by, made_at) VALUES (?, ?, ?, ?)",
    product,
    reason,
    by,
    atMs,
  );
}

export function deleteFourEyes(db: Db, product: ProductName): void {
  db.run("DELETE FROM four_eyes WHERE product = ?", product);
}

const COLUMNS = "product, version, force, reason, before, asked_by, asked_at, until";

export function loadDefaultRequest(db: Db, product: ProductName): DefaultRequest | null {
  const row = db.rows(`SELECT ${COLUMNS} FROM default_requests WHERE product = ?`, product)[0];
  return row === undefined ? null : toRequest(row);
}

export function loadDefaultRequests(db: Db): readonly DefaultRequest[] {
  return db.rows(`SELECT ${COLUMNS} FROM default_requests ORDER BY product`).map(toRequest);
}

export function saveDefaultRequest(db: Db, request: DefaultRequest): void {
  db.run(
    `INSERT OR REPLACE INTO default_requests (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    request.product,
    request.version,
    request.force ? 1 : 0,
    request.reason,
    request.before,
    request.askedBy,
    request.askedMs,
    request.untilMs,
  );
}

/** Ends the wait for a product. @returns what waited, null: nothing did. */
export function takeDefaultRequest(db: Db, product: ProductName): DefaultRequest | null {
  const request = loadDefaultRequest(db, product);
  if (request !== null) db.run("DELETE FROM default_requests WHERE product = ?", product);
  return request;
}

function toRequest(row: SqlRow): DefaultRequest {
  return {
    product: readText(row, "product"),
    version: readText(row, "version"),
    force: readInt(row, "force") === 1,
    reason: readText(row, "reason"),
    before: readTextOrNull(row, "before"),
    askedBy: readText(row, "asked_by"),
    askedMs: readInt(row, "asked_at"),
    untilMs: readInt(row, "until"),
  };
}
