/** Mirroring before the default moves, by scenario: when the maps say it, what ends it, and what it takes to pass. */
import { describe, it } from "vitest";
import type { MirrorPlan } from "../../../src/contracts/mirror.ts";
import type { RolloutState } from "../../../src/contracts/rollout.ts";
import { advance } from "../../../src/core/rollout/advance.ts";
import { mirrorPlanOf } from "../../../src/core/rollout/phases/mirror.ts";
import { rolloutView } from "../../../src/core/rollout/view.ts";
import { crowd, DAY, HOUR, MINUTE, NEW, OLD, onePlan, plan, Sim } from "../../support/rollout-builders.ts";

const MIRROR: MirrorPlan = { shareBp: 1000, minutes: 30, requests: 200, worseBp: 100, waitMinutes: 120 };
/** Monday 10:00 in New York: the first opening of its window after the wave. */
const MONDAY = Date.parse("2026-11-30T15:00:00Z");

function simOf(mirror: MirrorPlan | false = MIRROR, approveBefore = false): Sim {
  const { default: step } = plan();
  const sim = new Sim(crowd(20), {
    ...onePlan(),
    targets: { kiln: NEW.kiln },
    default: step === null ? null : { ...step, mirror, approveBefore },
  });
  sim.facts = {
    ...sim.facts,
    kiln: {
      default: OLD.kiln,
      standby: "2.7.0",
      versions: Object.fromEntries(
        Object.entries(sim.facts["kiln"]?.versions ?? {}).map(([name, facts]) => [
          name,
          { ...facts, requires: {} },
        ]),
      ),
    },
  };
  sim.start();
  return sim;
}

const mirrored = (sim: Sim): string | null => sim.published.products["kiln"]?.mirror?.version ?? null;
const stepOf = (state: RolloutState): RolloutState["defaults"][number] | undefined => state.defaults[0];

/** At 10:10 on Monday, with 200 requests compared and 20 minutes to go. */
function underWay(sim = simOf()): Sim {
  sim.run(MONDAY + 10 * MINUTE);
  return sim;
}

describe("mirroring before the default moves", () => {
  it("begins in its window, after preflight, and says what it waits for and until when", ({ expect }) => {
    const sim = simOf();
    sim.run(MONDAY - MINUTE);
    expect(mirrored(sim)).toBeNull();
    sim.tick(MONDAY);
    expect(sim.published.products["kiln"]?.mirror).toMatchObject({
      version: NEW.kiln,
      share: 1000,
      until: MONDAY + 5 * HOUR,
    });
    expect(sim.state).toMatchObject({
      phase: "default-pending",
      cause: "mirror",
      nextAtMs: MONDAY + 30 * MINUTE,
      deadlineMs: MONDAY + 2 * HOUR,
    });
    sim.tick(MONDAY + 5 * MINUTE);
    expect(sim.state.reason).toContain("100 compared of 200 wanted, 0 worse (0 %, tolerated 1 %)");
    expect(sim.state.reason).toContain("25 more minutes");
    expect(sim.state.nextAtMs).toBe(MONDAY + 30 * MINUTE);
  });

  it("moves the default when it was long enough, often enough and good enough, and ends", ({ expect }) => {
    const sim = underWay();
    const before = sim.published.generation;
    sim.run(MONDAY + 29 * MINUTE);
    expect(sim.published.generation).toBe(before);
    expect(sim.decide(null, "kiln")).toBe(OLD.kiln);
    sim.tick(MONDAY + 30 * MINUTE);
    expect(sim.decide(null, "kiln")).toBe(NEW.kiln);
    expect(mirrored(sim)).toBeNull();
    expect(sim.published.generation).toBe(before + 1);
    expect(stepOf(sim.state)?.mirror).toMatchObject({ result: "passed", counts: { same: 600, worse: 0 } });
    sim.run(MONDAY + DAY);
    expect(sim.state.phase).toBe("completed");
  });

  it("pauses with the numbers as soon as too many answers are worse", ({ expect }) => {
    const sim = simOf();
    sim.unknownTraffic = { perMinute: 20, worse: 1 };
    sim.run(MONDAY + 4 * MINUTE, MINUTE);
    expect(sim.state).toMatchObject({ phase: "paused", cause: "mirror" });
    expect(sim.state.reason).toMatch(/worse than the default does: 20 compared of 200 wanted, 20 worse/);
    expect(mirrored(sim)).toBeNull();
    expect(sim.decide(null, "kiln")).toBe(OLD.kiln);
    expect(stepOf(sim.state)?.mirror?.result).toBe("failed");
  });

  it("measures anew after a resume, and passes then", ({ expect }) => {
    const sim = simOf();
    sim.unknownTraffic = { perMinute: 20, worse: 1 };
    sim.run(MONDAY + 4 * MINUTE, MINUTE);
    const first = stepOf(sim.state)?.mirror?.run;
    sim.unknownTraffic = { perMinute: 20, worse: 0 };
    expect(sim.command({ kind: "resume", again: false }).ok).toBe(true);
    expect(mirrored(sim)).toBe(NEW.kiln);
    expect(stepOf(sim.state)?.mirror).toMatchObject({ spentMs: 0, counts: { worse: 0 } });
    expect(stepOf(sim.state)?.mirror?.run).not.toBe(first);
    sim.run(MONDAY + 40 * MINUTE);
    expect(sim.decide(null, "kiln")).toBe(NEW.kiln);
  });

  it("asks a person when the requests have not come in time, and never takes silence for a yes", ({
    expect,
  }) => {
    const sim = simOf(MIRROR, true);
    sim.run(MONDAY - DAY);
    expect(sim.command({ kind: "approve", what: { default: "kiln" } }).ok).toBe(true);
    sim.unknownTraffic = { perMinute: 0, worse: 0 };
    sim.run(MONDAY + 119 * MINUTE);
    expect(mirrored(sim)).toBe(NEW.kiln);
    sim.run(MONDAY + 2 * HOUR);
    expect(sim.state).toMatchObject({ phase: "default-pending", cause: "approval" });
    expect(sim.state.reason).toContain("no request of an unknown account could be compared");
    expect(mirrored(sim)).toBeNull();
    expect(sim.effects.filter(({ kind }) => kind === "notify").length).toBeGreaterThan(0);
    sim.run(MONDAY + 3 * DAY, HOUR);
    expect(sim.decide(null, "kiln")).toBe(OLD.kiln);
    expect(sim.command({ kind: "approve", what: { default: "kiln" } }).ok).toBe(true);
    sim.tick(MONDAY + 3 * DAY + MINUTE);
    expect(sim.decide(null, "kiln")).toBe(NEW.kiln);
    expect(stepOf(sim.state)?.mirror?.waived).toMatchObject({ by: "olga" });
  });

  it("does not pass by what the meters do not say", ({ expect }) => {
    const sim = simOf();
    sim.metersAnswer = false;
    sim.run(MONDAY + HOUR);
    expect(sim.state).toMatchObject({ phase: "default-pending", cause: "mirror" });
    expect(sim.decide(null, "kiln")).toBe(OLD.kiln);
    sim.metersAnswer = true;
    sim.tick(MONDAY + HOUR + MINUTE);
    expect(sim.decide(null, "kiln")).toBe(NEW.kiln);
  });

  it("stops with its window and goes on in the next, counting only mirrored minutes", ({ expect }) => {
    const sim = simOf({ ...MIRROR, minutes: 330, waitMinutes: 600 });
    sim.run(MONDAY + 5 * HOUR - MINUTE);
    expect(mirrored(sim)).toBe(NEW.kiln);
    sim.tick(MONDAY + 5 * HOUR);
    expect(mirrored(sim)).toBeNull();
    expect(sim.state).toMatchObject({ phase: "default-pending", cause: "window", nextAtMs: MONDAY + DAY });
    const { run } = stepOf(sim.state)?.mirror ?? { run: "" };
    sim.run(MONDAY + DAY + 29 * MINUTE);
    expect(stepOf(sim.state)?.mirror?.run).toBe(run);
    expect(sim.decide(null, "kiln")).toBe(OLD.kiln);
    sim.run(MONDAY + DAY + 30 * MINUTE);
    expect(sim.decide(null, "kiln")).toBe(NEW.kiln);
  });

  it("does not count a night without ticks", ({ expect }) => {
    const sim = simOf({ ...MIRROR, minutes: 310, waitMinutes: 600 });
    sim.tick(MONDAY + 4 * HOUR + 55 * MINUTE);
    sim.tick(MONDAY + DAY + MINUTE);
    expect(sim.decide(null, "kiln")).toBe(OLD.kiln);
    expect(stepOf(sim.state)?.mirror).toMatchObject({
      spentMs: 5 * MINUTE,
      untilMs: MONDAY + DAY + 5 * HOUR,
    });
  });

  it.for([
    ["a pause", (sim: Sim): void => void sim.command({ kind: "pause", reason: "r" }), "paused"],
    ["a stop", (sim: Sim): void => void sim.command({ kind: "stop", reason: "r" }), null],
    [
      "a rollback",
      (sim: Sim): void =>
        void sim.command({
          kind: "rollback",
          scope: { kind: "all" },
          reason: "r",
          confirmed: true,
          paceBpPerMinute: null,
        }),
      null,
    ],
    [
      "halt",
      (sim: Sim): void => {
        sim.halt = true;
        sim.tick(sim.nowMs + MINUTE);
      },
      "default-pending",
    ],
    [
      "a freeze",
      (sim: Sim): void => {
        const freeze = {
          name: "f",
          from: "2026-11-30",
          to: "2026-12-01",
          zone: "UTC",
          scope: {},
          reason: "r",
        };
        sim.freezes = [freeze];
        sim.tick(sim.nowMs + MINUTE);
      },
      "default-pending",
    ],
    [
      "a version marked bad",
      (sim: Sim): void => {
        const kiln = sim.facts["kiln"];
        const target = kiln?.versions[NEW.kiln];
        if (kiln === undefined || target === undefined) throw new Error("no target");
        const versions = { ...kiln.versions, [NEW.kiln]: { ...target, bad: true } };
        sim.facts = { ...sim.facts, kiln: { ...kiln, versions } };
        sim.tick(sim.nowMs + MINUTE);
      },
      "paused",
    ],
    [
      "somebody who moves the default by hand",
      (sim: Sim): void => {
        const kiln = sim.facts["kiln"];
        if (kiln === undefined) throw new Error("no product");
        sim.facts = { ...sim.facts, kiln: { ...kiln, default: NEW.kiln } };
        sim.tick(sim.nowMs + MINUTE);
      },
      null,
    ],
  ] as const)("ends with %s", async ([, act, phase], { expect }) => {
    const sim = underWay();
    expect(mirrored(sim)).toBe(NEW.kiln);
    act(sim);
    expect(mirrored(sim)).toBeNull();
    expect(stepOf(sim.state)?.mirror?.sinceMs).toBeNull();
    if (phase !== null) expect(sim.state.phase).toBe(phase);
  });

  it("goes on with the same measurement when halt ends", ({ expect }) => {
    const sim = underWay();
    sim.halt = true;
    sim.run(MONDAY + HOUR);
    sim.halt = false;
    sim.tick(MONDAY + HOUR + MINUTE);
    expect(mirrored(sim)).toBe(NEW.kiln);
    expect(stepOf(sim.state)?.mirror).toMatchObject({ spentMs: 15 * MINUTE });
    expect(sim.decide(null, "kiln")).toBe(OLD.kiln);
  });

  it("begins anew when preflight failed in between", ({ expect }) => {
    const sim = underWay();
    const before = stepOf(sim.state)?.mirror?.run;
    sim.words.set("kiln", { wave: "pass", default: "fail" });
    sim.runPreflight("kiln");
    sim.tick(MONDAY + 11 * MINUTE);
    expect([mirrored(sim), sim.state.cause]).toEqual([null, "preflight"]);
    sim.words.clear();
    sim.runPreflight("kiln");
    sim.tick(MONDAY + 12 * MINUTE);
    expect(mirrored(sim)).toBe(NEW.kiln);
    expect(stepOf(sim.state)?.mirror?.run).not.toBe(before);
    expect(stepOf(sim.state)?.mirror?.spentMs).toBe(0);
  });

  it("comes to rest within a tick", ({ expect }) => {
    const sim = underWay();
    const again = advance(sim.state, sim.turn());
    expect(again.effects).toEqual([]);
    expect(again.state).toEqual(sim.state);
  });

  it("shows its numbers", ({ expect }) => {
    const sim = underWay();
    const view = rolloutView(sim.state, {
      frozen: sim.frozen.groups,
      leftBehind: [],
      gates: [],
      requests: null,
      coverage: [],
      createdLater: 0,
      revision: 1,
    });
    expect(view.defaults[0]?.mirror).toMatchObject({
      state: "mirroring",
      percent: 10,
      minutes: { mirrored: 10, wanted: 30 },
      compared: 200,
      wanted: 200,
      worse: 0,
      worsePercent: 0,
      toleratedPercent: 1,
      meanMs: null,
      waived: null,
    });
  });

  it("is not done where the plan does not ask, and as usual where an older plan only said yes", ({
    expect,
  }) => {
    const sim = simOf(false);
    sim.run(MONDAY);
    expect(sim.decide(null, "kiln")).toBe(NEW.kiln);
    const stored = { ...plan().default, mirror: true } as unknown as Parameters<typeof mirrorPlanOf>[0];
    expect(mirrorPlanOf(stored)).toMatchObject({ minutes: 30, requests: 200 });
  });
});
