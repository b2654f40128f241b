/**
 * Break-glass documents as ticks saw them: operators write them past the control plane, so looking once a minute is how
 * it learns of them. A new text is one row; the same one again is none. Reads and writes rows; decides nothing.
 */
import type { ServedBreakGlass } from "../../contracts/history-port.ts";
import type { BreakGlass } from "../../contracts/maps.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { chooseBreakGlass, parseBreakGlass } from "../../core/maps/break-glass.ts";
import type { Db, SqlRow } from "../db.ts";
import { parseObject, readInt, readText } from "../row.ts";
import { readCounter, writeCounter } from "../store/meta.ts";

/** The two places that a document may come from, as they were read. */
export interface BreakGlassTexts {
  readonly stored: string;
  readonly variable: string;
}

/** Notes what a tick read. */
export function noteBreakGlass(db: Db, { stored, variable }: BreakGlassTexts, nowMs: EpochMs): void {
  const last = db.rows("SELECT at, documents FROM history_break_glass ORDER BY at DESC LIMIT 1")[0];
  const before = last === undefined ? null : toRecord(last);
  if (before === null || before.stored !== stored || before.variable !== variable) {
    // It was written at some time after the look that did not see it.
    const after = before === null ? nowMs : readCounter(db, "break_glass_looked");
    db.run(
      "INSERT OR REPLACE INTO history_break_glass (at, documents) VALUES (?, ?)",
      Math.max(nowMs, before?.atMs ?? 0),
      canonicalJson({ stored, variable, after: Math.min(after, nowMs) }),
    );
  }
  writeCounter(db, "break_glass_looked", nowMs);
}

interface BreakGlassRecord extends BreakGlassTexts {
  readonly atMs: EpochMs;
  /** It was not there yet. */
  readonly afterMs: EpochMs;
}

function toRecord(row: SqlRow): BreakGlassRecord {
  const documents = parseObject(readText(row, "documents"));
  return {
    atMs: readInt(row, "at"),
    afterMs: readInt(documents, "after"),
    stored: readText(documents, "stored"),
    variable: readText(documents, "variable"),
  };
}

/** Everything seen, oldest first. */
export function loadBreakGlasses(db: Db): readonly BreakGlassRecord[] {
  return db.rows("SELECT at, documents FROM history_break_glass ORDER BY at").map(toRecord);
}

/** The document in force at an instant, of what was seen then. */
export function documentAt({ stored, variable }: BreakGlassTexts, atMs: EpochMs): BreakGlass | null {
  const [one, other] = [parseBreakGlass(stored), parseBreakGlass(variable)];
  return chooseBreakGlass(one.ok ? one.value : null, other.ok ? other.value : null, atMs);
}

/** The document in force, as far as ticks have seen it. */
export function inForce(db: Db, atMs: EpochMs): BreakGlass | null {
  const last = loadBreakGlasses(db).at(-1);
  return last === undefined ? null : documentAt(last, atMs);
}

/**
 * Documents that an edge could go by at an instant, the likeliest first.
 * @param lagMs how long an edge may take to learn of a change.
 */
export function breakGlassAt(db: Db, atMs: EpochMs, lagMs: number): readonly ServedBreakGlass[] {
  const seen = loadBreakGlasses(db);
  const likely = seen.findLastIndex((record) => record.atMs <= atMs);
  const could = seen.filter((record, index) => {
    const next = seen[index + 1];
    return record.afterMs <= atMs && (next === undefined || next.atMs + lagMs > atMs);
  });
  const ordered = could.toSorted((a, b) => Number(b === seen[likely]) - Number(a === seen[likely]));
  // Before the first look nothing is known.
  return likely < 0 ? [] : unique(ordered.map((record) => documentAt(record, atMs)));
}

function unique(documents: readonly (BreakGlass | null)[]): readonly ServedBreakGlass[] {
  const byText = new Map(documents.map((document) => [canonicalJson(document), { document }]));
  return [...byText.values()];
}
