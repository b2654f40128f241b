/**
 * Windows and freezes as the API shows them: as they were written, and when they hold next. Reads only. What is told in
 * "the account's own zone" is shown in the zone that most accounts have, and names it.
 */
import type { StoredFreeze, StoredWindow } from "../../contracts/api/calendar.ts";
import type { CalendarProblem, FreezeScope, Window } from "../../contracts/calendar.ts";
import type { Refusal } from "../../contracts/problems.ts";
import type { Result } from "../../contracts/result.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { validateFreeze, validateWindow, type PreviewContext } from "../../core/calendar/preview.ts";
import { toInstant } from "../clock.ts";
import type { Db } from "../db.ts";
import { refuse } from "../refuse.ts";
import { readText } from "../row.ts";
import type { FreezeRecord } from "../store/freezes.ts";
import type { WindowRecord } from "../store/windows.ts";

/** When to look from, and which zone stands for the account's own. */
export function previewAt(db: Db, nowMs: EpochMs): PreviewContext {
  const row = db.rows(
    "SELECT time_zone FROM groups WHERE accounts > 0 GROUP BY time_zone ORDER BY sum(accounts) DESC, time_zone LIMIT 1",
  )[0];
  return { nowMs, exampleZone: row === undefined ? "UTC" : readText(row, "time_zone") };
}

/** A stored window. One that does not open any more (its zone is gone from the zone data) has no next openings. */
export function viewWindow(record: WindowRecord, preview: PreviewContext): StoredWindow {
  const next = validateWindow(record.windows, preview);
  const { name, windows, by, at, revision } = record;
  return {
    name,
    windows: windows.map(copyWindow),
    next: next.ok ? next.value.map((opening) => ({ ...opening })) : [],
    by,
    at: toInstant(at),
    revision,
  };
}

/** A stored freeze. */
export function viewFreeze(record: FreezeRecord, preview: PreviewContext): StoredFreeze {
  const span = validateFreeze(record, preview);
  return {
    ...record,
    scope: copyScope(record.scope),
    at: toInstant(record.at),
    span: span.ok ? span.value : null,
  };
}

/** @returns null for a window that may be written, else everything that is wrong with it. */
export function refuseWindow(record: WindowRecord, preview: PreviewContext): Result<never, Refusal> | null {
  const checked = validateWindow(record.windows, preview);
  return checked.ok ? null : refuse("invalid", describe("window", record.name, checked.error));
}

/** @returns null for a freeze that may be written, else everything that is wrong with it. */
export function refuseFreeze(record: FreezeRecord, preview: PreviewContext): Result<never, Refusal> | null {
  const checked = validateFreeze(record, preview);
  return checked.ok ? null : refuse("invalid", describe("freeze", record.name, checked.error));
}

function describe(kind: string, name: string, problems: readonly CalendarProblem[]): string {
  const list = problems.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")} ${message}`,
  );
  return `${kind} ${name}: ${list.join("; ")}`;
}

function copyWindow({ days, nth, ...rest }: Window): StoredWindow["windows"][number] {
  return {
    ...rest,
    ...(days === undefined ? {} : { days: [...days] }),
    ...(nth === undefined ? {} : { nth: nth.map((each) => ({ ...each })) }),
  };
}

function copyScope({ products, labels, cells }: FreezeScope): StoredFreeze["scope"] {
  return {
    ...(products === undefined ? {} : { products: [...products] }),
    ...(labels === undefined ? {} : { labels: { ...labels } }),
    ...(cells === undefined ? {} : { cells: [...cells] }),
  };
}
