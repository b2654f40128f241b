/**
 * What calendar arithmetic remembers between calls: offsets of zones, windows made ready, the openings found so far.
 * Nothing here decides anything; every function gives the same answer with a fresh memo, only later. The caller creates
 * one and keeps it (the control plane object: as long as it lives), so the modules hold no state themselves. Bounded:
 * maps are emptied when they outgrow what a real zone database could fill.
 */
import type { CalendarProblem, Freeze, MonthWeek, Window } from "../../contracts/calendar.ts";
import type { EpochMs } from "../../contracts/units.ts";

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** How far ahead openings and closings are searched: a yearly event, and a month for what delays it. */
export const SEARCH_HORIZON_MS = 400 * DAY_MS;

/** The zone database has about 600 names; only misspelt ones can go beyond this. */
const MAX_REMEMBERED_ZONES = 2000;
/** Every move group (at most 2,000) may have windows of its own, and plans and names add to them. */
const MAX_REMEMBERED_LISTS = 4000;

/** The offset (local minus UTC) that holds from `atMs` on. */
export interface OffsetChange {
  readonly atMs: EpochMs;
  readonly offsetMs: number;
}

/** Offsets of one zone, in blocks of UTC days: the offset at a block's start and the changes inside it. */
export interface ZoneLine {
  readonly zone: string;
  readonly clock: Intl.DateTimeFormat;
  readonly blocks: Map<number, OffsetBlock>;
}

export interface OffsetBlock {
  readonly offsetMs: number;
  readonly changes: readonly OffsetChange[];
}

/** A window made ready for arithmetic. */
export interface ReadyWindow {
  /** Null: the account's own. */
  readonly zone: string | null;
  /** By number of the weekday (0 Monday): starts on every one of them. */
  readonly weekdays: readonly boolean[];
  /** By number of the weekday: the weeks of the month in which it starts on that day. */
  readonly monthWeeks: readonly (readonly MonthWeek[])[];
  readonly fromMs: number;
  /** Wall-clock end, counted from the midnight before the start: above a day when the window crosses midnight. */
  readonly toMs: number;
}

/** Openings of a window list in one zone, joined where they touch, for starts in `[fromMs, untilMs)`. */
export interface Timeline {
  fromMs: EpochMs;
  untilMs: EpochMs;
  starts: EpochMs[];
  ends: EpochMs[];
}

/** The windows of one list, each with the line of its zone, and what is known of their openings. */
export interface ZonedWindows {
  readonly parts: readonly { readonly window: ReadyWindow; readonly line: ZoneLine }[];
  readonly timeline: Timeline;
}

/** What is remembered of one window list: made ready, or what is wrong with it. */
export interface ReadyWindows {
  readonly windows: readonly ReadyWindow[];
  readonly problems: readonly CalendarProblem[];
  readonly byZone: Map<string, ZonedWindows>;
}

/** A freeze as instants in one zone; both null when it cannot be read. */
export interface FreezeSpan {
  readonly freeze: Freeze;
  readonly startMs: EpochMs | null;
  readonly endMs: EpochMs | null;
}

/** Answers by list: by identity, which is fastest, and by content, for callers that parse the same list every time. */
export interface ListMemo<List extends object, Answer> {
  readonly byIdentity: WeakMap<List, Answer>;
  readonly byContent: Map<string, Answer>;
}

/** Lists handed in must not be changed in place: a changed list is a new array. */
export interface CalendarMemo {
  readonly zones: Map<string, ZoneLine | null>;
  readonly windowLists: ListMemo<readonly Window[], ReadyWindows>;
  readonly freezeLists: ListMemo<readonly Freeze[], Map<string, readonly FreezeSpan[]>>;
}

/** An empty memo. */
export function createCalendarMemo(): CalendarMemo {
  return {
    zones: new Map(),
    windowLists: { byIdentity: new WeakMap(), byContent: new Map() },
    freezeLists: { byIdentity: new WeakMap(), byContent: new Map() },
  };
}

/** The value of `key`, computed on first use; the map is emptied when it has grown beyond its bound. */
function remember<T>(map: Map<string, T>, key: string, how: { compute: () => T; max: number }): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = how.compute();
  if (map.size >= how.max) map.clear();
  map.set(key, value);
  return value;
}

/** What is remembered for a zone, computed on first use. */
export function rememberByZone<T>(map: Map<string, T>, zone: string, compute: () => T): T {
  return remember(map, zone, { compute, max: MAX_REMEMBERED_ZONES });
}

/** What is remembered for a list, computed on first use. */
export function rememberByList<List extends object, Answer>(
  memo: ListMemo<List, Answer>,
  list: List,
  compute: () => Answer,
): Answer {
  const known = memo.byIdentity.get(list);
  if (known !== undefined) return known;
  const value = remember(memo.byContent, JSON.stringify(list), { compute, max: MAX_REMEMBERED_LISTS });
  memo.byIdentity.set(list, value);
  return value;
}
