/**
 * Races of two operators and cron in the object of workerd, seed by seed, as tests. In two files, because one file is one
 * isolate and there are more cores than that. What a race is and what its schedule may do is in race.ts.
 */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { describe, it } from "vitest";
import { createDb } from "../../src/control/db.ts";
import { inForm } from "./form.ts";
import { race, replay } from "./race.ts";
import { prepareRace } from "./race-arena.ts";

/** Races of one object, one after the other from the same start. */
const A_ROUND = 75;
/** Seeds of each file: 300 in all, or 2,100. A race and its replay take some 0.1 s. */
export const RACES_A_FILE = inForm({ short: 2, long: 14 }) * A_ROUND;
const ROUND_MS = 120_000;
/** What there must have been of each for a seed to count, on average. */
const LEAST = { won: 3, lost: 0.4, repeated: 0.4, overlapping: 3, moved: 3 };

/** Declares the tests of as many seeds from `first` on as one file has. */
export function describeRaces({ first }: { readonly first: number }): void {
  const totals = { won: 0, lost: 0, repeated: 0, overlapping: 0, moved: 0 };

  describe("two operators and cron at once", () => {
    it.for(Array.from({ length: RACES_A_FILE / A_ROUND }, (_unused, round) => first + round * A_ROUND))(
      "come to what one after the other would have come to: %i and the seeds after it",
      { timeout: ROUND_MS },
      async (begin, { expect }) => {
        await runInDurableObject(env.CONTROL.getByName(`race-${begin}`), async (_instance, state) => {
          const start = await prepareRace(createDb(state.storage));
          for (let seed = begin; seed < begin + A_ROUND; seed += 1) {
            const { history, counts, faults, ...raced } = await race(start, seed);
            expect(faults, `seed ${seed}`).toEqual([]);
            expect(await replay(start, history), `seed ${seed}`).toEqual(raced);
            for (const [name, count] of Object.entries(counts)) totals[name as keyof typeof totals] += count;
          }
        });
      },
    );

    it("really were races: changes won and lost, answers asked for twice, ticks in the middle of others", ({
      expect,
    }) => {
      for (const [name, share] of Object.entries(LEAST)) {
        expect(totals[name as keyof typeof totals], name).toBeGreaterThan(share * RACES_A_FILE);
      }
    });
  });
}
