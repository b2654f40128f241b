/**
 * `npm run bench`: the numbers of design §9, each row by itself or all of them, on this machine. Exit code 0 when every row
 * reached what it should, 1 when one did not, 2 when it could not be run. What is not written into `rows.ts` is not here.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { describeMachine, machineLine } from "./bench/machine.ts";
import { renderRow } from "./bench/render.ts";
import { ROWS } from "./bench/rows.ts";
import type { Row } from "./bench/row.ts";
import { runRow, type RowResult } from "./bench/runner.ts";

const EXIT_MISSED = 1;
const EXIT_NOT_RUN = 2;
const ROUNDS = 7;
const MAX_ROUNDS = 1000;

const USAGE = `npm run bench -- [rows] [flags]

  rows         ${ROWS.map(({ name, about }) => `${name}: ${about}`).join("\n               ")}
               (none named: all)
  --rounds N   rounds that count, after one that does not (${ROUNDS})
  --json       the results as JSON on standard output, and nothing else there
  --out FILE   the same into a file
  --help       this text
`;

interface Flags {
  readonly rows: readonly Row[];
  readonly rounds: number;
  readonly json: boolean;
  readonly out: string | null;
}

/** Null: say how it is used. */
function readFlags(args: readonly string[]): Flags | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: String(ROUNDS) },
      json: { type: "boolean", default: false },
      out: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const rows = positionals.length === 0 ? ROWS : ROWS.filter(({ name }) => positionals.includes(name));
  const rounds = Number(values.rounds);
  const isRight = Number.isInteger(rounds) && rounds >= 1 && rounds <= MAX_ROUNDS;
  const areThere = positionals.every((name) => ROWS.some((row) => row.name === name));
  if (values.help || !isRight || !areThere) return null;
  return { rows, rounds, json: values.json, out: values.out ?? null };
}

/** Progress goes to standard error, so that standard output is the result alone. */
function say(text: string): void {
  process.stderr.write(`  ${text}\n`);
}

async function run({ rows, rounds, json, out }: Flags): Promise<number> {
  const machine = describeMachine();
  if (!json) process.stdout.write(`${machineLine(machine)}\n`);
  const results: RowResult[] = [];
  for (const row of rows) {
    const result = await runRow(row, { rounds, say });
    results.push(result);
    if (!json) process.stdout.write(`\n${renderRow(result)}`);
  }
  const document = `${JSON.stringify({ at: new Date().toISOString(), machine, rows: results }, null, 2)}\n`;
  if (json) process.stdout.write(document);
  if (out !== null) writeFileSync(out, document);
  return results.some(({ conclusion }) => conclusion.reached === false) ? EXIT_MISSED : 0;
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
