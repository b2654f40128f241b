/** Windows and freezes as bodies and plan files hold them: what is taken, how it is read, and that all problems come back. */
import { describe, it } from "vitest";
import {
  FreezeInputSchema,
  FreezeSchema,
  WindowChoiceSchema,
  WindowsSchema,
} from "../../../src/contracts/api/calendar.ts";
import type { Freeze, Window } from "../../../src/contracts/calendar.ts";

const sound = { days: ["fri", "sat"], from: "22:00", to: "24:00", zone: "account" };
const paths = (issues: readonly { path: PropertyKey[] }[] | undefined): string[] =>
  (issues ?? []).map(({ path }) => path.join(".")).sort();

describe("WindowsSchema", () => {
  it("reads one window and a list alike as a list", ({ expect }) => {
    const list: readonly Window[] = WindowsSchema.parse(sound);
    expect(list).toEqual([sound]);
    expect(WindowsSchema.parse([sound, { ...sound, nth: [{ weekday: "sun", week: "last" }] }])).toHaveLength(
      2,
    );
  });

  it("reports every problem with its place", ({ expect }) => {
    const bad = [
      { days: ["sat", "funday"], from: "24:00", to: "24:01", zone: "Europe/Pariss" },
      { ...sound, nth: [{ weekday: "sat", week: 6 }] },
      { ...sound, extra: true },
    ];
    expect(paths(WindowsSchema.safeParse(bad).error?.issues)).toEqual([
      "0.days.1",
      "0.from",
      "0.to",
      "0.zone",
      "1.nth.0.week",
      "2",
    ]);
    const twice = { ...sound, nth: [{ weekday: "sat", week: 1 }], from: "x" };
    expect(paths(WindowsSchema.safeParse(twice).error?.issues)).toEqual(["0.from", "0.nth.0"]);
    expect(WindowsSchema.safeParse([]).success).toBe(false);
  });
});

describe("WindowChoiceSchema", () => {
  it("takes a name, a window or a list", ({ expect }) => {
    expect(WindowChoiceSchema.parse("weekend-nights")).toBe("weekend-nights");
    expect(WindowChoiceSchema.parse(sound)).toEqual([sound]);
    expect(WindowChoiceSchema.parse([sound])).toEqual([sound]);
    for (const bad of ["Weekend Nights", 7, null, { from: "22:00" }]) {
      expect(WindowChoiceSchema.safeParse(bad).success).toBe(false);
    }
  });
});

describe("FreezeSchema", () => {
  const given = {
    name: "december",
    from: "2026-12-20",
    to: "2027-01-03T06:00",
    zone: "account",
    reason: "shops",
  };

  it("covers everything when no scope is given", ({ expect }) => {
    const freeze: Freeze = FreezeSchema.parse(given);
    expect(freeze).toEqual({ ...given, scope: {} });
    const { name: _name, ...body } = given;
    expect(FreezeInputSchema.parse(body)).toEqual({ ...body, scope: {} });
  });

  it("reports every problem with its place", ({ expect }) => {
    const bad = { ...given, from: "2026-02-29", to: "2027-01-03T06:00+01:00", zone: "local", reason: "" };
    const scope = { products: [], labels: {}, cells: ["EU"] };
    expect(
      paths(FreezeSchema.safeParse({ ...bad, scope: { products: [], labels: {} } }).error?.issues),
    ).toEqual(["from", "reason", "scope.labels", "scope.products", "to", "zone"]);
    expect(paths(FreezeSchema.safeParse({ ...given, scope }).error?.issues)).toContain("scope.cells.0");
    expect(paths(FreezeSchema.safeParse({ ...given, to: "2026-12-19" }).error?.issues)).toEqual(["to"]);
    // A whole day may be named twice: it is frozen from its beginning to its end.
    expect(FreezeSchema.safeParse({ ...given, to: "2026-12-20" }).success).toBe(true);
  });
});
