/**
 * When windows open and close, as instants: a start that the clock skips is the first instant after the gap; one shown
 * twice is the first, an end shown twice the second; an end that is skipped is the first instant after the gap too.
 * A window that lies wholly inside a gap opens right after it for as long as its wall clock says. Every local day that
 * a window starts on has exactly one opening; a date that a zone left out (Pacific/Apia, 2011-12-30) has none.
 * Pure; called by may-move, preview and the plan. Windows that cannot be read are closed.
 */
import type { CalendarProblem, Interval, Opening } from "../../contracts/calendar.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { EpochMs } from "../../contracts/units.ts";
import {
  createCalendarMemo,
  DAY_MS,
  type ReadyWindow,
  SEARCH_HORIZON_MS,
  type Timeline,
  type ZonedWindows,
  type ZoneLine,
} from "./memo.ts";
import { dateOf, startsOn, type WindowQuery, zonedWindows } from "./ready-windows.ts";
import { resolveLocal } from "./zone-line.ts";

/** An opening can start this many UTC days after its local date says, or end this many later: offsets and a day-long gap. */
const SPILL_DAYS = 4;
/** A timeline begins a little before what was asked, and reaches far enough for the next hours of ticks. */
const LOOK_BACK_MS = DAY_MS;
const LOOK_AHEAD_MS = 35 * DAY_MS;
/** A timeline longer than this is begun anew, so that an object that lives for years stays small. */
const MAX_TIMELINE_MS = 3 * SEARCH_HORIZON_MS;

/** The opening of a local day; null when the zone left the whole date out. */
export function openingOn(line: ZoneLine, window: ReadyWindow, day: number): Interval | null {
  const midnightMs = day * DAY_MS;
  const start = resolveLocal(line, midnightMs + window.fromMs);
  if (start.resumesLocalMs !== null && start.resumesLocalMs - midnightMs >= DAY_MS) {
    // The clock goes on after this date: was there any of it?
    const midnight = resolveLocal(line, midnightMs);
    if (midnight.resumesLocalMs === start.resumesLocalMs) return null;
  }
  const startMs = start.firstMs;
  const endMs = resolveLocal(line, midnightMs + window.toMs).lastMs;
  return { startMs, endMs: endMs > startMs ? endMs : startMs + (window.toMs - window.fromMs) };
}

/** Openings that start in `[fromMs, untilMs)` or, with `orRunning`, started before and end after `fromMs`; in order. */
function collect(
  parts: ZonedWindows["parts"],
  range: { fromMs: EpochMs; untilMs: EpochMs; orRunning: boolean },
): { opening: Interval; day: number }[] {
  const firstDay = Math.floor(range.fromMs / DAY_MS) - SPILL_DAYS;
  const lastDay = Math.ceil(range.untilMs / DAY_MS) + SPILL_DAYS;
  const found: { opening: Interval; day: number }[] = [];
  for (const { window, line } of parts) {
    for (let day = firstDay; day <= lastDay; day += 1) {
      if (!startsOn(window, day)) continue;
      const opening = openingOn(line, window, day);
      if (opening === null || opening.startMs >= range.untilMs) continue;
      const inRange = opening.startMs >= range.fromMs || (range.orRunning && opening.endMs > range.fromMs);
      if (inRange) found.push({ opening, day });
    }
  }
  return found.sort((a, b) => a.opening.startMs - b.opening.startMs || a.opening.endMs - b.opening.endMs);
}

/**
 * Every run of every window that overlaps `[fromMs, untilMs)`, whole (not cut to the range), by start. One for each local
 * day and window, so runs may touch or overlap; `nextOpening` and `closesAt` see them joined. Errors: every problem.
 */
export function openings(
  query: WindowQuery,
  fromMs: EpochMs,
  untilMs: EpochMs,
): Result<readonly Opening[], readonly CalendarProblem[]> {
  const zoned = zonedWindows(query, query.memo ?? createCalendarMemo());
  if (!zoned.ok) return zoned;
  if (untilMs <= fromMs) return ok([]);
  const found = collect(zoned.value.parts, { fromMs, untilMs, orRunning: true });
  return ok(found.map(({ opening, day }) => ({ ...opening, date: dateOf(day) })));
}

function append(timeline: Timeline, { startMs, endMs }: Interval): void {
  const last = timeline.ends.length - 1;
  const lastEnd = timeline.ends[last];
  if (lastEnd !== undefined && startMs <= lastEnd) timeline.ends[last] = Math.max(lastEnd, endMs);
  else {
    timeline.starts.push(startMs);
    timeline.ends.push(endMs);
  }
}

function extend({ parts, timeline }: ZonedWindows, untilMs: EpochMs): void {
  if (untilMs <= timeline.untilMs) return;
  const range = { fromMs: timeline.untilMs, untilMs, orRunning: false };
  for (const { opening } of collect(parts, range)) append(timeline, opening);
  timeline.untilMs = untilMs;
}

/** Makes the timeline hold everything around `atMs`: goes on where it ends, or begins anew when that is elsewhere. */
function cover(zoned: ZonedWindows, atMs: EpochMs): Timeline {
  const { parts, timeline } = zoned;
  if (atMs >= timeline.fromMs && atMs < timeline.untilMs) return timeline;
  const near = atMs >= timeline.untilMs && atMs < timeline.untilMs + LOOK_AHEAD_MS;
  if (near && atMs < timeline.fromMs + MAX_TIMELINE_MS) {
    extend(zoned, atMs + LOOK_AHEAD_MS);
    return timeline;
  }
  timeline.fromMs = atMs - LOOK_BACK_MS;
  timeline.untilMs = atMs + LOOK_AHEAD_MS;
  timeline.starts = [];
  timeline.ends = [];
  for (const { opening } of collect(parts, { ...timeline, orRunning: true })) append(timeline, opening);
  return timeline;
}

/** Place of the last opening that starts at or before `atMs`, -1 when there is none. */
function lastStarted({ starts }: Timeline, atMs: EpochMs): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? Infinity) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Moves the end of the timeline on towards `limitMs`: by weeks, and to a whole day, so that ticks rarely do it again. */
function extendTowards(zoned: ZonedWindows, limitMs: EpochMs): void {
  const reachMs = (Math.floor(limitMs / DAY_MS) + 1) * DAY_MS;
  extend(zoned, Math.min(zoned.timeline.untilMs + LOOK_AHEAD_MS, reachMs));
}

/** The end of an opening of the timeline, followed through whatever touches it, at most up to `limitMs`. */
function endOf(zoned: ZonedWindows, place: number, limitMs: EpochMs): EpochMs {
  const { timeline } = zoned;
  const isLast = (): boolean => place === timeline.starts.length - 1;
  while (isLast() && (timeline.ends[place] ?? limitMs) >= timeline.untilMs && timeline.untilMs < limitMs) {
    extendTowards(zoned, limitMs);
  }
  return Math.min(timeline.ends[place] ?? limitMs, limitMs);
}

/** Like `closesAt`, of windows that are known to be sound. */
export function closingOf(zoned: ZonedWindows, atMs: EpochMs): EpochMs | null {
  const timeline = cover(zoned, atMs);
  const place = lastStarted(timeline, atMs);
  const end = timeline.ends[place];
  if (end === undefined || end <= atMs) return null;
  return endOf(zoned, place, atMs + SEARCH_HORIZON_MS);
}

/** Like `nextOpening`, of windows that are known to be sound. */
export function openingAfter(zoned: ZonedWindows, afterMs: EpochMs): Interval | null {
  const timeline = cover(zoned, afterMs);
  const limitMs = afterMs + SEARCH_HORIZON_MS;
  const place = lastStarted(timeline, afterMs) + 1;
  while (timeline.starts.length <= place && timeline.untilMs <= limitMs) {
    extendTowards(zoned, limitMs);
  }
  const startMs = timeline.starts[place];
  if (startMs === undefined || startMs > limitMs) return null;
  return { startMs, endMs: endOf(zoned, place, startMs + SEARCH_HORIZON_MS) };
}

/** Whether any window is open at an instant. Ends are exclusive. False for windows that cannot be read. */
export function isOpen(query: WindowQuery, atMs: EpochMs): boolean {
  const zoned = zonedWindows(query, query.memo ?? createCalendarMemo());
  if (!zoned.ok) return false;
  const timeline = cover(zoned.value, atMs);
  return (timeline.ends[lastStarted(timeline, atMs)] ?? -Infinity) > atMs;
}

/**
 * The first time after `afterMs` at which a closed state becomes an open one, and until when it stays open (openings that
 * touch are one). Null when that is not within 400 days: windows that never close, or that cannot be read.
 */
export function nextOpening(query: WindowQuery, afterMs: EpochMs): Interval | null {
  const zoned = zonedWindows(query, query.memo ?? createCalendarMemo());
  return zoned.ok ? openingAfter(zoned.value, afterMs) : null;
}

/** When the windows that are open at `atMs` close, at most 400 days later; null when none is open. */
export function closesAt(query: WindowQuery, atMs: EpochMs): EpochMs | null {
  const zoned = zonedWindows(query, query.memo ?? createCalendarMemo());
  return zoned.ok ? closingOf(zoned.value, atMs) : null;
}
