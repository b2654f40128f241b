/**
 * The thirty experiments: what is broken, what must hold, and which tests show it. Each proof is a test of `npm test`, so
 * nothing is tested twice; a name that no test has any more fails `npm run faults` and a unit test.
 */
import { FIRST_HALF } from "./experiments-1-to-15.ts";
import { SECOND_HALF } from "./experiments-16-to-30.ts";
import type { Experiment } from "./experiment.ts";

export const EXPERIMENTS: readonly Experiment[] = [...FIRST_HALF, ...SECOND_HALF];
