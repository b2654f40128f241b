/**
 * The experiments that the gates are held to, each with what must come out of it: the table that `npm run simulate:gates`
 * prints, and that the test asks for in smaller numbers. Owns the expectations; the worlds are beside it.
 * Seeds are 1, 2, 3, …, so a number that is printed can be had again.
 */
import type { FamilyScenario } from "./family-world.ts";
import { playFamily } from "./family-world.ts";
import type { RolloutResult, RolloutScenario } from "./rollout-world.ts";
import { playRollout, SIMULATED_POLICY } from "./rollout-world.ts";

/** What an experiment gave. */
export interface Outcome {
  readonly name: string;
  readonly runs: number;
  /** One line of numbers. */
  readonly found: string;
  readonly expected: string;
  readonly held: boolean;
}

export interface Experiment {
  readonly name: string;
  /** Runs of the full table, and of the test. */
  readonly runs: number;
  readonly testRuns: number;
  /** @param progress is told how many runs are done. */
  play(runs: number, progress: (done: number) => void): Outcome;
}

const MIN_POWER = 0.95;
const SEEDS = 20;

const WAVE: Omit<RolloutScenario, "name"> = {
  accounts: 400,
  whaleShare: 0,
  errorRate: 0.01,
  added: 0,
  whaleRate: null,
  knownPast: true,
};
const WHALE = 0.3;

function median(numbers: readonly number[]): number | null {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? null;
}

function shown(number: number | null): string {
  return number === null ? "–" : String(number);
}

function describe(results: readonly RolloutResult[]): string {
  const stopped = results.filter(({ stoppedAt }) => stoppedAt !== null);
  const passed = results.filter(({ passedAt }) => passedAt !== null);
  const share = ((100 * stopped.length) / results.length).toFixed(2);
  const passShare = ((100 * passed.length) / results.length).toFixed(2);
  const parts = [`${share} % stopped, ${passShare} % passed`];
  if (passed.length > 0)
    parts.push(`passed at minute ${shown(median(passed.flatMap(({ passedAt }) => passedAt ?? [])))}`);
  if (stopped.length > 0) {
    parts.push(`stopped at minute ${shown(median(stopped.flatMap(({ stoppedAt }) => stoppedAt ?? [])))}`);
    parts.push(`${shown(median(stopped.map(({ movedAccounts }) => movedAccounts)))} accounts moved`);
    parts.push(`${shown(median(stopped.map(({ affectedAccounts }) => affectedAccounts)))} had met a failure`);
  }
  return parts.join(", ");
}

/** `neither`: the truth lies on the line between, so both words would be wrong. */
type Expectation = "stopped" | "not-stopped" | "neither";
const EXPECTED: Record<Expectation, string> = {
  stopped: "at least 95 % stopped",
  "not-stopped": "at most 5 % stopped",
  neither: "at most 5 % stopped, at most 5 % passed",
};

function rollouts(
  scenario: RolloutScenario,
  expect: Expectation,
  sizes: { runs: number; testRuns: number },
): Experiment {
  const { alpha } = SIMULATED_POLICY;
  return {
    name: scenario.name,
    ...sizes,
    play(runs, progress) {
      const results: RolloutResult[] = [];
      for (let seed = 1; seed <= runs; seed += 1) {
        results.push(playRollout(scenario, seed));
        progress(seed);
      }
      const stopped = results.filter(({ stoppedAt }) => stoppedAt !== null).length / runs;
      const passed = results.filter(({ passedAt }) => passedAt !== null).length / runs;
      const held =
        expect === "stopped"
          ? stopped >= MIN_POWER
          : stopped <= alpha && (expect === "not-stopped" || passed <= alpha);
      const expected = EXPECTED[expect];
      return { name: scenario.name, runs, found: describe(results), expected, held };
    },
  };
}

const HEALTHY: FamilyScenario = {
  name: "24,000 healthy moved accounts",
  accounts: 24_000,
  sick: { accounts: 0, share: 0 },
};
const SICK: FamilyScenario = {
  name: "40 of 24,000 fail half of their requests",
  accounts: 24_000,
  sick: { accounts: 40, share: 0.5 },
};
/** Sick accounts that send enough to be found within the day: a lower limit, since half of them send next to nothing. */
const MIN_FOUND = 0.5;

function families(scenario: FamilyScenario, sizes: { runs: number; testRuns: number }): Experiment {
  return {
    name: scenario.name,
    ...sizes,
    play(runs, progress) {
      const results = [];
      for (let seed = 1; seed <= runs; seed += 1) {
        results.push(playFamily(scenario, seed));
        progress(seed);
      }
      const wrong = results.reduce((sum, { falseQuarantines }) => sum + falseQuarantines, 0);
      const found = results.flatMap(({ foundAfter }) => foundAfter);
      const sick = scenario.sick.accounts * runs;
      const closest = Math.exp(Math.max(...results.map(({ closest: one }) => one)));
      const parts = [
        `${wrong} false quarantines (greatest evidence ${closest.toPrecision(2)} of what it takes)`,
      ];
      if (sick > 0)
        parts.push(
          `${found.length} of ${sick} sick ones found, the median after ${shown(median(found))} minutes`,
        );
      const expected =
        sick > 0 ? "at most one false, half of the sick found" : "at most one false quarantine together";
      const held = wrong <= 1 && found.length >= MIN_FOUND * sick;
      return { name: scenario.name, runs, found: parts.join(", "), expected, held };
    },
  };
}

const FULL = 2000;

/** In the order in which they are played. */
export const EXPERIMENTS: readonly Experiment[] = [
  rollouts({ ...WAVE, name: "no difference" }, "not-stopped", { runs: FULL, testRuns: 600 }),
  rollouts({ ...WAVE, name: "1 % becomes 3 %", added: 0.02 }, "stopped", { runs: FULL, testRuns: 600 }),
  rollouts({ ...WAVE, name: "1 % becomes 2 %, just what is tolerated", added: 0.01 }, "neither", {
    runs: FULL,
    testRuns: 100,
  }),
  rollouts({ ...WAVE, name: "no difference, one account sends 30 %", whaleShare: WHALE }, "not-stopped", {
    runs: FULL,
    testRuns: 100,
  }),
  rollouts(
    { ...WAVE, name: "1 % becomes 3 %, one account sends 30 %", whaleShare: WHALE, added: 0.02 },
    "stopped",
    { runs: FULL, testRuns: 300 },
  ),
  rollouts(
    {
      ...WAVE,
      name: "only the account that sends 30 % fails, 30 % of its requests",
      whaleShare: WHALE,
      whaleRate: 0.3,
    },
    "not-stopped",
    { runs: FULL, testRuns: 100 },
  ),
  rollouts({ ...WAVE, name: "60 accounts, no difference", accounts: 60 }, "not-stopped", {
    runs: FULL,
    testRuns: 100,
  }),
  rollouts({ ...WAVE, name: "60 accounts, just what is tolerated", accounts: 60, added: 0.01 }, "neither", {
    runs: FULL,
    testRuns: 100,
  }),
  rollouts({ ...WAVE, name: "1 % becomes 3 %, no past is known", added: 0.02, knownPast: false }, "stopped", {
    runs: FULL,
    testRuns: 100,
  }),
  rollouts(
    { ...WAVE, name: "just what is tolerated, no past is known", added: 0.01, knownPast: false },
    "neither",
    { runs: FULL, testRuns: 100 },
  ),
  families(HEALTHY, { runs: SEEDS, testRuns: 3 }),
  families(SICK, { runs: SEEDS, testRuns: 1 }),
];
