/** Imports as they are stored: one row an import, one a batch with the answer it was given, one a staged line of a sync. */
import type { AccountInput } from "../../contracts/api/accounts.ts";
import type { Actor } from "../../contracts/control.ts";
import type { BatchDone, ImportBegin } from "../../contracts/import-port.ts";
import { ROLES } from "../../contracts/env.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { rowsEach, runEach, type Db, type SqlRow } from "../db.ts";
import { parseList, parseObject, readInt, readIntOrNull, readText, readTextOrNull } from "../row.ts";

/** `open` takes lines, `applying` is a sync that was accepted and is being carried out, `done` has its result. */
export type ImportState = "open" | "applying" | "done";

/** Accounts by product and version. */
export type Started = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface ImportRecord extends ImportBegin {
  readonly actor: Actor;
  readonly state: ImportState;
  readonly startedAt: EpochMs;
  /** The last change there was when it began. */
  readonly begunSeq: number;
  readonly lastAt: EpochMs;
  /** Highest line number taken. */
  readonly lastLine: number;
  readonly lines: number;
  readonly rejected: number;
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly removed: number;
  /** SHA-256 chained over the accepted lines. */
  readonly digest: string;
  /** Chained over all lines that were taken, with their numbers (`imports/sent-file.ts`); empty when not known. */
  readonly fileDigest: string;
  /** Highest line number that came since it was last begun, and the same up to there. */
  readonly sentLine: number;
  readonly sentDigest: string;
  /** Accounts that got a product by it, by product and version. */
  readonly homes: Started;
  /** Last change it made. */
  readonly seq: number;
  /** JSON of what `importEnd` answered. */
  readonly result: string | null;
}

const COLUMNS =
  "id, mode, dry_run, expect_removed, actor, state, started_at, last_at, last_line, lines, rejected, added, changed, unchanged, removed, digest, seq, result, homes, begun_seq, file_digest, sent_line, sent_digest";

export function loadImport(db: Db, id: string): ImportRecord | null {
  const row = db.rows(`SELECT ${COLUMNS} FROM imports WHERE id = ?`, id)[0];
  return row === undefined ? null : toRecord(row);
}

export function saveImport(db: Db, record: ImportRecord): void {
  db.run(
    `INSERT OR REPLACE INTO imports (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    record.id,
    record.mode,
    record.dryRun ? 1 : 0,
    record.expectRemoved,
    JSON.stringify(record.actor),
    record.state,
    record.startedAt,
    record.lastAt,
    record.lastLine,
    record.lines,
    record.rejected,
    record.added,
    record.changed,
    record.unchanged,
    record.removed,
    record.digest,
    record.seq,
    record.result,
    JSON.stringify(record.homes),
    record.begunSeq,
    record.fileDigest,
    record.sentLine,
    record.sentDigest,
  );
}

function toRecord(row: SqlRow): ImportRecord {
  const state = readText(row, "state");
  const mode = readText(row, "mode");
  return {
    id: readText(row, "id"),
    mode: mode === "sync" || mode === "adopt" ? mode : "import",
    dryRun: readInt(row, "dry_run") === 1,
    expectRemoved: readIntOrNull(row, "expect_removed"),
    actor: parseActor(readText(row, "actor")),
    state: state === "done" || state === "applying" ? state : "open",
    startedAt: readInt(row, "started_at"),
    lastAt: readInt(row, "last_at"),
    lastLine: readInt(row, "last_line"),
    lines: readInt(row, "lines"),
    rejected: readInt(row, "rejected"),
    added: readInt(row, "added"),
    changed: readInt(row, "changed"),
    unchanged: readInt(row, "unchanged"),
    removed: readInt(row, "removed"),
    digest: readText(row, "digest"),
    seq: readInt(row, "seq"),
    result: readTextOrNull(row, "result"),
    // Written by `saveImport`, and by nothing else.
    homes: JSON.parse(readText(row, "homes")) as Started,
    begunSeq: readInt(row, "begun_seq"),
    fileDigest: readText(row, "file_digest"),
    sentLine: readInt(row, "sent_line"),
    sentDigest: readText(row, "sent_digest"),
  };
}

/** Reads an actor that was stored as JSON. */
export function parseActor(text: string): Actor {
  const value = parseObject(text);
  const role = ROLES.find((known) => known === value["role"]);
  if (role === undefined) throw new TypeError("a stored actor has an unknown role");
  const { products } = value;
  return {
    name: readText(value, "name"),
    role,
    products: products === null ? null : parseList(JSON.stringify(products)),
  };
}

export interface BatchAnswer {
  readonly firstLine: number;
  readonly lastLine: number;
  /** JSON of a BatchDone. */
  readonly answer: string;
}

/** What the very same batch was answered before, or null. */
export function loadBatchAnswer(
  db: Db,
  id: string,
  { firstLine, lastLine }: Pick<BatchAnswer, "firstLine" | "lastLine">,
): BatchDone | null {
  const row = db.rows(
    "SELECT answer FROM import_batches WHERE import = ? AND first_line = ? AND last_line = ?",
    id,
    firstLine,
    lastLine,
  )[0];
  // Written by `saveBatchAnswer` from a BatchDone, and read by nothing else.
  return row === undefined ? null : (JSON.parse(readText(row, "answer")) as BatchDone);
}

export function saveBatchAnswer(db: Db, id: string, batch: BatchAnswer): void {
  db.run(
    "INSERT OR REPLACE INTO import_batches (import, first_line, last_line, answer) VALUES (?, ?, ?, ?)",
    id,
    batch.firstLine,
    batch.lastLine,
    batch.answer,
  );
}

/**
 * Notes that an account is on a line of the file although nothing is to be done for it (any more): it is not removed.
 * Also what becomes of a staged line once it was carried out.
 */
export function keepAccounts(db: Db, id: string, slugs: readonly string[]): void {
  runEach(
    db,
    {
      sql: "INSERT INTO import_lines (import, slug, line, input) SELECT ?2, value, 0, '' FROM json_each(?1) WHERE true ON CONFLICT DO UPDATE SET input = ''",
      params: [id],
    },
    slugs,
  );
}

/** Those of the slugs that a sync has staged already, with their lines. */
export function loadStagedLines(db: Db, id: string, slugs: readonly string[]): ReadonlyMap<string, number> {
  const sql =
    "SELECT slug, line FROM import_lines WHERE import = ?2 AND slug IN (SELECT value FROM json_each(?1))";
  return new Map(
    rowsEach(db, { sql, params: [id] }, slugs).map((row) => [readText(row, "slug"), readInt(row, "line")]),
  );
}

/** Living accounts that are on no line of a sync and not newer than it, in order, at most `limit`. */
export function loadMissing(db: Db, id: string, limit: number): readonly string[] {
  return db
    .rows(`SELECT slug FROM accounts WHERE ${MISSING} ORDER BY slug LIMIT ?2`, id, limit)
    .map((row) => readText(row, "slug"));
}

export function countMissing(db: Db, id: string): number {
  return readInt(db.rows(`SELECT count(*) AS n FROM accounts WHERE ${MISSING}`, id)[0] ?? {}, "n");
}

/** Living accounts whose staged line names products and lacks one that they have. */
export function countLosing(db: Db, id: string): number {
  const sql = `SELECT count(*) AS n FROM import_lines l JOIN accounts a ON a.slug = l.slug AND a.deleted_at IS NULL
    JOIN home_sets s ON s.id = a.homes_id
    WHERE l.import = ?1 AND l.input <> '' AND l.input -> 'products' IS NOT NULL AND EXISTS (
      SELECT 1 FROM json_each(s.homes) AS h WHERE h.key NOT IN (SELECT value FROM json_each(l.input, '$.products')))`;
  return readInt(db.rows(sql, id)[0] ?? {}, "n");
}

/**
 * An account that was made or taken back since a sync began is newer than its file, so that what is missing never grows
 * while the sync is carried out. What did not change since is older; only for the others does the time decide.
 */
const MISSING = `deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM import_lines l WHERE l.import = ?1 AND l.slug = accounts.slug)
  AND NOT EXISTS (SELECT 1 FROM imports i WHERE i.id = ?1 AND accounts.seq > i.begun_seq AND (
    accounts.created_at >= i.started_at OR EXISTS (SELECT 1 FROM audit
      WHERE target = 'account/' || accounts.slug AND action = 'account.undelete' AND at >= i.started_at)))`;

export interface StagedLine {
  readonly line: number;
  readonly slug: string;
  readonly input: AccountInput;
}

export function stageLines(db: Db, id: string, lines: readonly StagedLine[]): void {
  runEach(
    db,
    {
      sql: "INSERT INTO import_lines (import, slug, line, input) SELECT ?2, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)",
      params: [id],
    },
    lines.map(({ slug, line, input }) => [slug, line, JSON.stringify(input)]),
  );
}

/** Staged lines that are to be carried out, in order of slug, from after a slug on. */
export function loadStaged(
  db: Db,
  id: string,
  page: { readonly after: string; readonly limit: number },
): readonly StagedLine[] {
  return db
    .rows(
      "SELECT slug, line, input FROM import_lines WHERE import = ? AND slug > ? AND input <> '' ORDER BY slug LIMIT ?",
      id,
      page.after,
      page.limit,
    )
    .map((row) => ({
      slug: readText(row, "slug"),
      line: readInt(row, "line"),
      // Staged by `stageLines` after it was parsed and validated where it came in.
      input: JSON.parse(readText(row, "input")) as AccountInput,
    }));
}

/** Forgets lines and batches of an import; the row with its result stays. */
export function dropImportWork(db: Db, id: string): void {
  db.run("DELETE FROM import_lines WHERE import = ?", id);
}
