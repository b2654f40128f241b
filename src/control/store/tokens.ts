/** Admin tokens, kept as SHA-256 only. A revoked or expired token finds nobody, and its name stays taken for the audit. */
import type { TokenView } from "../../contracts/api/operations.ts";
import type { Actor } from "../../contracts/control.ts";
import { ROLES, type Role } from "../../contracts/env.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { toInstant, toInstantOrNull } from "../clock.ts";
import type { Db, SqlRow } from "../db.ts";
import { parseList, readInt, readIntOrNull, readText, readTextOrNull } from "../row.ts";

const COLUMNS = "name, role, products, expires, created_at, created_by, revoked_at";

export interface NewToken {
  readonly name: string;
  readonly sha256: string;
  readonly role: Role;
  readonly products: readonly string[] | null;
  readonly expires: EpochMs | null;
  readonly createdAt: EpochMs;
  readonly createdBy: string;
}

export function listTokens(db: Db): readonly TokenView[] {
  return db.rows(`SELECT ${COLUMNS} FROM tokens ORDER BY name`).map(toView);
}

export function loadToken(db: Db, name: string): TokenView | null {
  const row = db.rows(`SELECT ${COLUMNS} FROM tokens WHERE name = ?`, name)[0];
  return row === undefined ? null : toView(row);
}

export function insertToken(db: Db, token: NewToken): void {
  db.run(
    "INSERT INTO tokens (name, sha256, role, products, expires, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?, ?)",
    token.name,
    token.sha256,
    token.role,
    token.products === null ? null : JSON.stringify(token.products),
    token.expires,
    token.createdAt,
    token.createdBy,
  );
}

/** True when some token, revoked or not, has this digest. */
export function isTokenDigestTaken(db: Db, sha256: string): boolean {
  return db.rows("SELECT 1 FROM tokens WHERE sha256 = ?", sha256).length > 0;
}

export function revokeToken(db: Db, name: string, at: EpochMs): void {
  db.run("UPDATE tokens SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL", at, name);
}

/** Who a token belongs to; null for unknown, revoked and expired ones alike. Comparing digests leaks nothing of use. */
export function findActor(db: Db, sha256: string, now: EpochMs): Actor | null {
  const row = db.rows(
    "SELECT name, role, products FROM tokens WHERE sha256 = ?1 AND revoked_at IS NULL AND (expires IS NULL OR expires > ?2)",
    sha256,
    now,
  )[0];
  if (row === undefined) return null;
  return { name: readText(row, "name"), role: readRole(row), products: readProducts(row) };
}

export function readRole(row: SqlRow): Role {
  const role = ROLES.find((known) => known === row["role"]);
  if (role === undefined) throw new TypeError("a token has an unknown role");
  return role;
}

export function readProducts(row: SqlRow): string[] | null {
  const products = readTextOrNull(row, "products");
  return products === null ? null : [...parseList(products)];
}

function toView(row: SqlRow): TokenView {
  return {
    name: readText(row, "name"),
    role: readRole(row),
    products: readProducts(row),
    expires: toInstantOrNull(readIntOrNull(row, "expires")),
    createdAt: toInstant(readInt(row, "created_at")),
    createdBy: readText(row, "created_by"),
    revokedAt: toInstantOrNull(readIntOrNull(row, "revoked_at")),
  };
}
