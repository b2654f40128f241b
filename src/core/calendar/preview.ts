/**
 * What the answer to a write of a window or a freeze shows: that it was understood, as the next three openings or the
 * frozen time, in its zone and in UTC. A window in the account's zone is shown in an example zone, which the answer
 * names. Called by control (writes), plan and the command line; all problems come back together.
 */
import {
  ACCOUNT_ZONE,
  type CalendarProblem,
  type Freeze,
  freezeProblems,
  type Opening,
  type ShownInstant,
  type ShownInterval,
  type Window,
  windowListProblems,
} from "../../contracts/calendar.ts";
import { err, ok, type Result } from "../../contracts/result.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { freezeSpan } from "./freezes.ts";
import { type CalendarMemo, createCalendarMemo, DAY_MS, SEARCH_HORIZON_MS } from "./memo.ts";
import { openings } from "./openings.ts";
import { createZoneClock, readOffsetMs, writeLocal, writeUtc } from "./zone-clock.ts";
import { zoneLine } from "./zone-line.ts";

/** How many openings a write is answered with. */
const SHOWN_OPENINGS = 3;
/** Searched in steps, since most windows open within days: their first three are found at once. */
const FIRST_STEP_MS = 16 * DAY_MS;

/** From when, and with which zone standing for the account's. */
export interface PreviewContext {
  readonly nowMs: EpochMs;
  readonly exampleZone: string;
  readonly memo?: CalendarMemo | undefined;
}

/** An opening for people. */
export interface ShownOpening extends ShownInterval {
  readonly date: string;
}

/** A freeze for people, and whether it is still to come. */
export interface ShownFreeze extends ShownInterval {
  readonly state: "ahead" | "in-force" | "past";
}

/**
 * An instant as ISO 8601, in the zone with its offset (`2026-11-28T22:00:00+01:00`) and in UTC. Callers that show many
 * hand in their memo. Throws RangeError for a zone that the runtime does not know.
 */
export function showInstant(atMs: EpochMs, zone: string, memo?: CalendarMemo): ShownInstant {
  const clock = (memo === undefined ? null : zoneLine(memo, zone)?.clock) ?? createZoneClock(zone);
  return { local: writeLocal(atMs, readOffsetMs(clock, atMs)), utc: writeUtc(atMs) };
}

const zoneOf = (zone: string, example: string): string => (zone === ACCOUNT_ZONE ? example : zone);

/** The next openings of one window that start after now. */
function nextOfWindow(
  window: Window,
  context: PreviewContext,
): Result<readonly Opening[], readonly CalendarProblem[]> {
  const query = { windows: [window], accountZone: context.exampleZone, memo: context.memo };
  for (let aheadMs = FIRST_STEP_MS; ; aheadMs *= 5) {
    const boundedMs = Math.min(aheadMs, SEARCH_HORIZON_MS);
    const found = openings(query, context.nowMs, context.nowMs + boundedMs);
    if (!found.ok) return found;
    const ahead = found.value.filter(({ startMs }) => startMs > context.nowMs);
    if (ahead.length >= SHOWN_OPENINGS || boundedMs === SEARCH_HORIZON_MS) return ok(ahead);
  }
}

/**
 * Checks the windows of one name and shows the next three openings after now, of all its windows together, by start.
 * Each is told in its own window's zone. Errors: everything that is wrong; a list that does not open within 400 days.
 */
export function validateWindow(
  windows: readonly Window[],
  context: PreviewContext,
): Result<readonly ShownOpening[], readonly CalendarProblem[]> {
  const problems = windowListProblems(windows);
  if (problems.length > 0) return err(problems);
  const memo = context.memo ?? createCalendarMemo();
  const all: { opening: Opening; zone: string }[] = [];
  for (const window of windows) {
    const next = nextOfWindow(window, { ...context, memo });
    if (!next.ok) return next;
    const zone = zoneOf(window.zone, context.exampleZone);
    all.push(...next.value.map((opening) => ({ opening, zone })));
  }
  if (all.length === 0) return err([{ path: [], message: "does not open within 400 days" }]);
  all.sort((a, b) => a.opening.startMs - b.opening.startMs || a.opening.endMs - b.opening.endMs);
  return ok(
    all.slice(0, SHOWN_OPENINGS).map(({ opening, zone }) => ({
      zone,
      date: opening.date,
      start: showInstant(opening.startMs, zone, memo),
      end: showInstant(opening.endMs, zone, memo),
    })),
  );
}

function stateOf(startMs: EpochMs, endMs: EpochMs, nowMs: EpochMs): ShownFreeze["state"] {
  if (endMs <= nowMs) return "past";
  return startMs <= nowMs ? "in-force" : "ahead";
}

/** Checks a freeze and shows when it holds. Errors: everything that is wrong. */
export function validateFreeze(
  freeze: Freeze,
  context: PreviewContext,
): Result<ShownFreeze, readonly CalendarProblem[]> {
  const problems = freezeProblems(freeze);
  if (problems.length > 0) return err(problems);
  const zone = zoneOf(freeze.zone, context.exampleZone);
  const memo = context.memo ?? createCalendarMemo();
  const { startMs, endMs } = freezeSpan(memo, freeze, zone);
  if (startMs === null || endMs === null) {
    return err([{ path: ["exampleZone"], message: `"${zone}" is no known IANA time zone` }]);
  }
  if (endMs <= startMs) {
    return err([{ path: ["to"], message: `covers no time: ${zone} left these dates out` }]);
  }
  return ok({
    zone,
    start: showInstant(startMs, zone, memo),
    end: showInstant(endMs, zone, memo),
    state: stateOf(startMs, endMs, context.nowMs),
  });
}
