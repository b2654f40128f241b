/**
 * `npm run soak`: an hour of everything at once, and whether anything was wrong or grew. Progress goes to standard error, a
 * line a minute; the table, or JSON, to standard output. Exit code 0 when it held, 1 when it did not or was stopped, 2 for
 * wrong use. What is asked, changed and judged is in `soak/run.ts`.
 */
import { parseArgs } from "node:util";
import { judgeSoak, renderSoak } from "./soak/report.ts";
import { runSoak } from "./soak/run.ts";
import { slopeOf } from "./soak/slope.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const DEFAULT_MINUTES = 60;
const DEFAULT_WARM_UP = 30;
const MAX_MINUTES = 10_000;
const DEFAULT_RATE = 120;
const MAX_RATE = 2000;

const USAGE = `npm run soak -- [flags]

  --minutes N  how long after the warm-up (${DEFAULT_MINUTES})
  --warm-up N  minutes before, in which everything but memory is judged (${DEFAULT_WARM_UP})
  --rate N     requests a second over both nodes (${DEFAULT_RATE})
  --json       the figures as JSON on standard output, and nothing else there
  --help       this text

A local run of two nodes: known accounts, custom domains, unknown hosts and health checks, while pins, holds, domains,
imports, windows and rollouts come and go and the first node loses its memory every few seconds of every other minute.
It holds when no answer was wrong by what was published in its moment, no health check failed, every change came to what
was meant, and the interval of the data that each node holds does not lie above zero growth. What V8 makes of the program
(machine code of what becomes hot) grows for hours to what all of it takes; it is told beside. Ctrl-C ends it, unjudged.
`;

interface Flags {
  readonly minutes: number;
  readonly warmUpMinutes: number;
  readonly rate: number;
  readonly json: boolean;
}

/** Null: say how it is used. */
function readFlags(args: readonly string[]): Flags | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: String(DEFAULT_MINUTES) },
      "warm-up": { type: "string", default: String(DEFAULT_WARM_UP) },
      rate: { type: "string", default: String(DEFAULT_RATE) },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [minutes, warmUpMinutes, rate] = [values.minutes, values["warm-up"], values.rate].map(Number);
  const isMinutes = (each: number | undefined): each is number => each !== undefined && each <= MAX_MINUTES;
  if (values.help || !isMinutes(minutes) || !isMinutes(warmUpMinutes) || rate === undefined) return null;
  const areRight = minutes > 0 && warmUpMinutes >= 0 && rate > 0 && rate <= MAX_RATE;
  return areRight ? { minutes, warmUpMinutes, rate, json: values.json } : null;
}

async function run({ minutes, warmUpMinutes, rate, json }: Flags): Promise<number> {
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort());
  const result = await runSoak({
    minutes,
    warmUpMinutes,
    rate,
    signal: ending.signal,
    say: (line) => process.stderr.write(`${line}\n`),
  });
  if (result === null) {
    process.stderr.write("stopped: nothing is judged\n");
    return EXIT_FAILED;
  }
  const { figures, rows } = result;
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
