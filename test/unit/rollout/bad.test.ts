/** What the engine makes of versions that fail or are marked bad: marks of its own, and ways that are closed. */
import { describe, it } from "vitest";
import {
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

const GATE = {
  errorIncreasePercent: 1,
  alpha: 0.05,
  minAccounts: 1,
  onFail: "pause",
  onInconclusive: "advance",
  mustHave: [],
} as const;

const badOnes = (sim: Sim): string[] =>
  Object.entries(sim.facts).flatMap(([product, { versions }]) =>
    Object.entries(versions)
      .filter(([, { bad }]) => bad)
      .map(([version]) => `${product} ${version}`),
  );

function failing(onFail: "pause" | "rollback", reversible = true): Sim {
  const bake = { minutes: 600, requests: 0, workdays: 0 };
  const sim = new Sim(crowd(20), { ...onePlan({ bake }), gate: { ...GATE, onFail } });
  if (!reversible) sim.setVersion("kiln", NEW.kiln, { reversible: false });
  sim.start();
  sim.run(FRIDAY + 10 * MINUTE, MINUTE);
  sim.gate = { atMs: sim.nowMs, verdict: "fail", sentence: "errors rose" };
  sim.run(FRIDAY + 20 * MINUTE, MINUTE);
  return sim;
}

const back = {
  kind: "rollback",
  scope: { kind: "all" },
  reason: "r",
  confirmed: true,
  paceBpPerMinute: null,
} as const;

describe("a version that failed", () => {
  it("is marked bad when the engine rolls back because of its gate", ({ expect }) => {
    const sim = failing("rollback");
    expect(sim.state.phase).toBe("rolled-back");
    expect(badOnes(sim)).toEqual(["kiln 2.9.0", "fogbugz 8.8.0"]);
    expect(sim.effects.find(({ kind }) => kind === "mark-bad")).toMatchObject({
      reason: "rollout autumn: the gate failed: errors rose",
    });
  });

  it("is not marked by a pause, and is when an operator rolls back from it", ({ expect }) => {
    for (const sim of [failing("pause"), failing("rollback", false)]) {
      expect(sim.state.phase).toBe("paused");
      expect(badOnes(sim)).toEqual([]);
      expect(sim.command(back).ok).toBe(true);
      expect(badOnes(sim)).toEqual(["kiln 2.9.0", "fogbugz 8.8.0"]);
    }
  });

  it("is not marked when somebody resumed in between, or says not to, or takes only some back", ({
    expect,
  }) => {
    const resumed = failing("pause");
    resumed.gate = { atMs: resumed.nowMs, verdict: "pass", sentence: "" };
    resumed.command({ kind: "resume", again: false });
    resumed.command(back);
    expect(badOnes(resumed)).toEqual([]);
    const kept = failing("pause");
    kept.command({ ...back, markBad: false });
    expect(badOnes(kept)).toEqual([]);
    const partly = failing("pause");
    partly.command({ ...back, scope: { kind: "where", where: { cohort: "internal" } } });
    expect(badOnes(partly)).toEqual([]);
  });

  it("is marked on an operator's word alone", ({ expect }) => {
    const sim = new Sim(crowd(20), onePlan({ bake: { minutes: 60, requests: 0, workdays: 0 } }));
    sim.start();
    sim.command({ ...back, scope: { kind: "where", where: { cohort: "internal" } }, markBad: true });
    expect(badOnes(sim)).toEqual(["kiln 2.9.0", "fogbugz 8.8.0"]);
  });

  it("is the one whose preflight failed, not the other", ({ expect }) => {
    const sim = new Sim(crowd(20), onePlan({ paceBpPerMinute: 100 }));
    sim.start();
    sim.run(FRIDAY + 10 * MINUTE, MINUTE);
    sim.words.set("fogbugz", { wave: "fail", default: "fail" });
    sim.runPreflight("fogbugz");
    sim.run(FRIDAY + 15 * MINUTE, MINUTE);
    expect(sim.state.phase).toBe("paused");
    sim.command(back);
    expect(badOnes(sim)).toEqual(["fogbugz 8.8.0"]);
  });

  it("is marked when its default is put back", ({ expect }) => {
    const sim = new Sim(crowd(20), { ...onePlan(), default: plan().default });
    sim.start();
    sim.run(FRIDAY + 3 * DAY + 3 * HOUR, 30 * MINUTE);
    expect(sim.decide(null, "fogbugz")).toBe(NEW.fogbugz);
    sim.defaultGates = { fogbugz: { atMs: sim.nowMs, verdict: "fail", sentence: "500s" } };
    sim.tick(sim.nowMs + MINUTE);
    expect(sim.decide(null, "fogbugz")).toBe(OLD.fogbugz);
    expect(badOnes(sim)).toEqual(["fogbugz 8.8.0"]);
  });
});

describe("a version marked bad", () => {
  it("does not stand by when the default leaves it", ({ expect }) => {
    const sim = new Sim(crowd(20), { ...onePlan(), default: plan().default });
    sim.start();
    sim.run(FRIDAY + DAY, HOUR);
    sim.setVersion("fogbugz", OLD.fogbugz, { bad: true });
    sim.run(FRIDAY + 3 * DAY + 3 * HOUR, 30 * MINUTE);
    expect(sim.facts["fogbugz"]).toMatchObject({ default: NEW.fogbugz, standby: null });
  });

  it("is not what a failing default is put back to: it stays, and people are called", ({ expect }) => {
    const sim = new Sim(crowd(20), { ...onePlan(), default: plan().default });
    sim.start();
    sim.run(FRIDAY + 3 * DAY + 3 * HOUR, 30 * MINUTE);
    sim.setVersion("fogbugz", OLD.fogbugz, { bad: true });
    sim.defaultGates = { fogbugz: { atMs: sim.nowMs, verdict: "fail", sentence: "500s" } };
    sim.tick(sim.nowMs + MINUTE);
    expect(sim.decide(null, "fogbugz")).toBe(NEW.fogbugz);
    expect(sim.state.phase).toBe("paused");
    expect(sim.state.reason).toContain("fogbugz 8.7.0 is marked bad");
  });

  it("stops a stepped rollback to it: who has gone back stays, nobody follows", ({ expect }) => {
    const sim = new Sim(crowd(200), onePlan({ bake: { minutes: 600, requests: 0, workdays: 0 } }));
    sim.start();
    sim.command({ ...back, paceBpPerMinute: 1000 });
    sim.run(sim.nowMs + 3 * MINUTE, MINUTE);
    const left = sim.moved();
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(200);
    sim.setVersion("kiln", OLD.kiln, { bad: true });
    sim.run(sim.nowMs + 20 * MINUTE, MINUTE);
    expect(sim.moved()).toBe(left);
    expect(sim.state).toMatchObject({ phase: "paused", cause: "version" });
    sim.setVersion("kiln", OLD.kiln, { bad: false });
    sim.command(back);
    expect(sim.moved()).toBe(0);
  });

  it("is not what a rollback puts the default back to; accounts go back all the same", ({ expect }) => {
    const sim = new Sim(crowd(20), { ...onePlan(), default: plan().default });
    sim.setDefault("fogbugz", "8.6.0");
    sim.start();
    sim.run(FRIDAY + 3 * DAY + 3 * HOUR, 30 * MINUTE);
    expect(sim.decide(null, "fogbugz")).toBe(NEW.fogbugz);
    sim.setVersion("fogbugz", "8.6.0", { bad: true });
    const refused = sim.command({ ...back, confirmed: false });
    expect(refused.ok ? "" : refused.error.detail).toContain("stays: fogbugz 8.6.0 is marked bad");
    sim.command(back);
    expect(sim.state.phase).toBe("rolled-back");
    expect(sim.moved()).toBe(0);
    expect(sim.decide(null, "fogbugz")).toBe(NEW.fogbugz);
  });
});
