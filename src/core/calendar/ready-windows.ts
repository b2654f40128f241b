/**
 * Windows as they are stored, made ready for arithmetic, and which local days they start on.
 * A window that cannot be read (its zone is unknown to this runtime, say) is reported with every problem and never
 * opens; it is not skipped in favour of the others of its list, because nobody meant what would be left.
 * Called by openings and may-move. Days are numbers: days since 1970-01-01, whatever the zone.
 */
import {
  ACCOUNT_ZONE,
  type CalendarProblem,
  type MonthWeek,
  parseClock,
  parseClosingClock,
  WEEKDAYS,
  type Window,
  windowListProblems,
} from "../../contracts/calendar.ts";
import { err, ok, type Result } from "../../contracts/result.ts";
import {
  type CalendarMemo,
  DAY_MS,
  MINUTE_MS,
  type ReadyWindow,
  type ReadyWindows,
  rememberByList,
  rememberByZone,
  type ZonedWindows,
} from "./memo.ts";
import { zoneLine } from "./zone-line.ts";

const DAYS_PER_WEEK = 7;
/** 1970-01-01 was a Thursday: number 3 when Monday is 0. */
const WEEKDAY_OF_DAY_0 = 3;

/** Number of the weekday of a day, 0 Monday to 6 Sunday. */
export function weekdayOf(day: number): number {
  return (((day + WEEKDAY_OF_DAY_0) % DAYS_PER_WEEK) + DAYS_PER_WEEK) % DAYS_PER_WEEK;
}

/** `YYYY-MM-DD` of a day. */
export function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, "YYYY-MM-DD".length);
}

function monthOf(day: number): number {
  return new Date(day * DAY_MS).getUTCMonth();
}

/** Whether a day is that occurrence of its own weekday in its month. */
function isMonthWeek(day: number, week: MonthWeek): boolean {
  if (week === "last") return monthOf(day + DAYS_PER_WEEK) !== monthOf(day);
  return Math.ceil(new Date(day * DAY_MS).getUTCDate() / DAYS_PER_WEEK) === week;
}

/** Whether a window starts on a local day. */
export function startsOn(window: ReadyWindow, day: number): boolean {
  const weekday = weekdayOf(day);
  if (window.weekdays[weekday] === true) return true;
  return (window.monthWeeks[weekday] ?? []).some((week) => isMonthWeek(day, week));
}

function readyWindow(window: Window): ReadyWindow | null {
  const from = parseClock(window.from);
  const to = parseClosingClock(window.to);
  if (from === null || to === null) return null;
  const everyDay = window.days === undefined && window.nth === undefined;
  return {
    zone: window.zone === ACCOUNT_ZONE ? null : window.zone,
    weekdays: WEEKDAYS.map((name) => everyDay || window.days?.includes(name) === true),
    monthWeeks: WEEKDAYS.map((name) =>
      (window.nth ?? []).filter(({ weekday }) => weekday === name).map(({ week }) => week),
    ),
    fromMs: from * MINUTE_MS,
    toMs: to * MINUTE_MS + (to <= from ? DAY_MS : 0),
  };
}

function readyList(memo: CalendarMemo, windows: readonly Window[]): ReadyWindows {
  return rememberByList(memo.windowLists, windows, () => ({
    windows: windows.map(readyWindow).filter((window) => window !== null),
    problems: windowListProblems(windows),
    byZone: new Map(),
  }));
}

/** Whose windows: the list (any allows) and the zone that `account` stands for. */
export interface WindowQuery {
  readonly windows: readonly Window[];
  /** Null where there is no account, as for a default: then a window in the account's zone is a problem. */
  readonly accountZone: string | null;
  /** Makes repeated calls fast; the answer is the same without. */
  readonly memo?: CalendarMemo | undefined;
}

/** What is wrong with the zone that `account` is to stand for, null when nothing is. */
function accountZoneProblem(
  memo: CalendarMemo,
  zone: string | null,
  windows: readonly ReadyWindow[],
): string | null {
  if (zone === null) {
    return windows.some((window) => window.zone === null) ? "there is no account to take the zone of" : null;
  }
  // Looked at even where no window needs it: a wrong zone is a mistake to report, not one to get away with.
  return zoneLine(memo, zone) === null ? `"${zone}" is no known IANA time zone` : null;
}

/** The windows of a query with the lines of their zones, or everything that is wrong with them. */
export function zonedWindows(
  { windows, accountZone }: WindowQuery,
  memo: CalendarMemo,
): Result<ZonedWindows, readonly CalendarProblem[]> {
  const ready = readyList(memo, windows);
  if (ready.problems.length > 0) return err(ready.problems);
  const key = accountZone ?? "";
  const known = ready.byZone.get(key);
  if (known !== undefined) return ok(known);
  const problem = accountZoneProblem(memo, accountZone, ready.windows);
  if (problem !== null) return err([{ path: ["accountZone"], message: problem }]);
  const parts = ready.windows.flatMap((window) => {
    const line = zoneLine(memo, window.zone ?? key);
    return line === null ? [] : [{ window, line }];
  });
  const timeline = { fromMs: 0, untilMs: 0, starts: [], ends: [] };
  return ok(rememberByZone(ready.byZone, key, () => ({ parts, timeline })));
}
