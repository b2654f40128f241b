/** One stub a call: none is kept for another request, and every method of the port is passed on whole. */
import { describe, it } from "vitest";
import { createControlPort } from "../../../src/adapters/control-port.ts";
import { createFakeControl } from "../../support/fake-control.ts";

const ACTOR = { name: "a", role: "admin", products: null } as const;

describe("createControlPort", () => {
  it("makes a stub for every call and passes its arguments on", async ({ expect }) => {
    const fake = createFakeControl();
    let stubs = 0;
    const port = createControlPort(() => {
      stubs++;
      return fake.port;
    });
    expect(stubs).toBe(0);
    await port.execute(
      "halt.set",
      { input: { on: true, reason: "x" } },
      { actor: ACTOR, ifMatch: 1, idempotencyKey: "k" },
    );
    await port.query("product", { product: "kiln" });
    await port.authenticate("hash");
    await port.importBegin({ id: "i", mode: "sync", dryRun: true, expectRemoved: 1 }, ACTOR);
    await port.importBatch("i", []);
    await port.importEnd("i", 3);
    await port.exportPage("c");
    await port.restoreBegin(ACTOR, "why");
    await port.restoreLines(["{}"]);
    await port.restoreEnd(9);
    await port.tick(5);
    expect(stubs).toBe(11);
    expect(fake.calls.map(({ name, input }) => [name, input])).toEqual([
      ["halt.set", { input: { on: true, reason: "x" } }],
      ["product", { product: "kiln" }],
      ["authenticate", "hash"],
      ["importBegin", { begin: { id: "i", mode: "sync", dryRun: true, expectRemoved: 1 }, actor: ACTOR }],
      ["importBatch", []],
      ["importEnd", { id: "i", rejected: 3 }],
      ["exportPage", "c"],
      ["restoreBegin", { actor: ACTOR, reason: "why" }],
      ["restoreLines", ["{}"]],
      ["restoreEnd", 9],
      ["tick", 5],
    ]);
  });
});
