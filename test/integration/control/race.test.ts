/**
 * Two operators and cron at one control plane, 1,000 times, on the object's own SQLite in workerd: whatever the order,
 * the audit, every table and every answer are those of the same operations one after the other; who writes with an old
 * revision loses and is told the present one; the audit has each change once, in order, in an unbroken chain.
 * What a race is and what its schedule may do is in support/race.ts. A seed is the same race every time.
 */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { describe, it } from "vitest";
import type { ControlPort } from "../../../src/contracts/control.ts";
import { PROBLEMS } from "../../../src/contracts/problems.ts";
import { createDb } from "../../../src/control/db.ts";
import { contextOf, refusalOf, valueOf } from "../../support/control-world.ts";
import { race, replay } from "../../support/race.ts";
import { prepareRace } from "../../support/race-arena.ts";

const SEEDS = 1000;
/** Races of one object, one after the other from the same start. */
const A_ROUND = 125;
const ROUND_MS = 120_000;

const window = (from: string) => ({ days: ["sat" as const], from, to: "23:00", zone: "account" });

const totals = { won: 0, lost: 0, repeated: 0, overlapping: 0, moved: 0 };

describe("two operators and cron at once", () => {
  it.for(Array.from({ length: SEEDS / A_ROUND }, (_unused, round) => round * A_ROUND + 1))(
    "come to what one after the other would have come to: %i and the seeds after it",
    { timeout: ROUND_MS },
    async (first, { expect }) => {
      await runInDurableObject(env.CONTROL.getByName(`race-${first}`), async (_instance, state) => {
        const start = await prepareRace(createDb(state.storage));
        for (let seed = first; seed < first + A_ROUND; seed += 1) {
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
    const least = { won: 3, lost: 0.4, repeated: 0.4, overlapping: 3, moved: 3 };
    for (const [name, share] of Object.entries(least)) {
      expect(totals[name as keyof typeof totals], name).toBeGreaterThan(share * SEEDS);
    }
  });

  it("through RPC: of twenty who saw the same revision one wins, the others are told the present one", async ({
    expect,
  }) => {
    const stub = env.CONTROL.getByName("race-rpc");
    // Every method of the object can be called on its stub by name; the types of RPC cannot say so for generic ones.
    const control = stub as unknown as ControlPort;
    const put = (from: string, ifMatch: number | null): ReturnType<typeof control.execute<"window.put">> =>
      control.execute(
        "window.put",
        { name: "nights", windows: [window(from)] },
        contextOf("admin", { ifMatch }),
      );
    const { revision } = valueOf(await put("20:00", null));
    const at = Date.now();
    const [answers] = await Promise.all([
      Promise.all(Array.from({ length: 20 }, (_unused, n) => put(`21:${String(n + 10)}`, revision))),
      Promise.all([1, 2, 3].map((minute) => control.tick(at + minute * 60_000))),
    ]);
    const won = answers.filter((answer) => answer.ok);
    expect(won.map(valueOf)).toMatchObject([{ revision: revision + 1 }]);
    for (const answer of answers.filter(({ ok }) => !ok)) {
      const { problem, extensions } = refusalOf(answer);
      expect([problem, PROBLEMS[problem].status]).toEqual(["stale-revision", 409]);
      expect(extensions).toEqual({ current_revision: revision + 1 });
    }
    const kept = valueOf(await control.query("window", { name: "nights" }));
    expect(won.map((answer) => valueOf(answer).windows)).toEqual([kept.windows]);
    const query = { cursor: null, limit: 100, target: "window/nights", actor: null };
    expect(valueOf(await control.query("audit", query)).items).toHaveLength(2);
  });
});
