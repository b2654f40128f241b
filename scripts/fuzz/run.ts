/** Runs the fuzz targets where their parts can be loaded: as a test of the project `unit`, told by FUZZ what is asked. */
import { join } from "node:path";
import { createVitest, type Reporter } from "vitest/node";

const ROOT = join(import.meta.dirname, "..", "..");
const FILE = join(ROOT, "test", "fuzz", "fuzz.test.ts");
/** What the assertion says around a failure that is told in full. */
const FAILURE = /npm run fuzz -- [^]*/;

export interface FuzzAsked {
  /** For each target. */
  readonly seconds: number;
  readonly seed: number;
  /** Names of targets; none: all. */
  readonly only: readonly string[];
  /** Replays one input. */
  readonly path?: string;
}

export interface FuzzRun {
  readonly held: number;
  /** Each begins with the line that runs it again. */
  readonly failures: readonly string[];
}

/** Runs them. `say` gets a line for each target that is done. */
export async function runFuzz(asked: FuzzAsked, say: (line: string) => void): Promise<FuzzRun> {
  process.env["FUZZ"] = JSON.stringify(asked);
  const failures: string[] = [];
  let held = 0;
  const reporter: Reporter = {
    onTestCaseResult(test) {
      const { state, errors = [] } = test.result();
      if (state === "skipped" || state === "pending") return;
      const [inputs = "no inputs"] = test.annotations().map(({ message }) => message);
      say(`${state === "passed" ? "held  " : "FAILED"}  ${test.name} (${inputs})`);
      if (state === "passed") held += 1;
      else failures.push(...errors.map(tellOf));
    },
  };
  const vitest = await createVitest("test", { root: ROOT, watch: false, reporters: [reporter] });
  try {
    await vitest.standalone();
    const project = vitest.projects.find(({ name }) => name === "unit");
    if (project === undefined) throw new Error("there is no project unit");
    const { unhandledErrors, testModules } = await vitest.runTestSpecifications([
      project.createSpecification(FILE),
    ]);
    const broken = testModules.flatMap((module) => module.errors());
    failures.push(...[...unhandledErrors, ...broken].map(String));
    return { held, failures };
  } finally {
    await vitest.close();
  }
}

/** The failure as the target told it: the actual value of the assertion, else its message. */
function tellOf(error: { readonly message?: string; readonly actual?: unknown }): string {
  const text = typeof error.actual === "string" ? error.actual : (error.message ?? "");
  return FAILURE.exec(text)?.[0] ?? text;
}
