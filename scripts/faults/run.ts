/**
 * Runs exactly the tests that the experiments name, in the projects of vitest.config.ts, and gives what each did. Tests of
 * the short and the long form are the same; the long one is told by `FAULTS_LONG`, see `test/support/form.ts`.
 */
import { join, relative } from "node:path";
import { createVitest, type Reporter, type TestCase, type TestModule, type Vitest } from "vitest/node";
import { selectTests, type Experiment } from "./experiment.ts";
import type { TestOutcome } from "./report.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const ERROR_LENGTH = 400;

export interface RunResult {
  readonly outcomes: readonly TestOutcome[];
  /** Files that could not be loaded or collected, with the first error. */
  readonly broken: ReadonlyMap<string, string>;
  /** Errors outside of any test: each is a failure of the whole. */
  readonly stray: readonly string[];
}

function outcomeOf(test: TestCase): TestOutcome {
  const { state, errors = [] } = test.result();
  return {
    file: relative(ROOT, test.module.moduleId),
    name: test.fullName,
    state: state === "pending" ? "skipped" : state,
    durationMs: test.diagnostic()?.duration ?? 0,
    figures: test.annotations().map(({ message }) => message),
    errors: errors.map(({ message }) => (message ?? "").slice(0, ERROR_LENGTH)),
  };
}

function outcomesOf(module: TestModule): TestOutcome[] {
  return [...module.children.allTests()].map(outcomeOf);
}

/** Says when a file is done; the report itself comes at the end. */
function createProgress(say: (text: string) => void): Reporter {
  return {
    onTestModuleEnd(module) {
      const all = outcomesOf(module);
      const failed = all.filter(({ state }) => state === "failed").length;
      const ran = all.filter(({ state }) => state !== "skipped").length;
      const seconds = (module.diagnostic().duration / 1000).toFixed(1);
      const file = relative(ROOT, module.moduleId);
      say(`${file}: ${ran} tests, ${seconds} s${failed > 0 ? `, ${failed} FAILED` : ""}`);
    },
  };
}

function specify(vitest: Vitest, experiments: readonly Experiment[]) {
  return [...selectTests(experiments)].flatMap(([file, pattern]) => {
    const moduleId = join(ROOT, file);
    return vitest.projects
      .filter((project) => project.matchesTestGlob(moduleId))
      .map((project) =>
        project.createSpecification(moduleId, pattern === null ? {} : { testNamePattern: pattern }),
      );
  });
}

/** Runs the proofs of these experiments once. `say` gets a line for every file that is done. */
export async function runProofs(
  experiments: readonly Experiment[],
  say: (text: string) => void,
): Promise<RunResult> {
  const vitest = await createVitest("test", {
    root: ROOT,
    watch: false,
    reporters: [createProgress(say)],
    passWithNoTests: true,
  });
  try {
    await vitest.standalone();
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specify(vitest, experiments));
    const broken = testModules
      .filter((module) => module.errors().length > 0)
      .map((module): [string, string] => [
        relative(ROOT, module.moduleId),
        (module.errors()[0]?.message ?? "").slice(0, ERROR_LENGTH),
      ]);
    return {
      outcomes: testModules.flatMap(outcomesOf),
      broken: new Map(broken),
      stray: unhandledErrors.map((error) => String(error).slice(0, ERROR_LENGTH)),
    };
  } finally {
    await vitest.close();
  }
}
