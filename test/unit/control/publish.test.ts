/** What one publish writes, and when: the publisher over an in-memory SQLite, a KV and a clock in the test's hands. */
import { describe, it } from "vitest";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  createFakeKv,
  createWorld,
  decide,
  must,
  readMaps,
  settle,
  valueOf,
  versionFor,
  START,
} from "../../support/control-world.ts";

describe("publisher", () => {
  it("publishes products and accounts, and comes to rest", async ({ expect }) => {
    const world = createWorld({ db: createMemoryDb() });
    await addProducts(world);
    await addAccount(world, "acme", { domains: [{ host: "code.acme.test", product: "kiln" }] });
    await settle(world);
    const maps = readMaps(world.kv.values);
    expect(maps.root.accounts).toBe(1);
    expect(maps.root.domains).toBe(1);
    expect(decide(maps, "kiln", "acme")).toBe("1 by home");
    expect(decide(maps, "kiln", "code.acme.test")).toBe("1 by home");
    expect(decide(maps, "kiln", "nobody")).toBe("1 by default");
    expect(world.kv.values.get("break-glass")).toBe("{}");
    expect(world.kv.values.get(`root/${maps.root.generation}`)).toBe(world.kv.values.get("root"));
    const before = world.kv.operations.length;
    await world.control.alarm();
    expect(world.kv.operations.length).toBe(before);
    expect(world.wakeUp.at).toBeNull();
  });

  it("waits the flip delay after new objects, and not at all for what the root alone says", async ({
    expect,
  }) => {
    const world = createWorld({ db: createMemoryDb() });
    await addProducts(world);
    await addAccount(world, "acme");
    await world.control.alarm();
    expect(world.kv.values.has("root")).toBe(false);
    expect(world.wakeUp.at).toBe(START + 60_000);
    await settle(world);
    world.clock.now += 10_000;
    await must(world, "halt.set", { input: { on: true, reason: "smoke" } });
    await world.control.alarm();
    expect(readMaps(world.kv.values).root.halt).toBe(true);
  });

  it("writes one shard, one root and its copy for one changed account", async ({ expect }) => {
    const world = createWorld({ db: createMemoryDb() });
    await addProducts(world);
    for (let n = 0; n < 20; n++) await addAccount(world, `account-${n}`);
    await settle(world);
    const before = world.kv.writes().length;
    await addAccount(world, "account-7", { cohort: "early" });
    await settle(world);
    const writes = world.kv
      .writes()
      .slice(before)
      .map((key) => key.replace(/[0-9a-f]{32}|\d+$/, "…"));
    expect(writes).toEqual(["shard/…", "root/…", "root"]);
  });

  it("lets a pin out at once as an urgent row and folds it into the shard later", async ({ expect }) => {
    const world = createWorld({ db: createMemoryDb() });
    await addProducts(world);
    await addAccount(world, "acme");
    await settle(world);
    world.clock.now += 10_000;
    await must(world, "account.pin.set", {
      account: "acme",
      product: "kiln",
      input: { version: "2", reason: "asked", expires: null },
    });
    await world.control.alarm();
    const soon = readMaps(world.kv.values);
    expect(soon.root.urgent.map(({ key }) => key)).toEqual(["acme"]);
    expect(decide(soon, "kiln", "acme")).toBe("2 by pin");
    await settle(world);
    const later = readMaps(world.kv.values);
    expect(later.root.urgent).toEqual([]);
    expect(decide(later, "kiln", "acme")).toBe("2 by pin");
    await must(world, "account.pin.lift", { account: "acme", product: "kiln", reason: "done" });
    await settle(world);
    expect(decide(readMaps(world.kv.values), "kiln", "acme")).toBe("2 by home");
  });

  it("says from which root on rows belong to it, for edges that missed those between", async ({ expect }) => {
    const world = createWorld({ db: createMemoryDb() });
    await addProducts(world);
    await addAccount(world, "acme");
    await settle(world);
    const first = readMaps(world.kv.values).root;
    await addAccount(world, "globex");
    await settle(world);
    const grown = readMaps(world.kv.values).root;
    // New rows make no older one wrong.
    expect(grown.rowsFrom).toBe(first.rowsFrom);
    const pin = { account: "acme", product: "kiln" };
    await must(world, "account.pin.set", { ...pin, input: { version: "2", reason: "asked", expires: null } });
    await settle(world);
    const folded = readMaps(world.kv.values).root;
    expect(folded.urgent).toEqual([]);
    expect(folded.generation).toBeGreaterThan(grown.generation + 1);
    expect(folded.rowsFrom).toBe(folded.generation);
    await must(world, "halt.set", { input: { on: true, reason: "smoke" } });
    await settle(world);
    expect(readMaps(world.kv.values).root).toMatchObject({ halt: true, rowsFrom: folded.generation });
  });

  it("keeps two roots at least 1.1 s apart", async ({ expect }) => {
    const world = createWorld({ db: createMemoryDb(), config: { flipDelayMs: 0 } });
    await addProducts(world);
    await settle(world);
    const first = world.clock.now;
    await must(world, "halt.set", { input: { on: true, reason: "smoke" } });
    await world.control.alarm();
    expect(readMaps(world.kv.values).root.halt).toBe(false);
    expect(world.wakeUp.at).toBe(first + 1100);
    await settle(world);
    expect(readMaps(world.kv.values).root.halt).toBe(true);
  });

  it("says since when and why KV fails, backs off, and goes on by itself", async ({ expect }) => {
    const world = createWorld({ db: createMemoryDb(), config: { flipDelayMs: 0 } });
    await addProducts(world);
    world.kv.failure = new Error("KV PUT failed: 500");
    await world.control.alarm();
    const first = world.wakeUp.at ?? 0;
    world.clock.now = first;
    await world.control.alarm();
    expect((world.wakeUp.at ?? 0) - first).toBeGreaterThan(first - START);
    await addAccount(world, "acme");
    const status = valueOf(await world.control.query("status", { seen: [] }));
    expect(status.published.problem).toContain("KV PUT failed: 500");
    expect(status.published.problem).toContain(new Date(START).toISOString());
    world.kv.failure = null;
    await settle(world);
    const after = valueOf(await world.control.query("status", { seen: [] }));
    expect(after.published).toMatchObject({ state: "idle", waiting: 0, problem: null });
    expect(versionFor(readMaps(world.kv.values), "kiln", "acme")).toBe("1");
  });

  it("refuses to overwrite maps that another control plane published", async ({ expect }) => {
    const first = createWorld({ db: createMemoryDb() });
    await addProducts(first);
    await settle(first);
    const second = createWorld({ db: createMemoryDb(), kv: createFakeKv(first.kv.values) });
    await addProducts(second);
    await second.control.alarm();
    expect(second.kv.writes()).toEqual([]);
    const status = valueOf(await second.control.query("status", { seen: [] }));
    expect(status.published.state).toBe("blocked");
    expect(status.published.problem).toContain("did not publish");
    second.kv.values.delete("root");
    await must(second, "halt.set", { input: { on: true, reason: "they are to be replaced" } });
    expect(second.wakeUp.at).toBe(second.clock.now);
    await settle(second);
    expect(readMaps(second.kv.values).root.generation).toBeGreaterThan(
      readMaps(first.kv.values, "root/1").root.generation,
    );
  });
});
