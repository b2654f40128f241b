/**
 * Runs one import or sync: the file goes out and the events come back on one exchange, both streamed, memory flat.
 * A break in the middle harms nothing: a repeat with the same id goes on where the first one stopped, and a sync removes
 * only at its end. A finished id answers again what it answered, so a new run has a new one: the same file may be meant
 * again after another one. Called by account-import.ts, which shows what comes out.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { ImportEventSchema, type ImportEvent, type ImportSummary } from "../../src/contracts/api/accounts.ts";
import type { ImportMode } from "../../src/contracts/import-port.ts";
import { cliFailure, Failure } from "./failure.ts";
import { parseProblem, type Client } from "./client.ts";
import { csvToLines } from "./csv-accounts.ts";
import { countBytes, openForReading } from "./file-stream.ts";
import { linesOf, parseLine } from "./ndjson.ts";

/** What to import, and how. */
export interface ImportJob {
  readonly file: string;
  /** Where the bytes come from when `file` is standard input; null opens the file. */
  readonly input: Readable | null;
  readonly format: "ndjson" | "csv";
  readonly mode: ImportMode;
  /** Turns the bytes of the file into import lines, when the format is not enough to say how. */
  readonly convert?: (bytes: Readable) => Readable;
  readonly dryRun: boolean;
  readonly expectRemoved: number | undefined;
  readonly id: string;
}

/** Counts so far. `bytes` is how much of the file has gone out. */
export interface ImportCounts {
  bytes: number;
  lines: number;
  added: number;
  changed: number;
  unchanged: number;
  rejected: number;
}

/** Told everything as it happens; slow ones slow the import down, so nothing piles up. */
export interface ImportObserver {
  event(event: ImportEvent, line: string): Promise<void> | void;
  counts(counts: Readonly<ImportCounts>): void;
}

const DIGEST_CHARS = 24;
const RUN_CHARS = 8;

/** A new id: what is done, the beginning of the file's digest (null: not known), and a part of this run alone. */
export function newImportId(
  { mode, dryRun }: Pick<ImportJob, "mode" | "dryRun">,
  digest: string | null,
): string {
  const parts = [
    mode,
    dryRun ? "dry" : "",
    digest?.slice(0, DIGEST_CHARS) ?? "",
    randomUUID().slice(0, RUN_CHARS),
  ];
  return parts.filter((part) => part !== "").join("-");
}

/**
 * Sends the file and follows the events.
 * @returns the summary of the finished import.
 * @throws Failure of the API, of the file, or `interrupted` when the answer ended before the import did.
 */
export async function runImport(
  api: Client,
  job: ImportJob,
  observer: ImportObserver,
): Promise<ImportSummary> {
  const counts: ImportCounts = { bytes: 0, lines: 0, added: 0, changed: 0, unchanged: 0, rejected: 0 };
  const counted = countBytes((bytes) => {
    counts.bytes = bytes;
    observer.counts(counts);
  });
  const source = job.input ?? openForReading(job.file);
  // pipe() does not pass errors on.
  source.on("error", (error) => counted.destroy(error));
  const bytes = source.pipe(counted);
  const body = job.convert?.(bytes) ?? (job.format === "csv" ? csvToLines(bytes) : bytes);
  // Kept apart: what breaks the file also breaks the connection, and the file is the reason to show.
  const broken: { reason: Error | null } = { reason: null };
  body.on("error", (error) => (broken.reason ??= error));
  try {
    const { dryRun, mode, expectRemoved, id } = job;
    const answer = await api.stream({
      method: "POST",
      path: "/accounts/import",
      query: { mode, dryRun: String(dryRun), expectRemoved, id },
      headers: { "content-type": "application/x-ndjson" },
      body,
    });
    return await follow(answer, { counts, observer, id });
  } catch (error) {
    throw broken.reason ?? explainBreak(error, job.id);
  } finally {
    source.destroy();
  }
}

interface Following {
  readonly counts: ImportCounts;
  readonly observer: ImportObserver;
  readonly id: string;
}

async function follow(answer: IncomingMessage, { counts, observer, id }: Following): Promise<ImportSummary> {
  for await (const line of linesOf(answer)) {
    const event = toEvent(line);
    if (event === null) continue;
    count(counts, event);
    await observer.event(event, line);
    observer.counts(counts);
    if (event.event === "done") return event.summary;
    if (event.event === "failed") throw failedImport(event.problem);
  }
  throw interrupted(id);
}

/** An event this release knows; null for one that a newer router sends. */
function toEvent(line: string): ImportEvent | null {
  const parsed = ImportEventSchema.safeParse(parseLine(line));
  return parsed.success ? parsed.data : null;
}

function count(counts: ImportCounts, event: ImportEvent): void {
  if (event.event === "rejected") counts.rejected++;
  if (event.event !== "progress") return;
  const { lines, added, changed, unchanged } = event;
  Object.assign(counts, { lines, added, changed, unchanged });
}

function failedImport(problem: Readonly<Record<string, unknown>>): Failure {
  const known = parseProblem(JSON.stringify(problem));
  if (known !== null) return new Failure(known);
  return cliFailure("unexpected-answer", { title: "The import failed", detail: String(problem["detail"]) });
}

function resume(id: string): string {
  return `Run the same command again with --id ${id}: what was taken is not taken twice.`;
}

function interrupted(id: string): Failure {
  return cliFailure("interrupted", {
    title: "The import did not finish",
    detail: "The answer ended before the import did. Nothing was removed.",
    next: resume(id),
  });
}

/** A connection that broke says nothing about imports; add that a repeat is safe. */
function explainBreak(error: unknown, id: string): unknown {
  if (!(error instanceof Failure) || error.problem.type !== "urn:firebreak:cli:interrupted") return error;
  const detail = `${error.problem.detail} Nothing was removed.`;
  return new Failure(
    { ...error.problem, title: "The import did not finish", detail },
    { next: resume(id), cause: error },
  );
}
