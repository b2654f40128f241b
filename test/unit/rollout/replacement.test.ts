/** Replacements by scenario: a hotfix beside whatever else runs. */
import { describe, it } from "vitest";
import type { ReplacementPlan, ReplacementState } from "../../../src/contracts/replacement.ts";
import type { PreflightFact, Verdict } from "../../../src/contracts/rollout-input.ts";
import { commandReplacement } from "../../../src/core/rollout/replacement-command.ts";
import {
  createReplacement,
  replacementProblems,
  rootReplacement,
} from "../../../src/core/rollout/replacement-plan.ts";
import type { ReplacementAdvanced } from "../../../src/core/rollout/replacement-state.ts";
import { advanceReplacement, type ReplacementTurn } from "../../../src/core/rollout/replacement.ts";
import { FRIDAY, facts, HOUR, MINUTE, version } from "../../support/rollout-builders.ts";

const PLAN: ReplacementPlan = {
  product: "kiln",
  from: "2.8.0",
  to: "2.8.1",
  stepsBp: [10_000],
  paceBpPerMinute: 2000,
  bakeMinutes: 30,
  throughFreezes: false,
};
const base = facts();
const KILN = base["kiln"] ?? { default: null, standby: null, versions: {} };
const WORLD = {
  ...base,
  kiln: { ...KILN, versions: { ...KILN.versions, "2.8.1": version({ state: "candidate" }) } },
};

function pass(atMs: number, word: Verdict = "pass"): PreflightFact {
  return { atMs, wave: { verdict: word, sentence: word }, default: { verdict: word, sentence: word } };
}

function turn(nowMs: number, partial: Partial<ReplacementTurn> = {}): ReplacementTurn {
  return {
    nowMs,
    halt: false,
    facts: WORLD,
    freezes: [],
    zones: ["Europe/Paris"],
    preflight: pass(nowMs),
    gate: null,
    probe: null,
    homesWritten: false,
    heldBy: null,
    ...partial,
  };
}

const BAD = {
  ...WORLD,
  kiln: { ...WORLD.kiln, versions: { ...WORLD.kiln.versions, "2.8.1": version({ bad: true }) } },
};
const kinds = ({ effects }: ReplacementAdvanced): readonly string[] => effects.map(({ kind }) => kind);
const begin = (plan: Partial<ReplacementPlan> = {}): ReplacementState =>
  createReplacement({ ...PLAN, ...plan }, "s", FRIDAY);

function tell(
  state: ReplacementState,
  kind: "pause" | "resume" | "stop" | "rollback",
  { nowMs = state.clockMs, confirmed = false, world = WORLD } = {},
): ReplacementAdvanced {
  const told = commandReplacement(state, { kind, reason: "r", confirmed }, { nowMs, facts: world });
  if (!told.ok) throw new Error(told.error);
  return told.value;
}

/** Everybody at once, and watched. */
function shifted(): ReplacementState {
  return advanceReplacement(begin({ paceBpPerMinute: null }), turn(FRIDAY)).state;
}

describe("the ramp of a replacement", () => {
  it("asks for preflight, rises by its pace, bakes, writes homes and leaves", ({ expect }) => {
    let done = advanceReplacement(begin(), turn(FRIDAY, { preflight: null }));
    expect([done.state.phase, kinds(done)]).toEqual(["preflight", ["run-preflight"]]);
    for (let minute = 0; minute < 5; minute += 1)
      done = advanceReplacement(done.state, turn(FRIDAY + minute * MINUTE));
    expect(done.state).toMatchObject({ below: 10_000, phase: "baking" });
    expect(rootReplacement(done.state)).toEqual({ from: "2.8.0", to: "2.8.1", salt: "s", below: 10_000 });
    done = advanceReplacement(done.state, turn(FRIDAY + HOUR));
    expect([done.state.phase, kinds(done)]).toEqual(["settling", ["settle-replacement"]]);
    expect(kinds(advanceReplacement(done.state, turn(FRIDAY + HOUR)))).toEqual([]);
    done = advanceReplacement(done.state, turn(FRIDAY + HOUR, { homesWritten: true }));
    expect(done.state.phase).toBe("completed");
    expect(rootReplacement(done.state)).toBeNull();
  });

  it("stops at each step and is watched there", ({ expect }) => {
    const state = begin({ stepsBp: [100, 2500, 10_000], paceBpPerMinute: null });
    const seen = [0, 10, 29, 30, 59, 60, 89].map((minute) => FRIDAY + minute * MINUTE);
    const below: number[] = [];
    let now = state;
    for (const at of seen) {
      now = advanceReplacement(now, turn(at)).state;
      below.push(now.below);
    }
    expect(below).toEqual([100, 100, 100, 2500, 2500, 10_000, 10_000]);
    expect(now).toMatchObject({ phase: "baking", stage: 2, nextAtMs: FRIDAY + 90 * MINUTE });
  });

  it("asks for preflight every hour, and again after one that says too little", ({ expect }) => {
    const later = advanceReplacement(shifted(), turn(FRIDAY + 20 * MINUTE, { preflight: pass(FRIDAY) }));
    expect(kinds(later)).toEqual([]);
    const hourly = begin({ bakeMinutes: 600, paceBpPerMinute: null });
    const state = advanceReplacement(hourly, turn(FRIDAY)).state;
    const due = advanceReplacement(state, turn(FRIDAY + 50 * MINUTE, { preflight: pass(FRIDAY) }));
    expect(kinds(due)).toEqual(["run-preflight"]);
    const vague = advanceReplacement(state, turn(FRIDAY, { preflight: pass(FRIDAY, "inconclusive") }));
    expect([vague.state.phase, kinds(vague)]).toEqual(["waiting", ["run-preflight"]]);
  });

  it("has a deadline while it waits for preflight, which asking again does not put off", ({ expect }) => {
    const vague = (minute: number, state: ReplacementState): ReplacementState => {
      const nowMs = FRIDAY + minute * MINUTE;
      return advanceReplacement(state, turn(nowMs, { preflight: pass(nowMs, "inconclusive") })).state;
    };
    const waiting = [0, 10, 20, 30].reduce((state, minute) => vague(minute, state), begin());
    expect(waiting).toMatchObject({ phase: "preflight", deadlineMs: FRIDAY + 10 * MINUTE });
    const halted = advanceReplacement(waiting, turn(FRIDAY + 35 * MINUTE, { halt: true })).state;
    expect(halted.deadlineMs).toBeNull();
    const gone = advanceReplacement(waiting, turn(FRIDAY + 40 * MINUTE)).state;
    expect(gone).toMatchObject({ phase: "shifting", deadlineMs: null });
  });

  it("stays in the maps while accounts would fall back without it", ({ expect }) => {
    const held = advanceReplacement(shifted(), turn(FRIDAY + HOUR, { heldBy: "rollout autumn moves there" }));
    expect([held.state.phase, kinds(held)]).toEqual(["settling", []]);
    expect(held.state.reason).toContain("rollout autumn");
    expect(rootReplacement(held.state)?.below).toBe(10_000);
    const free = advanceReplacement(held.state, turn(FRIDAY + 2 * HOUR));
    expect(kinds(free)).toEqual(["settle-replacement"]);
  });
});

describe("what holds a replacement", () => {
  const freezes = [
    {
      name: "f",
      from: "2026-11-27",
      to: "2026-11-27",
      zone: "account",
      scope: { cells: ["eu"] },
      reason: "r",
    },
  ];

  it("is a freeze that could touch anybody, unless it goes through freezes; and halt", ({ expect }) => {
    const state = advanceReplacement(begin(), turn(FRIDAY)).state;
    const next = FRIDAY + MINUTE;
    expect(advanceReplacement(state, turn(next, { freezes })).state).toMatchObject({
      phase: "waiting",
      below: 2000,
    });
    const urgent = { ...state, plan: { ...state.plan, throughFreezes: true } };
    expect(advanceReplacement(urgent, turn(next, { freezes })).state.below).toBe(4000);
    expect(advanceReplacement(state, turn(next, { halt: true })).state.below).toBe(2000);
  });

  it("is a freeze that no tick saw, whose time does not count; time that was open all the while does", ({
    expect,
  }) => {
    const state = advanceReplacement(begin({ paceBpPerMinute: 100 }), turn(FRIDAY)).state;
    const late = turn(FRIDAY + 35 * MINUTE);
    const at = (minute: number): string => new Date(FRIDAY + minute * MINUTE).toISOString().slice(0, 16);
    const sale = { name: "sale", from: at(7), to: at(34), zone: "UTC", scope: {}, reason: "r" };
    const below = (of: ReplacementState, unseen: typeof sale): number =>
      advanceReplacement(of, { ...late, freezes: [unseen] }).state.below;
    expect(advanceReplacement(state, late).state.below).toBe(3600);
    expect(below(state, sale)).toBe(200);
    expect(below(state, { ...sale, from: at(36), to: at(40) })).toBe(3600);
    const urgent = { ...state, plan: { ...state.plan, throughFreezes: true } };
    expect(below(urgent, sale)).toBe(3600);
  });

  it("is a red preflight; after resume only a newer one counts", ({ expect }) => {
    const state = advanceReplacement(begin(), turn(FRIDAY)).state;
    const red = pass(FRIDAY + MINUTE, "fail");
    const paused = advanceReplacement(state, turn(FRIDAY + MINUTE, { preflight: red })).state;
    expect(paused).toMatchObject({ phase: "paused", below: 2000 });
    expect(tell(tell(state, "pause").state, "pause").state.pausedBy).toBe("person");
    // Whoever pauses what has paused by itself changes nothing.
    expect(tell(paused, "pause").state.pausedBy).toBe("itself");
    const resumed = tell(paused, "resume", { nowMs: FRIDAY + 5 * MINUTE }).state;
    expect(resumed.pausedBy).toBeNull();
    const asks = advanceReplacement(resumed, turn(FRIDAY + 5 * MINUTE, { preflight: red }));
    expect([asks.state.phase, kinds(asks)]).toEqual(["waiting", ["run-preflight"]]);
    expect(advanceReplacement(asks.state, turn(FRIDAY + 6 * MINUTE)).state.below).toBe(4000);
  });

  it("is a new version that is marked bad, at whatever step", ({ expect }) => {
    const held = advanceReplacement(shifted(), turn(FRIDAY + HOUR, { facts: BAD }));
    expect([held.state.phase, kinds(held)]).toEqual(["paused", ["notify"]]);
  });
});

describe("ending a replacement early", () => {
  it("goes back when the old version answers, at once when nobody has moved", ({ expect }) => {
    expect(tell(begin(), "rollback").state.phase).toBe("rolled-back");
    const going = tell(shifted(), "rollback");
    expect([going.state.phase, kinds(going)]).toEqual(["rolling-back", ["probe-target", "notify"]]);
    const waits = advanceReplacement(going.state, turn(FRIDAY, { halt: true }));
    expect(waits.state.below).toBe(10_000);
    const probe = { atMs: FRIDAY, verdict: "pass", sentence: "" } as const;
    const back = advanceReplacement(waits.state, turn(FRIDAY, { halt: true, probe }));
    expect(back.state).toMatchObject({ below: 0, phase: "rolled-back" });
    expect(kinds(back)).toEqual(["publish"]);
  });

  it("goes back without an answer after a minute, and not to a version that fails unless confirmed", ({
    expect,
  }) => {
    const going = tell(shifted(), "rollback").state;
    expect(advanceReplacement(going, turn(FRIDAY + MINUTE)).state.phase).toBe("rolled-back");
    const probe = { atMs: FRIDAY, verdict: "fail", sentence: "500" } as const;
    expect(advanceReplacement(going, turn(FRIDAY, { probe })).state).toMatchObject({
      phase: "paused",
      below: 10_000,
      rollback: null,
    });
    const sure = tell(shifted(), "rollback", { confirmed: true }).state;
    expect(advanceReplacement(sure, turn(FRIDAY, { probe })).state.phase).toBe("rolled-back");
  });

  it("does not go back to a version that takes nobody, nor from an irreversible one unconfirmed", ({
    expect,
  }) => {
    const with280 = (change: Parameters<typeof version>[0], of: string): typeof WORLD => ({
      ...WORLD,
      kiln: { ...WORLD.kiln, versions: { ...WORLD.kiln.versions, [of]: version(change) } },
    });
    const back = (world: typeof WORLD) => (): ReplacementAdvanced => tell(shifted(), "rollback", { world });
    expect(back(with280({ bad: true }, "2.8.0"))).toThrow("marked bad");
    expect(back(with280({ reversible: false }, "2.8.1"))).toThrow("confirm it");
  });

  it("stops where it is: who had moved stays", ({ expect }) => {
    expect(tell(begin(), "stop").state.phase).toBe("stopped");
    const some = advanceReplacement(begin(), turn(FRIDAY)).state;
    const stopping = tell(some, "stop").state;
    const asked = advanceReplacement(stopping, turn(FRIDAY + MINUTE));
    expect([asked.state.below, kinds(asked)]).toEqual([2000, ["settle-replacement"]]);
    const done = advanceReplacement(asked.state, turn(FRIDAY + MINUTE, { homesWritten: true }));
    expect(done.state).toMatchObject({ phase: "stopped", below: 2000 });
  });

  it("refuses to go back or stop once homes are being written, and everything after the end", ({
    expect,
  }) => {
    const settling = advanceReplacement(shifted(), turn(FRIDAY + HOUR)).state;
    expect(() => tell(settling, "rollback")).toThrow("homes are being written");
    expect(() => tell(settling, "stop")).toThrow("homes are being written");
    const done = advanceReplacement(settling, turn(FRIDAY + HOUR, { homesWritten: true })).state;
    expect(() => tell(done, "pause")).toThrow("completed");
  });
});

describe("a new version that turns out bad while homes are written", () => {
  const settling = (): ReplacementState => advanceReplacement(shifted(), turn(FRIDAY + HOUR)).state;

  it.for([
    ["marked bad", { facts: BAD }],
    ["red at preflight", { preflight: pass(FRIDAY + HOUR, "fail") }],
  ] as const)("%s: it ends by itself, which moves nobody", ([, told], { expect }) => {
    const goesOn = advanceReplacement(settling(), turn(FRIDAY + HOUR, told));
    expect([goesOn.state.phase, kinds(goesOn)]).toEqual(["settling", []]);
    const done = advanceReplacement(goesOn.state, turn(FRIDAY + HOUR, { ...told, homesWritten: true }));
    expect(done.state).toMatchObject({ phase: "completed", below: 10_000 });
  });

  it("ends after a resume where it was paused meanwhile, which both other ways out say", ({ expect }) => {
    const paused = tell(settling(), "pause").state;
    expect(() => tell(paused, "stop")).toThrow("resume it, and it ends by itself");
    expect(() => tell(paused, "rollback")).toThrow("resume it and let it end");
    const resumed = tell(paused, "resume").state;
    const done = advanceReplacement(resumed, turn(FRIDAY + HOUR, { facts: BAD, homesWritten: true }));
    expect(done.state.phase).toBe("completed");
  });
});

describe("what is wrong with a replacement", () => {
  const world = { facts: WORLD, combinations: [], rollouts: [] };
  const rules = (...replacements: { from: string; to: string; below: number }[]): typeof world => ({
    ...world,
    facts: { ...WORLD, kiln: { ...WORLD.kiln, replacements } },
  });
  const said = (
    of: Partial<ReplacementPlan>,
    at: Parameters<typeof replacementProblems>[1] = world,
  ): string => replacementProblems({ ...PLAN, ...of }, at).join("; ");

  it("is nothing when the versions are declared compatible", ({ expect }) => {
    expect(said({})).toBe("");
  });

  it("is a circle, a second one, a version that is not there, a ramp that falls", ({ expect }) => {
    expect(said({}, rules({ from: "2.8.1", to: "2.8.0", below: 1 }))).toContain("leads there");
    expect(said({}, rules({ from: "2.8.0", to: "2.9.0", below: 1 }))).toContain("already");
    expect(said({ to: "7" })).toContain("not registered");
    expect(said({ stepsBp: [5000, 100, 10_000] })).toContain("must rise");
    expect(said({ stepsBp: [5000] })).toContain("100 %");
  });

  it("is a way of upgrading that is not declared, also through what leads to it", ({ expect }) => {
    // 2.9.0 upgrades from 2.8.0 alone.
    expect(said({ from: "2.7.0", to: "2.9.0" })).toContain("not from 2.7.0");
    expect(said({ to: "2.9.0" }, rules({ from: "2.7.0", to: "2.8.0", below: 0 }))).toContain(
      "not from 2.7.0",
    );
  });

  it("is a running rollout that cannot take the new version's accounts", ({ expect }) => {
    const plan = { id: "autumn", targets: { kiln: "2.9.0" } };
    const rollout = { plan, origins: { kiln: ["2.8.0"] } };
    // Only what the check reads.
    const rollouts = [rollout as unknown as Parameters<typeof replacementProblems>[1]["rollouts"][number]];
    expect(said({}, { ...world, rollouts })).toContain("autumn is running: kiln 2.9.0 upgrades from 2.8.0");
  });

  it("is a pair of products that some account would have", ({ expect }) => {
    const combinations = [
      { kiln: "2.8.0", fogbugz: "8.7.0" },
      { kiln: "2.8.0", fogbugz: "8.8.0" },
    ];
    expect(said({ to: "2.9.0" }, { ...world, combinations })).toContain("requires fogbugz 8.8.0, not 8.7.0");
    expect(said({ to: "2.9.0" }, { ...world, combinations: [{ kiln: "2.8.1", fogbugz: "8.7.0" }] })).toBe("");
  });
});
