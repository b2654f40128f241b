/**
 * Restore: an export, line by line into staging, then verified whole and swapped in by one transaction. Until then the
 * present state is untouched, and a broken file leaves it so. One restore at a time.
 */
import type { Actor } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { refuseRole } from "../access.ts";
import { runEach, type Db } from "../db.ts";
import { refuse } from "../refuse.ts";
import { isRecord, parseObject, readInt, readText } from "../row.ts";
import { parseActor } from "../store/imports.ts";
import { readMeta, writeMeta } from "../store/meta.ts";
import { chainLine, EXPORT_START } from "./export.ts";
import { EXPORT_SCHEMA, EXPORT_TABLES, readExportRow } from "./tables.ts";

/** A restore that got no line for this long may be replaced by another. */
const ABANDONED_MS = 60_000;
export const RESTORE_KIND = "restore";

/** A restore under way. */
export interface RestoreState {
  readonly actor: Actor;
  readonly reason: string;
  readonly lastAt: EpochMs;
  readonly digest: string;
  readonly lines: number;
  /** Counts of the header; null before it came. */
  readonly expected: Readonly<Record<string, number>> | null;
  readonly seen: Readonly<Record<string, number>>;
  /** The last line came and its digest is right. */
  readonly complete: boolean;
}

/** Begins a restore: empties the staging. */
export function beginRestore(
  db: Db,
  { actor, reason, nowMs }: { readonly actor: Actor; readonly reason: string; readonly nowMs: EpochMs },
): Result<null, Refusal> {
  const denied = refuseRole(actor, "restore");
  if (denied !== null) return denied;
  const before = readRestore(db);
  if (before !== null && Math.abs(nowMs - before.lastAt) < ABANDONED_MS && !before.complete) {
    return refuse("conflict", `${before.actor.name} is restoring right now: wait a minute after it stopped`);
  }
  db.transaction(() => {
    dropRestore(db);
    const state = {
      actor,
      reason,
      lastAt: nowMs,
      digest: EXPORT_START,
      lines: 0,
      expected: null,
      seen: {},
      complete: false,
    };
    writeMeta(db, "restore", JSON.stringify(state));
  });
  return ok(null);
}

/** Forgets the restore under way and what it staged. */
export function dropRestore(db: Db): void {
  db.run("DELETE FROM transfer_rows WHERE kind = ?", RESTORE_KIND);
  writeMeta(db, "restore", null);
}

export function readRestore(db: Db): RestoreState | null {
  const text = readMeta(db, "restore");
  if (text === null) return null;
  const value = parseObject(text);
  return {
    actor: parseActor(JSON.stringify(value["actor"])),
    reason: readText(value, "reason"),
    lastAt: readInt(value, "lastAt"),
    digest: readText(value, "digest"),
    lines: readInt(value, "lines"),
    expected: value["expected"] === null ? null : readCounts(value["expected"]),
    seen: readCounts(value["seen"]),
    complete: value["complete"] === true,
  };
}

function readCounts(value: unknown): Readonly<Record<string, number>> {
  if (!isRecord(value)) throw new TypeError("counts should be an object");
  return Object.fromEntries(Object.keys(value).map((name) => [name, readInt(value, name)]));
}

interface Draft {
  state: RestoreState;
  readonly staged: { position: number; name: string; row: string }[];
}

/** Takes some lines, in order. The first that is wrong ends the restore. */
export function restoreLines(db: Db, lines: readonly string[], nowMs: EpochMs): Result<null, Refusal> {
  const state = readRestore(db);
  if (state === null) return refuse("conflict", "no restore is under way: begin one");
  const draft: Draft = { state: { ...state, lastAt: nowMs }, staged: [] };
  for (const line of lines) {
    if (line.trim() === "") continue;
    const wrong = takeLine(draft, line);
    if (wrong === null) continue;
    dropRestore(db);
    return refuse("invalid", `line ${draft.state.lines + 1}: ${wrong}; nothing was changed`);
  }
  db.transaction(() => {
    runEach(
      db,
      {
        sql: `INSERT INTO transfer_rows (kind, position, name, row)
          SELECT ?2, value ->> 'position', value ->> 'name', value ->> 'row' FROM json_each(?1)`,
        params: [RESTORE_KIND],
      },
      draft.staged,
    );
    writeMeta(db, "restore", JSON.stringify(draft.state));
  });
  return ok(null);
}

/** @returns null when the line is as it should be, else what is wrong with it. */
function takeLine(draft: Draft, line: string): string | null {
  const { state } = draft;
  if (state.complete) return "there is something after the last line";
  const value = parseLine(line);
  if (value === null) return "is no JSON object";
  if (value["end"] === true) return takeTrailer(draft, value);
  const wrong = state.expected === null ? takeHeader(draft, value) : takeRow(draft, value);
  if (wrong !== null) return wrong;
  draft.state = { ...draft.state, digest: chainLine(state.digest, line), lines: state.lines + 1 };
  return null;
}

function parseLine(line: string): Readonly<Record<string, unknown>> | null {
  try {
    return parseObject(line);
  } catch {
    return null;
  }
}

function takeHeader(draft: Draft, value: Readonly<Record<string, unknown>>): string | null {
  if (value["firebreak"] !== "export") return "the first line of an export should say what it is";
  if (value["schema"] !== EXPORT_SCHEMA)
    return `the export has format ${String(value["schema"])}, this release reads ${EXPORT_SCHEMA}`;
  if (!isRecord(value["counts"])) return "the first line should count the rows of each table";
  draft.state = { ...draft.state, expected: readCounts(value["counts"]) };
  return null;
}

function takeRow(draft: Draft, value: Readonly<Record<string, unknown>>): string | null {
  const table = EXPORT_TABLES.find(({ name }) => name === value["table"]);
  if (table === undefined) return `there is no table ${JSON.stringify(value["table"])}`;
  if (!isRecord(value["row"])) return "has no row";
  const row = readExportRow(table, value["row"]);
  if (typeof row === "string") return row;
  const { seen, lines } = draft.state;
  draft.staged.push({ position: lines, name: table.name, row: JSON.stringify(row) });
  draft.state = { ...draft.state, seen: { ...seen, [table.name]: (seen[table.name] ?? 0) + 1 } };
  return null;
}

function takeTrailer(draft: Draft, value: Readonly<Record<string, unknown>>): string | null {
  const { digest, expected, seen } = draft.state;
  if (value["digest"] !== digest) return "the digest does not match: the file was cut or edited";
  for (const { name } of EXPORT_TABLES) {
    if ((expected?.[name] ?? 0) !== (seen[name] ?? 0)) {
      return `${seen[name] ?? 0} rows of ${name} came, the first line says ${expected?.[name] ?? 0}`;
    }
  }
  draft.state = { ...draft.state, complete: true };
  return null;
}
