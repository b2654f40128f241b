/** What `plan` says before anything starts, held against what the engine then does. */
import { describe, it } from "vitest";
import { freeze } from "../../../src/core/rollout/freeze.ts";
import { checkPlan } from "../../../src/core/rollout/plan-check.ts";
import { forecast } from "../../../src/core/rollout/plan.ts";
import { normalisePlan } from "../../../src/core/rollout/plan-normalise.ts";
import { RolloutInputSchema } from "../../../src/contracts/api/rollouts.ts";
import {
  crowd,
  DAY,
  FRIDAY,
  facts,
  HOUR,
  memo,
  MINUTE,
  NIGHTS,
  OFFICE,
  onePlan,
  plan,
  Sim,
} from "../../support/rollout-builders.ts";

const WINDOWS = { nights: NIGHTS, office: OFFICE };

function ask(of = plan(), freezes: Sim["freezes"] = []): ReturnType<typeof forecast> {
  const numbers = new Map<string, number>();
  const numberOf = (key: object): number => {
    const text = JSON.stringify(key);
    numbers.set(text, numbers.get(text) ?? numbers.size);
    return numbers.get(text) ?? 0;
  };
  const options = { plan: of, salt: "salt", nowMs: FRIDAY, facts: facts(), freezes, again: false, numberOf };
  const frozen = freeze(crowd(200), options);
  if (!frozen.ok) throw new Error("too many groups");
  const calendar = { windows: WINDOWS, freezes, memo };
  return forecast({
    plan: of,
    frozen: frozen.value,
    facts: facts(),
    startMs: FRIDAY,
    calendar,
    beforeMs: FRIDAY + 5 * HOUR,
  });
}

describe("forecast", () => {
  it("names as many accounts per wave as the engine moves, and when each zone is done", ({ expect }) => {
    const told = ask();
    expect(told.waves.map(({ accounts }) => accounts)).toEqual([20, 60, 120]);
    const sim = new Sim(crowd(200));
    sim.start();
    sim.run(FRIDAY + 2 * DAY, MINUTE);
    expect(sim.state.digest).toBe(told.digest);
    expect(sim.state.waves[1]?.shiftedMs).toBe(told.waves[1]?.shiftedMs);
    expect(told.waves[1]?.zones.find(({ zone }) => zone === "Asia/Kolkata")?.first.local).toContain(
      "T22:00:00+05:30",
    );
    expect(told.criticalPath.at(-1)?.what).toContain("default");
    expect(told.notReached?.accounts).toBeGreaterThan(0);
  });

  it("counts the mirroring before the default in, over as many openings as it takes", ({ expect }) => {
    const { default: step } = plan();
    if (step === null) throw new Error("no default");
    const moves = (minutes: number): readonly number[] => {
      const mirror = { shareBp: 1000, minutes, requests: 1, worseBp: 0, waitMinutes: 8 * minutes };
      const { defaults, criticalPath } = ask({ ...onePlan(), default: { ...step, mirror } });
      expect(criticalPath.filter(({ what }) => what.includes("are mirrored to"))).toHaveLength(
        defaults.length,
      );
      return defaults.map(({ atMs }) => atMs);
    };
    const monday = Date.parse("2026-11-30T15:00:00Z");
    expect(moves(30)).toEqual([monday + 30 * MINUTE, monday + 2 * HOUR]);
    expect(moves(330)).toEqual([monday + DAY + 30 * MINUTE, monday + 2 * DAY + 2 * HOUR]);
  });

  it("moves later when a freeze is added, and says what never opens", ({ expect }) => {
    const freezes = [
      { name: "f", from: "2026-11-27", to: "2026-11-29", zone: "account", scope: {}, reason: "r" },
    ];
    expect(ask(plan(), freezes).endMs).toBeGreaterThan(ask().endMs ?? Infinity);
    const never = ask(onePlan({ window: { name: "gone", own: null } }));
    expect(never.endMs).toBeNull();
    expect(never.waves[0]?.warnings[0]).toContain("no window");
  });
});

const INPUT = {
  id: "autumn",
  targets: { kiln: "2.9.0", fogbugz: "8.8.0" },
  waves: [{ name: "all", cohorts: ["*"], percent: 40, window: "nights", percentPerMinute: 2 }],
  default: { move: true, afterDays: 3, window: OFFICE[0], approve: "before" },
};

describe("a plan file", () => {
  it("is read into one spelling", ({ expect }) => {
    const read = normalisePlan(RolloutInputSchema.parse(INPUT));
    expect(read.waves[0]).toMatchObject({
      shareBp: 4000,
      paceBpPerMinute: 200,
      window: { name: "nights", own: null },
    });
    expect(Object.keys(read.targets)).toEqual(["fogbugz", "kiln"]);
    const world = { nowMs: FRIDAY, facts: facts(), windows: WINDOWS, cohorts: ["general"] };
    expect(checkPlan(read, world).problems).toEqual([]);
    expect(checkPlan(read, world).warnings[0]?.message).toContain("not 100 %");
  });

  it("lists every problem, and says why the default is no part of a wave", ({ expect }) => {
    const wave = { name: "all", cohorts: ["*"], percent: 100, default: true };
    const refused = RolloutInputSchema.safeParse({ ...INPUT, waves: [wave, { ...wave, percent: 0 }] });
    const messages = refused.error?.issues.map(({ message }) => message).join("\n") ?? "";
    expect(messages).toContain("moves alone and last");
    const bad = normalisePlan(
      RolloutInputSchema.parse({
        id: "x",
        targets: { kiln: "9.9.9", nothing: "1" },
        waves: [
          { name: "a", cohorts: ["ghosts"], percent: 50, window: "gone" },
          { name: "a", cohorts: ["ghosts"], percent: 20 },
        ],
        default: { move: true },
      }),
    );
    const world = { nowMs: FRIDAY, facts: facts(), windows: WINDOWS, cohorts: ["general"] };
    const paths = checkPlan(bad, world).problems.map(({ path }) => path.join("."));
    expect(paths).toEqual([
      "targets.kiln",
      "targets.nothing",
      "waves.0.cohorts",
      "waves.0.window",
      "waves.1.cohorts",
      "waves.1.name",
      "waves.1.percent",
      "default.window",
    ]);
  });
});

describe("advance with 2,000 groups", () => {
  for (const accounts of [1000, 100_000]) {
    it(`costs what groups cost, with ${accounts} accounts`, { timeout: 60_000 }, ({ expect, annotate }) => {
      const zones = Intl.supportedValuesOf("timeZone").slice(0, 40);
      const crowded = crowd(accounts).map((one, index) => ({
        ...one,
        zone: zones[index % 40] ?? "UTC",
        cohort: `c${Math.floor(index / 40) % 25}`,
        cell: `cell${Math.floor(index / 1000) % 2}`,
      }));
      const sim = new Sim(crowded, onePlan({ window: { name: "nights", own: null }, paceBpPerMinute: 10 }));
      sim.start();
      const times: number[] = [];
      for (let at = 0; at < 21; at += 1) {
        const begin = performance.now();
        sim.tick(FRIDAY + 9 * HOUR + at * MINUTE);
        times.push(performance.now() - begin);
      }
      const median = times.sort((a, b) => a - b)[10] ?? Infinity;
      void annotate(
        `${accounts} accounts, ${sim.frozen.groups.length} groups: median ${median.toFixed(1)} ms a tick`,
      );
      expect(median).toBeLessThan(250);
    });
  }
});

describe("a default ahead", () => {
  const of = plan({ waves: onePlan().waves });
  const freezes: Sim["freezes"] = [
    { name: "monday", from: "2026-11-30", to: "2026-11-30", zone: "UTC", scope: {}, reason: "x" },
    {
      name: "shop",
      from: "2026-12-01T00:00",
      to: "2026-12-01T19:00",
      zone: "account",
      scope: { products: ["kiln"] },
      reason: "x",
    },
  ];

  it("keeps to freezes as the engine does", ({ expect }) => {
    const told = ask(of, freezes);
    const sim = new Sim(crowd(200), of);
    sim.freezes = freezes;
    sim.start();
    sim.run(FRIDAY + 6 * DAY, 10 * MINUTE);
    const moved = sim.state.defaults.map(({ product, movedMs }) => ({ product, atMs: movedMs }));
    expect(moved.map(({ atMs }) => new Date(atMs ?? 0).toISOString())).toEqual([
      "2026-12-01T15:00:00.000Z",
      "2026-12-02T15:00:00.000Z",
    ]);
    expect(told.defaults).toEqual(moved);
    expect(told.criticalPath.map(({ what }) => what)).toContain(
      "the default of fogbugz waits for its window, or for a freeze to end",
    );
  });

  it("goes past a freeze of more than a year, and never moves by a window that is gone", ({ expect }) => {
    const long = { name: "long", from: "2026-11-30", to: "2027-12-31", zone: "UTC", scope: {}, reason: "x" };
    expect(new Date(ask(of, [long]).endMs ?? 0).toISOString()).toBe("2028-01-03T17:00:00.000Z");
    const step = of.default;
    if (step === null) throw new Error("the plan has a default");
    const gone = { ...of, default: { ...step, window: { name: "gone", own: null } } };
    expect(ask(gone).endMs).toBeNull();
  });
});
