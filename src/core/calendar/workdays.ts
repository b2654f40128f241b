/**
 * Time at work: 09:00–17:00 local, Monday to Friday, because a weekend proves nothing about a version. Eight hours are
 * one workday. Hours are real ones: a clock change inside working hours (rare: they happen at night) makes that day
 * shorter or longer. Public holidays are not known; a freeze or a longer bake covers them.
 * Pure; called by the engine for the bake of a wave and by plan for its critical path.
 */
import type { CalendarProblem, Interval } from "../../contracts/calendar.ts";
import { err, ok, type Result } from "../../contracts/result.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { type CalendarMemo, createCalendarMemo, DAY_MS, HOUR_MS, type ZoneLine } from "./memo.ts";
import { openingOn } from "./openings.ts";
import { startsOn } from "./ready-windows.ts";
import { zoneLine } from "./zone-line.ts";

const WORK = {
  zone: null,
  weekdays: [true, true, true, true, true, false, false],
  monthWeeks: [],
  fromMs: 9 * HOUR_MS,
  toMs: 17 * HOUR_MS,
};
const WORKDAY_MS = 8 * HOUR_MS;
/** About four years; a bake above it is a mistake. */
export const MAX_WORKDAYS = 1000;
/** Products such as 8.88 × 28,800,000 come out a hair above the whole number that they are. */
const ROUNDING_MS = 0.001;
/** A day can be over in one zone while it has not begun in UTC, and a zone can leave one out. */
const SPILL_DAYS = 2;

/** Whose workdays: an IANA zone. */
export interface WorkZone {
  readonly zone: string;
  readonly memo?: CalendarMemo | undefined;
}

function lineOf({ zone, memo }: WorkZone): Result<ZoneLine, readonly CalendarProblem[]> {
  const line = zoneLine(memo ?? createCalendarMemo(), zone);
  if (line !== null) return ok(line);
  return err([{ path: ["zone"], message: `"${zone}" is no known IANA time zone` }]);
}

/** The working hours of a local day; null on weekends and on dates that the zone left out. */
function workOn(line: ZoneLine, day: number): Interval | null {
  return startsOn(WORK, day) ? openingOn(line, WORK, day) : null;
}

/**
 * Workdays between two instants, as a fraction: Friday 16:00 to Monday 10:00 is 0.25. Zero when `toMs` is not after
 * `fromMs`. Error: the zone is not known.
 */
export function workdaysBetween(
  where: WorkZone,
  fromMs: EpochMs,
  toMs: EpochMs,
): Result<number, readonly CalendarProblem[]> {
  const line = lineOf(where);
  if (!line.ok) return line;
  let workedMs = 0;
  const lastDay = Math.ceil(toMs / DAY_MS) + SPILL_DAYS;
  for (let day = Math.floor(fromMs / DAY_MS) - SPILL_DAYS; day <= lastDay; day += 1) {
    const work = workOn(line.value, day);
    if (work === null) continue;
    workedMs += Math.max(0, Math.min(work.endMs, toMs) - Math.max(work.startMs, fromMs));
  }
  return ok(workedMs / WORKDAY_MS);
}

/**
 * The first instant at which that many workdays have passed since `fromMs`, to the millisecond: one workday from
 * Monday 09:00 is Monday 17:00, from Friday 13:00 it is Monday 13:00. Zero workdays are over at once.
 * Errors: the zone is not known; the number is not one from 0 to 1,000.
 */
export function addWorkdays(
  where: WorkZone,
  fromMs: EpochMs,
  workdays: number,
): Result<EpochMs, readonly CalendarProblem[]> {
  if (!(workdays >= 0 && workdays <= MAX_WORKDAYS)) {
    return err([{ path: ["workdays"], message: `"${workdays}" must be from 0 to ${MAX_WORKDAYS}` }]);
  }
  const line = lineOf(where);
  if (!line.ok) return line;
  let leftMs = Math.ceil(workdays * WORKDAY_MS - ROUNDING_MS);
  if (leftMs <= 0) return ok(fromMs);
  for (let day = Math.floor(fromMs / DAY_MS) - SPILL_DAYS; ; day += 1) {
    const work = workOn(line.value, day);
    if (work === null) continue;
    const beginMs = Math.max(work.startMs, fromMs);
    if (work.endMs - beginMs >= leftMs) return ok(beginMs + leftMs);
    leftMs -= Math.max(0, work.endMs - beginMs);
  }
}
