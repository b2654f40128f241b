/**
 * The list of experiments held against the test files it names, so that a renamed or deleted test is found by `npm test`
 * and not only when somebody runs the experiments; and the verdict on what the tests did.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { EXPERIMENTS } from "../../../scripts/faults/experiments.ts";
import { selectTests, type Experiment } from "../../../scripts/faults/experiment.ts";
import { judge, render, type TestOutcome } from "../../../scripts/faults/report.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
/** Names that come from tables are written with these in the source. */
const PLACEHOLDER = /\$\{?\w+\}?|%[sijdo]/;

/** Every piece of a name stands in the source as it is. */
function isWritten(name: string, source: string): boolean {
  return name.split(" > ").every((part) => source.includes(part.replace(/ >$/, "").trim()));
}

describe("the experiments", () => {
  it("are thirty, in order, each with a proof", ({ expect }) => {
    expect(EXPERIMENTS.map(({ number }) => number)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
    for (const { number, proofs } of EXPERIMENTS) expect(proofs.length, String(number)).toBeGreaterThan(0);
  });

  it.for(EXPERIMENTS)("$number names tests that are there", ({ proofs }, { expect }) => {
    for (const { file, tests = [] } of proofs) {
      const path = join(ROOT, file);
      expect(existsSync(path), file).toBe(true);
      const source = readFileSync(path, "utf8");
      for (const name of tests) {
        expect(name).not.toMatch(PLACEHOLDER);
        expect(isWritten(name, source), `${file}: ${name}`).toBe(true);
      }
    }
  });
});

const EXPERIMENT: Experiment = {
  number: 7,
  fault: "fire",
  holds: "the wall",
  proofs: [{ file: "test/a.test.ts", tests: ["wall > stands (hot)"] }, { file: "test/b.test.ts" }],
};

const outcome = (partial: Partial<TestOutcome>): TestOutcome => ({
  file: "test/a.test.ts",
  name: "wall > stands (hot)",
  state: "passed",
  durationMs: 100,
  figures: [],
  errors: [],
  ...partial,
});

const BOTH = [outcome({ figures: ["900 degrees"] }), outcome({ file: "test/b.test.ts", name: "b" })];

describe("selectTests", () => {
  it("joins the names of one file, and takes all of it when somebody asks for all", ({ expect }) => {
    const pattern = selectTests([EXPERIMENT]).get("test/a.test.ts");
    expect(pattern?.test("wall stands (hot) for long")).toBe(true);
    expect(pattern?.test("wall stands hot")).toBe(false);
    const group = { ...EXPERIMENT, proofs: [{ file: "test/a.test.ts", tests: ["wall >"] }] };
    expect(selectTests([group]).get("test/a.test.ts")?.test("wall stands")).toBe(true);
    const whole = { ...EXPERIMENT, proofs: [{ file: "test/a.test.ts" }] };
    expect(selectTests([EXPERIMENT, whole]).get("test/a.test.ts")).toBeNull();
    expect(selectTests([whole, EXPERIMENT]).get("test/a.test.ts")).toBeNull();
  });
});

describe("judge", () => {
  it("holds when every proof ran and passed, with the figures", ({ expect }) => {
    const verdict = judge(EXPERIMENT, BOTH, new Map());
    expect(verdict).toMatchObject({ holding: "held", passed: 2, figures: ["900 degrees"], faults: [] });
    expect(render(verdict)).toContain(" 7  held     fire");
  });

  it("holds in part when something of it is not shown, and says what", ({ expect }) => {
    const verdict = judge({ ...EXPERIMENT, open: "ice" }, BOTH, new Map());
    expect(verdict.holding).toBe("held in part");
    expect(render(verdict)).toMatch(/ 7 {2}IN PART {2}fire[^]*not shown: ice/);
  });

  it.for<[string, readonly TestOutcome[], ReadonlyMap<string, string>]>([
    ["a test failed", [outcome({ state: "failed", errors: ["fell"] }), ...BOTH.slice(1)], new Map()],
    ["a test was skipped", [outcome({ state: "skipped" }), ...BOTH.slice(1)], new Map()],
    ["a test is gone", BOTH.slice(1), new Map()],
    ["a file ran nothing", BOTH.slice(0, 1), new Map()],
    ["a file did not load", BOTH, new Map([["test/b.test.ts", "syntax"]])],
  ])("does not hold when %s", ([, outcomes, broken], { expect }) => {
    const verdict = judge(EXPERIMENT, outcomes, broken);
    expect(verdict.holding).toBe("failed");
    expect(render(verdict)).toMatch(/FAILED[^]*fault: /);
  });
});
