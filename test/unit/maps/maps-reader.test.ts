/** The maps reader in health: cold start, background refresh, adoption, rows, break-glass. Faults have their own file. */
import { describe, it } from "vitest";
import { BREAK_GLASS_KEY, indexKey, ROOT_KEY, rootCopyKey, shardKey } from "../../../src/contracts/maps.ts";
import { createIsolate, createWorld, type World } from "../../support/isolate.ts";
import { accounts, product, published, rollout, row, type Published } from "../../support/maps-builders.ts";

const ROWS = [
  row({ slug: "acme" }),
  row({ key: "shop.acme.example", slug: "acme", product: "kiln" }),
  ...accounts(3000),
];

function publish(world: World, partial: Parameters<typeof published>[0] = {}, rows = ROWS): Published {
  const made = published(partial, rows);
  world.kv.publish(made.entries);
  if (!world.kv.entries.has(BREAK_GLASS_KEY)) world.kv.entries.set(BREAK_GLASS_KEY, "{}");
  return made;
}

describe("a cold isolate", () => {
  it("answers its first request after three KV operations", async ({ expect }) => {
    const world = createWorld();
    const made = publish(world, { generation: 4 });
    const isolate = createIsolate(world);
    const { snapshot, found } = await isolate.ask("acme");
    expect(snapshot).toMatchObject({ source: "kv", generation: 4, breakGlass: null });
    expect(found).toEqual({ kind: "row", row: row({ slug: "acme" }), stale: false });
    expect(world.kv.calls.map(({ operation }) => operation)).toEqual(["getMany", "get", "get"]);
    expect(world.kv.calls[0]?.keys).toEqual([ROOT_KEY, BREAK_GLASS_KEY]);
    expect(world.kv.calls[1]?.keys).toEqual([indexKey(made.root.index.hash)]);
    expect(isolate.faults).toEqual([]);
  });

  it("shares one load among all its first requests", async ({ expect }) => {
    const world = createWorld();
    publish(world);
    world.kv.fault = 100;
    const isolate = createIsolate(world);
    const answers = Promise.all(Array.from({ length: 50 }, () => isolate.start("acme")));
    await world.clock.advance(400);
    expect(new Set((await answers).map(({ found }) => found.kind))).toEqual(new Set(["row"]));
    expect(world.kv.calls.length).toBe(3);
  });

  it("needs no index read while the root carries the index", async ({ expect }) => {
    const world = createWorld();
    world.kv.publish(published({}, ROWS, { inline: true }).entries);
    const { found } = await createIsolate(world).ask("acme");
    expect(found.kind).toBe("row");
    expect(world.kv.calls.length).toBe(2);
  });

  it("knows the compiled-in domains and those of the root", async ({ expect }) => {
    const world = createWorld();
    publish(world, { products: { kiln: product("kiln", { domains: ["kiln.example.org", "127.0.0.1"] }) } });
    const { snapshot } = await createIsolate(world).ask("acme");
    const owner = (name: string): string | null => snapshot.baseDomains.find(name)?.product ?? null;
    expect(["a.kiln.example.com", "a.kiln.example.org", "a.example.net"].map(owner)).toEqual([
      "kiln",
      "kiln",
      null,
    ]);
  });
});

describe("a warm isolate", () => {
  it("returns the same plain value without asking anybody", async ({ expect }) => {
    const world = createWorld();
    publish(world);
    const isolate = createIsolate(world);
    const { snapshot } = await isolate.ask("acme");
    const calls = world.kv.calls.length;
    await world.clock.advance(20_000);
    const request = { nowMs: world.clock.nowMs(), waitUntil: () => expect.fail("must not start work") };
    expect(isolate.reader.current(request)).toBe(snapshot);
    expect(isolate.reader.row(snapshot, "acme", request)).toBe(isolate.reader.row(snapshot, "acme", request));
    expect(world.kv.calls.length).toBe(calls);
  });

  it("reads root once in 24 to 36 seconds, and an unchanged one changes nothing", async ({ expect }) => {
    const world = createWorld();
    publish(world);
    const isolate = createIsolate(world);
    const { snapshot } = await isolate.ask("acme");
    for (const random of [0, 0.999, 0.5, 0.3]) {
      world.clock.setRandom(random);
      for (let second = 0; second < 300; second++) {
        expect(isolate.now()).toBe(snapshot);
        await world.clock.advance(1000);
      }
    }
    const times = world.kv.reads(ROOT_KEY).map(({ atMs }) => atMs);
    const gaps = times.slice(1).map((at, position) => at - (times[position] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(24_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(37_000);
    expect(isolate.faults).toEqual([]);
    expect(isolate.rejections).toEqual([]);
  });

  it("adopts a newer root in the background, and only shards that changed are read again", async ({
    expect,
  }) => {
    const world = createWorld();
    publish(world, { generation: 1 });
    const isolate = createIsolate(world);
    for (const { slug } of accounts(50)) await isolate.ask(slug);
    const before = world.kv.calls.length;
    publish(
      world,
      { generation: 2 },
      ROWS.map((one) => (one.key === "acme" ? { ...one, group: 7 } : one)),
    );
    await world.clock.advance(40_000);
    isolate.now();
    await world.clock.settle();
    expect(isolate.now().generation).toBe(2);
    for (const { slug } of accounts(50)) await isolate.ask(slug);
    expect((await isolate.ask("acme")).found).toMatchObject({ row: { group: 7 }, stale: false });
    // Root with break-glass, the index, and the one shard of acme.
    expect(world.kv.calls.length - before).toBe(3);
  });

  it("takes a move without reading a single shard", async ({ expect }) => {
    const world = createWorld();
    publish(world, { generation: 1, rollouts: [rollout()] });
    const isolate = createIsolate(world);
    await isolate.ask("acme");
    const before = world.kv.calls.length;
    publish(world, { generation: 2, rollouts: [rollout({ moved: [4000] })] });
    await world.clock.advance(40_000);
    await isolate.ask("acme");
    expect((await isolate.ask("acme")).snapshot.root?.rollouts[0]?.moved).toEqual([4000]);
    expect(world.kv.calls.length - before).toBe(1);
  });

  it("reads hashes it has seen with a long cache time and new ones with the least", async ({ expect }) => {
    const world = createWorld();
    const first = published({ generation: 1 }, ROWS);
    const second = published({ generation: 2 }, [...ROWS, row({ slug: "newcomer" })]);
    const isolate = createIsolate(world);
    for (const [number, made] of [first, second, first, second].entries()) {
      const root = published(
        { ...made.root, generation: number + 1 },
        made === first ? ROWS : [...ROWS, row({ slug: "newcomer" })],
      );
      world.kv.publish(root.entries);
      await world.clock.advance(40_000);
      await isolate.ask("newcomer");
      await world.clock.settle();
      await isolate.ask("newcomer");
    }
    const ttls = (key: string): (number | null)[] => world.kv.reads(key).map(({ ttlSeconds }) => ttlSeconds);
    expect(ttls(indexKey(first.root.index.hash))).toEqual([30, 86_400]);
    expect(ttls(indexKey(second.root.index.hash))).toEqual([30, 86_400]);
  });

  it("waits up to 250 ms for root after two idle minutes, then serves what it has", async ({ expect }) => {
    const world = createWorld();
    publish(world, { generation: 1 });
    const isolate = createIsolate(world);
    await isolate.ask("acme");
    publish(world, { generation: 2 });
    await world.clock.advance(121_000);
    world.kv.fault = 100;
    const fresh = await isolate.ask("acme");
    expect([fresh.snapshot.generation, fresh.tookMs >= 100 && fresh.tookMs <= 250]).toEqual([2, true]);
    await world.clock.advance(600_000);
    world.kv.fault = "hang";
    const stale = await isolate.ask("acme");
    expect([stale.snapshot.generation, stale.tookMs]).toEqual([2, 250]);
  });

  it("does not wait before two minutes are over", async ({ expect }) => {
    const world = createWorld();
    publish(world);
    const isolate = createIsolate(world);
    await isolate.ask("acme");
    await world.clock.advance(119_000);
    world.kv.fault = "hang";
    expect((await isolate.ask("acme")).tookMs).toBe(0);
  });

  it("is waking while it reads after two idle minutes, for as long as a cold start would wait", async ({
    expect,
  }) => {
    const world = createWorld();
    publish(world);
    const isolate = createIsolate(world);
    const isWaking = (): boolean => isolate.reader.isWaking(world.clock.nowMs());
    await isolate.ask("acme");
    await world.clock.advance(40_000);
    world.kv.fault = "hang";
    await isolate.ask("acme");
    expect(isWaking()).toBe(false);
    await world.clock.advance(600_000);
    world.kv.fault = null;
    await isolate.ask("acme");
    await world.clock.advance(600_000);
    world.kv.fault = "hang";
    await isolate.ask("acme");
    expect(isWaking()).toBe(true);
    await world.clock.advance(740);
    expect(isWaking()).toBe(true);
    await world.clock.advance(20);
    expect(isWaking()).toBe(false);
    await world.clock.advance(10_000);
    await isolate.ask("acme");
    expect(isWaking()).toBe(false);
  });

  it("tells how long ago KV confirmed what it serves", async ({ expect }) => {
    const world = createWorld();
    publish(world);
    const isolate = createIsolate(world);
    expect(isolate.reader.ageMs(world.clock.nowMs())).toBe(Infinity);
    await isolate.ask("acme");
    await world.clock.advance(5000);
    expect(isolate.reader.ageMs(world.clock.nowMs())).toBe(5000);
  });
});

describe("renewing", () => {
  /** What a request that cannot do with older maps gets, and how long that took. */
  async function renew(world: World, isolate: ReturnType<typeof createIsolate>) {
    const askedMs = world.clock.nowMs();
    let answer: { generation: number; tookMs: number } | null = null;
    const asked = isolate.reader.renew({ nowMs: askedMs, waitUntil: () => undefined });
    void asked.then(({ generation }) => {
      answer = { generation, tookMs: world.clock.nowMs() - askedMs };
    });
    for (let waited = 0; waited < 2000 && answer === null; waited += 10) await world.clock.advance(10);
    return answer;
  }

  it("reads root before it is due, and waits for it", async ({ expect }) => {
    const world = createWorld();
    publish(world, { generation: 1 });
    const isolate = createIsolate(world);
    await isolate.ask("acme");
    await world.clock.advance(5000);
    publish(world, { generation: 2 });
    world.kv.fault = 400;
    expect(await renew(world, isolate)).toMatchObject({ generation: 2, tookMs: expect.closeTo(400, -2) });
    // From when the read was begun: what it brought may have been written down just then.
    expect(isolate.reader.ageMs(world.clock.nowMs())).toBeGreaterThanOrEqual(400);
    expect(isolate.faults).toEqual([]);
  });

  it("gives what there is, as old as it is, while KV fails or hangs, and asks KV once a second", async ({
    expect,
  }) => {
    const world = createWorld();
    publish(world, { generation: 1 });
    const isolate = createIsolate(world);
    await isolate.ask("acme");
    await world.clock.advance(5000);
    world.kv.fault = "hang";
    expect(await renew(world, isolate)).toMatchObject({ generation: 1, tookMs: expect.closeTo(1000, -2) });
    await world.clock.advance(10_000);
    world.kv.fault = "throw";
    const before = world.kv.reads(ROOT_KEY).length;
    for (let request = 0; request < 20; request += 1) await renew(world, isolate);
    expect(world.kv.reads(ROOT_KEY).length - before).toBe(1);
    await world.clock.advance(1000);
    await renew(world, isolate);
    expect(world.kv.reads(ROOT_KEY).length - before).toBe(2);
    expect(isolate.reader.ageMs(world.clock.nowMs())).toBeGreaterThan(16_000);
  });
});

describe("rows", () => {
  it("are absent when the shard was read and does not know them", async ({ expect }) => {
    const world = createWorld();
    publish(world);
    expect((await createIsolate(world).ask("ghost")).found).toEqual({ kind: "absent" });
  });

  it("cost no more reads than there are shards, however many unknown hosts are asked for", async ({
    expect,
  }) => {
    const world = createWorld();
    const made = publish(world);
    const isolate = createIsolate(world);
    await isolate.ask("acme");
    for (let host = 0; host < 20_000; host++) await isolate.start(`ghost-${host}`);
    expect(world.kv.calls.length).toBeLessThanOrEqual(2 + made.index.length);
  });

  it("of the root replace those of shards, by slug, and by key for custom hosts", async ({ expect }) => {
    const world = createWorld();
    publish(world, {
      urgent: [
        row({ slug: "acme", quarantine: { kiln: "2.7.0" } }),
        row({ slug: "brand-new" }),
        row({ key: "shop.a1.example", slug: "a1", product: "kiln", pins: { kiln: "2.7.0" } }),
      ],
    });
    const isolate = createIsolate(world);
    expect((await isolate.ask("acme")).found).toMatchObject({ row: { quarantine: { kiln: "2.7.0" } } });
    expect((await isolate.ask("brand-new")).found).toMatchObject({ kind: "row" });
    expect((await isolate.ask("shop.a1.example")).found).toMatchObject({ row: { pins: { kiln: "2.7.0" } } });
    expect((await isolate.ask("a1")).found).toMatchObject({ row: { pins: null } });
    const custom = (await isolate.ask("shop.acme.example")).found;
    expect(custom).toMatchObject({
      row: { key: "shop.acme.example", product: "kiln", quarantine: { kiln: "2.7.0" } },
    });
  });

  it("follow the maps of their own snapshot when others were adopted meanwhile", async ({ expect }) => {
    const world = createWorld();
    publish(world, { generation: 1, urgent: [row({ slug: "acme", group: 1 })] });
    const isolate = createIsolate(world);
    const { snapshot } = await isolate.ask("acme");
    publish(world, { generation: 2, urgent: [row({ slug: "acme", group: 2 })] });
    await world.clock.advance(40_000);
    await isolate.ask("a1");
    const request = { nowMs: world.clock.nowMs(), waitUntil: () => undefined };
    expect(await isolate.reader.row(snapshot, "acme", request)).toMatchObject({ row: { group: 1 } });
    expect(await isolate.reader.row(isolate.now(), "acme", request)).toMatchObject({ row: { group: 2 } });
  });
});

describe("break-glass", () => {
  const until = (world: World, ms: number): number => world.clock.nowMs() + ms;

  it("comes from KV with the next refresh and ends by itself", async ({ expect }) => {
    const world = createWorld();
    publish(world);
    const isolate = createIsolate(world);
    await isolate.ask("acme");
    world.kv.entries.set(
      BREAK_GLASS_KEY,
      JSON.stringify({ reason: "down", expires: until(world, 50_000), halt: true }),
    );
    await world.clock.advance(40_000);
    await isolate.ask("acme");
    expect(isolate.now().breakGlass).toMatchObject({ reason: "down" });
    await world.clock.advance(9000);
    expect(isolate.now().breakGlass).toMatchObject({ reason: "down" });
    await world.clock.advance(1000);
    expect(isolate.now().breakGlass).toBeNull();
  });

  it("comes from the variable at once, and the later written one wins", async ({ expect }) => {
    const world = createWorld();
    publish(world);
    const variable = JSON.stringify({ reason: "variable", written: 2, expires: until(world, 100_000) });
    const isolate = createIsolate(world, { breakGlassVariable: variable });
    world.kv.entries.set(
      BREAK_GLASS_KEY,
      JSON.stringify({ reason: "older", written: 1, expires: until(world, 200_000) }),
    );
    expect((await isolate.ask("acme")).snapshot.breakGlass).toMatchObject({ reason: "variable" });
    world.kv.entries.set(
      BREAK_GLASS_KEY,
      JSON.stringify({ reason: "newer", written: 3, expires: until(world, 60_000) }),
    );
    await world.clock.advance(40_000);
    await isolate.ask("acme");
    expect(isolate.now().breakGlass).toMatchObject({ reason: "newer" });
    // When the newer one is over, the variable is in force again until its own end.
    await world.clock.advance(20_000);
    expect(isolate.now().breakGlass).toMatchObject({ reason: "variable" });
    await world.clock.advance(40_000);
    expect(isolate.now().breakGlass).toBeNull();
  });

  it("stays as it was while the document cannot be read, and counts that", async ({ expect }) => {
    const world = createWorld();
    publish(world);
    world.kv.entries.set(
      BREAK_GLASS_KEY,
      JSON.stringify({ reason: "good", expires: until(world, 3_600_000) }),
    );
    const isolate = createIsolate(world);
    await isolate.ask("acme");
    world.kv.entries.set(BREAK_GLASS_KEY, '{"reason":"typo","expres":1}');
    await world.clock.advance(40_000);
    await isolate.ask("acme");
    expect(isolate.now().breakGlass).toMatchObject({ reason: "good" });
    expect(isolate.faults).toEqual(["break-glass"]);
    expect(createIsolate(world, { breakGlassVariable: "{" }).faults).toEqual(["break-glass"]);
  });

  it("holds a generation although it is older, and goes back to the newest", async ({ expect }) => {
    const world = createWorld();
    publish(world, { generation: 1, rollouts: [] });
    publish(world, { generation: 2, rollouts: [rollout({ moved: [10_000] })] });
    const isolate = createIsolate(world);
    expect((await isolate.ask("acme")).snapshot.generation).toBe(2);
    world.kv.entries.set(
      BREAK_GLASS_KEY,
      JSON.stringify({ reason: "back", expires: until(world, 300_000), holdGeneration: 1 }),
    );
    await world.clock.advance(40_000);
    await isolate.ask("acme");
    publish(world, { generation: 3, rollouts: [] });
    for (let period = 0; period < 3; period++) {
      const { snapshot, found } = await isolate.ask("acme");
      expect([snapshot.generation, isolate.reader.generation(), found.kind]).toEqual([1, 1, "row"]);
      await world.clock.advance(40_000);
    }
    expect(world.kv.reads(rootCopyKey(1)).length).toBe(1);
    world.kv.entries.set(BREAK_GLASS_KEY, "{}");
    await world.clock.advance(40_000);
    await isolate.ask("acme");
    expect(isolate.now().generation).toBe(3);
    expect(isolate.faults).toEqual([]);
  });

  it("holds a generation from the first answer of a cold isolate", async ({ expect }) => {
    const world = createWorld();
    publish(world, { generation: 1 });
    publish(world, { generation: 2 });
    world.kv.entries.set(
      BREAK_GLASS_KEY,
      JSON.stringify({ reason: "back", expires: until(world, 300_000), holdGeneration: 1 }),
    );
    world.kv.fault = 50;
    expect((await createIsolate(world).ask("acme")).snapshot.generation).toBe(1);
  });

  it("serves the newest maps while the generation to hold cannot be read", async ({ expect }) => {
    const world = createWorld();
    publish(world, { generation: 5 });
    world.kv.entries.set(
      BREAK_GLASS_KEY,
      JSON.stringify({ reason: "back", expires: until(world, 300_000), holdGeneration: 4 }),
    );
    const isolate = createIsolate(world);
    expect((await isolate.ask("acme")).snapshot.generation).toBe(5);
    expect(isolate.faults).toContain("missing");
  });
});

describe("copies in the Cache API", () => {
  it("are written in the background after maps came from KV, and again only when they change", async ({
    expect,
  }) => {
    const world = createWorld();
    const made = publish(world);
    const isolate = createIsolate(world);
    await isolate.ask("acme");
    await world.clock.advance(200_000);
    await isolate.ask("acme");
    await world.clock.settle();
    const shards = world.cache.puts.filter((key) => key.startsWith("shard/"));
    expect(shards.length).toBe(1);
    expect(world.cache.puts.filter((key) => key === ROOT_KEY).length).toBe(1);
    expect(world.cache.entries.get(ROOT_KEY)).toBe(made.rootText);
    expect(world.cache.entries.get(indexKey(made.root.index.hash))).toBe(
      made.entries.get(indexKey(made.root.index.hash)),
    );
    expect(world.cache.entries.get(shards[0] ?? "")).toBe(
      made.entries.get(shardKey(shards[0]?.slice(6) ?? "")),
    );
  });
});
