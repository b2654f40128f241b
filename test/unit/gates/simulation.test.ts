/**
 * The experiments of `npm run simulate:gates` in smaller numbers, with the same seeds and the gate's own code; and what
 * rules that look like the gate would do with the same traffic, so that the experiments are seen to be able to fail.
 */
import { describe, it } from "vitest";
import { EXPERIMENTS } from "../../../scripts/gate-simulation/experiments.ts";
import type { Judge, RolloutScenario } from "../../../scripts/gate-simulation/rollout-world.ts";
import { judgeErrors, playRollout } from "../../../scripts/gate-simulation/rollout-world.ts";
import { errorNumbers } from "../../../src/core/gates/error-rate.ts";

const PATIENCE_MS = 120_000;
const ON_THE_LINE: RolloutScenario = {
  name: "on the line",
  accounts: 400,
  whaleShare: 0,
  errorRate: 0.01,
  added: 0.01,
  whaleRate: null,
  knownPast: true,
};
const SINGLE_LOOK = 1.645;

/** The same estimate and the same standard error with a fixed multiplier: right once, wrong when read every minute. */
const impatient: Judge = (input) => {
  const finding = judgeErrors(input);
  const { increase, tolerated } = errorNumbers(input);
  if (finding === "too-little" || increase === null) return finding;
  return increase.estimate - SINGLE_LOOK * increase.standardError > tolerated ? "fail" : "undecided";
};

/** Requests as the unit: an account with most of them is the verdict. */
const byRequests: Judge = (input) => {
  const { moved, notMoved, policy } = input;
  if (moved.accounts < policy.minAccounts || moved.requests < policy.minRequests) return "too-little";
  const [p, q] = [moved.failures / moved.requests, notMoved.failures / notMoved.requests];
  const error = Math.sqrt((p * (1 - p)) / moved.requests + (q * (1 - q)) / notMoved.requests);
  return p - q - 3 * error > policy.errorIncreasePercent / 100 ? "fail" : "undecided";
};

function stoppedShare(scenario: RolloutScenario, runs: number, judge: Judge): number {
  let stopped = 0;
  for (let seed = 1; seed <= runs; seed += 1) {
    if (playRollout(scenario, seed, judge).stoppedAt !== null) stopped += 1;
  }
  return stopped / runs;
}

describe("gate simulation", () => {
  for (const experiment of EXPERIMENTS) {
    it(
      `holds over ${experiment.testRuns} runs: ${experiment.name}`,
      { timeout: PATIENCE_MS },
      ({ expect }) => {
        const outcome = experiment.play(experiment.testRuns, () => undefined);
        expect(outcome.held, `${outcome.found}; expected: ${outcome.expected}`).toBe(true);
      },
    );
  }

  it(
    "would stop many that are on the line, were the bounds those of a single look",
    { timeout: PATIENCE_MS },
    ({ expect }) => {
      expect(stoppedShare(ON_THE_LINE, 60, impatient)).toBeGreaterThan(0.15);
      expect(stoppedShare(ON_THE_LINE, 60, judgeErrors)).toBeLessThan(0.05);
    },
  );

  it("would stop for one large account, were requests the unit", { timeout: PATIENCE_MS }, ({ expect }) => {
    const whale = { ...ON_THE_LINE, added: 0, whaleShare: 0.3, whaleRate: 0.3 };
    expect(stoppedShare(whale, 60, byRequests)).toBeGreaterThan(0.2);
  });

  it("gives the same for the same seed", ({ expect }) => {
    expect(playRollout(ON_THE_LINE, 3)).toEqual(playRollout(ON_THE_LINE, 3));
  });
});
