/**
 * `npm start`: the local run, on the terminal. Reads the flags, starts everything, says what runs and what to try, and
 * stops it all on Ctrl-C. Exit code 0 after a stop that was asked for, 1 when it cannot start, 2 for wrong flags.
 */
import type { Instance } from "./local/instance.ts";
import { ADMIN_TOKEN, parseOptions, USAGE, type LocalOptions } from "./local/options.ts";
import { listThingsToTry } from "./local/things-to-try.ts";

const EXIT_CANNOT_START = 1;
const EXIT_WRONG_FLAGS = 2;
const EXIT_INTERRUPTED = 130;
const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function say(text: string): void {
  process.stdout.write(text);
}

function describe(instance: Instance, options: LocalOptions): string {
  const { ports, origins, controlUrl, logPath } = instance;
  const first = ports[0] ?? 0;
  const lines = [
    "",
    `Firebreak is running: ${ports.length === 1 ? "one node" : `${ports.length} nodes`}, state in ${options.state}`,
    "",
    ...ports.map((port, index) => `  node ${index + 1}      http://127.0.0.1:${port}`),
    `  dashboard   http://localhost:${first}/   token: ${ADMIN_TOKEN}; the API is at /api/v1`,
    `  control     ${controlUrl}/   (tick, demo and node; not part of the router)`,
    `  log         ${logPath}`,
    ...describeDemo(origins, first),
    ...(options.tick ? [] : ["  clock       off: nothing happens by itself but what was already begun"]),
    "",
    "Things to try:",
  ];
  for (const { title, command } of listThingsToTry(instance, options.bare))
    lines.push("", `  ${title}`, `  $ ${command}`);
  return `${[...lines, "", "Ctrl-C stops it; the state is kept."].join("\n")}\n`;
}

function describeDemo(origins: Instance["origins"], port: number): string[] {
  if (origins.length === 0) return [];
  return [
    `  accounts    http://ACCOUNT.kiln.localhost:${port}/ and http://ACCOUNT.fogbugz.localhost:${port}/, for instance acme`,
    ...origins.map(
      ({ product, version, url }) => `  demo        ${`${product} ${version}`.padEnd(14)} ${url}`,
    ),
  ];
}

/** @returns the exit code. */
async function run(options: LocalOptions): Promise<number> {
  const stopAsked = new Promise<void>((resolve) => {
    for (const signal of STOP_SIGNALS) process.once(signal, () => resolve());
  });
  say("Starting…\n");
  // Loaded only now: wrangler alone takes a second, which nobody who mistyped a flag should wait for.
  const { startInstance, StartProblem } = await import("./local/instance.ts");
  let instance: Instance;
  try {
    instance = await startInstance(options);
  } catch (error) {
    if (!(error instanceof StartProblem)) throw error;
    process.stderr.write(`firebreak: cannot start: ${error.message}\n`);
    return EXIT_CANNOT_START;
  }
  say(describe(instance, options));
  await stopAsked;
  say("\nStopping…\n");
  // Somebody who asks twice does not want to wait for connections to end.
  for (const signal of STOP_SIGNALS) process.on(signal, () => process.exit(EXIT_INTERRUPTED));
  await instance.stop();
  return 0;
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (!options.ok) {
    process.stderr.write(`${options.error.map((problem) => `firebreak: ${problem}`).join("\n")}\n\n${USAGE}`);
    return EXIT_WRONG_FLAGS;
  }
  if (options.value === "help") {
    say(USAGE);
    return 0;
  }
  try {
    return await run(options.value);
  } catch (error) {
    const text = error instanceof Error ? error.stack : String(error);
    process.stderr.write(`firebreak: cannot start: ${text}\n`);
    return EXIT_CANNOT_START;
  }
}

// workerd's pipes may keep the event loop alive a little; everything is stopped by now.
process.exit(await main());
