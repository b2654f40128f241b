/**
 * `npm run bench:observation`: what counting requests costs, and whether it loses one. On a local run of its own, with
 * free ports and a temporary folder. Exit code 0 when no count was lost in silence, 1 when one was, 2 when it could not run.
 * Throughput is printed with a control and judged by people: on a shared machine it says little by itself.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureCost, SIDES, type Cost, type Side } from "./observation-bench/cost.ts";
import { hasWrk, runOwn, runWrk } from "./observation-bench/load.ts";
import { measureLoss, type Loss } from "./observation-bench/loss.ts";
import { createDemoAccounts } from "./local/demo/accounts.ts";
import { startInstance } from "./local/instance.ts";

const EXIT_LOST = 1;
const EXIT_NOT_RUN = 2;
const NODES = 4;
const HOSTS = 500;

const WANTED_PER_SECOND = 2000;
const WANTED_RATIO = 0.97;
/** Two equal things must not differ by more, or nothing is told by the rest. */
const MAX_NOISE = 0.03;

const USAGE = `npm run bench:observation -- [flags]

Run it on a machine that does nothing else (about five minutes): one core is workerd's, which runs all nodes on one
thread and is what limits the requests a second, the other the demo versions' and the generator's.

  --seconds N        length of the load whose counts must add up (60; 0: leave that out)
  --rounds N         rounds with counting on, off, and off again, in turn (6; 0: leave that out)
  --round-seconds N  length of one round of one side; a report is due every 10 to 15 s (12)
  --json FILE        writes everything that was measured there
  --help             this text

Read it so: the control (off against off) must be within ± ${MAX_NOISE}, else the machine was too busy to tell. Then
throughput on/off is wanted at ${WANTED_RATIO} or more, and the load at ${WANTED_PER_SECOND} requests a second. No count may be missing, whatever the machine:
what edges sent = what meters took + what they were told was lost. Exit code 0, 1 when one is, 2 when it could not run.
`;

interface Flags {
  readonly seconds: number;
  readonly rounds: number;
  readonly roundSeconds: number;
  readonly json: string | null;
}

function readFlags(args: readonly string[]): Flags | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "60" },
      rounds: { type: "string", default: "6" },
      "round-seconds": { type: "string", default: "12" },
      json: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const flags = {
    seconds: Number(values.seconds),
    rounds: Number(values.rounds),
    roundSeconds: Number(values["round-seconds"]),
    json: values.json ?? null,
  };
  const numbers = [flags.seconds, flags.rounds, flags.roundSeconds];
  const areWhole = numbers.every((value) => Number.isInteger(value) && value >= 0);
  return values.help === true || !areWhole ? null : flags;
}

/** Every tenth names no account. */
function hostsOf(): readonly string[] {
  const accounts = createDemoAccounts();
  return Array.from({ length: HOSTS }, (_, number) =>
    number % 10 === 0
      ? `nobody-${number}.kiln.localhost`
      : `${accounts[number]?.account ?? ""}.kiln.localhost`,
  );
}

function costText({ median, rounds, ratio, control, cpuRatio, cpuControl }: Cost): string {
  const line = (side: Side): string => {
    const rates = rounds[side].map(({ requestsPerSecond }) => requestsPerSecond);
    const spread = `${Math.round(Math.min(...rates))}–${Math.round(Math.max(...rates))}`;
    const { requestsPerSecond, cpuUsPerRequest } = median[side];
    return `  counting ${side.padEnd(9)} ${Math.round(requestsPerSecond)} requests/s (${spread}), ${cpuUsPerRequest.toFixed(1)} µs of workerd a request\n`;
  };
  const noise =
    Math.abs(1 - control) > MAX_NOISE
      ? `  (the control is outside ± ${MAX_NOISE}: the machine is too busy to tell)`
      : "";
  return (
    `${line("on")}${line("off")}${line("off again")}` +
    `  throughput on/off ${ratio.toFixed(3)}, control off/off ${control.toFixed(3)}${noise}\n` +
    `  processor time off/on ${cpuRatio.toFixed(3)}, control ${cpuControl.toFixed(3)}; wanted: at least ${WANTED_RATIO}\n`
  );
}

function lossText({
  requestsPerSecond,
  received,
  sent,
  counted,
  dropped,
  droppedReports,
  missing,
}: Loss): string {
  return (
    `  ${Math.round(requestsPerSecond)} requests/s (wanted: ${WANTED_PER_SECOND}); edges sent ${sent} = meters took ${counted} + were told of ${dropped} lost` +
    ` (${droppedReports} reports, while one node's meters failed)${missing === 0 ? "" : `, ${missing} MISSING`}\n` +
    `  the versions received ${received}; the generator left with the other ${received - sent} under way\n`
  );
}

async function run(flags: Flags): Promise<number> {
  const withWrk = hasWrk();
  const load = withWrk ? runWrk : runOwn;
  if (!withWrk) {
    process.stdout.write(
      "wrk is not installed (apt-get install wrk): the drill's own generator asks instead, in the same process as the demo versions, so fewer requests a second are reached.\n",
    );
  }
  const state = mkdtempSync(join(tmpdir(), "firebreak-bench-"));
  const unmetered = [SIDES.off + 1, SIDES["off again"] + 1];
  const options = { port: 0, nodes: NODES, state, bare: false, tick: true, trustedProxy: 0, unmetered };
  const instance = await startInstance(options);
  try {
    const hosts = hostsOf();
    if (flags.rounds > 0)
      process.stdout.write(`What counting costs, ${flags.rounds} rounds of ${flags.roundSeconds} s each\n`);
    const cost =
      flags.rounds === 0
        ? null
        : await measureCost(instance, { load, hosts, rounds: flags.rounds, seconds: flags.roundSeconds });
    if (cost !== null) process.stdout.write(costText(cost));
    if (flags.seconds > 0) process.stdout.write(`Whether a count is lost, ${flags.seconds} s of load\n`);
    const loss =
      flags.seconds === 0 ? null : await measureLoss(instance, { load, hosts, seconds: flags.seconds });
    if (loss !== null) process.stdout.write(lossText(loss));
    if (flags.json !== null) {
      writeFileSync(
        flags.json,
        `${JSON.stringify({ generator: withWrk ? "wrk" : "own", cost, loss }, null, 2)}\n`,
      );
    }
    return (loss?.missing ?? 0) === 0 ? 0 : EXIT_LOST;
  } finally {
    await instance.stop();
    rmSync(state, { recursive: true, force: true });
  }
}

async function main(args: readonly string[]): Promise<number> {
  const flags = readFlags(args);
  if (flags === null) {
    process.stdout.write(USAGE);
    return args.includes("--help") || args.includes("-h") ? 0 : EXIT_NOT_RUN;
  }
  try {
    return await run(flags);
  } catch (error) {
    process.stderr.write(`firebreak: ${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT_NOT_RUN;
  }
}

// Everything is stopped by now; pipes of ended children may keep the event loop a little longer.
process.exit(await main(process.argv.slice(2)));
