/**
 * Properties of windows and freezes over random windows, zones and times: one opening for each local day, start before
 * end, open exactly inside openings, the next opening is the first, freezes are a union, searching only goes forward,
 * and workdays add up. Expectations are brute force over `openings`, which zone-database.test.ts holds against the
 * zone database.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import {
  type Freeze,
  type Interval,
  MONTH_WEEKS,
  WEEKDAYS,
  type Window,
} from "../../src/contracts/calendar.ts";
import { frozenUntil } from "../../src/core/calendar/freezes.ts";
import { mayMove } from "../../src/core/calendar/may-move.ts";
import { createCalendarMemo } from "../../src/core/calendar/memo.ts";
import { closesAt, isOpen, nextOpening, openings } from "../../src/core/calendar/openings.ts";
import { addWorkdays, workdaysBetween } from "../../src/core/calendar/workdays.ts";
import { valueOf } from "../support/calendar.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const SHARED = createCalendarMemo();

const zone = fc.constantFrom(
  "UTC",
  "Europe/Paris",
  "America/New_York",
  "America/St_Johns",
  "Australia/Lord_Howe",
  "Pacific/Chatham",
  "Africa/Casablanca",
  "Asia/Kathmandu",
  "America/Havana",
  "Antarctica/Troll",
);
/** Minutes from 2023 to 2025, where clocks change about 60 times in these zones. */
const time = fc
  .integer({ min: Date.UTC(2023, 0, 10) / MINUTE_MS, max: Date.UTC(2025, 11, 20) / MINUTE_MS })
  .map((minutes) => minutes * MINUTE_MS);
const clock = fc
  .integer({ min: 0, max: 95 })
  .map(
    (quarter) => `${String(quarter >> 2).padStart(2, "0")}:${String((quarter % 4) * 15).padStart(2, "0")}`,
  );
const weekdays = fc.shuffledSubarray([...WEEKDAYS], { minLength: 1 });
const days: fc.Arbitrary<Pick<Window, "days" | "nth">> = fc.oneof(
  fc.constant({}),
  weekdays.map((names) => ({ days: names })),
  fc
    .tuple(weekdays, fc.constantFrom(...MONTH_WEEKS))
    .map(([names, week]) => ({ nth: names.map((weekday) => ({ weekday, week })) })),
);
const aWindow: fc.Arbitrary<Window> = fc
  .tuple(days, clock, fc.oneof(clock, fc.constant("24:00")), fc.oneof(fc.constant("account"), zone))
  .map(([given, from, to, where]) => ({ ...given, from, to, zone: where }));
const someWindows = fc.array(aWindow, { minLength: 1, maxLength: 3 });

const date = fc
  .integer({ min: 0, max: 60 })
  .map((day) => new Date(Date.UTC(2024, 1, 10 + day)).toISOString().slice(0, 10));
const aFreeze: fc.Arbitrary<Freeze> = fc
  .tuple(
    date,
    fc.integer({ min: 0, max: 6 }),
    fc.oneof(fc.constant("account"), zone),
    fc.constantFrom("kiln", "fogbugz", null),
  )
  .map(([from, length, where, product]) => ({
    name: `f-${from}-${length}`,
    from,
    to: new Date(Date.parse(from) + length * DAY_MS).toISOString().slice(0, 10),
    zone: where,
    scope: product === null ? {} : { products: [product] },
    reason: "because",
  }));
const someFreezes = fc.array(aFreeze, { maxLength: 6 });
const freezeTime = fc
  .integer({ min: Date.UTC(2024, 1, 5) / MINUTE_MS, max: Date.UTC(2024, 3, 20) / MINUTE_MS })
  .map((minutes) => minutes * MINUTE_MS);

/** Openings joined where they touch, by brute force. */
function joined(windows: readonly Window[], accountZone: string, range: Interval): Interval[] {
  const all = valueOf(openings({ windows, accountZone, memo: SHARED }, range.startMs, range.endMs));
  const found: Interval[] = [];
  for (const { startMs, endMs } of all) {
    const last = found.at(-1);
    if (last !== undefined && startMs <= last.endMs) {
      found[found.length - 1] = { startMs: last.startMs, endMs: Math.max(last.endMs, endMs) };
    } else found.push({ startMs, endMs });
  }
  return found;
}

describe("openings", () => {
  it("are one for each local day that the window names, in order, start before end", ({ expect }) => {
    fc.assert(
      fc.property(
        aWindow,
        zone,
        time,
        fc.integer({ min: 1, max: 60 }),
        (given, accountZone, fromMs, length) => {
          const daily = { ...given, days: undefined, nth: undefined };
          const range = [fromMs, fromMs + length * DAY_MS] as const;
          const every = valueOf(openings({ windows: [daily], accountZone }, ...range));
          const some = valueOf(openings({ windows: [given], accountZone }, ...range));
          const dates = every.map((opening) => opening.date);
          const first = Date.parse(dates[0] ?? "");
          // No zone here left a date out in these years: consecutive days, each once.
          expect(dates).toEqual(
            dates.map((_, index) => new Date(first + index * DAY_MS).toISOString().slice(0, 10)),
          );
          expect(every.every(({ startMs, endMs }) => startMs < endMs)).toBe(true);
          expect(every.map(({ startMs }) => startMs)).toEqual(
            every.map(({ startMs }) => startMs).sort((a, b) => a - b),
          );
          expect(every).toEqual(expect.arrayContaining([...some]));
          expect(new Set(some.map((opening) => opening.date)).size).toBe(some.length);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("isOpen, closesAt and nextOpening", () => {
  it("agree with the openings, at their edges and anywhere", ({ expect }) => {
    fc.assert(
      fc.property(someWindows, zone, time, (windows, accountZone, atMs) => {
        const query = { windows, accountZone, memo: SHARED };
        // Wide enough that what is joined at the ends cannot reach the middle, unless it is open throughout.
        const all = joined(windows, accountZone, { startMs: atMs - 60 * DAY_MS, endMs: atMs + 130 * DAY_MS });
        const edges = all
          .flatMap(({ startMs, endMs }) => [startMs - 1, startMs, endMs - 1, endMs])
          .filter((edge) => Math.abs(edge - atMs) < 10 * DAY_MS);
        for (const moment of [atMs, ...edges]) {
          const now = all.find(({ startMs, endMs }) => startMs <= moment && moment < endMs);
          const next = all.find(({ startMs }) => startMs > moment);
          const bounded = (end: number | undefined): boolean =>
            end !== undefined && end < atMs + 129 * DAY_MS;
          expect(isOpen(query, moment)).toBe(now !== undefined);
          if (now === undefined) expect(closesAt(query, moment)).toBeNull();
          else if (bounded(now.endMs)) expect(closesAt(query, moment)).toBe(now.endMs);
          if (next !== undefined && bounded(next.endMs)) expect(nextOpening(query, moment)).toEqual(next);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("answer the same with a fresh memo and with one that was asked everything", ({ expect }) => {
    fc.assert(
      fc.property(someWindows, zone, time, (windows, accountZone, atMs) => {
        const [warm, cold] = [
          { windows, accountZone, memo: SHARED },
          { windows, accountZone },
        ];
        expect(nextOpening(warm, atMs)).toEqual(nextOpening(cold, atMs));
        expect(closesAt(warm, atMs)).toEqual(closesAt(cold, atMs));
      }),
      { numRuns: 100 },
    );
  });
});

describe("freezes", () => {
  const subject = (zoneName: string) => ({ products: ["kiln"], labels: {}, cell: null, zone: zoneName });

  it("hold as a union: until the first instant at which none of them holds", ({ expect }) => {
    fc.assert(
      fc.property(someFreezes, zone, freezeTime, (freezes, zoneName, atMs) => {
        const ask = (all: readonly Freeze[], moment: number) =>
          frozenUntil({ freezes: all, subject: subject(zoneName), memo: SHARED }, moment);
        const each = freezes.map((freeze) => ask([freeze], atMs));
        const together = ask(freezes, atMs);
        expect(together === null).toBe(each.every((one) => one === null));
        if (together === null) return;
        const untilMs = together.untilMs ?? NaN;
        expect(ask(freezes, untilMs)).toBeNull();
        expect(ask(freezes, untilMs - 1)).not.toBeNull();
        expect(untilMs).toBeGreaterThan(atMs);
        // Nothing thaws in between: checked every hour.
        for (let moment = atMs; moment < untilMs; moment += HOUR_MS)
          expect(ask(freezes, moment)).not.toBeNull();
        expect(ask([...freezes].reverse(), atMs)?.untilMs).toBe(untilMs);
      }),
      { numRuns: 300 },
    );
  });

  it("and windows: moves are allowed exactly inside openings that nothing freezes", ({ expect }) => {
    fc.assert(
      fc.property(someWindows, someFreezes, zone, freezeTime, (windows, freezes, zoneName, atMs) => {
        const who = subject(zoneName);
        const ask = (moment: number) =>
          mayMove({ windows, windowName: "w", freezes, subject: who, atMs: moment, memo: SHARED });
        const open = (moment: number): boolean =>
          isOpen({ windows, accountZone: zoneName, memo: SHARED }, moment) &&
          frozenUntil({ freezes, subject: who, memo: SHARED }, moment) === null;
        const answer = ask(atMs);
        expect(answer.allowed).toBe(open(atMs));
        const turnsAtMs = answer.allowed ? answer.closesAtMs : answer.nextAtMs;
        if (turnsAtMs === null || turnsAtMs > atMs + 120 * DAY_MS) return;
        expect(turnsAtMs).toBeGreaterThan(atMs);
        expect(ask(turnsAtMs).allowed).toBe(!answer.allowed);
        expect(ask(turnsAtMs - 1).allowed).toBe(answer.allowed);
        for (let moment = atMs; moment < turnsAtMs; moment += 3 * HOUR_MS) {
          expect(open(moment)).toBe(answer.allowed);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("only ever put the next move later, and asking later never gives an earlier one", ({ expect }) => {
    fc.assert(
      fc.property(someWindows, someFreezes, aFreeze, zone, freezeTime, fc.nat(20 * 24 * 60), (...given) => {
        const [windows, freezes, more, zoneName, atMs, laterMinutes] = given;
        const next = (all: readonly Freeze[], moment: number): number => {
          const asked = { windows, windowName: "w", freezes: all, subject: subject(zoneName), atMs: moment };
          const answer = mayMove({ ...asked, memo: SHARED });
          return answer.allowed ? moment : (answer.nextAtMs ?? Infinity);
        };
        expect(next([...freezes, more], atMs)).toBeGreaterThanOrEqual(next(freezes, atMs));
        expect(next(freezes, atMs + laterMinutes * MINUTE_MS)).toBeGreaterThanOrEqual(next(freezes, atMs));
      }),
      { numRuns: 300 },
    );
  });
});

describe("workdays", () => {
  it("add up over any cut, and are over exactly when they were counted", ({ expect }) => {
    fc.assert(
      fc.property(zone, time, fc.nat(30 * 24 * 60), fc.nat(30 * 24 * 60), fc.nat(1200), (...given) => {
        const [name, fromMs, first, second, hundredths] = given;
        const where = { zone: name, memo: SHARED };
        const between = (from: number, to: number): number => valueOf(workdaysBetween(where, from, to));
        const cut = fromMs + first * MINUTE_MS;
        const end = cut + second * MINUTE_MS;
        expect(between(fromMs, cut) + between(cut, end)).toBeCloseTo(between(fromMs, end), 9);
        const wanted = hundredths / 100;
        const overMs = valueOf(addWorkdays(where, fromMs, wanted));
        expect(between(fromMs, overMs)).toBeCloseTo(wanted, 6);
        if (wanted > 0) expect(between(fromMs, overMs - 1)).toBeLessThan(wanted);
      }),
      { numRuns: 300 },
    );
  });
});
