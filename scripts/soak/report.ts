/**
 * What a soak came to: the verdict and the table at its end, and the line of a minute. Pure: figures in, text out.
 */
import type { Sample } from "../local/memory.ts";
import { isGrowth, slopeOf, type Slope } from "./slope.ts";

export interface Figures {
  readonly seconds: number;
  /** Answers of known accounts and unknown hosts, each judged against what was published. */
  readonly answers: number;
  readonly wrong: number;
  /** 503 because a node that had lost its memory could not read the maps in time. */
  readonly unserved: number;
  /** Answers by a root and a row of the maps before, while the new rows were being read. */
  readonly olderRows: number;
  /** How long maps had been replaced that somebody was still answered by, at most. */
  readonly oldestSeconds: number;
  readonly checks: number;
  readonly failedChecks: number;
  /** No answer at all, or not in time. */
  readonly unanswered: number;
  readonly changes: number;
  readonly rollbacks: number;
  readonly generation: number;
  readonly restarts: number;
  /** Processor time of workerd, and of what asks and answers it, as parts of one core. */
  readonly cores: { readonly workerd: number; readonly rest: number };
  /** In words, the first of each kind. */
  readonly faults: readonly string[];
}

/** One row of memory: what, whether growth of it is a failure, and its samples after the warm-up. */
export interface MemoryRow {
  readonly what: string;
  readonly counts: boolean;
  readonly samples: readonly Sample[];
}

export interface SoakVerdict {
  readonly held: boolean;
  /** What did not hold, in words. */
  readonly why: readonly string[];
}

const PERCENT = 100;
/** What experiment 21 allows a node that is restarted all the time. */
const MOST_UNSERVED = 0.0001;
const round = (value: number, digits = 1): string => value.toFixed(digits);

/** Zero wrong versions, zero failed checks, every change as it was meant, and no growth. */
export function judgeSoak(figures: Figures, rows: readonly MemoryRow[]): SoakVerdict {
  const why: string[] = [];
  if (figures.answers === 0 || figures.checks === 0) why.push("nothing was asked");
  if (figures.wrong > 0) why.push(`${figures.wrong} of ${figures.answers} answers were wrong`);
  if (figures.failedChecks > 0) why.push(`${figures.failedChecks} of ${figures.checks} health checks failed`);
  if (figures.unanswered > 0) why.push(`${figures.unanswered} requests had no answer`);
  if (figures.unserved > figures.answers * MOST_UNSERVED)
    why.push(
      `${figures.unserved} of ${figures.answers} answers were 503, more than ${MOST_UNSERVED * PERCENT} %`,
    );
  if (figures.faults.length > 0 && why.length === 0) why.push("changes failed, see the faults");
  for (const { what, counts, samples } of rows) {
    const slope = slopeOf(samples);
    if (counts && slope === null) why.push(`too few samples of ${what} for a slope: run it longer`);
    if (counts && slope !== null && isGrowth(slope)) why.push(`${what} grows: ${tellSlope(slope)}`);
  }
  return { held: why.length === 0, why };
}

function tellSlope({ perHour, low, high }: Slope): string {
  return `${signed(perHour)} MB an hour (95 %: ${signed(low)} to ${signed(high)})`;
}

function signed(value: number): string {
  return `${value < 0 ? "-" : "+"}${round(Math.abs(value), 2)}`;
}

/** One line, each minute. */
export function minuteLine(minute: number, figures: Figures, rows: readonly MemoryRow[]): string {
  const { answers, wrong, checks, failedChecks, changes, rollbacks, generation, restarts } = figures;
  const memory = rows.map(({ samples }) => round(samples.at(-1)?.value ?? 0)).join(" / ");
  return `minute ${String(minute).padStart(3)}: ${answers} answers, ${wrong} wrong; ${checks} checks, ${failedChecks} failed; ${changes} changes, ${rollbacks} rollbacks, generation ${generation}; ${restarts} restarts; ${memory} MB`;
}

/** The table at the end. */
export function renderSoak(figures: Figures, rows: readonly MemoryRow[]): string {
  const { answers, seconds, cores } = figures;
  const { held, why } = judgeSoak(figures, rows);
  const lines: [string, string][] = [
    [
      "asked",
      `${answers} answers in ${round(seconds / 60)} minutes, ${Math.round(answers / seconds)} a second`,
    ],
    ["wrong versions", String(figures.wrong)],
    ["503 of a cold node", String(figures.unserved)],
    ["by a row of the maps before", String(figures.olderRows)],
    ["oldest maps shown", `replaced ${round(figures.oldestSeconds)} s before`],
    ["health checks", `${figures.checks}, ${figures.failedChecks} failed`],
    ["without an answer", String(figures.unanswered)],
    [
      "configuration",
      `${figures.changes} changes, ${figures.rollbacks} rollouts rolled back, generation ${figures.generation}`,
    ],
    ["restarts of node 1", String(figures.restarts)],
    [
      "processor",
      `workerd ${Math.round(cores.workerd * PERCENT)} % of a core, load and demo servers ${Math.round(cores.rest * PERCENT)} %`,
    ],
    ...rows.map(({ what, counts, samples }): [string, string] => [
      what,
      `${tellMemory(samples)}${counts ? "" : "; does not count"}`,
    ]),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return [
    ...lines.map(([name, text]) => `${name.padEnd(width)}  ${text}`),
    ...figures.faults.map((fault) => `fault: ${fault}`),
    held ? "held" : `FAILED: ${why.join("; ")}`,
  ].join("\n");
}

function tellMemory(samples: readonly Sample[]): string {
  const slope = slopeOf(samples);
  const [first, last] = [samples.at(0)?.value ?? 0, samples.at(-1)?.value ?? 0];
  const range = `${round(first)} to ${round(last)} MB, ${samples.length} samples`;
  return slope === null ? `${range}; too few for a slope` : `${tellSlope(slope)}; ${range}`;
}
