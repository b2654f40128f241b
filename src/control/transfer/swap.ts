/**
 * The end of a restore: staged rows take the place of the present ones, in one transaction that also checks them as a
 * whole. What does not hold together rolls everything back. The maps go on above every generation that was ever used or
 * seen, with all shards built anew; equal rows give equal shards, so what has not changed is not written again.
 */
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { EpochMs, Generation } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { abandonPending, loadPendingRoot, raiseGeneration } from "../store/roots.ts";
import { writeBatch } from "../publisher/phase.ts";
import { refuse } from "../refuse.ts";
import { readInt, readText } from "../row.ts";
import { appendAudit, findAuditBreak } from "../store/audit.ts";
import { skipToAuditEnd } from "../store/webhooks.ts";
import { rebuildKeys } from "../store/account-keys.ts";
import { markAllDirty, markMany } from "../store/changes.ts";
import { readCounter, writeCounter, writeMeta, type CounterName } from "../store/meta.ts";
import { noteClosed } from "./closed.ts";
import { dropRestore, readRestore, RESTORE_KIND, type RestoreState } from "./restore.ts";
import { noteServed } from "./served.ts";
import { EXPORT_TABLES, storedColumns, type ExportTable } from "./tables.ts";
import { pauseUnderWay } from "./under-way.ts";

/** Counters that only grow, through restores too. */
const GROWING: readonly CounterName[] = [
  "seq",
  "clock",
  "generation",
  "override_epoch",
  "override_issued",
  "removed_accounts",
  "removed_domains",
];

class Incoherent extends Error {}

export interface Swap {
  /** Highest generation that any edge has reported. */
  readonly highestSeen: Generation;
  readonly nowMs: EpochMs;
}

/** @returns the number under which the restored maps will come out, or why the file cannot be taken. */
export function endRestore(db: Db, swap: Swap): Result<{ readonly generation: Generation }, Refusal> {
  const state = readRestore(db);
  if (state === null) return refuse("conflict", "no restore is under way: begin one");
  if (!state.complete) {
    dropRestore(db);
    return refuse("invalid", "the export has no last line: it was cut off; nothing was changed");
  }
  try {
    return ok(db.transaction(() => swapIn(db, state, swap)));
  } catch (error) {
    if (!(error instanceof Incoherent)) throw error;
    dropRestore(db);
    return refuse("invalid", `${error.message}; nothing was changed`);
  }
}

function swapIn(db: Db, state: RestoreState, { highestSeen, nowMs }: Swap): { generation: Generation } {
  const before = new Map(GROWING.map((name) => [name, readCounter(db, name)]));
  const countMoved = noteServed(db);
  const closeAgain = noteClosed(db, stagedAudit(db));
  for (const table of EXPORT_TABLES) replaceTable(db, table);
  closeAgain();
  for (const [name, value] of before) writeCounter(db, name, Math.max(value, readCounter(db, name)));
  raiseGeneration(db, highestSeen);
  rebuildKeys(db);
  recount(db);
  checkWhole(db);
  // What the restore does to accounts, for the audit: nobody else will ever say so.
  const effect = { ...countMoved(), accounts: readCounter(db, "accounts") };
  restartPublishing(db, nowMs);
  appendAudit(db, {
    at: nowMs,
    actor: state.actor.name,
    role: state.actor.role,
    action: "restore",
    target: "everything",
    reason: state.reason,
    detail: { ...effect, lines: state.lines, digest: state.digest, highestSeen },
  });
  pauseUnderWay(db, { by: state.actor.name, nowMs });
  dropRestore(db);
  return { generation: readCounter(db, "generation") + 1 };
}

function replaceTable(db: Db, table: ExportTable): void {
  // Going back to an older export of this same plane must not unsay what happened since: the longer audit stays.
  if (table.name === "audit" && stagedAudit(db) !== null) return;
  const columns = storedColumns(table);
  db.run(`DELETE FROM ${table.name} WHERE ${table.only ?? "true"}`);
  const values = columns.map((column) =>
    table.columns[column] === "blob" ? `unhex(row ->> '${column}')` : `row ->> '${column}'`,
  );
  db.run(
    `INSERT OR REPLACE INTO ${table.name} (${columns.join(", ")})
     SELECT ${values.join(", ")} FROM transfer_rows WHERE kind = ?1 AND name = ?2 ORDER BY position`,
    RESTORE_KIND,
    table.name,
  );
  if (table.name === "audit") skipToAuditEnd(db);
}

/**
 * The last entry of the staged audit where the present one goes on from it, 0 when it has none; null for another plane's.
 */
function stagedAudit(db: Db): number | null {
  const last = db.rows(
    "SELECT row ->> 'seq' AS seq, row ->> 'hash' AS hash FROM transfer_rows WHERE kind = ? AND name = 'audit' ORDER BY position DESC LIMIT 1",
    RESTORE_KIND,
  )[0];
  if (last === undefined) return 0;
  const seq = readInt(last, "seq");
  const goesOn = db.rows("SELECT 1 FROM audit WHERE seq = ? AND hash = ?", seq, readText(last, "hash"));
  return goesOn.length > 0 ? seq : null;
}

/** Counts are computed anew, so that a wrong one in a file cannot live on. */
function recount(db: Db): void {
  const count = (sql: string): number => readInt(db.rows(`SELECT count(*) AS n FROM ${sql}`)[0] ?? {}, "n");
  writeCounter(db, "accounts", count("accounts WHERE deleted_at IS NULL"));
  writeCounter(
    db,
    "domains",
    count("custom_domains d JOIN accounts a ON a.slug = d.account WHERE a.deleted_at IS NULL"),
  );
  db.run("UPDATE home_sets SET accounts = 0, tombstones = 0");
  db.run(
    `UPDATE home_sets SET accounts = c.living, tombstones = c.dead FROM
     (SELECT homes_id, sum(deleted_at IS NULL) AS living, sum(deleted_at IS NOT NULL) AS dead FROM accounts GROUP BY homes_id) AS c
     WHERE c.homes_id = home_sets.id`,
  );
  db.run("UPDATE groups SET accounts = 0");
  db.run(
    `UPDATE groups SET accounts = c.n FROM (SELECT group_id, count(*) AS n FROM accounts GROUP BY group_id) AS c
     WHERE c.group_id = groups.id`,
  );
}

const WHOLES: readonly { readonly sql: string; readonly what: string }[] = [
  {
    sql: "SELECT slug AS name FROM accounts WHERE homes_id NOT IN (SELECT id FROM home_sets)",
    what: "has homes that are not there",
  },
  {
    sql: "SELECT slug AS name FROM accounts WHERE group_id <> -1 AND group_id NOT IN (SELECT id FROM groups)",
    what: "is in a group that is not there",
  },
  {
    sql: "SELECT host AS name FROM custom_domains WHERE account NOT IN (SELECT slug FROM accounts)",
    what: "belongs to an account that is not there",
  },
  {
    sql: "SELECT host AS name FROM custom_domains WHERE instr(host, '.') = 0",
    what: "is a custom domain without a dot, like a slug",
  },
  {
    // Null is none yet; the query must say so, since null is "not in" an empty list.
    sql: `SELECT name FROM products p
      WHERE stable IS NOT NULL AND stable NOT IN (SELECT name FROM versions v WHERE v.product = p.name)
      OR default_version IS NOT NULL AND default_version NOT IN (SELECT name FROM versions v WHERE v.product = p.name)`,
    what: "has a stable or default version that is not there",
  },
  {
    sql: `SELECT h.key || ' ' || h.value AS name FROM home_sets s, json_each(s.homes) AS h WHERE s.accounts + s.tombstones > 0
      AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.product = h.key AND v.name = h.value AND v.state <> 'retired')`,
    what: "is some account's home, but is not there",
  },
  {
    sql: `SELECT account AS name FROM (SELECT account, product, version FROM pins UNION ALL SELECT account, product, version FROM quarantines) p
      WHERE NOT EXISTS (SELECT 1 FROM versions v WHERE v.product = p.product AND v.name = p.version AND v.state <> 'retired')`,
    what: "is put on a version that is not there",
  },
  {
    sql: `SELECT product || ' ' || source AS name FROM replacements r WHERE active = 1
      AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.product = r.product AND v.name = r.state ->> '$.plan.to' AND v.state <> 'retired')`,
    what: "is being replaced by a version that is not there",
  },
];

function checkWhole(db: Db): void {
  for (const { sql, what } of WHOLES) {
    const row = db.rows(`${sql} LIMIT 1`)[0];
    if (row !== undefined) throw new Incoherent(`${readText(row, "name")} ${what}`);
  }
  const broken = findAuditBreak(db);
  if (broken !== null) throw new Incoherent(broken);
}

/** Everything unpublished is given up; everything is built anew. */
function restartPublishing(db: Db, nowMs: EpochMs): void {
  const seq = readCounter(db, "seq") + 1;
  writeCounter(db, "seq", seq);
  // A root that was on its way may be out already: the next one follows it, not the one that was noted last.
  const pending = loadPendingRoot(db);
  if (pending !== null) writeMeta(db, "held_root", pending.text);
  abandonPending(db);
  writeBatch(db, null);
  // What was built last may never have been out: how rows differ from it says nothing of what edges have.
  writeCounter(db, "rows_rewritten", 1);
  for (const table of [
    "outbox",
    "urgent",
    "idempotency",
    "imports",
    "import_batches",
    "import_lines",
    "shards",
  ]) {
    db.run(`DELETE FROM ${table}`);
  }
  db.run("UPDATE accounts SET seq = ? WHERE seq > ?", seq, seq);
  markAllDirty(db, seq);
  markMany(db, { seq, nowMs }, { hashes: [], changes: readCounter(db, "accounts") });
  writeCounter(db, "held_root_read", 0);
  writeMeta(db, "blocked", null);
  writeMeta(db, "restored", "yes");
}
