/**
 * A replacement on the object's own SQLite in workerd: begun, driven by ticks, homes and pins rewritten, gone from the
 * maps. What it promises is told in test/unit/control/replacement.test.ts; here it must come to the same end.
 */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { describe, it } from "vitest";
import { createDb } from "../../../src/control/db.ts";
import { must, readMaps, valueOf, VERSION, versionFor } from "../../support/control-world.ts";
import { ACCOUNTS, FRIDAY, MINUTE, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

describe("a replacement in a Durable Object", () => {
  it("takes everybody along, homes and pins as well, and leaves the maps", async ({ expect }) => {
    const accounts = ACCOUNTS.slice(0, 60);
    const stub = env.CONTROL.getByName("replacement");
    await runInDurableObject(stub, async (_instance, state) => {
      const world = await prepareRollouts(createDb(state.storage), { accounts });
      const origin = "https://kiln-1-1.origins.example.net";
      const hotfix = { ...VERSION, reversible: true, mixed: "ok" as const, origin };
      const of = { product: "kiln", version: "1.1" };
      await must(world, "version.put", { ...of, input: hotfix });
      await must(world, "version.state.set", { ...of, input: { state: "candidate", reason: "t" } });
      const pin = { version: "1", reason: "asked for", expires: null };
      await must(world, "account.pin.set", { account: "account-1", product: "kiln", input: pin });
      const input = { to: "1.1", steps: [50, 100], bakeMinutes: 5, throughFreezes: false, reason: "fix" };
      await must(world, "replacement.start", { product: "kiln", from: "1", input });
      await quiet(world);
      const seen = (): ReadonlySet<string> => {
        const maps = readMaps(world.kv.values);
        return new Set(accounts.map((slug) => versionFor(maps, "kiln", slug)));
      };
      await tick(world, FRIDAY + MINUTE);
      expect(seen()).toEqual(new Set(["1", "1.1"]));
      for (let ticks = 0; ticks < 6; ticks += 1) await tick(world, world.clock.now + 4 * MINUTE);
      expect([seen(), readMaps(world.kv.values).root.products["kiln"]?.replacements]).toEqual([
        new Set(["1.1"]),
        [],
      ]);
      const view = valueOf(await world.control.query("replacement", { product: "kiln", from: "1" }));
      expect(view).toMatchObject({ phase: "completed", accounts: 0, percent: 100 });
      const asked = { account: "account-2", product: "kiln", cursor: null, limit: 10 };
      const { items } = valueOf(await world.control.query("account.history", asked));
      expect(items.map(({ from, to, why }) => [from, to, why])).toEqual([
        ["1", "1.1", "replacement"],
        [null, "1", "recorded"],
      ]);
    });
  });
});
