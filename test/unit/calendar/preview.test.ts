/** What the answer to a write shows: the next three openings, the time of a freeze, or everything that is wrong. */
import { describe, it } from "vitest";
import { validateFreeze, validateWindow } from "../../../src/core/calendar/preview.ts";
import { at, errorOf, freeze, nights, valueOf, window } from "../../support/calendar.ts";

const context = { nowMs: at("2024-10-25T12:00:00Z"), exampleZone: "Europe/Paris" };

describe("validateWindow", () => {
  it("answers with the next three openings in the example zone and in UTC", ({ expect }) => {
    expect(valueOf(validateWindow([nights(["sat"])], context))).toEqual([
      {
        zone: "Europe/Paris",
        date: "2024-10-26",
        start: { local: "2024-10-26T22:00:00+02:00", utc: "2024-10-26T20:00:00Z" },
        end: { local: "2024-10-27T02:00:00+01:00", utc: "2024-10-27T01:00:00Z" },
      },
      {
        zone: "Europe/Paris",
        date: "2024-11-02",
        start: { local: "2024-11-02T22:00:00+01:00", utc: "2024-11-02T21:00:00Z" },
        end: { local: "2024-11-03T02:00:00+01:00", utc: "2024-11-03T01:00:00Z" },
      },
      {
        zone: "Europe/Paris",
        date: "2024-11-09",
        start: { local: "2024-11-09T22:00:00+01:00", utc: "2024-11-09T21:00:00Z" },
        end: { local: "2024-11-10T02:00:00+01:00", utc: "2024-11-10T01:00:00Z" },
      },
    ]);
  });

  it("mixes the windows of a list by time, each in its own zone", ({ expect }) => {
    const shown = valueOf(validateWindow([nights(["sat"]), nights(["fri"], "Asia/Tokyo")], context));
    expect(shown.map(({ zone, start }) => `${zone} ${start.local}`)).toEqual([
      "Asia/Tokyo 2024-10-25T22:00:00+09:00",
      "Europe/Paris 2024-10-26T22:00:00+02:00",
      "Asia/Tokyo 2024-11-01T22:00:00+09:00",
    ]);
  });

  it("shows openings after now only, and those of a rare window far ahead", ({ expect }) => {
    const running = valueOf(validateWindow([window({ from: "13:00", to: "15:00" })], context));
    expect(running[0]?.date).toBe("2024-10-26");
    const rare = valueOf(validateWindow([window({ nth: [{ weekday: "thu", week: 5 }] })], context));
    expect(rare.map(({ date }) => date)).toEqual(["2024-10-31", "2025-01-30", "2025-05-29"]);
  });

  it("lists all problems, also of the example zone", ({ expect }) => {
    const bad = [window({ from: "9:00", to: "25:00" }), window({ zone: "UTC+2" })];
    expect(errorOf(validateWindow(bad, context)).map(({ path }) => path.join("."))).toEqual([
      "0.from",
      "0.to",
      "1.zone",
    ]);
    expect(errorOf(validateWindow([], context))).toHaveLength(1);
    expect(errorOf(validateWindow([window()], { ...context, exampleZone: "Mars/Olympus" }))).toHaveLength(1);
  });
});

describe("validateFreeze", () => {
  it("answers with its first and last instant and whether it is to come", ({ expect }) => {
    expect(valueOf(validateFreeze(freeze({ zone: "account" }), context))).toEqual({
      zone: "Europe/Paris",
      start: { local: "2024-12-20T00:00:00+01:00", utc: "2024-12-19T23:00:00Z" },
      end: { local: "2025-01-01T00:00:00+01:00", utc: "2024-12-31T23:00:00Z" },
      state: "ahead",
    });
    const state = (from: string, to: string): string =>
      valueOf(validateFreeze(freeze({ from, to }), context)).state;
    expect(state("2024-10-25", "2024-10-25")).toBe("in-force");
    expect(state("2024-10-24", "2024-10-25T12:00")).toBe("past");
  });

  it("lists all problems", ({ expect }) => {
    const bad = freeze({
      from: "2024-02-30",
      to: "2024-12-20T18:00Z",
      zone: "Mars/Olympus",
      scope: { cells: [] },
    });
    expect(errorOf(validateFreeze(bad, context)).map(({ path }) => path.join("."))).toEqual([
      "from",
      "to",
      "zone",
      "scope.cells",
    ]);
    const backwards = freeze({ from: "2024-12-20T18:00", to: "2024-12-20T18:00" });
    expect(errorOf(validateFreeze(backwards, context)).map(({ path }) => path.join("."))).toEqual(["to"]);
    const never = freeze({ from: "2011-12-30", to: "2011-12-30", zone: "Pacific/Apia" });
    expect(errorOf(validateFreeze(never, context))[0]?.message).toContain("left these dates out");
  });
});
