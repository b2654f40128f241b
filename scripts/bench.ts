/**
 * `npm run bench`: the numbers of design §9, each row by itself or all of them, on this machine. Exit code 0 when every row
 * reached what it should, 1 when one did not, 2 when it could not be run. What is not written into `rows.ts` is not here.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { describeMachine, machineLine } from "./bench/machine.ts";
import { renderRow } from "./bench/render.ts";
import { ROWS } from "./bench/rows.ts";
import { ROUTER_CPU } from "./bench/rows/router.ts";
import type { Row } from "./bench/row.ts";
import { drawGrowth } from "./bench/plot.ts";
import { priceLines } from "./bench/price.ts";
import { createResults } from "./bench/results.ts";
import { ROUNDS, runRow, type RowResult } from "./bench/runner.ts";

const EXIT_MISSED = 1;
const EXIT_NOT_RUN = 2;
const MAX_ROUNDS = 1000;

const USAGE = `npm run bench -- [rows] [flags]

  rows         ${ROWS.map(({ name, about }) => `${name}: ${about}`).join("\n               ")}
               (none named: all)
  --only NAME  one row, by its name or by a key that it gives (${ROWS.flatMap(({ gives }) => gives).join(", ")})
  --rounds N   rounds that count, after one that does not (as many as a row likes, ${ROUNDS} or more)
  --json       the results as JSON on standard output, and nothing else there
  --out FILE   the same into a file
  --plot FILE  how costs grow from 1,000 to 1,000,000 accounts, as SVG
  --help       this text
`;

interface Flags {
  readonly rows: readonly Row[];
  readonly rounds: number | null;
  readonly json: boolean;
  readonly out: string | null;
  readonly plot: string | null;
}

/** Null: say how it is used. */
function readFlags(args: readonly string[]): Flags | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: "string", multiple: true, default: [] },
      rounds: { type: "string" },
      json: { type: "boolean", default: false },
      out: { type: "string" },
      plot: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const wanted = [...positionals, ...values.only];
  const rows = wanted.length === 0 ? ROWS : ROWS.filter((row) => wanted.some((name) => isCalled(row, name)));
  const rounds = values.rounds === undefined ? null : Number(values.rounds);
  const isRight = rounds === null || (Number.isInteger(rounds) && rounds >= 1 && rounds <= MAX_ROUNDS);
  const areThere = wanted.every((name) => ROWS.some((row) => isCalled(row, name)));
  if (values.help || !isRight || !areThere) return null;
  return { rows, rounds, json: values.json, out: values.out ?? null, plot: values.plot ?? null };
}

function isCalled({ name, gives }: Row, wanted: string): boolean {
  return name === wanted || gives.includes(wanted);
}

/** Progress goes to standard error, so that standard output is the result alone. */
function say(text: string): void {
  process.stderr.write(`  ${text}\n`);
}

async function run({ rows, rounds, json, out, plot }: Flags): Promise<number> {
  const machine = describeMachine();
  if (!json) process.stdout.write(`${machineLine(machine)}\n`);
  const results: RowResult[] = [];
  for (const row of rows) {
    say(row.name);
    const from = performance.now();
    const result = await runRow(row, { rounds, say });
    say(`${row.name}: ${Math.round((performance.now() - from) / 1000)} s`);
    results.push(result);
    if (!json) process.stdout.write(`\n${renderRow(result)}`);
  }
  const document = `${JSON.stringify(createResults(results, { at: new Date().toISOString(), machine }), null, 2)}\n`;
  if (json) process.stdout.write(document);
  else process.stdout.write(priceText(results));
  if (plot !== null)
    writeFileSync(plot, drawGrowth(results.flatMap(({ conclusion }) => conclusion.growth ?? [])));
  if (out !== null) writeFileSync(out, document);
  return results.some(({ conclusion }) => conclusion.reached === false) ? EXIT_MISSED : 0;
}

/** What it costs on the price list; needs the router's and KV's rows. */
function priceText(results: readonly RowResult[]): string {
  const keys = results.flatMap(({ conclusion }) => conclusion.keys);
  const cpuUsPerRequest = results.find(({ name }) => name === "router")?.conclusion.figures[ROUTER_CPU];
  const kvOps = keys.find(({ key }) => key === "kvOpsPerIsolateMinute");
  if (cpuUsPerRequest === undefined || kvOps === undefined) return "";
  const lines = priceLines({ cpuUsPerRequest, kvOpsPerIsolateMinute: kvOps.value });
  return `\nOn Cloudflare's price list, by processor time of this machine, beyond what is included:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

function tryFlags(): Flags | null {
  try {
    return readFlags(process.argv.slice(2));
  } catch {
    return null; // an unknown flag: the usage says which there are
  }
}

const flags = tryFlags();
if (flags === null) {
  process.stderr.write(USAGE);
  process.exitCode = process.argv.includes("--help") ? 0 : EXIT_NOT_RUN;
} else {
  try {
    process.exitCode = await run(flags);
  } catch (error) {
    process.stderr.write(
      `The benchmark could not be run: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exitCode = EXIT_NOT_RUN;
  }
}
