/**
 * Runs one row: a round of every side that is thrown away, then the rounds that count, the sides in turn and each first as
 * often as the others, because a machine is not the same all the time. Medians and spread, no means: one slow round says
 * something about the machine. What a row has started is stopped whatever happens.
 */
import type { Conclusion, Measured, Numbers, Row, Side, Spread } from "./row.ts";

/** Rounds that count, when neither row nor operator say otherwise. */
export const ROUNDS = 5;

/** A row with all that was measured, as it is written to the JSON file. */
export interface RowResult {
  readonly name: string;
  readonly about: string;
  readonly reach: string;
  readonly rounds: number;
  readonly sides: Measured["sides"];
  readonly conclusion: Conclusion;
}

export interface RunOptions {
  /** Null: as many as the row likes. */
  readonly rounds: number | null;
  readonly say: (text: string) => void;
}

/** @throws what a side throws; the row is stopped by then. */
export async function runRow(row: Row, { rounds: asked, say }: RunOptions): Promise<RowResult> {
  const rounds = asked ?? row.rounds ?? ROUNDS;
  const prepared = await row.prepare(say);
  try {
    const { sides } = prepared;
    for (const side of row.warmUp === false ? [] : sides) await side.round();
    const taken = new Map<Side, Numbers[]>(sides.map((side) => [side, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const side of inTurn(sides, round)) taken.get(side)?.push(await side.round());
      say(`round ${round + 1} of ${rounds}`);
    }
    const measured = summarise(taken);
    const { name, about, reach } = row;
    return { name, about, reach, rounds, sides: measured.sides, conclusion: prepared.conclude(measured) };
  } finally {
    await prepared.stop();
  }
}

/** The sides from another one on, round by round. */
export function inTurn<T>(sides: readonly T[], round: number): readonly T[] {
  const first = sides.length === 0 ? 0 : round % sides.length;
  return [...sides.slice(first), ...sides.slice(0, first)];
}

function summarise(taken: ReadonlyMap<Side, readonly Numbers[]>): Measured {
  const sides = [...taken].map(([{ name }, rounds]) => {
    const names = [...new Set(rounds.flatMap((round) => Object.keys(round)))];
    const numbers = names.map((number): readonly [string, Spread] => [
      number,
      spreadOf(rounds.flatMap((round) => round[number] ?? [])),
    ]);
    return { name, numbers: Object.fromEntries(numbers) };
  });
  return {
    sides,
    of(side, number) {
      const found = sides.find(({ name }) => name === side)?.numbers[number];
      if (found === undefined) throw new Error(`"${number}" of "${side}" was not measured`);
      return found;
    },
    ratio(number, side, to) {
      const [of, over] = [roundsOf(taken, side), roundsOf(taken, to)];
      return spreadOf(of.flatMap((round, index) => quotient(round[number], over[index]?.[number])));
    },
  };
}

function roundsOf(taken: ReadonlyMap<Side, readonly Numbers[]>, side: string): readonly Numbers[] {
  const found = [...taken].find(([{ name }]) => name === side);
  if (found === undefined) throw new Error(`"${side}" was not measured`);
  return found[1];
}

/** Nothing when either was not measured in that round. */
function quotient(value: number | undefined, to: number | undefined): readonly number[] {
  return value === undefined || to === undefined || to === 0 ? [] : [value / to];
}

/** Median, lowest and highest. @throws when there is nothing. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) / 2;
  const [lower, upper] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  const [lowest, highest] = [sorted[0], sorted.at(-1)];
  if (lower === undefined || upper === undefined || lowest === undefined || highest === undefined) {
    throw new Error("nothing was measured");
  }
  return { median: (lower + upper) / 2, lowest, highest };
}
