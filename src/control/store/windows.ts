/** Rows of `windows`, typed. Reads and writes rows; decides nothing. A row of another shape throws. */
import {
  MONTH_WEEKS,
  WEEKDAYS,
  type MonthWeek,
  type NthWeekday,
  type Weekday,
  type Window,
} from "../../contracts/calendar.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { Db, SqlRow } from "../db.ts";
import { isRecord, readInt, readText } from "../row.ts";

export interface WindowRecord {
  readonly name: string;
  readonly windows: readonly Window[];
  readonly by: string;
  readonly at: EpochMs;
  readonly revision: number;
}

const COLUMNS = "name, windows, made_by, made_at, revision";

export function loadWindows(db: Db): readonly WindowRecord[] {
  return db.rows(`SELECT ${COLUMNS} FROM windows ORDER BY name`).map(toRecord);
}

export function loadWindow(db: Db, name: string): WindowRecord | null {
  const row = db.rows(`SELECT ${COLUMNS} FROM windows WHERE name = ?`, name)[0];
  return row === undefined ? null : toRecord(row);
}

export function saveWindow(db: Db, { name, windows, by, at, revision }: WindowRecord): void {
  db.run(
    `INSERT OR REPLACE INTO windows (${COLUMNS}) VALUES (?, ?, ?, ?, ?)`,
    name,
    JSON.stringify(windows),
    by,
    at,
    revision,
  );
}

export function deleteWindow(db: Db, name: string): void {
  db.run("DELETE FROM windows WHERE name = ?", name);
}

function toRecord(row: SqlRow): WindowRecord {
  return {
    name: readText(row, "name"),
    windows: parseWindows(readText(row, "windows")),
    by: readText(row, "made_by"),
    at: readInt(row, "made_at"),
    revision: readInt(row, "revision"),
  };
}

/** Reads windows as they are stored, here and with accounts. */
export function parseWindows(text: string): readonly Window[] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) throw new TypeError("windows should be a list");
  return value.map(toWindow);
}

function toWindow(value: unknown): Window {
  if (!isRecord(value)) throw new TypeError("a window should be an object");
  const { days, nth } = value;
  return {
    ...(days === undefined ? {} : { days: listOf(days).map(toWeekday) }),
    ...(nth === undefined ? {} : { nth: listOf(nth).map(toNth) }),
    from: readText(value, "from"),
    to: readText(value, "to"),
    zone: readText(value, "zone"),
  };
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError("days of a window should be a list");
  return value;
}

function toWeekday(value: unknown): Weekday {
  const day = WEEKDAYS.find((known) => known === value);
  if (day === undefined) throw new TypeError(`${JSON.stringify(value)} is no weekday`);
  return day;
}

function toNth(value: unknown): NthWeekday {
  if (!isRecord(value)) throw new TypeError("a weekday of the month should be an object");
  const week: MonthWeek | undefined = MONTH_WEEKS.find((known) => known === value["week"]);
  if (week === undefined) throw new TypeError(`${JSON.stringify(value["week"])} is no week of the month`);
  return { weekday: toWeekday(value["weekday"]), week };
}
