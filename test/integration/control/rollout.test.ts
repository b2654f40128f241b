/**
 * A rollout on the object's own SQLite in workerd: buckets as BLOBs, its bounds on parameters, transactions that refuse.
 * The week itself is told in test/unit/control/rollout.test.ts; here it must come to the same end.
 */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { describe, it } from "vitest";
import { createDb } from "../../../src/control/db.ts";
import { contextOf, must, readMaps, refusalOf, valueOf, versionFor } from "../../support/control-world.ts";
import { ACCOUNTS, FRIDAY, HOUR, PLAN, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

describe("a rollout in a Durable Object", () => {
  it("moves the staff, keeps them when it is stopped, and refuses a stale revision", async ({ expect }) => {
    const accounts = ACCOUNTS.slice(0, 120);
    const stub = env.CONTROL.getByName("rollout");
    await runInDurableObject(stub, async (_instance, state) => {
      const world = await prepareRollouts(createDb(state.storage), { accounts });
      const draft = await must(world, "rollout.create", { id: "autumn", input: PLAN });
      await must(world, "rollout.start", { id: "autumn", input: { again: false } });
      const stale = await world.control.execute(
        "rollout.pause",
        { id: "autumn", input: { reason: "late" } },
        contextOf("operator", { ifMatch: draft.revision }),
      );
      expect(refusalOf(stale).problem).toBe("stale-revision");
      await quiet(world);
      await tick(world, FRIDAY + HOUR);
      const staff = accounts.filter((_slug, n) => n % 10 === 0);
      const moved = (): readonly string[] => {
        const maps = readMaps(world.kv.values);
        return accounts.filter((slug) => versionFor(maps, "fogbugz", slug) === "2");
      };
      expect(moved()).toEqual(staff);
      await must(world, "rollout.stop", { id: "autumn", input: { reason: "enough" } });
      await quiet(world);
      expect(moved()).toEqual(staff);
      expect(valueOf(await world.control.query("rollout", { id: "autumn" })).phase).toBe("stopped");
      expect(readMaps(world.kv.values).root.rollouts).toEqual([]);
      const account = accounts[0] ?? "";
      const asked = { account, product: "kiln", cursor: null, limit: 10 };
      const { items } = valueOf(await world.control.query("account.history", asked));
      expect(items.map(({ from, to, why, rollout }) => [from, to, why, rollout])).toEqual([
        ["1", "2", "rollout", "autumn"],
        [null, "1", "recorded", null],
      ]);
    });
  });
});
