/** Reads the flags of `npm run simulate`. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

export const USAGE = `npm run simulate -- [flags]

  --seeds N    histories to live; 1,000 when left out
  --from N     the first seed; 0 when left out
  --seed N     that one alone, and its story, line by line
  --threads N  as many as there are processors when left out
  --json       one JSON document
  --help       this text

The same seed is the same history every time. Exit code 0: every promise was kept; 1: one was not; 2: wrong use.
Example: npm run simulate -- --seeds 100000
`;

export interface Settings {
  readonly from: number;
  readonly seeds: number;
  readonly threads: number;
  readonly isTold: boolean;
  readonly isJson: boolean;
}

const OPTIONS = {
  seeds: { type: "string" },
  from: { type: "string" },
  seed: { type: "string" },
  threads: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** Null: help is wanted. @throws Error in one sentence about what cannot be meant. */
export function readSettings(args: readonly string[]): Settings | null {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.help === true) return null;
  const isTold = values.seed !== undefined;
  if (isTold && (values.seeds !== undefined || values.from !== undefined))
    throw new Error("--seed is one history alone: not together with --seeds or --from");
  return {
    from: wholeOf("--from", values.seed ?? values.from ?? "0", 0),
    seeds: isTold ? 1 : wholeOf("--seeds", values.seeds ?? "1000", 1),
    threads: isTold ? 1 : wholeOf("--threads", values.threads ?? String(availableParallelism()), 1),
    isTold,
    isJson: values.json === true,
  };
}

function wholeOf(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > 2 ** 32 - 1)
    throw new Error(`${flag} takes a whole number from ${least} on, not ${text}`);
  return value;
}
