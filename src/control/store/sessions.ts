/**
 * Sessions of people on the dashboard: a secret in a cookie that stands for the token it was exchanged for, for some
 * hours. Kept as SHA-256 only. A session may never do more, nor live longer, than its token: of a token kept here the
 * token is looked at on every use, of a bootstrap token the digest is handed back, because only the Worker knows those.
 */
import type { Authenticated } from "../../contracts/control.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { readText, readTextOrNull } from "../row.ts";
import { parseActor } from "./imports.ts";
import { findActor } from "./tokens.ts";

export interface NewSession {
  readonly sha256: string;
  /** SHA-256 of the token that was exchanged. */
  readonly token: string;
  /** Who that is, for a bootstrap token; null when the token is kept in `tokens`. */
  readonly bootstrap: { readonly name: string; readonly role: string; readonly products: null } | null;
  readonly expires: EpochMs;
}

export function insertSession(db: Db, { sha256, token, bootstrap, expires }: NewSession): void {
  db.run(
    "INSERT INTO sessions (sha256, token, bootstrap, expires) VALUES (?, ?, ?, ?)",
    sha256,
    token,
    bootstrap === null ? null : JSON.stringify(bootstrap),
    expires,
  );
}

/** Ends one session, if there is one. */
export function deleteSession(db: Db, sha256: string): void {
  db.run("DELETE FROM sessions WHERE sha256 = ?", sha256);
}

export function dropOldSessions(db: Db, now: EpochMs): void {
  db.run("DELETE FROM sessions WHERE expires <= ?", now);
}

/** True when this digest is a session's, ended by time or not. */
export function isSession(db: Db, sha256: string): boolean {
  return db.rows("SELECT 1 FROM sessions WHERE sha256 = ?", sha256).length > 0;
}

/** Who a session stands for; null when it is unknown or over, or its token is revoked or expired. */
export function findSessionActor(db: Db, sha256: string, now: EpochMs): Authenticated | null {
  const row = db.rows(
    "SELECT token, bootstrap FROM sessions WHERE sha256 = ? AND expires > ?",
    sha256,
    now,
  )[0];
  if (row === undefined) return null;
  const token = readText(row, "token");
  const bootstrap = readTextOrNull(row, "bootstrap");
  return bootstrap === null ? findActor(db, token, now) : { ...parseActor(bootstrap), bootstrap: token };
}
