/**
 * What a fuzz target is, and how one is run: for a time, in pieces of a few hundred inputs, each with a seed of its own, so
 * that a failing input is found again by a short line. fast-check makes the inputs and shrinks what fails.
 */
import fc from "fast-check";

export interface Target {
  readonly name: string;
  /** What is fed to what, and what must hold. */
  readonly about: string;
  /** Made once a run; throws or gives false when it does not hold. */
  readonly property: () => fc.IRawProperty<unknown>;
}

export interface FuzzOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Replays one input of a piece. */
  readonly path?: string;
}

export interface FuzzResult {
  readonly inputs: number;
  /** How to see it again, what it was, and why it fails; null when all held. */
  readonly failure: string | null;
}

const PIECE = 250;
const SHRINK_MS = 20_000;
const MAX_SHOWN = 4000;

/** Runs a target until its time is over or an input fails. */
export async function fuzz(
  { name, property }: Target,
  { seconds, seed, path }: FuzzOptions,
): Promise<FuzzResult> {
  const until = performance.now() + seconds * 1000;
  const made = property();
  let inputs = 0;
  for (let piece = 0; piece === 0 || (path === undefined && performance.now() < until); piece += 1) {
    const from = { seed: seed + piece, numRuns: PIECE };
    const found = await fc.check(made, {
      ...from,
      ...(path === undefined
        ? { interruptAfterTimeLimit: Math.max(1, until - performance.now()) }
        : { path, endOnFailure: true }),
    });
    inputs += found.numRuns;
    if (!found.failed || found.counterexample === null) continue;
    // What the time was over for: the smallest input that fails, from where it was.
    const small = await fc.check(made, {
      ...from,
      path: found.counterexamplePath ?? "0",
      interruptAfterTimeLimit: SHRINK_MS,
    });
    return { inputs, failure: tell(name, seed + piece, small.failed ? small : found) };
  }
  return { inputs, failure: null };
}

function tell(name: string, seed: number, details: fc.RunDetails<unknown>): string {
  const { counterexample, counterexamplePath, errorInstance } = details;
  const why = errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : "gave false";
  return [
    `npm run fuzz -- --only ${name} --seed ${seed} --path ${counterexamplePath ?? "0"}`,
    `  input: ${fc.stringify(counterexample).slice(0, MAX_SHOWN)}`,
    `  ${why.slice(0, MAX_SHOWN)}`,
  ].join("\n");
}

/** For properties: says what is wrong, with what was seen. */
export function must(holds: boolean, what: string, seen?: unknown): asserts holds {
  if (!holds)
    throw new Error(seen === undefined ? what : `${what}: ${fc.stringify(seen).slice(0, MAX_SHOWN)}`);
}
