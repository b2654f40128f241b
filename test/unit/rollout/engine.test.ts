/** The engine by scenario: what an operator would see happen, phase by phase. */
import { describe, it } from "vitest";
import { countBelow } from "../../../src/core/rollout/thresholds.ts";
import {
  account,
  crowd,
  DAY,
  FRIDAY,
  HOUR,
  MINUTE,
  NEW,
  OLD,
  onePlan,
  plan,
  Sim,
} from "../../support/rollout-builders.ts";

const pair = (of: { kiln: string; fogbugz: string }): string => `${of.kiln}/${of.fogbugz}`;

describe("a rollout of two products", () => {
  it("goes from staff to 40 % to the rest to the default, and completes with nobody moved by that", ({
    expect,
  }) => {
    const sim = new Sim(crowd(200));
    expect(sim.state.phase).toBe("draft");
    expect(sim.start().ok).toBe(true);
    expect(sim.moved()).toBe(20);
    expect(sim.state).toMatchObject({ phase: "baking", wave: 0, nextAtMs: FRIDAY + HOUR });
    sim.tick(FRIDAY + HOUR);
    expect(sim.state).toMatchObject({ wave: 1, phase: "shifting" });
    sim.run(FRIDAY + 4 * DAY);
    expect(sim.moved()).toBe(80);
    expect(sim.state).toMatchObject({ phase: "awaiting-approval", wave: 2 });
    expect(sim.state.reason).toContain("moves 120 accounts");
    expect(sim.command({ kind: "approve", what: { wave: 2 } }).ok).toBe(true);
    sim.run(FRIDAY + 9 * DAY, 20 * MINUTE);
    expect(sim.moved()).toBe(200);
    expect(sim.decide(null, "kiln")).toBe(OLD.kiln);
    const before = sim.decisions();
    sim.run(FRIDAY + 15 * DAY, HOUR);
    expect(sim.state.phase).toBe("completed");
    expect(sim.published.rollouts).toEqual([]);
    expect(sim.decisions()).toEqual(before);
    expect(sim.decide(null, "kiln")).toBe(NEW.kiln);
    expect(sim.facts["kiln"]?.standby).toBe(OLD.kiln);
  });

  it("moves both products of an account in one publish", ({ expect }) => {
    const sim = new Sim(crowd(100));
    sim.start();
    sim.run(FRIDAY + 2 * DAY);
    for (const decided of sim.decisions().values()) expect([pair(OLD), pair(NEW)]).toContain(decided);
  });

  it("writes the maps once a step, whatever the number of accounts", ({ expect }) => {
    const sim = new Sim(crowd(300), onePlan());
    const before = sim.published.generation;
    sim.start();
    const publishes = sim.effects.filter(({ kind }) => kind === "publish");
    expect(sim.moved()).toBe(300);
    expect(publishes.length).toBeLessThanOrEqual(3);
    expect(sim.published.generation - before).toBeLessThanOrEqual(4);
  });
});

describe("preflight", () => {
  it("stops in preflight-failed and moves nobody; a waiver lets accounts move and never the default", ({
    expect,
  }) => {
    const sim = new Sim(crowd(50), onePlan());
    sim.words.set("kiln", { wave: "fail", default: "fail" });
    sim.start();
    expect(sim.state.phase).toBe("preflight-failed");
    sim.run(FRIDAY + 2 * HOUR);
    expect(sim.moved()).toBe(0);
    sim.words.set("kiln", { wave: "pass", default: "fail" });
    const run = sim.runs.get("kiln");
    sim.runs.set("kiln", {
      atMs: run?.atMs ?? 0,
      wave: { verdict: "pass", sentence: "waived" },
      default: { verdict: "fail", sentence: "OPTIONS without Host" },
    });
    sim.run(FRIDAY + 3 * HOUR);
    expect(sim.moved()).toBe(50);
    expect(sim.decide(null, "kiln")).toBe(OLD.kiln);
  });

  it("keeps the default where it is when only a waiver let the accounts past", ({ expect }) => {
    const sim = new Sim(crowd(20), { ...onePlan(), default: plan().default });
    sim.words.set("kiln", { wave: "pass", default: "fail" });
    sim.start();
    sim.run(FRIDAY + 4 * DAY + 5 * HOUR, 30 * MINUTE);
    expect(sim.state).toMatchObject({ cause: "preflight" });
    expect(sim.decide(null, "kiln")).toBe(OLD.kiln);
    expect(sim.decide(null, "fogbugz")).toBe(NEW.fogbugz);
  });

  it("pauses on two red runs in a row, and moves nobody after the first", ({ expect }) => {
    const sim = new Sim(crowd(100), onePlan({ paceBpPerMinute: 100 }));
    sim.start();
    sim.run(FRIDAY + 10 * MINUTE, MINUTE);
    const moved = sim.moved();
    expect(moved).toBeGreaterThan(0);
    sim.words.set("fogbugz", { wave: "fail", default: "fail" });
    sim.runPreflight("fogbugz");
    sim.run(FRIDAY + 15 * MINUTE, MINUTE);
    expect(sim.state).toMatchObject({ phase: "paused", cause: "preflight" });
    expect(sim.moved()).toBe(moved);
  });
});

describe("share and pace", () => {
  it("counts those of earlier waves into a share", ({ expect }) => {
    const sim = new Sim(crowd(1000));
    sim.start();
    const of = (wave: number): number => sim.state.waves[wave]?.threshold ?? 0;
    const general = sim.frozen.groups.filter(({ cohort }) => cohort === "general");
    const below = general.reduce((sum, group) => sum + countBelow(group, of(1)), 0);
    expect(Math.abs(below + 100 - 400)).toBeLessThanOrEqual(2);
  });

  it("never moves more than the cap in a tick, twice at the same time included", ({ expect }) => {
    const sim = new Sim(crowd(100), onePlan({ maxPerTick: 7 }));
    sim.start();
    expect(sim.moved()).toBeLessThanOrEqual(7);
    sim.tick(FRIDAY + MINUTE);
    const once = sim.moved();
    expect(once).toBeLessThanOrEqual(14);
    sim.tick(FRIDAY + MINUTE);
    expect(sim.moved()).toBe(once);
  });

  it("does not make up for a night without ticks", ({ expect }) => {
    const sim = new Sim(
      [...crowd(400)],
      onePlan({ paceBpPerMinute: 100, window: { name: "nights", own: null } }),
    );
    sim.start();
    sim.tick(Date.parse("2026-11-27T21:05:00Z"));
    const first = sim.moved();
    sim.tick(Date.parse("2026-11-28T21:05:00Z"));
    expect(sim.moved() - first).toBeLessThan(20);
  });
});

describe("going back", () => {
  it("restores exactly the state before, defaults included", ({ expect }) => {
    const sim = new Sim(crowd(60), { ...onePlan(), default: plan().default });
    const before = sim.decisions();
    sim.start();
    sim.run(FRIDAY + 3 * DAY + 3.5 * HOUR, 30 * MINUTE);
    expect(sim.decide(null, "fogbugz")).toBe(NEW.fogbugz);
    const asked = { kind: "rollback", scope: { kind: "all" }, reason: "bad", paceBpPerMinute: null } as const;
    expect(sim.command({ ...asked, confirmed: false }).ok).toBe(false);
    expect(sim.command({ ...asked, confirmed: true }).ok).toBe(true);
    expect(sim.state.phase).toBe("rolled-back");
    expect(sim.decisions()).toEqual(before);
    expect(sim.decide(null, "fogbugz")).toBe(OLD.fogbugz);
    expect(sim.facts["kiln"]).toMatchObject({ default: OLD.kiln, standby: "2.7.0" });
  });

  it("passes a freeze and a halt", ({ expect }) => {
    const sim = new Sim(crowd(60), onePlan({ bake: { minutes: 600, requests: 0, workdays: 0 } }));
    sim.start();
    sim.freezes = [
      { name: "all", from: "2026-11-01", to: "2026-12-31", zone: "account", scope: {}, reason: "year" },
    ];
    sim.halt = true;
    sim.tick(FRIDAY + HOUR);
    expect(sim.state.cause).toBe("halted");
    sim.command({
      kind: "rollback",
      scope: { kind: "all" },
      reason: "bad",
      confirmed: false,
      paceBpPerMinute: null,
    });
    expect(sim.moved()).toBe(0);
  });

  it("wins over a pause and a resume in its middle: whoever was on the way back gets back", ({ expect }) => {
    const sim = new Sim(crowd(60), onePlan({ bake: { minutes: 600, requests: 0, workdays: 0 } }));
    sim.start();
    const paced = { scope: { kind: "all" }, reason: "bad", confirmed: false, paceBpPerMinute: 1000 } as const;
    expect(sim.command({ kind: "rollback", ...paced }).ok).toBe(true);
    sim.run(sim.nowMs + 3 * MINUTE, MINUTE);
    expect(sim.state.phase).toBe("rolling-back");
    const midway = sim.moved();
    expect(midway).toBeGreaterThan(0);
    expect(midway).toBeLessThan(60);
    expect(sim.command({ kind: "resume", again: false }).ok).toBe(false);
    expect(sim.command({ kind: "pause", reason: "think" }).ok).toBe(true);
    expect(sim.command({ kind: "resume", again: true }).ok).toBe(false);
    sim.run(sim.nowMs + 3 * MINUTE, MINUTE);
    expect({ phase: sim.state.phase, moved: sim.moved() }).toEqual({ phase: "paused", moved: midway });
    expect(sim.command({ kind: "resume", again: false }).ok).toBe(true);
    expect(sim.state.phase).toBe("rolling-back");
    sim.run(sim.nowMs + 15 * MINUTE, MINUTE);
    expect({ phase: sim.state.phase, moved: sim.moved() }).toEqual({ phase: "rolled-back", moved: 0 });
  });

  it("goes to a wave, and forward again only with the operator's word", ({ expect }) => {
    const sim = new Sim(crowd(100));
    sim.start();
    sim.run(FRIDAY + 2 * DAY);
    expect(sim.moved()).toBe(40);
    sim.command({
      kind: "rollback",
      scope: { kind: "to-wave", wave: 0 },
      reason: "bad",
      confirmed: false,
      paceBpPerMinute: null,
    });
    expect(sim.state.phase).toBe("paused");
    expect(sim.moved()).toBe(10);
    sim.command({ kind: "resume", again: false });
    sim.run(FRIDAY + 9 * DAY, 20 * MINUTE);
    expect(sim.moved()).toBe(10);
    // Nothing but a person ends that wait, so it is told, and told once.
    expect(sim.state).toMatchObject({ phase: "default-pending", cause: "rollback" });
    const told = (): readonly string[] =>
      sim.effects.flatMap((effect) =>
        effect.kind === "notify" && effect.level === "ticket" && effect.text.includes("were rolled back")
          ? [effect.text]
          : [],
      );
    expect(told()).toEqual([expect.stringContaining('Stop it, or pause and resume with "again"')]);
    sim.command({ kind: "pause", reason: "think" });
    sim.command({ kind: "resume", again: true });
    sim.run(FRIDAY + 16 * DAY, 20 * MINUTE);
    expect(sim.moved()).toBe(40);
  });

  it("takes back the accounts of a label alone, splitting groups without changing a decision", ({
    expect,
  }) => {
    const sim = new Sim(crowd(90), onePlan({ bake: { minutes: 600, requests: 0, workdays: 0 } }));
    sim.start();
    sim.command({
      kind: "rollback",
      scope: { kind: "where", where: { labels: { tier: "gold" } } },
      reason: "gold",
      confirmed: false,
      paceBpPerMinute: null,
    });
    for (const [slug, decided] of sim.decisions()) {
      const gold = sim.members.get(slug)?.facts.labels["tier"] === "gold";
      expect(decided).toBe(pair(gold ? OLD : NEW));
    }
    expect(sim.state.phase).toBe("paused");
  });

  it("pauses instead where a target is not declared reversible", ({ expect }) => {
    const gate = {
      errorIncreasePercent: 1,
      alpha: 0.05,
      minAccounts: 1,
      onFail: "rollback",
      onInconclusive: "advance",
      mustHave: [],
    } as const;
    const sim = new Sim(crowd(30), { ...onePlan({ bake: { minutes: 60, requests: 0, workdays: 0 } }), gate });
    const kiln = sim.facts["kiln"];
    if (kiln === undefined) throw new Error("no kiln");
    sim.facts["kiln"] = {
      ...kiln,
      versions: { ...kiln.versions, "2.9.0": { ...(kiln.versions["2.9.0"] ?? never()), reversible: false } },
    };
    sim.start();
    sim.gate = { atMs: FRIDAY + MINUTE, verdict: "fail", sentence: "errors" };
    sim.tick(FRIDAY + MINUTE);
    expect(sim.state.phase).toBe("paused");
    expect(sim.state.reason).toContain("not declared reversible");
    expect(sim.moved()).toBe(30);
  });

  it("refuses to go back to a version marked bad, confirmed or not", ({ expect }) => {
    const sim = new Sim(crowd(30), onePlan({ bake: { minutes: 60, requests: 0, workdays: 0 } }));
    sim.start();
    const kiln = sim.facts["kiln"];
    if (kiln === undefined) throw new Error("no kiln");
    sim.facts["kiln"] = {
      ...kiln,
      versions: { ...kiln.versions, "2.8.0": { ...(kiln.versions["2.8.0"] ?? never()), bad: true } },
    };
    expect(
      sim.command({
        kind: "rollback",
        scope: { kind: "all" },
        reason: "x",
        confirmed: true,
        paceBpPerMinute: null,
      }).ok,
    ).toBe(false);
  });
});

function never(): never {
  throw new Error("missing");
}

describe("approval", () => {
  it("says yes to one wave, however often it is clicked", ({ expect }) => {
    const sim = new Sim(crowd(50), { ...onePlan({ approveBefore: true }) });
    sim.start();
    expect(sim.state.phase).toBe("awaiting-approval");
    expect(sim.command({ kind: "approve", what: { wave: 1 } }).ok).toBe(false);
    expect(sim.command({ kind: "approve", what: { wave: 0 } }).ok).toBe(true);
    expect(sim.command({ kind: "approve", what: { wave: 0 } }).ok).toBe(true);
  });
});

describe("accounts that are left behind", () => {
  it("stay with their reason; an ended pin makes them eligible and moves nobody", ({ expect }) => {
    const sim = new Sim(
      [
        account("pinned", { pinned: ["kiln"] }),
        account("old", { homes: { kiln: "2.7.0", fogbugz: "8.7.0" } }),
        account("deferred", { deferredUntilMs: FRIDAY + DAY }),

        account("there", { homes: NEW }),
        account("plain"),
      ],
      onePlan({ bake: { minutes: 600, requests: 0, workdays: 0 } }),
    );
    sim.start();
    const reasons = Object.fromEntries(
      sim.frozen.leftBehind.map(({ reason, examples }) => [reason, examples]),
    );
    expect(reasons).toEqual({
      pinned: ["pinned"],
      incompatible: ["old"],
      deferred: ["deferred"],
      "already-there": ["there"],
    });
    expect(sim.decide("plain", "kiln")).toBe(NEW.kiln);
    expect(sim.decide("deferred", "kiln")).toBe(OLD.kiln);
  });
});
