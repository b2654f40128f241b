/** Replacements by scenario: a hotfix beside whatever else runs. */
import { describe, it } from "vitest";
import type { PreflightFact } from "../../../src/contracts/rollout-input.ts";
import { advanceReplacement, commandReplacement } from "../../../src/core/rollout/replacement.ts";
import {
  createReplacement,
  type ReplacementInput,
  replacementProblems,
  rootReplacement,
} from "../../../src/core/rollout/replacement-plan.ts";
import { FRIDAY, facts, HOUR, MINUTE, version } from "../../support/rollout-builders.ts";

const PLAN = {
  product: "kiln",
  from: "2.8.0",
  to: "2.8.1",
  paceBpPerMinute: 2000,
  bakeMinutes: 30,
  throughFreezes: false,
};
const base = facts();
const WORLD = {
  ...base,
  kiln: {
    ...(base["kiln"] ?? { default: null, standby: null }),
    versions: { ...base["kiln"]?.versions, "2.8.1": version({ state: "candidate" }) },
  },
};

function pass(atMs: number, word: "pass" | "fail" = "pass"): PreflightFact {
  return { atMs, wave: { verdict: word, sentence: word }, default: { verdict: word, sentence: word } };
}

function input(nowMs: number, partial: Partial<ReplacementInput> = {}): ReplacementInput {
  return {
    nowMs,
    halt: false,
    facts: WORLD,
    freezes: [],
    zones: ["Europe/Paris"],
    preflight: pass(nowMs),
    gate: null,
    homesWritten: false,
    heldBy: null,
    ...partial,
  };
}

describe("a replacement", () => {
  it("asks for preflight, rises by its pace, bakes, writes homes and leaves", ({ expect }) => {
    let done = advanceReplacement(createReplacement(PLAN, "s", FRIDAY), input(FRIDAY, { preflight: null }));
    expect(done.effects.map(({ kind }) => kind)).toEqual(["run-preflight"]);
    for (let minute = 0; minute < 5; minute += 1)
      done = advanceReplacement(done.state, input(FRIDAY + minute * MINUTE));
    expect(done.state).toMatchObject({ below: 10_000, phase: "baking" });
    expect(rootReplacement(done.state)).toEqual({ from: "2.8.0", to: "2.8.1", salt: "s", below: 10_000 });
    const held = advanceReplacement(done.state, input(FRIDAY + HOUR, { heldBy: "autumn" }));
    expect(held.effects).toEqual([]);
    done = advanceReplacement(held.state, input(FRIDAY + HOUR));
    expect(done.effects.map(({ kind }) => kind)).toEqual(["settle-replacement"]);
    done = advanceReplacement(done.state, input(FRIDAY + HOUR, { homesWritten: true }));
    expect(done.state.phase).toBe("completed");
    expect(rootReplacement(done.state)).toBeNull();
  });

  it("is held by a freeze anywhere, by halt, and paused by a red preflight; it goes back at once", ({
    expect,
  }) => {
    const state = advanceReplacement(createReplacement(PLAN, "s", FRIDAY), input(FRIDAY)).state;
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
    expect(advanceReplacement(state, input(FRIDAY + MINUTE, { freezes })).state).toMatchObject({
      phase: "waiting",
      below: 2000,
    });
    expect(advanceReplacement(state, input(FRIDAY + MINUTE, { halt: true })).state.below).toBe(2000);
    const red = advanceReplacement(state, input(FRIDAY + MINUTE, { preflight: pass(FRIDAY, "fail") }));
    expect(red.state.phase).toBe("paused");
    const back = commandReplacement(
      red.state,
      { kind: "rollback", reason: "r", confirmed: false },
      { nowMs: FRIDAY, facts: WORLD },
    );
    expect(back).toMatchObject({ state: { below: 0, phase: "rolled-back" } });
  });

  it("may not run in a circle, twice, or to what is not there", ({ expect }) => {
    expect(replacementProblems(PLAN, WORLD, [])).toEqual([]);
    const rule = { from: "2.8.1", to: "2.8.0", salt: "x", below: 1 };
    expect(replacementProblems(PLAN, WORLD, [rule]).join()).toContain("leads there");
    expect(replacementProblems(PLAN, WORLD, [{ ...rule, from: "2.8.0", to: "2.8.1" }]).join()).toContain(
      "already",
    );
    expect(replacementProblems({ ...PLAN, to: "7" }, WORLD, []).join()).toContain("not registered");
  });
});
