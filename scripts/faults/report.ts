/**
 * The words of `npm run faults`: what an experiment did, what held, its figures, and what it does not show. Pure: outcomes
 * in, text out. Figures are what tests said by `annotate`.
 */
import { isProofOf, type Experiment, type Proof } from "./experiment.ts";

/** One test as it ended. */
export interface TestOutcome {
  /** Path from the repository's root. */
  readonly file: string;
  /** `describe > it`. */
  readonly name: string;
  readonly state: "passed" | "failed" | "skipped";
  readonly durationMs: number;
  /** What it said of itself. */
  readonly figures: readonly string[];
  /** First lines of its errors. */
  readonly errors: readonly string[];
}

/** `in part`: what is shown holds, and something of the experiment is not shown. */
export type Holding = "held" | "held in part" | "failed";

export interface Verdict {
  readonly experiment: Experiment;
  readonly holding: Holding;
  readonly passed: number;
  readonly seconds: number;
  readonly figures: readonly string[];
  /** Why it failed, in words; empty when it did not. */
  readonly faults: readonly string[];
}

/** Files that could not be loaded, with the reason. */
export type BrokenFiles = ReadonlyMap<string, string>;

/** A proof that no test gave: it is gone, was skipped, or its file did not load. */
function missing(proof: Proof, outcomes: readonly TestOutcome[], broken: BrokenFiles): string[] {
  const why = broken.get(proof.file);
  if (why !== undefined) return [`${proof.file} did not load: ${why}`];
  const ran = outcomes.filter(({ file, state }) => file === proof.file && state !== "skipped");
  if (proof.tests === undefined) return ran.length > 0 ? [] : [`${proof.file}: no test ran`];
  return proof.tests
    .filter((part) => !ran.some(({ name }) => name.includes(part)))
    .map((part) => `${proof.file}: no test called "${part}" ran`);
}

/** Judges one experiment by what its tests did. */
export function judge(
  experiment: Experiment,
  outcomes: readonly TestOutcome[],
  broken: BrokenFiles,
): Verdict {
  const mine = outcomes.filter((outcome) =>
    experiment.proofs.some((proof) => proof.file === outcome.file && isProofOf(proof, outcome.name)),
  );
  const failed = mine.filter(({ state }) => state === "failed");
  const faults = [
    ...experiment.proofs.flatMap((proof) => missing(proof, outcomes, broken)),
    ...failed.map(({ name, errors }) => `${name}: ${errors.join("; ")}`),
  ];
  return {
    experiment,
    holding: faults.length > 0 ? "failed" : experiment.open === undefined ? "held" : "held in part",
    passed: mine.filter(({ state }) => state === "passed").length,
    seconds: mine.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000,
    figures: mine.flatMap(({ figures }) => figures),
    faults,
  };
}

const WORDS: Readonly<Record<Holding, string>> = {
  held: "held   ",
  "held in part": "IN PART",
  failed: "FAILED ",
};

/** An experiment's paragraph. */
export function render({ experiment, holding, passed, seconds, figures, faults }: Verdict): string {
  const lines = [
    `${String(experiment.number).padStart(2)}  ${WORDS[holding]}  ${experiment.fault}`,
    `    holds: ${experiment.holds}`,
    `    shown by ${passed} ${passed === 1 ? "test" : "tests"} in ${seconds.toFixed(1)} s`,
    ...figures.map((figure) => `    ${figure}`),
    ...(experiment.open === undefined ? [] : [`    not shown: ${experiment.open}`]),
    ...faults.map((fault) => `    fault: ${fault}`),
  ];
  return lines.join("\n");
}
