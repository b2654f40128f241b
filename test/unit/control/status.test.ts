/** What status warns of: states that hurt users or surprise operators and that no other line of it shows. */
import { describe, it } from "vitest";
import { createMemoryDb } from "../../support/control-db.ts";
import { addProducts, createWorld, must, valueOf, type World } from "../../support/control-world.ts";
import { FRIDAY, MINUTE, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

async function start(): Promise<World> {
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  return world;
}

async function warningsOf(world: World): Promise<readonly string[]> {
  return valueOf(await world.control.query("status", { seen: [] })).warnings;
}

describe("status", () => {
  it("names running rollouts and how far they are, beside homes that they leave as they are", async ({
    expect,
  }) => {
    const accounts = Array.from({ length: 20 }, (_unused, n) => `account-${n}`);
    const world = await prepareRollouts(createMemoryDb(), { accounts });
    const read = async () => valueOf(await world.control.query("status", { seen: [] }));
    expect((await read()).rollouts).toEqual([]);
    const bake = { minutes: 60, requests: 0, workdays: 0 };
    const waves = [{ name: "all", cohorts: ["*"], percent: 100, bake }];
    await must(world, "rollout.create", {
      id: "night",
      input: { id: "night", targets: { kiln: "2" }, waves },
    });
    await must(world, "rollout.start", { id: "night", input: { again: false } });
    await quiet(world);
    await tick(world, FRIDAY + 10 * MINUTE);
    const { rollouts, products } = await read();
    expect(rollouts).toMatchObject([
      { id: "night", targets: { kiln: "2" }, phase: "baking", wave: "all", moved: 20, accounts: 20 },
    ]);
    expect(products.find(({ name }) => name === "kiln")?.versions).toMatchObject({ "1": 20, "2": 0 });
    await must(world, "rollout.rollback", { id: "night", input: { reason: "slow", confirmed: true } });
    await tick(world, FRIDAY + 20 * MINUTE);
    expect((await read()).rollouts).toEqual([]);
  });

  it("warns while a product is held, and no longer once it is released", async ({ expect }) => {
    const world = await start();
    await must(world, "product.hold.set", {
      product: "kiln",
      input: { mode: "page", message: null, until: null, reason: "database move" },
    });
    expect(await warningsOf(world)).toContainEqual(
      expect.stringMatching(/^kiln is held \(page\) since 2026-\S+ by \S+: database move$/),
    );
    await must(world, "product.hold.lift", { product: "kiln", reason: "done" });
    expect((await warningsOf(world)).filter((warning) => warning.includes("held"))).toEqual([]);
  });

  it("warns of a base domain that is not in FALLBACK, because edges answer it 421", async ({ expect }) => {
    const world = await start();
    expect((await warningsOf(world)).filter((warning) => warning.includes("FALLBACK"))).toEqual([
      "fogbugz.example.com of fogbugz is not in FALLBACK: edges answer it 421 until it is there and deployed",
    ]);
  });
});
