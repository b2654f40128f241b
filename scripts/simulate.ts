/**
 * `npm run simulate`: control plane, publisher and many readers together, over a simulated KV, clock and operators, each
 * history from one seed. What is promised is checked at every step; a seed that breaks a promise does so every time, and
 * `--seed N` tells its story. The simulation itself is in test/simulation, on the same worlds as the tests.
 */
import { readSettings, USAGE, type Settings } from "./simulation/arguments.ts";
import { ENOUGH_BROKEN, liveAll } from "./simulation/pool.ts";
import { renderReport, Tally } from "./simulation/report.ts";

const EXIT_BROKEN = 1;
const EXIT_USAGE = 2;

function showProgress(done: number, { seeds, isTold }: Settings): void {
  if (!process.stderr.isTTY || isTold) return;
  process.stderr.write(done >= seeds ? "\r\u001B[K" : `\r\u001B[K${done} of ${seeds} histories`);
}

async function main(args: readonly string[]): Promise<number> {
  let settings: Settings | null;
  try {
    settings = readSettings(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  if (settings === null) {
    process.stdout.write(USAGE);
    return 0;
  }
  const tally = new Tally();
  const began = performance.now();
  const { isJson } = settings;
  const wanted = settings;
  await liveAll(wanted, (done) => {
    tally.add(done);
    showProgress(tally.seeds, wanted);
    return tally.broken.length < ENOUGH_BROKEN;
  });
  const report = tally.report(wanted, (performance.now() - began) / 1000);
  const story = tally.story ?? [];
  if (isJson) process.stdout.write(`${JSON.stringify({ ...report, story: tally.story }, null, 2)}\n`);
  else process.stdout.write(`${story.map((line) => `${line}\n`).join("")}\n${renderReport(report)}`);
  return report.broken.length === 0 ? 0 : EXIT_BROKEN;
}

process.exitCode = await main(process.argv.slice(2));
