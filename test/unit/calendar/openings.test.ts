/**
 * Openings one by one. Instants of test/vectors/windows-cases.json were worked out by hand from what
 * `zdump -v -c 2011,2025 ZONE` prints: experiment 26 (02:30 in spring, 01:30 twice in autumn, Lord Howe, a rule that
 * changed, leap day, year end) and the documented choices for times that do not exist.
 */
import { describe, it } from "vitest";
import type { Window } from "../../../src/contracts/calendar.ts";
import { createCalendarMemo } from "../../../src/core/calendar/memo.ts";
import { closesAt, isOpen, nextOpening, openings } from "../../../src/core/calendar/openings.ts";
import { at, errorOf, iso, nights, valueOf, window } from "../../support/calendar.ts";
import cases from "../../vectors/windows-cases.json" with { type: "json" };

const DAY_MS = 86_400_000;

function runsOf(
  windows: readonly Window[],
  zone: string,
  range: readonly [from: string, until: string],
): string[] {
  const found = valueOf(openings({ windows, accountZone: zone }, at(range[0]), at(range[1])));
  return found.map(({ date, startMs, endMs }) => `${date} ${iso(startMs)}/${iso(endMs)}`);
}

describe("openings", () => {
  it.for(cases.map((each) => [`${each.note}: ${each.zone} ${each.date}`, each] as const))(
    "run as zdump has it: %s",
    ([, { zone, from, to, date, start, end }], { expect }) => {
      const fixed = [window({ from, to, zone })];
      const near = { fromMs: at(start) - 3 * DAY_MS, untilMs: at(end) + 3 * DAY_MS };
      for (const query of [
        { windows: fixed, accountZone: "UTC" },
        { windows: [window({ from, to })], accountZone: zone },
      ]) {
        const runs = valueOf(openings(query, near.fromMs, near.untilMs)).filter((run) => run.date === date);
        expect(runs.map(({ startMs, endMs }) => [iso(startMs), iso(endMs)])).toEqual([[start, end]]);
      }
    },
  );

  it("are none on a date that the zone left out, and one on either side", ({ expect }) => {
    const runs = runsOf([window({ from: "12:00", to: "13:00" })], "Pacific/Apia", [
      "2011-12-28T00:00:00Z",
      "2012-01-01T12:00:00Z",
    ]);
    expect(runs.map((run) => run.slice(0, 10))).toEqual([
      "2011-12-28",
      "2011-12-29",
      "2011-12-31",
      "2012-01-01",
    ]);
    const fridays = runsOf([nights(["fri"])], "Pacific/Apia", [
      "2011-12-25T00:00:00Z",
      "2012-01-07T00:00:00Z",
    ]);
    expect(fridays.map((run) => run.slice(0, 10))).toEqual(["2012-01-06"]);
  });

  it("belong to the date on which they start, though they end in the next month", ({ expect }) => {
    const lastFriday = [window({ nth: [{ weekday: "fri", week: "last" }], to: "02:00" })];
    expect(runsOf(lastFriday, "UTC", ["2024-05-01T00:00:00Z", "2024-07-01T00:00:00Z"])).toEqual([
      "2024-05-31 2024-05-31T22:00:00Z/2024-06-01T02:00:00Z",
      "2024-06-28 2024-06-28T22:00:00Z/2024-06-29T02:00:00Z",
    ]);
  });

  it("know which weekday of the month it is where they are, not in UTC", ({ expect }) => {
    // 22:00 on the last Saturday of August in Honolulu is Sunday 1 September in UTC.
    const lastSaturday = [window({ nth: [{ weekday: "sat", week: "last" }] })];
    expect(
      runsOf(lastSaturday, "Pacific/Honolulu", ["2024-08-20T00:00:00Z", "2024-09-10T00:00:00Z"]),
    ).toEqual(["2024-08-31 2024-09-01T08:00:00Z/2024-09-01T09:00:00Z"]);
  });

  it("of a fifth weekday are only in months that have one", ({ expect }) => {
    const fifth = [window({ nth: [{ weekday: "sat", week: 5 }] })];
    const runs = runsOf(fifth, "UTC", ["2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"]);
    expect(runs.map((run) => run.slice(0, 10))).toEqual([
      "2024-03-30",
      "2024-06-29",
      "2024-08-31",
      "2024-11-30",
    ]);
  });

  it("join days and weekdays of the month", ({ expect }) => {
    const both = [window({ days: ["mon"], nth: [{ weekday: "wed", week: 1 }] })];
    const runs = runsOf(both, "UTC", ["2024-05-01T00:00:00Z", "2024-05-15T00:00:00Z"]);
    expect(runs.map((run) => run.slice(0, 10))).toEqual(["2024-05-01", "2024-05-06", "2024-05-13"]);
  });

  it("that overlap the range are given whole, those that only touch it are not", ({ expect }) => {
    const all = [window({ from: "10:00", to: "11:00" })];
    const day = (from: string, until: string): string[] =>
      runsOf(all, "UTC", [`2024-05-01T${from}:00Z`, `2024-05-01T${until}:00Z`]);
    const run = ["2024-05-01 2024-05-01T10:00:00Z/2024-05-01T11:00:00Z"];
    expect(day("10:59", "11:30")).toEqual(run);
    expect(day("09:00", "10:01")).toEqual(run);
    expect(day("11:00", "12:00")).toEqual([]);
    expect(day("09:00", "10:00")).toEqual([]);
    expect(day("12:00", "09:00")).toEqual([]);
  });

  it("cross the year in the right ISO week", ({ expect }) => {
    // 2024-12-31 is the Tuesday of week 1 of 2025.
    expect(runsOf([nights(["tue"])], "UTC", ["2024-12-30T00:00:00Z", "2025-01-06T00:00:00Z"])).toEqual([
      "2024-12-31 2024-12-31T22:00:00Z/2025-01-01T02:00:00Z",
    ]);
  });

  it("list every problem of the windows, never only the first, and never fall back to UTC", ({ expect }) => {
    const bad = [
      window({ from: "24:00", to: "7:00", zone: "Europe/Pariss" }),
      window({ days: ["sat"], nth: [{ weekday: "sat", week: "last" }], zone: "+02:00" }),
      window({ days: [] }),
      window({ nth: [] }),
      window({ days: ["sun", "sun"] }),
    ];
    const problems = errorOf(openings({ windows: bad, accountZone: "UTC" }, 0, DAY_MS));
    expect(problems.map(({ path }) => path.join("."))).toEqual([
      "0.from",
      "0.to",
      "0.zone",
      "1.nth.0",
      "1.zone",
      "2.days",
      "3.nth",
      "4.days.1",
    ]);
  });

  it("are refused for an account whose zone is not known, even by a fixed window", ({ expect }) => {
    const paths = (zone: string | null, windowZone: string): unknown =>
      errorOf(openings({ windows: [window({ zone: windowZone })], accountZone: zone }, 0, DAY_MS)).map(
        ({ path }) => path[0],
      );
    expect(paths("Mars/Olympus", "account")).toEqual(["accountZone"]);
    expect(paths("Mars/Olympus", "Europe/Paris")).toEqual(["accountZone"]);
    expect(paths(null, "account")).toEqual(["accountZone"]);
    expect(openings({ windows: [window({ zone: "UTC" })], accountZone: null }, 0, DAY_MS).ok).toBe(true);
  });
});

describe("isOpen, nextOpening and closesAt", () => {
  const weekend = { windows: [nights(["fri"]), nights(["sat"])], accountZone: "Europe/Paris" };

  it("open with the first millisecond and close with the end", ({ expect }) => {
    expect(isOpen(weekend, at("2024-11-29T20:59:59.999Z"))).toBe(false);
    expect(isOpen(weekend, at("2024-11-29T21:00:00Z"))).toBe(true);
    expect(isOpen(weekend, at("2024-11-30T00:59:59.999Z"))).toBe(true);
    expect(isOpen(weekend, at("2024-11-30T01:00:00Z"))).toBe(false);
  });

  it("say when it opens next, strictly after, and when it closes", ({ expect }) => {
    const friday = { startMs: at("2024-11-29T21:00:00Z"), endMs: at("2024-11-30T01:00:00Z") };
    const saturday = { startMs: at("2024-11-30T21:00:00Z"), endMs: at("2024-12-01T01:00:00Z") };
    expect(nextOpening(weekend, at("2024-11-27T12:00:00Z"))).toEqual(friday);
    expect(nextOpening(weekend, friday.startMs - 1)).toEqual(friday);
    expect(nextOpening(weekend, friday.startMs)).toEqual(saturday);
    expect(closesAt(weekend, friday.startMs)).toBe(friday.endMs);
    expect(closesAt(weekend, friday.endMs)).toBeNull();
  });

  it("take openings that touch for one", ({ expect }) => {
    const touching = {
      windows: [
        window({ days: ["sat"], to: "24:00" }),
        window({ days: ["sun"], from: "00:00", to: "03:00" }),
      ],
      accountZone: "UTC",
    };
    expect(closesAt(touching, at("2024-11-30T22:00:00Z"))).toBe(at("2024-12-01T03:00:00Z"));
    expect(nextOpening(touching, at("2024-11-29T00:00:00Z"))?.endMs).toBe(at("2024-12-01T03:00:00Z"));
  });

  it("follow windows that never close for 400 days and no further", ({ expect }) => {
    const always = { windows: [window({ from: "00:00", to: "24:00" })], accountZone: "Europe/Paris" };
    const now = at("2024-03-01T12:34:56Z");
    expect(isOpen(always, now)).toBe(true);
    expect(closesAt(always, now)).toBe(now + 400 * DAY_MS);
    expect(nextOpening(always, now)).toBeNull();
  });

  it("find what opens once in many months", ({ expect }) => {
    const rare = {
      windows: [window({ nth: [{ weekday: "thu", week: 5 }], zone: "UTC" })],
      accountZone: "UTC",
    };
    expect(iso(nextOpening(rare, at("2024-02-29T22:00:00Z"))?.startMs ?? 0)).toBe("2024-05-30T22:00:00Z");
  });

  it("stay closed for windows that cannot be read, and for none", ({ expect }) => {
    for (const windows of [[], [window({ zone: "Mars/Olympus" }), window({ from: "00:00", to: "24:00" })]]) {
      const query = { windows, accountZone: "UTC" };
      expect(isOpen(query, 0)).toBe(false);
      expect(nextOpening(query, 0)).toBeNull();
      expect(closesAt(query, 0)).toBeNull();
    }
  });

  it("answer the same with a memo, whatever was asked before", ({ expect }) => {
    const memo = createCalendarMemo();
    const times = [
      "2031-05-01",
      "2024-11-30",
      "2024-11-29",
      "2027-01-02",
      "2024-11-30",
      "1999-12-31",
      "2024-12-07",
    ];
    for (const time of times) {
      const now = at(`${time}T21:30:00Z`);
      expect(nextOpening({ ...weekend, memo }, now)).toEqual(nextOpening(weekend, now));
      expect(closesAt({ ...weekend, memo }, now)).toEqual(closesAt(weekend, now));
    }
  });
});
