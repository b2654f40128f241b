/**
 * What an experiment is, and how its proofs are found among the tests of `npm test`. Decides nothing about running:
 * `run.ts` does, and `test/unit/faults/experiments.test.ts` holds the list against the files so that it cannot rot.
 */

/** Tests of one file that belong to an experiment. */
export interface Proof {
  /** Path from the repository's root. */
  readonly file: string;
  /** Parts of full names (`describe > it`), each of which some test must have; without any, the whole file. */
  readonly tests?: readonly string[];
}

export interface Experiment {
  /** 1 to 30. */
  readonly number: number;
  /** What is broken, or sent. */
  readonly fault: string;
  /** What must hold all the same. */
  readonly holds: string;
  readonly proofs: readonly Proof[];
  /** What of it is not shown by any test here, in words; printed with every report. */
  readonly open?: string;
}

/** `describe > it`, or `describe >` for all of it, as vitest matches names: joined by spaces. */
function asPattern(name: string): string {
  return name.replaceAll(/ > ?/g, " ").replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}

/** The tests to run of each file: a pattern over names, or null for all. Files in the order in which they are named. */
export function selectTests(experiments: readonly Experiment[]): ReadonlyMap<string, RegExp | null> {
  const names = new Map<string, Set<string> | null>();
  for (const { file, tests } of experiments.flatMap(({ proofs }) => proofs)) {
    const known = names.get(file);
    if (tests === undefined || known === null) names.set(file, null);
    else names.set(file, new Set([...(known ?? []), ...tests]));
  }
  return new Map(
    [...names].map(([file, wanted]) => [
      file,
      wanted === null ? null : new RegExp([...wanted].map(asPattern).join("|")),
    ]),
  );
}

/** Whether a test's full name belongs to a proof. */
export function isProofOf({ tests }: Proof, fullName: string): boolean {
  return tests === undefined || tests.some((name) => fullName.includes(name));
}
