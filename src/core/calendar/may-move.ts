/**
 * Whether something may move forward now, and if not, when: any window allows, any freeze forbids.
 * Asked by the rollout engine for every group at every tick and by plan and explain for other times. Protective moves
 * (rollback, quarantine, stop) never ask. What cannot be read forbids, with the problems, until somebody mends it.
 */
import type { CalendarProblem, Freeze, Window } from "../../contracts/calendar.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { type FreezeQuery, type FreezeSubject, frozenUntil, nextFreezeStart } from "./freezes.ts";
import { type CalendarMemo, createCalendarMemo, SEARCH_HORIZON_MS, type ZonedWindows } from "./memo.ts";
import { closingOf, openingAfter } from "./openings.ts";
import { zonedWindows } from "./ready-windows.ts";

export interface MoveQuestion {
  /** Any of them allows. Null: no window is asked for, every time will do. */
  readonly windows: readonly Window[] | null;
  /** What to call the windows in the answer: the name they are stored under. */
  readonly windowName: string | null;
  readonly freezes: readonly Freeze[];
  readonly subject: FreezeSubject;
  readonly atMs: EpochMs;
  readonly memo?: CalendarMemo | undefined;
}

export interface MoveAllowed {
  readonly allowed: true;
  /** The window's end or the next freeze's start, whichever comes first; at most 400 days ahead. */
  readonly closesAtMs: EpochMs;
}

export interface MoveForbidden {
  readonly allowed: false;
  /** A freeze is named before a window, as the less usual; `invalid`: something cannot be read. */
  readonly reason: "window" | "freeze" | "invalid";
  /** Of the window or the freeze. */
  readonly name: string | null;
  /** First instant at which a window is open and no freeze holds; null when none is known. */
  readonly nextAtMs: EpochMs | null;
  /** What is wrong; empty unless `invalid`. */
  readonly problems: readonly CalendarProblem[];
}

type Zoned = ZonedWindows | null;

/**
 * The first instant from `fromMs` on with an open window and no freeze. Every turn gets past one freeze or ends, so
 * there are at most as many turns as freezes, and one.
 */
function firstAllowed(zoned: Zoned, freezes: FreezeQuery, fromMs: EpochMs): EpochMs | null {
  let atMs = fromMs;
  for (let turn = 0; turn <= freezes.freezes.length; turn += 1) {
    if (zoned !== null && closingOf(zoned, atMs) === null) {
      const opening = openingAfter(zoned, atMs);
      if (opening === null) return null;
      atMs = opening.startMs;
    }
    const frozen = frozenUntil(freezes, atMs);
    if (frozen === null) return atMs;
    if (frozen.untilMs === null) return null;
    atMs = frozen.untilMs;
  }
  return null;
}

function forbidden(
  reason: MoveForbidden["reason"],
  name: string | null,
  more: { nextAtMs: EpochMs | null; problems?: readonly CalendarProblem[] },
): MoveForbidden {
  return { allowed: false, reason, name, nextAtMs: more.nextAtMs, problems: more.problems ?? [] };
}

function readWindows(question: MoveQuestion, memo: CalendarMemo): Result<Zoned, readonly CalendarProblem[]> {
  const { windows, subject } = question;
  return windows === null ? ok(null) : zonedWindows({ windows, accountZone: subject.zone }, memo);
}

/**
 * Decides whether the subject may move forward at `atMs`.
 * Example: windows Friday and Saturday 22:00–02:00, asked on a Wednesday, a freeze from Friday 00:00 to Saturday 12:00:
 * `{ allowed: false, reason: "window", nextAtMs: Saturday 22:00 }`.
 */
export function mayMove(question: MoveQuestion): MoveAllowed | MoveForbidden {
  const { freezes, subject, atMs, windowName } = question;
  const memo = question.memo ?? createCalendarMemo();
  const windows = readWindows(question, memo);
  if (!windows.ok) {
    return forbidden("invalid", windowName, { nextAtMs: null, problems: windows.error });
  }
  const query = { freezes, subject, memo };
  const frozen = frozenUntil(query, atMs);
  if (frozen !== null && frozen.untilMs === null) {
    const message = "the freeze cannot be read: its dates or its zone are not known here";
    const problems = [{ path: ["freezes", frozen.name], message }];
    return forbidden("invalid", frozen.name, { nextAtMs: null, problems });
  }
  if (frozen?.untilMs != null) {
    const nextAtMs = firstAllowed(windows.value, query, frozen.untilMs);
    return forbidden("freeze", frozen.name, { nextAtMs });
  }
  const horizonMs = atMs + SEARCH_HORIZON_MS;
  const closesAtMs = windows.value === null ? horizonMs : closingOf(windows.value, atMs);
  if (closesAtMs === null) {
    return forbidden("window", windowName, { nextAtMs: firstAllowed(windows.value, query, atMs) });
  }
  return { allowed: true, closesAtMs: Math.min(closesAtMs, nextFreezeStart(query, atMs) ?? horizonMs) };
}
