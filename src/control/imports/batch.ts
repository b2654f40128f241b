/**
 * Takes one batch of an import: one transaction, bad lines reported, good ones kept. Idempotent: a batch that came before
 * is answered as it was, a line number that was taken is not taken twice, and another file is refused. A sync only stages
 * its lines here; a dry run compares and changes nothing.
 *
 * An account twice in one file: in a sync the first line counts and later ones are rejected, because a file that claims
 * to be everything must not contradict itself. In an import the last line wins, as for two imports after each other;
 * within a batch the line that lost is reported. In what is adopted the first
 * line counts, as in the map that it comes from.
 */
import type { BatchDone, NumberedLine, RejectedLine } from "../../contracts/import-port.ts";
import { MAX_BATCH_LINES } from "../../contracts/limits.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { ControlConfig } from "../config.ts";
import type { Db } from "../db.ts";
import { notFound, refuse } from "../refuse.ts";
import {
  keepAccounts,
  loadBatchAnswer,
  loadImport,
  loadStagedLines,
  saveBatchAnswer,
  saveImport,
  stageLines,
  type ImportRecord,
  type StagedLine,
} from "../store/imports.ts";
import { chainDigest } from "./accepted-digest.ts";
import { carryOut } from "./carry-out.ts";
import { followFile, refuseOtherFile } from "./sent-file.ts";
import { addStarted, countStarted } from "./started.ts";
import { planLines, toStaged, type PlannedLines } from "./plan-lines.ts";

export interface Importing {
  readonly db: Db;
  readonly config: ControlConfig;
  /** Time of the change: never before the last tick. */
  readonly nowMs: EpochMs;
  readonly wallMs: EpochMs;
}

/** Takes up to MAX_BATCH_LINES lines, in rising order of line numbers. */
export function takeBatch(
  work: Importing,
  id: string,
  lines: readonly NumberedLine[],
): Result<BatchDone, Refusal> {
  const { db } = work;
  const record = loadImport(db, id);
  const [first, last] = [lines[0], lines.at(-1)];
  if (record === null) return notFound(`import ${id}`);
  if (first === undefined || last === undefined) return ok(nothingDone());
  if (lines.length > MAX_BATCH_LINES)
    return refuse("too-large", `a batch has ${lines.length} lines, at most ${MAX_BATCH_LINES}`);
  const sent = followFile(record, lines);
  if (sent === null) return refuseOtherFile(id);
  const range = { firstLine: first.line, lastLine: last.line };
  const before = loadBatchAnswer(db, id, range);
  const fresh = lines.filter(({ line }) => line > record.lastLine);
  if (before !== null || fresh.length === 0) {
    saveImport(db, { ...record, ...sent });
    return ok(before ?? nothingDone());
  }
  if (record.state !== "open") return refuse("conflict", `import ${id} is finished: use another id`);
  return ok(
    db.transaction(() => {
      const done = takeLines(work, { ...record, ...sent }, fresh);
      saveBatchAnswer(db, id, { ...range, answer: JSON.stringify(done) });
      return done;
    }),
  );
}

function nothingDone(): BatchDone {
  return { counts: { added: 0, changed: 0, unchanged: 0 }, rejected: [], diff: [] };
}

function takeLines(work: Importing, record: ImportRecord, lines: readonly NumberedLine[]): BatchDone {
  const { db, nowMs, wallMs } = work;
  const staged = lines.map(({ line, account }) => toStaged(line, account));
  const { kept, rejected: twice } = dropDuplicates(db, record, staged);
  const plan = planLines(work, kept, {
    checkOwners: record.mode !== "sync",
    adopting: record.mode === "adopt",
  });
  const carried =
    record.mode !== "sync" && !record.dryRun
      ? carryOut(db, nowMs, plan.changes)
      : countOnly(record, plan.changes);
  const rejected = [...twice, ...plan.rejected, ...carried.rejected].toSorted((a, b) => a.line - b.line);
  if (record.mode === "sync") stage(db, record.id, { kept, plan });
  const bad = new Set(rejected.map(({ line }) => line));
  saveImport(db, {
    ...record,
    lastAt: wallMs,
    lastLine: Math.max(record.lastLine, lines.at(-1)?.line ?? 0),
    lines: record.lines + lines.length,
    rejected: record.rejected + rejected.length,
    added: record.added + carried.added,
    changed: record.changed + carried.changed,
    unchanged: record.unchanged + plan.unchanged.length,
    digest: chainDigest(
      record.digest,
      lines.flatMap(({ line, account }) => (bad.has(line) ? [] : JSON.stringify(account))),
    ),
    homes: addStarted(record.homes, carried.homes),
    seq: Math.max(record.seq, carried.seq),
  });
  return {
    counts: { added: carried.added, changed: carried.changed, unchanged: plan.unchanged.length },
    rejected,
    diff: record.dryRun ? diffOf(plan) : [],
  };
}

function countOnly(record: ImportRecord, changes: PlannedLines["changes"]): ReturnType<typeof carryOut> {
  const added = changes.filter(({ present }) => present === null).length;
  const homes = countStarted(changes);
  return { added, changed: changes.length - added, rejected: [], homes, seq: record.seq };
}

function diffOf({ changes }: PlannedLines): BatchDone["diff"] {
  return changes.map(({ present, planned }) => ({
    account: planned.slug,
    change: present === null ? "added" : "changed",
    fields: planned.fields,
  }));
}

/** Refused and unchanged lines are kept as "on the file", so that their accounts are not taken for missing. */
function stage(
  db: Db,
  id: string,
  { kept, plan }: { readonly kept: readonly StagedLine[]; readonly plan: PlannedLines },
): void {
  const idle = new Set(plan.unchanged.map(({ slug }) => slug));
  for (const { account } of plan.rejected) if (account !== null) idle.add(account);
  stageLines(
    db,
    id,
    kept.filter(({ slug }) => !idle.has(slug)),
  );
  keepAccounts(db, id, [...idle]);
}

function dropDuplicates(
  db: Db,
  record: ImportRecord,
  lines: readonly StagedLine[],
): { readonly kept: readonly StagedLine[]; readonly rejected: readonly RejectedLine[] } {
  const kept = new Map<string, StagedLine>();
  const rejected: RejectedLine[] = [];
  const staged =
    record.mode === "sync"
      ? loadStagedLines(
          db,
          record.id,
          lines.map(({ slug }) => slug),
        )
      : new Map<string, number>();
  for (const line of lines) {
    const other = kept.get(line.slug);
    if (record.mode !== "import" && (other !== undefined || staged.has(line.slug))) {
      const earlier = other?.line ?? staged.get(line.slug) ?? 0;
      const where = earlier === 0 ? "an earlier line" : `line ${earlier}`;
      rejected.push({
        line: line.line,
        account: line.slug,
        reason: `${line.slug} is on ${where} already, which counts`,
      });
      continue;
    }
    if (other !== undefined) {
      rejected.push({
        line: other.line,
        account: other.slug,
        reason: `${other.slug} comes again on line ${line.line}, which wins`,
      });
    }
    kept.set(line.slug, line);
  }
  return { kept: [...kept.values()], rejected };
}
