/** What a restore takes for whole: every world that an export can be taken of must come back from it. */
import { describe, it } from "vitest";
import { createMemoryDb } from "../../support/control-db.ts";
import { addProducts, contextOf, createWorld, must, valueOf } from "../../support/control-world.ts";
import { readExport } from "../../support/transfer.ts";

describe("restore", () => {
  it("takes a product that has no version yet", async ({ expect }) => {
    const world = createWorld({ db: createMemoryDb() });
    await addProducts(world);
    await must(world, "product.put", {
      product: "mill",
      input: { domains: ["mill.example.com"], timeouts: [] },
    });
    const fresh = createWorld({ db: createMemoryDb() });
    valueOf(await fresh.control.restoreBegin(contextOf().actor, "drill"));
    valueOf(await fresh.control.restoreLines(await readExport(world)));
    valueOf(await fresh.control.restoreEnd(0));
    expect(valueOf(await fresh.control.query("product", { product: "mill" }))).toMatchObject({
      stable: null,
      default: null,
    });
  });
});
