/**
 * The simulation of the whole: some hundred histories keep every promise and are no trivial ones, a seed is the same
 * history every time, and bugs that are planted are found and called by the promise that they break.
 */
import { describe, it, vi } from "vitest";
import { BEGINNINGS, prepareBeginning, type BeginningName } from "../../simulation/beginnings.ts";
import { beginningOf, live, type Outcome } from "../../simulation/history.ts";
import { PLANTS } from "../../simulation/plants.ts";
import { SOUND, type Seams } from "../../simulation/seams.ts";

vi.setConfig({ testTimeout: 900_000 });

const SEEDS = 140;
/** A planted bug shows within this many seeds that begin where it can. */
const FOUND_WITHIN = 120;

interface Wish {
  readonly seams?: Seams;
  readonly isTold?: boolean;
}

const prepared = new Map<BeginningName, ReturnType<typeof prepareBeginning>>();

async function liveOne(seed: number, { seams = SOUND, isTold = false }: Wish = {}): Promise<Outcome> {
  const name = beginningOf(seed);
  const known = prepared.get(name) ?? prepareBeginning(name);
  prepared.set(name, known);
  return live(seed, { beginning: await known, seams, isTold });
}

describe("a history", () => {
  it("keeps every promise, whatever fails, dies and is asked for", async ({ expect }) => {
    const happened = new Map<string, number>();
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const { broken, counts } = await liveOne(seed);
      expect(broken, `npm run simulate -- --seed ${seed}`).toBeNull();
      for (const [what, times] of Object.entries(counts))
        happened.set(what, (happened.get(what) ?? 0) + times);
    }
    for (const what of [
      "moves: rollout step",
      "moves: rollback",
      "moves: replacement",
      "moves: named by an operator",
      "control plane died",
      "writes lost with a death",
      "writes to KV that failed",
      "reads of old values",
      "answers from maps that are not the newest",
      "answers: held",
      "answers: not known right now",
      "answers without maps",
      "hooks called",
      "restores",
      "break-glass documents",
    ])
      expect(happened.get(what) ?? 0, what).toBeGreaterThan(0);
    expect(happened.get("answers by a version")).toBeGreaterThan(10 * SEEDS);
  });

  it("takes it for no hold that was left when KV answers with the document before it", async ({ expect }) => {
    expect((await liveOne(44_283)).broken).toBeNull();
  });

  it("is the same every time from the same seed, also after others", async ({ expect }) => {
    const seeds = Array.from({ length: 14 }, (_unused, seed) => 1000 + seed);
    const first: Outcome[] = [];
    for (const seed of seeds) first.push(await liveOne(seed, { isTold: true }));
    for (const [at, seed] of seeds.toReversed().entries())
      expect(await liveOne(seed, { isTold: true })).toEqual(first.at(-1 - at));
  });
});

describe("the checker", () => {
  for (const { name, seams, breaks, beginning } of PLANTS)
    it(`finds ${name}, and calls it ${breaks.join(" or ")}`, async ({ expect }) => {
      let found: Outcome["broken"] = null;
      const first = BEGINNINGS.indexOf(beginning);
      for (let lived = 0; lived < FOUND_WITHIN && found === null; lived += 1)
        ({ broken: found } = await liveOne(first + lived * BEGINNINGS.length, { seams }));
      expect(breaks).toContain(found?.invariant);
      expect(found?.detail.split(":")[0]).toBe(found?.invariant);
    });
});
