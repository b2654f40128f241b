/**
 * `npm run simulate:gates`: the gates held against thousands of simulated rollouts, with fixed seeds: how often a version
 * that is no worse is stopped, how often one that is worse is not, and whether single healthy accounts are put back.
 * Exit code 0 when every expectation held, 1 when one did not, 2 for flags it does not know. Writes nothing.
 */
import { EXPERIMENTS } from "./gate-simulation/experiments.ts";
import type { Experiment, Outcome } from "./gate-simulation/experiments.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const PROGRESS_STEPS = 20;

const USAGE = `npm run simulate:gates -- [flags]

  --quick   the smaller numbers of runs that the tests use
  --json    one JSON document instead of the table
  --help    this text
`;

/** A line that rewrites itself on a terminal; nothing in a pipe. */
function createProgress(name: string, runs: number): (done: number) => void {
  const every = Math.max(1, Math.floor(runs / PROGRESS_STEPS));
  return (done) => {
    if (!process.stderr.isTTY || (done % every !== 0 && done !== runs)) return;
    process.stderr.write(done === runs ? "\r\u001B[K" : `\r\u001B[K${name}: ${done} of ${runs}`);
  };
}

function play(experiment: Experiment, quick: boolean): Outcome & { readonly seconds: number } {
  const runs = quick ? experiment.testRuns : experiment.runs;
  const startMs = performance.now();
  const outcome = experiment.play(runs, createProgress(experiment.name, runs));
  return { ...outcome, seconds: Math.round((performance.now() - startMs) / 100) / 10 };
}

function main(args: readonly string[]): number {
  const unknown = args.filter((arg) => !["--quick", "--json", "--help", "-h"].includes(arg));
  if (unknown.length > 0 || args.includes("--help") || args.includes("-h")) {
    process.stdout.write(USAGE);
    return unknown.length > 0 ? EXIT_USAGE : 0;
  }
  const json = args.includes("--json");
  const outcomes = EXPERIMENTS.map((experiment) => {
    const outcome = play(experiment, args.includes("--quick"));
    const { held, name, runs, found, expected, seconds } = outcome;
    if (!json) {
      process.stdout.write(
        `${held ? "held  " : "FAILED"}  ${name} (${runs} runs, ${seconds} s)\n        ${found}\n        expected: ${expected}\n`,
      );
    }
    return outcome;
  });
  const failed = outcomes.filter(({ held }) => !held).length;
  if (json) process.stdout.write(`${JSON.stringify({ failed, outcomes }, null, 2)}\n`);
  else process.stdout.write(`\n${outcomes.length - failed} held, ${failed} failed\n`);
  return failed === 0 ? 0 : EXIT_FAILED;
}

process.exitCode = main(process.argv.slice(2));
