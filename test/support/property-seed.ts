/**
 * The seed of every property test that names none: the same in each run, so that whether a change lands depends on the
 * change. `PROPERTY_SEED=random` (or a number) looks elsewhere; a failing run prints the seed and path that replay it.
 */
import fc from "fast-check";

const FIXED_SEED = 20_261_124;

const wanted = process.env["PROPERTY_SEED"];
if (wanted !== "random") fc.configureGlobal({ seed: wanted === undefined ? FIXED_SEED : Number(wanted) });
