/**
 * Shapes of maintenance windows and freezes, and what makes one wrong. Plain data: stored as JSON, sent over RPC, read
 * by `core/calendar`. The checks here are the only ones; `contracts/api/calendar` and `core/calendar` both call them,
 * so that what a write accepts is what the arithmetic understands. They list every problem, never only the first, and
 * an unknown time zone is a problem, never silently UTC.
 */
import type { EpochMs, ProductName } from "./units.ts";

/** Monday first, as ISO 8601 counts; the place in this list is the number of the weekday. */
export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Which one in the month: `5` is the fifth, which some months lack; `last` is the fourth or the fifth. */
export const MONTH_WEEKS = [1, 2, 3, 4, 5, "last"] as const;
export type MonthWeek = (typeof MONTH_WEEKS)[number];

/** Stands where a zone is named for "the account's own zone". */
export const ACCOUNT_ZONE = "account";

/** Windows that one name may stand for. */
export const MAX_WINDOWS_PER_NAME = 16;
/** Weekdays of the month in one window; 7 weekdays in 6 places are all there are. */
export const MAX_NTH_PER_WINDOW = 42;
/** Names of windows that may be stored. */
export const MAX_WINDOW_NAMES = 200;
/** Freezes that may be stored; every move is held against all of them. */
export const MAX_FREEZES = 200;

export interface NthWeekday {
  readonly weekday: Weekday;
  readonly week: MonthWeek;
}

/**
 * A recurring local-time period. Days are those on which it *starts*: the weekdays of `days` and the weekdays of the
 * month of `nth`, together; neither given means every day. `to` at or before `from` crosses midnight (equal: 24 hours).
 */
export interface Window {
  readonly days?: readonly Weekday[] | undefined;
  readonly nth?: readonly NthWeekday[] | undefined;
  /** `HH:MM`, 00:00–23:59, wall clock. */
  readonly from: string;
  /** `HH:MM`, 00:00–24:00, wall clock. */
  readonly to: string;
  /** IANA zone, or `account`. */
  readonly zone: string;
}

/** What a freeze covers: every field that is given must match; none given covers everything. */
export interface FreezeScope {
  /** Covers a move that touches any of these. */
  readonly products?: readonly ProductName[] | undefined;
  /** Covers accounts that carry all of these. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Covers accounts in any of these. */
  readonly cells?: readonly string[] | undefined;
}

/**
 * A time in which nothing in its scope moves forward. `from` and `to` are ISO dates (`2026-12-20`) or date-times without
 * offset (`2026-12-20T18:00`), local to `zone`. A date in `to` is the last frozen day; a date-time is when it ends.
 */
export interface Freeze {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** IANA zone, or `account`. */
  readonly zone: string;
  readonly scope: FreezeScope;
  readonly reason: string;
}

/** One thing that is wrong, and where: `["windows", 0, "from"]`. */
export interface CalendarProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** A stretch of time, `[startMs, endMs)`. */
export interface Interval {
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
}

/** One run of a window: when, and the local date (`YYYY-MM-DD`) that it belongs to, on which its wall clock starts. */
export interface Opening extends Interval {
  readonly date: string;
}

/** A point in time for people: `2026-11-28T22:00:00+01:00` and `2026-11-28T21:00:00Z`. */
export interface ShownInstant {
  readonly local: string;
  readonly utc: string;
}

/** A stretch of time for people, with the zone that `local` is told in. */
export interface ShownInterval {
  readonly zone: string;
  readonly start: ShownInstant;
  readonly end: ShownInstant;
}

const MINUTES_PER_HOUR = 60;
const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/;
const LOCAL = /^(\d{4}-\d{2}-\d{2})(?:T((?:[01]\d|2[0-3]):[0-5]\d)(?::([0-5]\d))?)?$/;
/** Offsets such as +02:00 are taken by Intl but have no rules for summer time, so they are no zone here. */
const ZONE = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Minutes since midnight of `HH:MM` (0–1,439), null when it is not one. `24:00` is not one here. */
export function parseClock(text: string): number | null {
  const match = CLOCK.exec(text);
  return match === null ? null : Number(match[1]) * MINUTES_PER_HOUR + Number(match[2]);
}

/** Like `parseClock`, and `24:00` is the end of the day (1,440). */
export function parseClosingClock(text: string): number | null {
  return text === "24:00" ? 24 * MINUTES_PER_HOUR : parseClock(text);
}

/** A wall-clock time as if it were UTC, in milliseconds, and whether only a date was given. */
export interface LocalTime {
  readonly localMs: number;
  readonly dateOnly: boolean;
}

/** Reads an ISO date or date-time without offset; null when it is malformed or no such day exists (`2026-02-30`). */
export function parseLocalTime(text: string): LocalTime | null {
  const match = LOCAL.exec(text);
  const date = match?.[1];
  if (date === undefined) return null;
  const dayMs = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(dayMs) || new Date(dayMs).toISOString().slice(0, date.length) !== date) return null;
  const clock = match?.[2];
  if (clock === undefined) return { localMs: dayMs, dateOnly: true };
  return { localMs: Date.parse(`${date}T${clock}:${match?.[3] ?? "00"}Z`), dateOnly: false };
}

/** The wall-clock start and end (exclusive) of a freeze; null when one of them cannot be read. */
export function freezeLocalSpan(
  freeze: Pick<Freeze, "from" | "to">,
): { fromLocalMs: number; toLocalMs: number } | null {
  const from = parseLocalTime(freeze.from);
  const to = parseLocalTime(freeze.to);
  if (from === null || to === null) return null;
  return { fromLocalMs: from.localMs, toLocalMs: to.dateOnly ? to.localMs + DAY_MS : to.localMs };
}

/** Whether the runtime's own zone data know this name. Costs about 90 µs: remember the answer where it is asked often. */
export function isTimeZoneName(text: string): boolean {
  if (!ZONE.test(text)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** What is wrong with a start (`HH:MM`), null when nothing is. */
export function openingClockProblem(text: string): string | null {
  return parseClock(text) === null ? `"${text}" must be HH:MM from 00:00 to 23:59` : null;
}

/** What is wrong with an end (`HH:MM` or `24:00`), null when nothing is. */
export function closingClockProblem(text: string): string | null {
  return parseClosingClock(text) === null ? `"${text}" must be HH:MM from 00:00 to 24:00` : null;
}

/** What is wrong with a date or date-time of a freeze, null when nothing is. */
export function localTimeProblem(text: string): string | null {
  if (parseLocalTime(text) !== null) return null;
  return `"${text}" must be a local date or date-time without offset, such as 2026-12-20 or 2026-12-20T18:00`;
}

/** What is wrong with a place where `account` or an IANA zone belongs, null when nothing is. */
export function zoneProblem(zone: string): string | null {
  if (zone === ACCOUNT_ZONE || isTimeZoneName(zone)) return null;
  return `"${zone}" is neither "${ACCOUNT_ZONE}" nor a known IANA time zone`;
}

/** A problem of one field, as a list of none or one. */
function ofField(field: string, message: string | null): CalendarProblem[] {
  return message === null ? [] : [{ path: [field], message }];
}

function dayProblems(days: readonly Weekday[]): CalendarProblem[] {
  if (days.length === 0) return [{ path: ["days"], message: "must name a weekday; leave it out for all" }];
  return days.flatMap((day, index) => {
    if (!WEEKDAYS.includes(day)) {
      return [{ path: ["days", index], message: `"${day}" must be one of ${WEEKDAYS.join(", ")}` }];
    }
    return days.indexOf(day) < index ? [{ path: ["days", index], message: `"${day}" is named twice` }] : [];
  });
}

/** A weekday in `days` as well as in `nth` is refused: one reader takes it for "every", another for "only that one". */
function nthProblems(nth: readonly NthWeekday[], days: readonly Weekday[]): CalendarProblem[] {
  if (nth.length === 0) return [{ path: ["nth"], message: "must name a weekday; leave it out for all" }];
  const problems: CalendarProblem[] = [];
  if (nth.length > MAX_NTH_PER_WINDOW) {
    problems.push({ path: ["nth"], message: `must name at most ${MAX_NTH_PER_WINDOW}` });
  }
  for (const [index, { weekday, week }] of nth.entries()) {
    const path = ["nth", index];
    if (!WEEKDAYS.includes(weekday)) {
      problems.push({ path, message: `"${weekday}" must be one of ${WEEKDAYS.join(", ")}` });
    }
    if (!MONTH_WEEKS.includes(week))
      problems.push({ path, message: `week "${week}" must be 1 to 5 or "last"` });
    if (days.includes(weekday)) {
      problems.push({ path, message: `"${weekday}" is in days already, which means every one of them` });
    }
    if (nth.findIndex((other) => other.weekday === weekday && other.week === week) < index) {
      problems.push({ path, message: `week ${week} of "${weekday}" is named twice` });
    }
  }
  return problems;
}

/** What is wrong with the days of a window, each alone and between `days` and `nth`. */
export function windowDayProblems({ days, nth }: Pick<Window, "days" | "nth">): readonly CalendarProblem[] {
  return [
    ...(days === undefined ? [] : dayProblems(days)),
    ...(nth === undefined ? [] : nthProblems(nth, days ?? [])),
  ];
}

/** Everything that is wrong with one window; empty when it is sound. */
export function windowProblems(window: Window): readonly CalendarProblem[] {
  return [
    ...windowDayProblems(window),
    ...ofField("from", openingClockProblem(window.from)),
    ...ofField("to", closingClockProblem(window.to)),
    ...ofField("zone", zoneProblem(window.zone)),
  ];
}

/** Everything that is wrong with the windows of one name. An empty list would never open, so it is wrong. */
export function windowListProblems(windows: readonly Window[]): readonly CalendarProblem[] {
  if (windows.length === 0) return [{ path: [], message: "needs at least one window" }];
  const many = windows.length > MAX_WINDOWS_PER_NAME;
  return [
    ...(many ? [{ path: [], message: `may hold at most ${MAX_WINDOWS_PER_NAME} windows` }] : []),
    ...windows.flatMap((window, index) =>
      windowProblems(window).map(({ path, message }) => ({ path: [index, ...path], message })),
    ),
  ];
}

/** What is wrong with a scope: an empty list would read as "nothing" to one and as "everything" to another. */
export function scopeProblems({ products, labels, cells }: FreezeScope): readonly CalendarProblem[] {
  const empty = [
    ...(products?.length === 0 ? ["products"] : []),
    ...(labels !== undefined && Object.keys(labels).length === 0 ? ["labels"] : []),
    ...(cells?.length === 0 ? ["cells"] : []),
  ];
  const message = "names nothing; leave it out to cover everything";
  return empty.map((field) => ({ path: ["scope", field], message }));
}

/** What is wrong between the fields of a freeze that can be read one by one. */
export function freezeSpanProblems(freeze: Pick<Freeze, "from" | "to">): readonly CalendarProblem[] {
  const span = freezeLocalSpan(freeze);
  if (span === null || span.toLocalMs > span.fromLocalMs) return [];
  return [{ path: ["to"], message: `"${freeze.to}" must be after "${freeze.from}"` }];
}

/** Everything that is wrong with one freeze; empty when it is sound. */
export function freezeProblems(freeze: Freeze): readonly CalendarProblem[] {
  return [
    ...ofField("from", localTimeProblem(freeze.from)),
    ...ofField("to", localTimeProblem(freeze.to)),
    ...freezeSpanProblems(freeze),
    ...ofField("zone", zoneProblem(freeze.zone)),
    ...scopeProblems(freeze.scope),
  ];
}
