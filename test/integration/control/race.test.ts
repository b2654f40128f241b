/**
 * Two operators and cron at one control plane, hundreds of times (thousands in the long form), on the object's own SQLite
 * in workerd: whatever the order, the audit, every table and every answer are those of the same operations one after the
 * other; who writes with an old revision loses and is told the present one; the audit has each change once, in order, in an
 * unbroken chain. A seed is the same race every time. Half of the seeds are here, the others in `race-later.test.ts`.
 */
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import type { ControlPort } from "../../../src/contracts/control.ts";
import { PROBLEMS } from "../../../src/contracts/problems.ts";
import { contextOf, refusalOf, valueOf } from "../../support/control-world.ts";
import { describeRaces } from "../../support/race-rounds.ts";

const window = (from: string) => ({ days: ["sat" as const], from, to: "23:00", zone: "account" });

describeRaces({ first: 1 });

describe("twenty writers of one thing", () => {
  it("through RPC: one of those who saw the same revision wins, the others are told the present one", async ({
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
