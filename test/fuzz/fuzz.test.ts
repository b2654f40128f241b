/**
 * Each fuzz target for a second, with the seed of property tests, so that whether a change lands depends on the change.
 * `npm run fuzz` sets FUZZ and runs them for as long as is asked, with seeds of its own.
 */
import { describe, it } from "vitest";
import { fuzz } from "./target.ts";
import { TARGETS } from "./targets.ts";

const SHORT = { seconds: 0.8, seed: 20_261_124 };

interface Asked {
  readonly seconds: number;
  readonly seed: number;
  readonly only: readonly string[];
  readonly path?: string;
}

const asked = process.env["FUZZ"] === undefined ? null : (JSON.parse(process.env["FUZZ"]) as Asked);
const { seconds, seed, path } = { path: undefined, ...(asked ?? SHORT) };
const targets = TARGETS.filter(
  ({ name }) => asked === null || asked.only.length === 0 || asked.only.includes(name),
);

describe("fuzz", () => {
  for (const target of targets) {
    it(
      `${target.name}: ${target.about}`,
      { timeout: 1000 * (seconds + 120) },
      async ({ expect, annotate }) => {
        const { inputs, failure } = await fuzz(target, {
          seconds,
          seed,
          ...(path === undefined ? {} : { path }),
        });
        await annotate(`${inputs} inputs`);
        expect(failure).toBeNull();
      },
    );
  }
});
