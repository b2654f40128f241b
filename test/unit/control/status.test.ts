/** What status warns of: states that hurt users or surprise operators and that no other line of it shows. */
import { describe, it } from "vitest";
import { createMemoryDb } from "../../support/control-db.ts";
import { addProducts, createWorld, must, valueOf, type World } from "../../support/control-world.ts";

async function start(): Promise<World> {
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  return world;
}

async function warningsOf(world: World): Promise<readonly string[]> {
  return valueOf(await world.control.query("status", { seen: [] })).warnings;
}

describe("status", () => {
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
