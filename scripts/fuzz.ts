/**
 * `npm run fuzz`: near misses of hosts, targets, headers, lines, plans, API calls, maps and tokens, for as long as is asked,
 * with a new seed each time. What fails is printed as a line that runs it again, with the smallest input found. Exit code 0
 * when all held, 1 when something failed, 2 for wrong use. The targets are in `test/fuzz/`; `npm test` runs each for a second.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { runFuzz, type FuzzAsked } from "./fuzz/run.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const DEFAULT_SECONDS = 60;
const MAX_SECONDS = 1_000_000;
const MAX_SEED = 2 ** 31 - 1;
const PATH = /^\d+(?::\d+)*$/;

const USAGE = `npm run fuzz -- [flags]

  --seconds N  how long for each target (${DEFAULT_SECONDS})
  --only NAME  this target, may be given more than once (all)
  --seed N     begin here (somewhere)
  --path P     with --only and --seed: the one input that failed
  --help       this text

Targets: host, target, headers, overrides, ndjson, plan, api, root, shard, break-glass, kv, tokens.
`;

/** Null: say how it is used. */
function readFlags(args: readonly string[]): FuzzAsked | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: String(DEFAULT_SECONDS) },
      only: { type: "string", multiple: true, default: [] },
      seed: { type: "string", default: String(randomInt(MAX_SEED)) },
      path: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { only, path } = values;
  const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
  const isReplay = path === undefined || (only.length === 1 && PATH.test(path));
  if (values.help || !(seconds > 0 && seconds <= MAX_SECONDS) || !Number.isInteger(seed) || !isReplay)
    return null;
  return { seconds, seed, only, ...(path === undefined ? {} : { path }) };
}

function parseOrExplain(): FuzzAsked | null {
  try {
    return readFlags(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${String(error)}\n`);
    return null;
  }
}

async function run(asked: FuzzAsked): Promise<number> {
  process.stderr.write(`seed ${asked.seed}, ${asked.seconds} s for each target\n`);
  const { held, failures } = await runFuzz(asked, (line) => process.stderr.write(`${line}\n`));
  if (held + failures.length === 0) {
    process.stderr.write(USAGE);
    return EXIT_USAGE;
  }
  for (const failure of failures) process.stdout.write(`${failure}\n\n`);
  process.stdout.write(`${held} held, ${failures.length} failed\n`);
  return failures.length > 0 ? EXIT_FAILED : 0;
}

const asked = parseOrExplain();
if (asked === null) process.stderr.write(USAGE);
process.exitCode = asked === null ? EXIT_USAGE : await run(asked);
