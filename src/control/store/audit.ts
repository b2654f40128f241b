/**
 * The audit: append-only, hash-chained. Each entry's hash covers the entry and the hash before it, so that a changed or
 * removed entry breaks every later one. Written in the transaction of the change it tells of, or not at all.
 */
import type { AuditEntry, AuditPage } from "../../contracts/api/operations.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { sha256Hex } from "../../core/sha256.ts";
import { toInstant } from "../clock.ts";
import type { Db, SqlRow } from "../db.ts";
import { parseObject, readInt, readIntOrNull, readText, readTextOrNull } from "../row.ts";

/** What an entry says. `detail` is plain data without secrets. */
export interface AuditFact {
  readonly at: EpochMs;
  readonly actor: string;
  readonly role: string;
  readonly action: string;
  readonly target: string;
  readonly reason: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** `previous` of the first entry. */
export const AUDIT_START = "0".repeat(64);

const COLUMNS = "seq, at, actor, role, action, target, reason, detail, previous, hash";

/**
 * Appends one entry and gives its number. Its time is never before that of the entry before it: a tick is told at the
 * time it was meant for, which may be older than a command that came first.
 */
export function appendAudit(db: Db, given: AuditFact): number {
  const last = db.rows("SELECT seq, at, hash FROM audit ORDER BY seq DESC LIMIT 1")[0];
  const fact = last === undefined ? given : { ...given, at: Math.max(given.at, readInt(last, "at")) };
  const seq = last === undefined ? 1 : readInt(last, "seq") + 1;
  const previous = last === undefined ? AUDIT_START : readText(last, "hash");
  const detail = canonicalJson(fact.detail);
  const hash = hashOf({ ...fact, seq, detail, previous });
  const { at, actor, role, action, target, reason } = fact;
  db.run(
    `INSERT INTO audit (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    seq,
    at,
    actor,
    role,
    action,
    target,
    reason,
    detail,
    previous,
    hash,
  );
  return seq;
}

/** Number of the newest entry, 0 when there is none. */
export function lastAuditEntry(db: Db): number {
  return readIntOrNull(db.rows("SELECT max(seq) AS last FROM audit")[0] ?? { last: null }, "last") ?? 0;
}

/**
 * Takes back the entries after a number, to be appended again behind another one: only those of the very transaction that
 * is under way, since nobody has seen them yet.
 */
export function takeAuditAfter(db: Db, seq: number): readonly AuditFact[] {
  const rows = db.rows(`SELECT ${COLUMNS} FROM audit WHERE seq > ? ORDER BY seq`, seq);
  if (rows.length > 0) db.run("DELETE FROM audit WHERE seq > ?", seq);
  return rows.map((row) => {
    const { at, actor, role, action, target, reason, detail } = toHashed(row);
    return { at, actor, role, action, target, reason, detail: parseObject(detail) };
  });
}

interface HashedFact extends Omit<AuditFact, "detail"> {
  readonly seq: number;
  readonly detail: string;
  readonly previous: string;
}

function hashOf({ previous, seq, at, actor, role, action, target, reason, detail }: HashedFact): string {
  return sha256Hex(`${previous}${canonicalJson({ seq, at, actor, role, action, target, reason, detail })}`);
}

export interface AuditQuery {
  readonly cursor: string | null;
  readonly limit: number;
  readonly target: string | null;
  readonly actor: string | null;
}

/** Entries, newest first. The cursor is the number of the last entry shown. */
export function listAudit(db: Db, query: AuditQuery): AuditPage {
  const below = query.cursor === null ? Number.MAX_SAFE_INTEGER : Number(query.cursor);
  const rows = db.rows(
    `SELECT ${COLUMNS} FROM audit WHERE seq < ?1 AND (?2 IS NULL OR target = ?2) AND (?3 IS NULL OR actor = ?3)
     ORDER BY seq DESC LIMIT ?4`,
    Number.isFinite(below) ? below : 0,
    query.target,
    query.actor,
    query.limit + 1,
  );
  const items = rows.slice(0, query.limit).map(toEntry);
  const last = items.at(-1);
  return { items, cursor: rows.length > query.limit && last !== undefined ? String(last.seq) : null };
}

/** Entries behind a number, oldest first. */
export function loadAuditAfter(db: Db, seq: number, limit: number): readonly AuditEntry[] {
  return db.rows(`SELECT ${COLUMNS} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?`, seq, limit).map(toEntry);
}

/** Walks the chain. @returns null when it holds, else a sentence that names the first entry that does not. */
export function findAuditBreak(db: Db): string | null {
  let previous = AUDIT_START;
  let after = 0;
  for (;;) {
    const rows = db.rows(`SELECT ${COLUMNS} FROM audit WHERE seq > ? ORDER BY seq LIMIT 1000`, after);
    for (const row of rows) {
      const seq = readInt(row, "seq");
      if (seq !== after + 1) return `audit entry ${after + 1} is missing`;
      if (readText(row, "previous") !== previous)
        return `audit entry ${seq} does not follow the one before it`;
      if (readText(row, "hash") !== hashOf(toHashed(row))) return `audit entry ${seq} was changed`;
      previous = readText(row, "hash");
      after = seq;
    }
    if (rows.length === 0) return null;
  }
}

function toHashed(row: SqlRow): HashedFact {
  return {
    seq: readInt(row, "seq"),
    at: readInt(row, "at"),
    actor: readText(row, "actor"),
    role: readText(row, "role"),
    action: readText(row, "action"),
    target: readText(row, "target"),
    reason: readTextOrNull(row, "reason"),
    detail: readText(row, "detail"),
    previous: readText(row, "previous"),
  };
}

function toEntry(row: SqlRow): AuditEntry {
  const { at, detail, ...rest } = toHashed(row);
  return { ...rest, at: toInstant(at), detail: parseObject(detail), hash: readText(row, "hash") };
}
