/** What is granted to identities of Cloudflare Access. One that has run out finds nobody, and stays in the list. */
import type { AccessGrant } from "../../contracts/api/access.ts";
import type { Actor } from "../../contracts/control.ts";
import type { Role } from "../../contracts/env.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { toInstant, toInstantOrNull } from "../clock.ts";
import type { Db, SqlRow } from "../db.ts";
import { readInt, readIntOrNull, readText } from "../row.ts";
import { readProducts, readRole } from "./tokens.ts";

const COLUMNS = "identity, role, products, expires, granted_at, granted_by, revision";

export interface NewGrant {
  readonly identity: string;
  readonly role: Role;
  readonly products: readonly string[] | null;
  readonly expires: EpochMs | null;
  readonly grantedAt: EpochMs;
  readonly grantedBy: string;
  readonly revision: number;
}

export function listGrants(db: Db): readonly AccessGrant[] {
  return db.rows(`SELECT ${COLUMNS} FROM access_grants ORDER BY identity`).map(toView);
}

export function loadGrant(db: Db, identity: string): AccessGrant | null {
  const row = db.rows(`SELECT ${COLUMNS} FROM access_grants WHERE identity = ?`, identity)[0];
  return row === undefined ? null : toView(row);
}

export function saveGrant(db: Db, grant: NewGrant): void {
  db.run(
    `INSERT OR REPLACE INTO access_grants (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    grant.identity,
    grant.role,
    grant.products === null ? null : JSON.stringify(grant.products),
    grant.expires,
    grant.grantedAt,
    grant.grantedBy,
    grant.revision,
  );
}

export function deleteGrant(db: Db, identity: string): void {
  db.run("DELETE FROM access_grants WHERE identity = ?", identity);
}

/** Who an identity is here; null when nothing is granted to it, or no more. */
export function findGranted(db: Db, identity: string, now: EpochMs): Actor | null {
  const row = db.rows(
    `SELECT ${COLUMNS} FROM access_grants WHERE identity = ? AND (expires IS NULL OR expires > ?)`,
    identity,
    now,
  )[0];
  return row === undefined ? null : { name: identity, role: readRole(row), products: readProducts(row) };
}

function toView(row: SqlRow): AccessGrant {
  return {
    identity: readText(row, "identity"),
    role: readRole(row),
    products: readProducts(row),
    expires: toInstantOrNull(readIntOrNull(row, "expires")),
    grantedAt: toInstant(readInt(row, "granted_at")),
    grantedBy: readText(row, "granted_by"),
    revision: readInt(row, "revision"),
  };
}
