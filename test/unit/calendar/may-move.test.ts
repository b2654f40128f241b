/** Freezes, and windows and freezes together: any window allows, any freeze in scope forbids, what is not known forbids. */
import { describe, it } from "vitest";
import type { Freeze } from "../../../src/contracts/calendar.ts";
import { type FreezeSubject, frozenUntil } from "../../../src/core/calendar/freezes.ts";
import { mayMove, type MoveQuestion } from "../../../src/core/calendar/may-move.ts";
import { at, freeze, iso, nights, window } from "../../support/calendar.ts";

const DAY_MS = 86_400_000;
const subject = (partial: Partial<FreezeSubject> = {}): FreezeSubject => ({
  products: ["kiln"],
  labels: {},
  cell: null,
  zone: "UTC",
  ...partial,
});

/** `name until` or null. */
function frozen(freezes: readonly Freeze[], time: string, who: Partial<FreezeSubject> = {}): string | null {
  const found = frozenUntil({ freezes, subject: subject(who) }, at(time));
  return found === null ? null : `${found.name} ${found.untilMs === null ? "?" : iso(found.untilMs)}`;
}

describe("frozenUntil", () => {
  it("holds from the beginning of the first date to the end of the last", ({ expect }) => {
    const all = [freeze({ zone: "Europe/Paris" })];
    expect(frozen(all, "2024-12-19T22:59:59.999Z")).toBeNull();
    expect(frozen(all, "2024-12-19T23:00:00Z")).toBe("december 2024-12-31T23:00:00Z");
    expect(frozen(all, "2024-12-31T22:59:59.999Z")).toBe("december 2024-12-31T23:00:00Z");
    expect(frozen(all, "2024-12-31T23:00:00Z")).toBeNull();
  });

  it("holds until a date-time, in the account's own zone where it says so", ({ expect }) => {
    const all = [freeze({ from: "2024-12-20T18:00", to: "2024-12-21T06:30:30", zone: "account" })];
    expect(frozen(all, "2024-12-20T12:15:00Z", { zone: "Asia/Kathmandu" })).toBe(
      "december 2024-12-21T00:45:30Z",
    );
    expect(frozen(all, "2024-12-20T12:14:59Z", { zone: "Asia/Kathmandu" })).toBeNull();
    expect(frozen(all, "2024-12-20T12:15:00Z", { zone: "America/New_York" })).toBeNull();
  });

  it("begins after a gap at midnight and ends with the second showing of an end", ({ expect }) => {
    const gap = [freeze({ from: "2018-11-04", to: "2018-11-04", zone: "America/Sao_Paulo" })];
    expect(frozen(gap, "2018-11-04T03:00:00Z")).toBe("december 2018-11-05T02:00:00Z");
    expect(frozen(gap, "2018-11-04T02:59:59Z")).toBeNull();
    const overlap = [freeze({ from: "2024-10-26", to: "2024-10-27T02:30", zone: "Europe/Paris" })];
    expect(frozen(overlap, "2024-10-27T00:45:00Z")).toBe("december 2024-10-27T01:30:00Z");
  });

  it("never holds for a date that the zone left out", ({ expect }) => {
    const all = [freeze({ from: "2011-12-30", to: "2011-12-30", zone: "Pacific/Apia" })];
    expect(frozen(all, "2011-12-30T10:00:00Z")).toBeNull();
  });

  it("takes freezes that touch or overlap for one, named by the one that holds now and ends last", ({
    expect,
  }) => {
    const all = [
      freeze({ name: "later", from: "2024-12-23", to: "2024-12-24" }),
      freeze({ name: "long", from: "2024-12-19", to: "2024-12-22" }),
      freeze({ name: "short", from: "2024-12-20", to: "2024-12-20" }),
      freeze({ name: "apart", from: "2024-12-26", to: "2024-12-26" }),
    ];
    expect(frozen(all, "2024-12-20T12:00:00Z")).toBe("long 2024-12-25T00:00:00Z");
    expect(frozen(all, "2024-12-25T12:00:00Z")).toBeNull();
  });

  it.for<[Freeze["scope"], Partial<FreezeSubject>, boolean]>([
    [{}, {}, true],
    [{ products: ["kiln"] }, { products: ["fogbugz", "kiln"] }, true],
    [{ products: ["kiln"] }, { products: ["fogbugz"] }, false],
    [{ cells: ["eu1", "eu2"] }, { cell: "eu2" }, true],
    [{ cells: ["eu1"] }, { cell: "us1" }, false],
    [{ cells: ["eu1"] }, { cell: null }, false],
    [{ labels: { tier: "gold" } }, { labels: { tier: "gold", size: "xl" } }, true],
    [{ labels: { tier: "gold", size: "xl" } }, { labels: { tier: "gold" } }, false],
    [{ labels: { tier: "gold" } }, { labels: { tier: "silver" } }, false],
    [{ labels: { constructor: "x" } }, { labels: {} }, false],
    [{ labels: { tier: "gold" } }, { labels: null }, true],
    [{ products: ["kiln"], cells: ["eu1"] }, { cell: "eu1" }, true],
    [{ products: ["kiln"], cells: ["eu1"] }, { cell: "us1" }, false],
    [{ products: ["fogbugz"], labels: { tier: "gold" } }, { labels: null }, false],
  ])("matches the scope %j against %j: %s", ([scope, who, holds], { expect }) => {
    expect(frozen([freeze({ scope })], "2024-12-25T00:00:00Z", who) !== null).toBe(holds);
  });

  it("holds without an end when it cannot be read, for its scope alone", ({ expect }) => {
    const broken = [
      freeze({ name: "broken", zone: "Mars/Olympus", scope: { products: ["kiln"] } }),
      freeze(),
    ];
    expect(frozen(broken, "2020-01-01T00:00:00Z")).toBe("broken ?");
    expect(frozen(broken, "2020-01-01T00:00:00Z", { products: ["fogbugz"] })).toBeNull();
    expect(frozen([freeze({ from: "2024-02-30" })], "2020-01-01T00:00:00Z")).toBe("december ?");
    expect(frozen([freeze({ zone: "account" })], "2020-01-01T00:00:00Z", { zone: null })).toBe("december ?");
  });
});

describe("mayMove", () => {
  const question = (time: string, partial: Partial<MoveQuestion> = {}): MoveQuestion => ({
    windows: [nights(["fri", "sat"])],
    windowName: "weekend-nights",
    freezes: [],
    subject: subject(),
    atMs: at(time),
    ...partial,
  });

  it("allows in an open window until it closes", ({ expect }) => {
    expect(mayMove(question("2024-12-06T23:00:00Z"))).toEqual({
      allowed: true,
      closesAtMs: at("2024-12-07T02:00:00Z"),
    });
  });

  it("names the window that is closed and when it opens", ({ expect }) => {
    expect(mayMove(question("2024-12-04T12:00:00Z"))).toEqual({
      allowed: false,
      reason: "window",
      name: "weekend-nights",
      nextAtMs: at("2024-12-06T22:00:00Z"),
      problems: [],
    });
  });

  it("names the freeze before the window, and finds the first opening after both", ({ expect }) => {
    const freezes = [freeze({ from: "2024-12-04", to: "2024-12-07T12:00" })];
    const asked = { allowed: false, nextAtMs: at("2024-12-07T22:00:00Z"), problems: [] };
    expect(mayMove(question("2024-12-03T12:00:00Z", { freezes }))).toEqual({
      ...asked,
      reason: "window",
      name: "weekend-nights",
    });
    expect(mayMove(question("2024-12-05T12:00:00Z", { freezes }))).toEqual({
      ...asked,
      reason: "freeze",
      name: "december",
    });
    expect(mayMove(question("2024-12-06T23:00:00Z", { freezes }))).toMatchObject({ reason: "freeze" });
  });

  it("gets past several freezes and openings, and into the rest of one", ({ expect }) => {
    const freezes = [
      freeze({ name: "c", from: "2024-12-20", to: "2024-12-21T23:30" }),
      freeze({ name: "a", from: "2024-12-06", to: "2024-12-08" }),
      freeze({ name: "b", from: "2024-12-13T20:00", to: "2024-12-15" }),
      freeze({ name: "other", from: "2024-12-21", to: "2024-12-31", scope: { products: ["fogbugz"] } }),
    ];
    const answer = mayMove(question("2024-12-03T12:00:00Z", { freezes }));
    expect(answer).toMatchObject({ reason: "window", nextAtMs: at("2024-12-21T23:30:00Z") });
  });

  it("closes with the next freeze when that comes before the window's end", ({ expect }) => {
    const freezes = [freeze({ from: "2024-12-07", to: "2024-12-09" })];
    expect(mayMove(question("2024-12-06T23:00:00Z", { freezes }))).toEqual({
      allowed: true,
      closesAtMs: at("2024-12-07T00:00:00Z"),
    });
  });

  it("needs no window where none is asked for, only that nothing is frozen", ({ expect }) => {
    const free = { windows: null, windowName: null };
    const now = at("2024-12-04T12:00:00Z");
    expect(mayMove(question("2024-12-04T12:00:00Z", free))).toEqual({
      allowed: true,
      closesAtMs: now + 400 * DAY_MS,
    });
    const freezes = [freeze({ from: "2024-12-04", to: "2024-12-07T12:00" })];
    expect(mayMove(question("2024-12-04T12:00:00Z", { ...free, freezes }))).toMatchObject({
      reason: "freeze",
      nextAtMs: at("2024-12-07T12:00:00Z"),
    });
    expect(mayMove(question("2024-12-03T12:00:00Z", { ...free, freezes }))).toEqual({
      allowed: true,
      closesAtMs: at("2024-12-04T00:00:00Z"),
    });
  });

  it("knows no next time when every opening ahead is frozen without an end", ({ expect }) => {
    const freezes = [freeze({ from: "2024-12-04", to: "9999-12-31" })];
    const answer = mayMove(question("2024-12-03T12:00:00Z", { freezes }));
    expect(answer).toMatchObject({ allowed: false, reason: "window" });
    const broken = mayMove(question("2024-12-03T12:00:00Z", { freezes: [freeze({ zone: "Mars/Olympus" })] }));
    expect(broken).toMatchObject({ allowed: false, reason: "invalid", name: "december", nextAtMs: null });
  });

  it("forbids what cannot be read, with every problem", ({ expect }) => {
    const windows = [window({ from: "x", zone: "Mars/Olympus" })];
    const answer = mayMove(question("2024-12-06T23:00:00Z", { windows }));
    expect(answer).toMatchObject({
      allowed: false,
      reason: "invalid",
      name: "weekend-nights",
      nextAtMs: null,
    });
    expect(answer.allowed ? [] : answer.problems.map(({ path }) => path)).toEqual([
      [0, "from"],
      [0, "zone"],
    ]);
    const lost = mayMove(question("2024-12-06T23:00:00Z", { subject: subject({ zone: "Mars/Olympus" }) }));
    expect(lost).toMatchObject({ allowed: false, reason: "invalid" });
  });
});
