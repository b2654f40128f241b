/** When a plan moves whom: a line for each zone, or the zones of a region together, in times that people can read. */
import { describe, it } from "vitest";
import type { PlannedWaveAnswer } from "../../../src/contracts/api/rollout-plan.ts";
import { renderPlaces, wallClock } from "../../../scripts/cli/rollout-plan-zones.ts";
import { buildPlan } from "../../support/rollout-views.ts";

type Zone = PlannedWaveAnswer["zones"][number];

function zone(name: string, local: string, until = local): Zone {
  const shown = (text: string): Zone["first"] => ({ local: text, utc: new Date(text).toISOString() });
  return { zone: name, accounts: 10, first: shown(local), last: shown(until) };
}

/** The cells of each line of the first wave. */
function lines(zones: readonly Zone[], all: boolean): readonly (readonly string[])[] {
  const waves = buildPlan()
    .waves.slice(0, 1)
    .map((wave) => ({ ...wave, zones }));
  const text = renderPlaces(buildPlan({ waves }), all);
  return text
    .split("\n")
    .filter((line) => line.startsWith("staff"))
    .map((line) => line.split(/\s{2,}/).slice(1));
}

describe("the zones of a plan", () => {
  const ZONES = [
    zone("America/New_York", "2030-11-03T01:30:00-05:00"),
    zone("Asia/Tokyo", "2030-11-02T22:00:00+09:00", "2030-11-02T23:10:00+09:00"),
    zone("Asia/Seoul", "2030-11-02T22:00:30+09:00"),
  ];

  it("are listed one by one in the order in which they move, with the weekday of each own clock", ({
    expect,
  }) => {
    expect(lines(ZONES, true).map((cells) => cells.slice(0, 3))).toEqual([
      ["Asia/Tokyo", "10", "Sat 2030-11-02 22:00 +09:00"],
      ["Asia/Seoul", "10", "Sat 2030-11-02 22:00:30 +09:00"],
      ["America/New_York", "10", "Sun 2030-11-03 01:30 -05:00"],
    ]);
  });

  it("are told by region otherwise, from the first clock to the last", ({ expect }) => {
    expect(lines(ZONES, false)).toEqual([
      [
        "America/New_York",
        "1",
        "10",
        "Sun 2030-11-03 01:30",
        "Sun 2030-11-03 01:30",
        "Sun 2030-11-03 06:30",
        "Sun 2030-11-03 06:30",
      ],
      [
        "Asia",
        "2",
        "20",
        "Sat 2030-11-02 22:00",
        "Sat 2030-11-02 23:10",
        "Sat 2030-11-02 13:00",
        "Sat 2030-11-02 14:10",
      ],
    ]);
  });

  it("are one line where all move at the same moment, or by the same clock", ({ expect }) => {
    const moment = [
      zone("Asia/Tokyo", "2030-11-02T22:00:11.391+09:00"),
      zone("Europe/Paris", "2030-11-02T14:00:11.391+01:00"),
    ];
    expect(lines(moment, false)).toEqual([
      [
        "everywhere",
        "2",
        "20",
        "Sat 2030-11-02 14:00",
        "Sat 2030-11-02 22:00",
        "Sat 2030-11-02 13:00",
        "Sat 2030-11-02 13:00",
      ],
    ]);
    const clock = [
      zone("Asia/Tokyo", "2030-11-02T22:00:00+09:00"),
      zone("Europe/Paris", "2030-11-02T22:00:00+01:00"),
    ];
    expect(lines(clock, false).map((cells) => cells[0])).toEqual(["everywhere"]);
  });

  it("say nothing where nobody moves", ({ expect }) => {
    expect(renderPlaces(buildPlan({ waves: [] }), false)).toBe("");
  });
});

describe("a wall clock", () => {
  it("is told to the second at most", ({ expect }) => {
    expect(wallClock("2026-11-30T01:21:11.391+02:00")).toBe("Mon 2026-11-30 01:21:11 +02:00");
    expect(wallClock("2026-11-30T01:21:00.391+02:00")).toBe("Mon 2026-11-30 01:21 +02:00");
  });
});
