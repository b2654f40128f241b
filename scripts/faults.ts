/**
 * `npm run faults`: the thirty experiments, each printing what was broken, what held and its figures; the last line is
 * `N held, N held in part, N failed`; in part means that something of it no test shows, and what. Exit code 0 when none
 * failed, 1 when one did, 2 for wrong use. What is run is in `faults/experiments.ts`; the same tests are part of `npm test`.
 */
import { parseArgs } from "node:util";
import { EXPERIMENTS } from "./faults/experiments.ts";
import type { Experiment } from "./faults/experiment.ts";
import { judge, render } from "./faults/report.ts";
import { runProofs } from "./faults/run.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const USAGE = `npm run faults -- [numbers] [flags]

  numbers      experiments, 1 to ${EXPERIMENTS.length} (none named: all)
  --long       the cases and the time that the experiments ask for, in place of those that fit into npm test
  --json       the verdicts as JSON on standard output, and nothing else there
  --list       what the experiments are, without running any
  --help       this text
`;

interface Flags {
  readonly experiments: readonly Experiment[];
  readonly long: boolean;
  readonly json: boolean;
  readonly list: boolean;
}

/** Null: say how it is used. */
function readFlags(args: readonly string[]): Flags | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      long: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const numbers = positionals.map(Number);
  const areThere = numbers.every((number) => EXPERIMENTS.some((one) => one.number === number));
  if (values.help || !areThere) return null;
  const experiments =
    numbers.length === 0 ? EXPERIMENTS : EXPERIMENTS.filter(({ number }) => numbers.includes(number));
  return { experiments, long: values.long, json: values.json, list: values.list };
}

async function run({ experiments, long, json, list }: Flags): Promise<number> {
  if (list) {
    for (const { number, fault, holds } of experiments)
      process.stdout.write(`${String(number).padStart(2)}  ${fault}\n    holds: ${holds}\n`);
    return 0;
  }
  if (long) process.env["FAULTS_LONG"] = "1";
  const started = performance.now();
  const { outcomes, broken, stray } = await runProofs(experiments, (text) =>
    process.stderr.write(`  ${text}\n`),
  );
  const verdicts = experiments.map((experiment) => judge(experiment, outcomes, broken));
  const failed = verdicts.filter(({ holding }) => holding === "failed").length + stray.length;
  const held = verdicts.filter(({ holding }) => holding === "held").length;
  const inPart = verdicts.filter(({ holding }) => holding === "held in part").length;
  if (json) process.stdout.write(`${JSON.stringify({ held, inPart, failed, stray, verdicts }, null, 2)}\n`);
  else {
    for (const verdict of verdicts) process.stdout.write(`${render(verdict)}\n\n`);
    for (const error of stray) process.stdout.write(`FAILED  outside of any test: ${error}\n`);
    process.stdout.write(`${((performance.now() - started) / 60_000).toFixed(1)} minutes\n`);
    process.stdout.write(`${held} held, ${inPart} held in part, ${failed} failed\n`);
  }
  return failed > 0 ? EXIT_FAILED : 0;
}

function parseOrExplain(): Flags | null {
  try {
    return readFlags(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${String(error)}\n`);
    return null;
  }
}

const flags = parseOrExplain();
if (flags === null) process.stderr.write(USAGE);
process.exitCode = flags === null ? EXIT_USAGE : await run(flags);
