/**
 * Finishes an import or sync: what a sync lacks, accounts and products of accounts, is removed, or refused when it is more
 * than expected, before anything is changed; who came after it began is not lacking. Then one audit entry for the whole,
 * with counts and digest. Calling it again gives the same answer.
 */
import type { ImportEnded } from "../../contracts/import-port.ts";
import { allowedLoss } from "../../contracts/limits.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { toInstantOrNull, type ControlClock } from "../clock.ts";
import { createVisibility } from "../publisher/visible-by.ts";
import { notFound, refuse } from "../refuse.ts";
import { appendAudit } from "../store/audit.ts";
import {
  countLosing,
  countMissing,
  dropImportWork,
  loadImport,
  loadMissing,
  saveImport,
  type ImportRecord,
} from "../store/imports.ts";
import { readCounter } from "../store/meta.ts";
import type { Importing } from "./batch.ts";
import { isWholeFile, refuseOtherFile } from "./sent-file.ts";
import { applySync } from "./sync.ts";

/** Removals that the answer spells out. */
const MAX_REMOVED_SHOWN = 1000;

export interface Ending {
  readonly id: string;
  /** Lines that never reached us because they could not be read. */
  readonly unreadable: number;
}

/** Ends an import. */
export async function endImport(
  work: Importing,
  ending: Ending,
  clock: ControlClock,
): Promise<Result<ImportEnded, Refusal>> {
  const record = loadImport(work.db, ending.id);
  if (record === null) return notFound(`import ${ending.id}`);
  if (!isWholeFile(record)) return refuseOtherFile(ending.id);
  // Written by `finish` from an ImportEnded, and by nothing else.
  if (record.result !== null) return ok(JSON.parse(record.result) as ImportEnded);
  if (record.mode !== "sync") return ok(finish(work, record, { ending, removed: [] }));
  return endSync(work, { record, ending }, clock);
}

async function endSync(
  work: Importing,
  { record, ending }: { readonly record: ImportRecord; readonly ending: Ending },
  clock: ControlClock,
): Promise<Result<ImportEnded, Refusal>> {
  const { db } = work;
  if (record.state === "open") {
    const missing = countMissing(db, record.id);
    const removed = loadMissing(db, record.id, MAX_REMOVED_SHOWN);
    const refused = checkLoss(work, { record, ending, missing, losing: countLosing(db, record.id) });
    if (refused !== null) return refused;
    if (record.dryRun) return ok(finish(work, { ...record, removed: missing }, { ending, removed }));
    // What the batches counted was a look ahead; the lines count again as they are carried out.
    saveImport(db, {
      ...record,
      state: "applying",
      added: 0,
      changed: 0,
      removed: 0,
      homes: {},
      result: null,
    });
  }
  await applySync(work, record.id, clock);
  const applied = loadImport(db, record.id);
  if (applied === null) throw new Error(`import ${record.id} is gone while it is finished`);
  if (applied.result !== null) return ok(JSON.parse(applied.result) as ImportEnded);
  return ok(finish(work, applied, { ending, removed: loadRemoved(work, applied) }));
}

interface Loss {
  readonly record: ImportRecord;
  readonly ending: Ending;
  readonly missing: number;
  /** Accounts on the file that lose a product: for that they are unknown, and answered by the default. */
  readonly losing: number;
}

/** For whoever reads it: the address takes `expectRemoved`, the command line `--expect-removed`. */
function againWith(missing: number): string {
  return `send it again with ?expectRemoved=${missing} (on the command line: --expect-removed ${missing})`;
}

function lackOf({ missing, losing, held }: Record<"missing" | "losing" | "held", number>): string {
  const accounts = `the file lacks ${missing} of ${held} accounts`;
  const products = `a product that ${losing} of ${held} accounts have, which would be unknown there and get the default`;
  if (losing === 0) return accounts;
  return missing === 0 ? `the file lacks ${products}` : `${accounts}, and ${products}`;
}

function checkLoss(
  { db }: Importing,
  { record, ending, missing, losing }: Loss,
): Result<never, Refusal> | null {
  const held = readCounter(db, "accounts");
  const allowed = record.expectRemoved ?? allowedLoss(held);
  const counts = { missing, losing_product: losing, held, allowed, unreadable_lines: ending.unreadable };
  if (missing + losing > allowed) {
    const how =
      record.expectRemoved === null
        ? `at most ${allowed} are removed without saying so`
        : `${allowed} were expected`;
    return refuse(
      "removes-too-many",
      `${lackOf({ missing, losing, held })}; ${how}. Check the file; if it is right, ${againWith(missing + losing)}`,
      counts,
    );
  }
  if (missing > 0 && ending.unreadable > 0 && record.expectRemoved === null) {
    return refuse(
      "removes-too-many",
      `the file lacks ${missing} accounts, but ${ending.unreadable} of its lines could not be read, so some of these may be on them. Correct the lines and use another id, or ${againWith(missing + losing)}`,
      counts,
    );
  }
  return null;
}

function loadRemoved({ db }: Importing, { startedAt }: ImportRecord): readonly string[] {
  // Tombstones made since the sync began, its own among them; shown for orientation, counted exactly in the summary.
  return db
    .rows(
      "SELECT slug FROM accounts WHERE deleted_at IS NOT NULL AND deleted_at >= ? ORDER BY slug LIMIT ?",
      startedAt,
      MAX_REMOVED_SHOWN,
    )
    .flatMap((row) => (typeof row["slug"] === "string" ? [row["slug"]] : []));
}

function finish(
  work: Importing,
  record: ImportRecord,
  { ending, removed }: { readonly ending: Ending; readonly removed: readonly string[] },
): ImportEnded {
  const { db, config, wallMs } = work;
  const { id, mode, dryRun, added, changed, unchanged, digest } = record;
  const counts = {
    lines: record.lines + ending.unreadable,
    rejected: record.rejected + ending.unreadable,
    added,
    changed,
    unchanged,
    removed: record.removed,
    homes: record.homes,
  };
  return db.transaction(() => {
    const { seq } = record;
    const visibleBy = dryRun || seq === 0 ? null : createVisibility({ db, config, wallMs }).ofChange(seq);
    const ended: ImportEnded = {
      summary: { id, mode, dryRun, ...counts, digest, visibleBy: toInstantOrNull(visibleBy) },
      removed,
    };
    saveImport(db, { ...record, state: "done", lastAt: wallMs, result: JSON.stringify(ended) });
    dropImportWork(db, id);
    if (!dryRun) tell(work, record, { ...counts, digest });
    return ended;
  });
}

function tell(
  { db, nowMs }: Importing,
  record: ImportRecord,
  detail: Readonly<Record<string, unknown>>,
): void {
  appendAudit(db, {
    at: nowMs,
    actor: record.actor.name,
    role: record.actor.role,
    action: `accounts.${record.mode}`,
    target: `import/${record.id}`,
    reason: null,
    detail,
  });
}
