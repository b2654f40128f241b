/**
 * Carries out a sync whose lines are all staged: first the removals, then domains that change hands, then the lines, a
 * chunk at a time, each chunk a transaction that also notes what it did. A crash in between goes on where it was, when
 * the end is called again. Other commands may come in between chunks; every line is planned against what is then there.
 */
import { MAX_BATCH_LINES } from "../../contracts/limits.ts";
import { buryAccounts } from "../accounts/remove.ts";
import type { ControlClock } from "../clock.ts";
import { readInt, readText } from "../row.ts";
import { deleteDomains } from "../store/accounts.ts";
import { markDirty, nextSeq } from "../store/changes.ts";
import {
  keepAccounts,
  loadImport,
  loadMissing,
  loadStaged,
  saveImport,
  type ImportRecord,
} from "../store/imports.ts";
import { addCounter } from "../store/meta.ts";
import type { Importing } from "./batch.ts";
import { carryOut } from "./carry-out.ts";
import { planLines } from "./plan-lines.ts";
import { addStarted } from "./started.ts";

/** Applies everything staged. The import is in state `applying`. */
export async function applySync(work: Importing, id: string, clock: ControlClock): Promise<void> {
  while (removeSome(work, id)) await clock.sleep(0);
  work.db.transaction(() => releaseDomains(work, id));
  while (applySome(work, id)) await clock.sleep(0);
}

function update(work: Importing, id: string, change: (record: ImportRecord) => Partial<ImportRecord>): void {
  const record = loadImport(work.db, id);
  if (record === null) throw new Error(`import ${id} is gone while it is carried out`);
  saveImport(work.db, { ...record, lastAt: work.wallMs, ...change(record) });
}

/** @returns false when nothing is left to remove. */
function removeSome(work: Importing, id: string): boolean {
  const { db, nowMs } = work;
  return db.transaction(() => {
    const missing = loadMissing(db, id, MAX_BATCH_LINES);
    if (missing.length === 0) return false;
    const seq = nextSeq(db);
    buryAccounts(db, { seq, nowMs }, missing);
    update(work, id, (record) => ({ removed: record.removed + missing.length, seq }));
    return true;
  });
}

/** @returns false when no line is left. */
function applySome(work: Importing, id: string): boolean {
  const { db, nowMs } = work;
  return db.transaction(() => {
    const lines = loadStaged(db, id, { after: "", limit: MAX_BATCH_LINES });
    if (lines.length === 0) return false;
    const plan = planLines(work, lines, { checkOwners: true, adopting: false });
    const carried = carryOut(db, nowMs, plan.changes);
    keepAccounts(
      db,
      id,
      lines.map(({ slug }) => slug),
    );
    update(work, id, (record) => ({
      added: record.added + carried.added,
      changed: record.changed + carried.changed,
      unchanged: record.unchanged + plan.unchanged.length,
      rejected: record.rejected + plan.rejected.length + carried.rejected.length,
      homes: addStarted(record.homes, carried.homes),
      seq: carried.seq,
    }));
    return true;
  });
}

const GIVEN_UP = `SELECT d.host, d.key_hash FROM custom_domains d JOIN import_lines l ON l.import = ?1 AND l.slug = d.account
  WHERE l.input <> '' AND l.input -> 'domains' IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM json_each(l.input, '$.domains') AS kept WHERE kept.value ->> 'host' = d.host)`;
const WANTED = `SELECT DISTINCT wanted.value ->> 'host' AS host FROM import_lines l, json_each(l.input, '$.domains') AS wanted
  WHERE l.import = ?1 AND l.input <> '' AND wanted.value ->> 'host' IN (SELECT value FROM json_each(?2))`;

/** Hosts that one line gives up and another wants are freed first, so that the order of lines does not matter. */
function releaseDomains({ db }: Importing, id: string): void {
  const givenUp = new Map(
    db.rows(GIVEN_UP, id).map((row) => [readText(row, "host"), readInt(row, "key_hash")]),
  );
  if (givenUp.size === 0) return;
  const wanted = new Set<string>();
  runChunks([...givenUp.keys()], (hosts) => {
    for (const row of db.rows(WANTED, id, JSON.stringify(hosts))) wanted.add(readText(row, "host"));
  });
  const hosts = [...wanted];
  markDirty(
    db,
    nextSeq(db),
    hosts.map((host) => givenUp.get(host) ?? 0),
  );
  deleteDomains(db, hosts);
  addCounter(db, "domains", -hosts.length);
  addCounter(db, "removed_domains", hosts.length);
}

function runChunks(hosts: readonly string[], body: (chunk: readonly string[]) => void): void {
  for (let at = 0; at < hosts.length; at += MAX_BATCH_LINES) body(hosts.slice(at, at + MAX_BATCH_LINES));
}
