/** Time at work: fractions of eight hours, local, Monday to Friday, over weekends and clock changes. */
import { describe, it } from "vitest";
import { addWorkdays, workdaysBetween } from "../../../src/core/calendar/workdays.ts";
import { at, errorOf, iso, valueOf } from "../../support/calendar.ts";

describe("workdaysBetween", () => {
  it.for<[string, string, string, number]>([
    ["UTC", "2024-11-29T16:00:00Z", "2024-12-02T10:00:00Z", 0.25],
    ["UTC", "2024-11-29T17:00:00Z", "2024-12-02T09:00:00Z", 0],
    ["UTC", "2024-12-02T00:00:00Z", "2024-12-03T00:00:00Z", 1],
    ["UTC", "2024-12-02T00:00:00Z", "2024-12-09T00:00:00Z", 5],
    ["UTC", "2024-12-02T09:00:00Z", "2024-12-02T09:00:00Z", 0],
    ["UTC", "2024-12-03T09:00:00Z", "2024-12-02T09:00:00Z", 0],
    ["UTC", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z", 1],
    ["America/New_York", "2024-12-02T14:00:00Z", "2024-12-02T22:00:00Z", 1],
    // Over the weekends of both clock changes: still one workday from Friday noon to Monday noon.
    ["Europe/Paris", "2024-03-29T11:00:00Z", "2024-04-01T10:00:00Z", 1],
    ["Europe/Paris", "2024-10-25T10:00:00Z", "2024-10-28T11:00:00Z", 1],
    // Friday 30 December 2011 never was in Apia: Thursday and Saturday are neighbours.
    ["Pacific/Apia", "2011-12-29T19:00:00Z", "2012-01-01T19:00:00Z", 1],
    ["Asia/Kathmandu", "2024-12-02T03:15:00Z", "2024-12-02T04:15:00Z", 0.125],
  ])("in %s from %s to %s is %d", ([zone, from, to, expected], { expect }) => {
    expect(valueOf(workdaysBetween({ zone }, at(from), at(to)))).toBeCloseTo(expected, 12);
  });

  it("refuses a zone that is not known", ({ expect }) => {
    expect(errorOf(workdaysBetween({ zone: "Mars/Olympus" }, 0, 1))[0]?.path).toEqual(["zone"]);
  });
});

describe("addWorkdays", () => {
  it.for<[string, string, number, string]>([
    ["UTC", "2024-12-02T09:00:00Z", 1, "2024-12-02T17:00:00Z"],
    ["UTC", "2024-11-29T13:00:00Z", 1, "2024-12-02T13:00:00Z"],
    ["UTC", "2024-11-30T03:00:00Z", 0.5, "2024-12-02T13:00:00Z"],
    ["UTC", "2024-11-30T03:00:00Z", 0, "2024-11-30T03:00:00Z"],
    ["UTC", "2024-11-29T22:00:00Z", 10, "2024-12-13T17:00:00Z"],
    ["UTC", "2023-01-10T00:00:00Z", 8.88, "2023-01-20T16:02:24Z"],
    ["Europe/Paris", "2024-03-29T11:00:00Z", 1, "2024-04-01T10:00:00Z"],
    ["Australia/Lord_Howe", "2024-04-05T01:00:00Z", 1, "2024-04-08T01:30:00Z"],
  ])("in %s from %s, %d workdays are over at %s", ([zone, from, workdays, expected], { expect }) => {
    expect(iso(valueOf(addWorkdays({ zone }, at(from), workdays)))).toBe(expected);
  });

  it("refuses a zone that is not known and a number that makes no sense", ({ expect }) => {
    expect(errorOf(addWorkdays({ zone: "Mars/Olympus" }, 0, 1))[0]?.path).toEqual(["zone"]);
    for (const workdays of [-1, 1001, NaN, Infinity]) {
      expect(errorOf(addWorkdays({ zone: "UTC" }, 0, workdays))[0]?.path).toEqual(["workdays"]);
    }
  });
});
