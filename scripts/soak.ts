/**
 * `npm run soak`: an hour of everything at once, and whether anything was wrong or grew. Progress goes to standard error, a
 * line a minute; the table, or JSON, to standard output. Exit code 0 when it held, 1 when it did not, 2 for wrong use.
 * What is asked, changed and judged is in `soak/run.ts`.
 */
import { parseArgs } from "node:util";
import { judgeSoak, renderSoak } from "./soak/report.ts";
import { runSoak } from "./soak/run.ts";
import { slopeOf } from "./soak/slope.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const DEFAULT_MINUTES = 60;
const MAX_MINUTES = 10_000;
const DEFAULT_RATE = 120;
const MAX_RATE = 2000;

const USAGE = `npm run soak -- [flags]

  --minutes N  how long (${DEFAULT_MINUTES}); the first sixth is warm-up, and does not count for memory
  --rate N     requests a second over both nodes (${DEFAULT_RATE})
  --json       the figures as JSON on standard output, and nothing else there
  --help       this text

A local run of two nodes: known accounts, custom domains, unknown hosts and health checks, while pins, holds, domains,
imports, windows and rollouts come and go and the first node loses its memory every few seconds of every other minute.
It holds when no answer was wrong by what was published in its moment, no health check failed, every change came to what
was meant, and the interval of what each node holds in memory does not lie above zero growth.
`;

interface Flags {
  readonly minutes: number;
  readonly rate: number;
  readonly json: boolean;
}

/** Null: say how it is used. */
function readFlags(args: readonly string[]): Flags | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: String(DEFAULT_MINUTES) },
      rate: { type: "string", default: String(DEFAULT_RATE) },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [minutes, rate] = [Number(values.minutes), Number(values.rate)];
  const areRight = minutes > 0 && minutes <= MAX_MINUTES && rate > 0 && rate <= MAX_RATE;
  return values.help || !areRight ? null : { minutes, rate, json: values.json };
}

async function run({ minutes, rate, json }: Flags): Promise<number> {
  const { figures, rows } = await runSoak({
    minutes,
    rate,
    say: (line) => process.stderr.write(`${line}\n`),
  });
  const verdict = judgeSoak(figures, rows);
  if (json) {
    const memory = rows.map(({ samples, ...row }) => ({ ...row, slope: slopeOf(samples), samples }));
    process.stdout.write(`${JSON.stringify({ ...verdict, figures, memory }, null, 2)}\n`);
  } else process.stdout.write(`${renderSoak(figures, rows)}\n`);
  return verdict.held ? 0 : EXIT_FAILED;
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
// workerd's pipes may keep the event loop alive a little; everything is stopped by now.
process.exit(flags === null ? EXIT_USAGE : await run(flags));
