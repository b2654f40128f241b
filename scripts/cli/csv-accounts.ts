/**
 * Turns a CSV file of accounts into the lines an import takes, as a stream. Columns: account, timeZone, cohort (needed),
 * cell, labels (`key=value;…`), domains (`host=product;…`), products (`a;b`), homes (`product=version;…`, where a new
 * account starts). A column that is not there leaves its field alone; an empty cell means none, except `products` and
 * `homes`, where it leaves the field alone: no products would be no account.
 * A file that accounts are adopted by has `version` or `backend` besides, of one product; zone and cohort may be missing.
 * Nothing is dropped: a row that cannot be read goes out in a form that the API rejects with its number, so that a sync
 * never takes an unreadable row for a missing account. Only a file that is no CSV ends the stream.
 * Every row goes out on the line number it has in the file (blank lines fill up), so rejects name lines of the file.
 */
import { parse, type Info } from "csv-parse";
import { Transform, type Readable, type TransformCallback } from "node:stream";
import { MAX_LINE_BYTES } from "../../src/contracts/limits.ts";
import { cliFailure, type Failure } from "./failure.ts";

const COLUMNS = ["account", "timeZone", "cohort", "cell", "labels", "domains", "products", "homes"] as const;
type Column = (typeof COLUMNS)[number];
const NEEDED: readonly Column[] = ["account", "timeZone", "cohort"];

/** One row as the parser gives it, with where it ends in the file. */
interface ParsedRow {
  readonly record: readonly string[];
  readonly info: Pick<Info, "lines">;
}

/** How rows become accounts of another kind of file: which columns it has, and what a row says. */
export interface RowRules {
  /** Columns beside those of every file. */
  readonly columns: readonly string[];
  readonly needed: readonly string[];
  /** The import line of a row whose cells were read, the extra ones as they stand in `extra`. */
  finish(account: Record<string, unknown>, row: { readonly extra: Extra; readonly line: number }): unknown;
}

type Extra = Readonly<Record<string, string>>;

const PLAIN: RowRules = { columns: [], needed: NEEDED, finish: (account) => account };

/** Pipes CSV bytes into import lines. Errors of the file arrive as Failures on the returned stream. */
export function csvToLines(source: Readable, rules: RowRules = PLAIN): Readable {
  const parser = parse({
    bom: true,
    info: true,
    skip_empty_lines: true,
    relax_column_count: true,
    // An unclosed quote must not pull the rest of the file into memory.
    max_record_size: MAX_LINE_BYTES,
  });
  const rows = createRowTransform(rules);
  const lines = unixLineEnds();
  source.on("error", (error) => rows.destroy(error));
  parser.on("error", (error) => rows.destroy(syntaxFailure(error)));
  return source.pipe(lines).pipe(parser).pipe(rows);
}

const RETURN = 0x0d;
const NEWLINE = 0x0a;

/** Drops the carriage return of every CRLF: the parser would count it as a line of its own inside a quoted cell. */
function unixLineEnds(): Transform {
  let held = false;
  return new Transform({
    transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback) {
      const kept = Buffer.allocUnsafe(chunk.byteLength + 1);
      let length = 0;
      for (const byte of chunk) {
        if (held && byte !== NEWLINE) kept[length++] = RETURN;
        held = byte === RETURN;
        if (!held) kept[length++] = byte;
      }
      done(null, kept.subarray(0, length));
    },
  });
}

function syntaxFailure(error: Error): Failure {
  return cliFailure(
    "file",
    {
      title: "The file is no CSV",
      detail: `${error.message}.`,
      next: "Rows before that line may have been taken; nothing was removed. Correct the file and run the command again.",
    },
    error,
  );
}

function createRowTransform(rules: RowRules): Transform {
  let columns: readonly string[] | null = null;
  let endOfLast = 0;
  return new Transform({
    writableObjectMode: true,
    transform(row: ParsedRow, _: BufferEncoding, done: TransformCallback) {
      const { record, info } = row;
      // Blank lines are skipped by the parser and counted by the API, so they go out again; a row over several lines too.
      const filler = "\n".repeat(Math.max(0, info.lines - 1 - endOfLast));
      endOfLast = info.lines;
      if (columns !== null) {
        const { account, extra } = readRow(columns, record);
        const said = "unreadable" in account ? account : rules.finish(account, { extra, line: info.lines });
        done(null, `${filler}${JSON.stringify(said)}\n`);
        return;
      }
      const header = parseHeader(record, rules);
      if (header.ok) columns = header.columns;
      done(header.ok ? null : header.failure, `${filler}\n`);
    },
    flush(done) {
      done(columns === null ? headerFailure("The file is empty.", rules) : null);
    },
  });
}

type Header =
  | { readonly ok: true; readonly columns: readonly string[] }
  | { readonly ok: false; readonly failure: Failure };

function headerFailure(detail: string, { columns, needed }: Pick<RowRules, "columns" | "needed">): Failure {
  const next = `The first line names the columns: ${[...COLUMNS, ...columns].join(",")} (${needed.join(", ")} needed). Nothing was changed.`;
  return cliFailure("file", { title: "The header of the CSV file does not fit", detail, next });
}

/** The columns of a header line, in its order. */
export function parseHeader(record: readonly string[], rules: RowRules = PLAIN): Header {
  const names = record.map((name) => name.trim());
  const refused = (detail: string): Header => ({ ok: false, failure: headerFailure(detail, rules) });
  const unknown = names.filter((name) => !isColumn(name) && !rules.columns.includes(name));
  if (unknown.length > 0) return refused(`Not known: ${unknown.map((name) => `"${name}"`).join(", ")}.`);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length > 0) return refused(`There twice: ${twice.join(", ")}.`);
  const missing = rules.needed.filter((name) => !names.includes(name));
  if (missing.length > 0) return refused(`Missing: ${missing.join(", ")}.`);
  return { ok: true, columns: names };
}

function isColumn(name: string): name is Column {
  return COLUMNS.some((column) => column === name);
}

/** One row as an import line. A row that cannot be read says so, and the API refuses it with these words. */
export function rowToAccount(columns: readonly Column[], record: readonly string[]): Record<string, unknown> {
  return readRow(columns, record).account;
}

function readRow(
  columns: readonly string[],
  record: readonly string[],
): { readonly account: Record<string, unknown>; readonly extra: Extra } {
  const unreadable = (fault: string): Record<string, unknown> => ({
    account: (record[columns.indexOf("account")] ?? "").trim().slice(0, MAX_NAME_CHARS),
    unreadable: fault,
  });
  if (record.length !== columns.length) {
    return {
      account: unreadable(`the row has ${record.length} cells, the header ${columns.length}`),
      extra: {},
    };
  }
  const account: Record<string, unknown> = {};
  const extra: Record<string, string> = {};
  for (const [index, column] of columns.entries()) {
    const cell = (record[index] ?? "").trim();
    const form = isColumn(column) ? PAIRS[column] : undefined;
    if (form !== undefined && !isPairs(cell))
      return { account: unreadable(`${column}: write ${form}`), extra };
    const value = isColumn(column) ? cellValue(column, cell) : undefined;
    if (value !== undefined) account[column] = value;
    if (!isColumn(column)) extra[column] = cell;
  }
  return { account, extra };
}

function cellValue(column: Column, cell: string): unknown {
  switch (column) {
    case "account":
    case "timeZone":
    case "cohort":
      return cell;
    case "cell":
      return cell === "" ? null : cell;
    case "homes":
      return cell === "" ? undefined : pairsOf(cell, (pairs) => Object.fromEntries(pairs));
    case "labels":
      return pairsOf(cell, (pairs) => Object.fromEntries(pairs));
    case "domains":
      return pairsOf(cell, (pairs) => pairs.map(([host, product]) => ({ host, product })));
    case "products":
      return cell === "" ? undefined : listOf(cell);
  }
}

function listOf(cell: string): string[] {
  return cell
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** Columns whose cells are pairs, and how one is written. */
const PAIRS: Readonly<Partial<Record<Column, string>>> = {
  labels: "key=value, several apart by ;",
  domains: "host=product, several apart by ;",
  homes: "product=version, several apart by ;",
};

/** The longest name that the API lists a refused line under. */
const MAX_NAME_CHARS = 253;

function isPairs(cell: string): boolean {
  return listOf(cell).every((part) => part.indexOf("=") >= 1);
}

type Pairs = readonly (readonly [string, string])[];

/** `a=b;c=d` through `build`. */
function pairsOf(cell: string, build: (pairs: Pairs) => unknown): unknown {
  return build(
    listOf(cell).map((part) => {
      const at = part.indexOf("=");
      return [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    }),
  );
}
