/**
 * Puts refused attempts on the admin surface into the audit without letting an attacker fill it: the first of a kind, source
 * and person at once, what follows as one entry a minute with its count, and of all together so many entries an hour. What
 * is over that stays counted and is told later. People who are known have a share of their own, so that noise from outside
 * cannot hide them. Called when the Worker reports and by every tick, within a transaction of the caller.
 */
import { MANY, MAX_REFUSED_BATCH, REFUSED_KINDS, type RefusedAttempts } from "../../contracts/refused.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { toInstant } from "../clock.ts";
import type { Db, SqlRow } from "../db.ts";
import { readInt, readText } from "../row.ts";
import { appendAudit } from "./audit.ts";
import { readCounter, writeCounter } from "./meta.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Entries an hour about people who are known, and as many about everybody else. */
export const MAX_TOLD_AN_HOUR = 60;
/** Sources and people told apart at a time, of each of the two. */
export const MAX_REFUSED_KEYS = 200;
const MAX_TEXT_CHARS = 200;
const NOBODY = { name: "", role: "" };

/** Counts attempts. Whatever came over RPC is cut to size. */
export function noteRefused(db: Db, attempts: readonly RefusedAttempts[]): void {
  for (const given of attempts.slice(0, MAX_REFUSED_BATCH)) {
    if (REFUSED_KINDS.includes(given.kind) && given.count > 0) add(db, fit(db, given));
  }
}

/** Edges tell nobody but the meters: counts what these have added to `total` since it was last told. */
export function noteRefusedOverrides(db: Db, total: number, nowMs: EpochMs): void {
  const count = total - readCounter(db, "overrides_refused");
  if (count === 0) return;
  writeCounter(db, "overrides_refused", total);
  // Less than before: a meter has lost its memory, and begins again.
  if (count < 0) return;
  const operation = "a request with a tester's override";
  add(db, { kind: "override", source: "edges", who: null, operation, count, lastMs: nowMs });
}

/** The attempts under a source of their own, or under one that all share when there are too many. */
function fit(db: Db, given: RefusedAttempts): RefusedAttempts {
  const { name } = given.who ?? NOBODY;
  const known = db.rows(
    "SELECT 1 FROM refused WHERE kind = ? AND source = ? AND who = ?",
    given.kind,
    cut(given.source),
    cut(name),
  );
  if (known.length > 0) return given;
  const [row] = db.rows("SELECT count(*) AS held FROM refused WHERE (who = '') = ?", name === "" ? 1 : 0);
  const full = row !== undefined && readInt(row, "held") >= MAX_REFUSED_KEYS;
  if (!full) return given;
  return { ...given, source: MANY, who: given.who === null ? null : { name: MANY, role: MANY } };
}

function add(db: Db, { kind, source, who, operation, count, lastMs }: RefusedAttempts): void {
  const { name, role } = who ?? NOBODY;
  db.run(
    `INSERT INTO refused (kind, source, who, role, operation, count, since, last) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
     ON CONFLICT (kind, source, who) DO UPDATE SET role = ?4, operation = ?5, since = iif(count = 0, ?7, since),
       count = count + ?6, last = max(last, ?7)`,
    kind,
    cut(source),
    cut(name),
    cut(role),
    cut(operation),
    Math.floor(count),
    lastMs,
  );
}

/** Tells the audit what is due, and forgets sources that have been quiet for an hour. */
export function tellRefused(db: Db, nowMs: EpochMs): void {
  const hour = Math.floor(nowMs / HOUR_MS);
  if (readCounter(db, "refused_hour") !== hour) {
    writeCounter(db, "refused_hour", hour);
    writeCounter(db, "refused_told_known", 0);
    writeCounter(db, "refused_told_unknown", 0);
  }
  tellSome(db, nowMs, { counter: "refused_told_known", unknown: 0 });
  tellSome(db, nowMs, { counter: "refused_told_unknown", unknown: 1 });
  db.run("DELETE FROM refused WHERE count = 0 AND abs(? - told_at) >= ?", nowMs, HOUR_MS);
}

function tellSome(
  db: Db,
  nowMs: EpochMs,
  {
    counter,
    unknown,
  }: { readonly counter: "refused_told_known" | "refused_told_unknown"; readonly unknown: 0 | 1 },
): void {
  const told = readCounter(db, counter);
  const due = db.rows(
    `SELECT kind, source, who, role, operation, count, since, last FROM refused
     WHERE count > 0 AND (who = '') = ?1 AND (told_at IS NULL OR abs(?2 - told_at) >= ?3)
     ORDER BY since, kind, source, who LIMIT CAST(?4 AS INTEGER)`,
    unknown,
    nowMs,
    MINUTE_MS,
    Math.max(0, MAX_TOLD_AN_HOUR - told),
  );
  for (const row of due) tellOne(db, row, nowMs);
  if (due.length > 0) writeCounter(db, counter, told + due.length);
}

function tellOne(db: Db, row: SqlRow, nowMs: EpochMs): void {
  const count = readInt(row, "count");
  const operation = readText(row, "operation");
  const [kind, source, who] = [readText(row, "kind"), readText(row, "source"), readText(row, "who")];
  appendAudit(db, {
    at: nowMs,
    actor: who === "" ? "anonymous" : who,
    role: who === "" ? "nobody" : readText(row, "role"),
    action: `refused.${kind}`,
    target: `source/${source}`,
    reason: count === 1 ? `tried once: ${operation}` : `tried ${count} times, last: ${operation}`,
    detail: {
      count,
      operation,
      since: toInstant(readInt(row, "since")),
      last: toInstant(readInt(row, "last")),
    },
  });
  db.run(
    "UPDATE refused SET count = 0, told_at = ? WHERE kind = ? AND source = ? AND who = ?",
    nowMs,
    kind,
    source,
    who,
  );
}

function cut(text: string): string {
  return text.slice(0, MAX_TEXT_CHARS);
}
