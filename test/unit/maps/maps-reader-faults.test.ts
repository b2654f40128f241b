/**
 * The maps reader while everything around it fails: bad roots, missing shards, KV that throws, hangs, lags or answers
 * garbage, requests that vanish. Throughout: what is held stays, the generation never falls, unresolved never reads as
 * absent, reads stay bounded, and it recovers by itself within two periods.
 */
import { describe, it } from "vitest";
import { BREAK_GLASS_KEY, indexKey, ROOT_KEY, shardKey, type Root } from "../../../src/contracts/maps.ts";
import type { MapsSnapshot } from "../../../src/adapters/maps-reader/types.ts";
import { encodeIndex } from "../../../src/core/maps/index-codec.ts";
import { shardOf } from "../../../src/core/maps/key-hash.ts";
import { encodeRoot } from "../../../src/core/maps/root-codec.ts";
import { contentHash } from "../../../src/core/sha256.ts";
import { createIsolate, createWorld, type Isolate, type World } from "../../support/isolate.ts";
import {
  accounts,
  breakGlass,
  product,
  published,
  rollout,
  root,
  row,
  type Published,
} from "../../support/maps-builders.ts";

const ROWS = [row({ slug: "acme" }), ...accounts(3000)];
const PERIOD_MS = 36_000;
const TEN_MINUTES_MS = 600_000;
const TOO_LARGE = "x".repeat(26 * 1024 * 1024);

function publish(world: World, partial: Partial<Root> = {}, rows = ROWS): Published {
  const made = published(partial, rows);
  world.kv.publish(made.entries);
  return made;
}

/** The shard object of `key` under these maps. */
function shardKeyOf(made: Published, key: string): string {
  return shardKey(made.index[shardOf(key, made.index.length)] ?? "");
}

/** A world with generation 5 published and one isolate that serves it. */
async function warm(
  partial: Partial<Root> = {},
): Promise<{ world: World; isolate: Isolate; made: Published }> {
  const world = createWorld();
  const made = publish(world, { generation: 5, ...partial });
  const isolate = createIsolate(world);
  await isolate.ask("acme");
  return { world, isolate, made };
}

/** Lets a refresh happen and settle. */
async function refresh(world: World, isolate: Isolate, ms = PERIOD_MS): Promise<void> {
  await world.clock.advance(ms);
  isolate.now();
  await world.clock.advance(10);
}

describe("a refused root", () => {
  const next = (partial: Partial<Root>): string => published({ generation: 6, ...partial }, ROWS).rootText;
  const good = next({});
  const refused: [string, string | null, string][] = [
    ["is truncated", good.slice(0, -20), "not-json"],
    ["is no JSON", "<html>502</html>", "not-json"],
    ["is blank", "", "not-json"],
    ["has another schema", good.replace('"schema":1', '"schema":3'), "schema"],
    ["has a wrong checksum", good.replace('"halt":false', '"halt":true'), "checksum"],
    [
      "has blank fields",
      encodeRoot({ ...root({ generation: 6 }), products: { kiln: product("kiln", { stable: "" }) } }),
      "shape",
    ],
    ["has no products", next({ products: {} }), "no-products"],
    ["is older", published({ generation: 4 }, ROWS).rootText, "generation"],
    [
      "is other content under the same number",
      published({ generation: 5, halt: true }, ROWS).rootText,
      "generation",
    ],
    ["lost 30 % of the accounts", next({ accounts: 2100 }), "shrunken"],
    [
      "is over a limit",
      next({ rollouts: [rollout({ moved: Array.from({ length: 2001 }, () => 0) })] }),
      "over-limit",
    ],
    ["is 26 MB", TOO_LARGE, "too-large"],
    ["is missing", null, "missing"],
    [
      "names an index that is not there",
      encodeRoot({
        ...root({ generation: 6, accounts: 3001 }),
        index: { hash: "0".repeat(32), shards: 4, inline: null },
      }),
      "missing",
    ],
  ];
  for (const [what, text, fault] of refused) {
    it(`that ${what} changes nothing, is counted, and the next good one is adopted`, async ({ expect }) => {
      const { world, isolate } = await warm();
      world.kv.answers.set(ROOT_KEY, text);
      for (let period = 0; period < 3; period++) {
        await refresh(world, isolate);
        expect(isolate.now().generation).toBe(5);
        expect((await isolate.ask("acme")).found.kind).toBe("row");
      }
      expect(new Set(isolate.faults)).toEqual(new Set([fault]));
      expect(isolate.faults.length).toBe(3);
      world.kv.answers.clear();
      publish(world, { generation: 7 });
      await refresh(world, isolate);
      expect(isolate.now().generation).toBe(7);
      expect(isolate.rejections).toEqual([]);
    });
  }

  it("is adopted after all when the loss was meant", async ({ expect }) => {
    const { world, isolate } = await warm();
    publish(world, { generation: 6, accounts: 2100, removed: { accounts: 901, domains: 0 } });
    await refresh(world, isolate);
    expect([isolate.now().generation, isolate.faults]).toEqual([6, []]);
  });
});

describe("what is nested deeper than the stack", () => {
  const DEEP = "[".repeat(30_000) + "]".repeat(30_000);

  it.for([
    [ROOT_KEY, `{"schema":${DEEP}}`, "schema"],
    [BREAK_GLASS_KEY, `{"reason":${DEEP}}`, "break-glass"],
  ] as const)("is refused in %s like any other garbage", async ([key, text, fault], { expect }) => {
    const { world, isolate } = await warm();
    world.kv.answers.set(key, text);
    await refresh(world, isolate);
    expect(isolate.faults).toEqual([fault]);
    expect((await isolate.ask("acme")).found.kind).toBe("row");
    expect(isolate.rejections).toEqual([]);
  });
});

describe("a break-glass document that is missing", () => {
  const MINUTE_MS = 60_000;

  async function inForce(): Promise<{ world: World; isolate: Isolate }> {
    const world = createWorld();
    publish(world, { generation: 5 });
    const document = breakGlass({ reason: "down", expires: world.clock.nowMs() + 10 * MINUTE_MS });
    world.kv.entries.set(BREAK_GLASS_KEY, JSON.stringify(document));
    const isolate = createIsolate(world);
    await isolate.ask("acme");
    return { world, isolate };
  }

  it("stays in force until it expires, counted, and is lifted by an empty one", async ({ expect }) => {
    const { world, isolate } = await inForce();
    world.kv.answers.set(BREAK_GLASS_KEY, null);
    for (let period = 0; period < 3; period++) {
      await refresh(world, isolate);
      expect(isolate.now().breakGlass).toMatchObject({ reason: "down" });
    }
    expect(isolate.faults).toEqual(["missing", "missing", "missing"]);
    publish(world, { generation: 6 });
    await refresh(world, isolate);
    expect(isolate.now()).toMatchObject({ generation: 6, breakGlass: { reason: "down" } });
    world.kv.answers.set(BREAK_GLASS_KEY, "{}");
    await refresh(world, isolate);
    expect(isolate.now().breakGlass).toBeNull();
  });

  it("is counted no more once it has expired", async ({ expect }) => {
    const { world, isolate } = await inForce();
    world.kv.answers.set(BREAK_GLASS_KEY, null);
    await world.clock.advance(10 * MINUTE_MS);
    expect((await isolate.ask("acme")).snapshot.breakGlass).toBeNull();
    await refresh(world, isolate);
    expect(isolate.faults).toEqual([]);
  });

  it("leaves its copy for isolates that start without KV", async ({ expect }) => {
    const { world } = await inForce();
    world.kv.answers.set(BREAK_GLASS_KEY, null);
    expect((await createIsolate(world).ask("acme")).snapshot.breakGlass).toBeNull();
    world.kv.fault = "throw";
    expect((await createIsolate(world).ask("acme")).snapshot.breakGlass).toMatchObject({ reason: "down" });
  });

  it("is none, and no fault, where none was ever written", async ({ expect }) => {
    const { world, isolate } = await warm();
    for (let period = 0; period < 3; period++) await refresh(world, isolate);
    expect([isolate.now().breakGlass, isolate.faults]).toEqual([null, []]);
  });
});

describe("an index that never answers", () => {
  /** What an isolate serves when break-glass changes together with a root whose index hangs. */
  async function served(before: string, after: string): Promise<MapsSnapshot> {
    const world = createWorld();
    publish(world, { generation: 4 });
    publish(world, { generation: 5 });
    world.kv.entries.set(BREAK_GLASS_KEY, before);
    const isolate = createIsolate(world);
    await isolate.ask("acme");
    const made = publish(world, { generation: 6 }, [...ROWS, row({ slug: "newcomer" })]);
    const get = world.kv.get.bind(world.kv);
    world.kv.get = (key, ttlSeconds) =>
      key === indexKey(made.root.index.hash) ? new Promise(() => undefined) : get(key, ttlSeconds);
    world.kv.entries.set(BREAK_GLASS_KEY, after);
    await refresh(world, isolate);
    return isolate.now();
  }
  const DOWN = JSON.stringify(breakGlass({ reason: "down" }));

  it("does not keep break-glass from coming into force", async ({ expect }) => {
    expect(await served("{}", DOWN)).toMatchObject({ generation: 5, breakGlass: { reason: "down" } });
  });

  it("does not keep it from being lifted", async ({ expect }) => {
    expect(await served(DOWN, "{}")).toMatchObject({ generation: 5, breakGlass: null });
  });

  it("does not keep a generation from being held", async ({ expect }) => {
    expect(await served("{}", JSON.stringify(breakGlass({ holdGeneration: 4 })))).toMatchObject({
      generation: 4,
    });
  });
});

describe("a clock that is put back by an hour", () => {
  it("does not keep the maps from being read", async ({ expect }) => {
    const { world, isolate } = await warm();
    world.clock.putBack(3_600_000);
    publish(world, { generation: 6 });
    await isolate.ask("acme");
    expect(isolate.now().generation).toBe(6);
  });

  it("does not keep a load that died with its starter", async ({ expect }) => {
    const { world, isolate } = await warm();
    world.kv.fault = "hang";
    await world.clock.advance(PERIOD_MS);
    isolate.now();
    world.clock.putBack(3_600_000);
    world.kv.fault = null;
    publish(world, { generation: 6 });
    await isolate.ask("acme");
    await refresh(world, isolate, 10_000);
    expect(isolate.now().generation).toBe(6);
  });
});

describe("a shard under a new index", () => {
  const CHANGED = ROWS.map((one) => (one.key === "acme" ? { ...one, group: 3 } : one));

  for (const [what, answer, fault] of [
    ["missing", null, "missing"],
    ["damaged", "nonsense", "hash"],
    ["26 MB", TOO_LARGE, "too-large"],
  ] as const) {
    it(`that is ${what} is served from the last index that had it, flagged, until it comes`, async ({
      expect,
    }) => {
      const { world, isolate } = await warm();
      const made = publish(world, { generation: 6 }, CHANGED);
      const key = shardKeyOf(made, "acme");
      world.kv.answers.set(key, answer);
      await refresh(world, isolate);
      for (let request = 0; request < 100; request++) {
        const { snapshot, found, tookMs } = await isolate.ask("acme");
        expect([snapshot.generation, found.kind === "row" && found.stale, tookMs]).toEqual([6, true, 0]);
      }
      await refresh(world, isolate);
      await isolate.ask("acme");
      expect(world.kv.reads(key).length).toBe(2);
      expect(new Set(isolate.faults)).toEqual(new Set([fault]));
      world.kv.answers.clear();
      await refresh(world, isolate);
      await isolate.ask("acme");
      await world.clock.settle();
      expect((await isolate.ask("acme")).found).toMatchObject({ row: { group: 3 }, stale: false });
    });
  }

  it("is waited for when a rollout left the root with it, so that nobody falls back to an old home", async ({
    expect,
  }) => {
    const { world, isolate } = await warm({ rollouts: [rollout({ moved: [10_000] })] });
    const settled = ROWS.map((one) => (one.key === "acme" ? { ...one, homes: { kiln: "2.9.0" } } : one));
    publish(world, { generation: 6, rollouts: [] }, settled);
    await refresh(world, isolate);
    world.kv.fault = 300;
    const { found, tookMs } = await isolate.ask("acme");
    expect(found).toMatchObject({ kind: "row", stale: false, row: { homes: { kiln: "2.9.0" } } });
    expect(tookMs).toBeGreaterThanOrEqual(300);
  });

  it("leaves the accounts of a rollout that left the root unresolved when it cannot be read, never at an old home", async ({
    expect,
  }) => {
    const { world, isolate } = await warm({ rollouts: [rollout({ moved: [10_000] })] });
    const settled = ROWS.map((one) => (one.key === "acme" ? { ...one, homes: { kiln: "2.9.0" } } : one));
    const made = publish(world, { generation: 6, rollouts: [] }, settled);
    world.kv.answers.set(shardKeyOf(made, "acme"), null);
    await refresh(world, isolate);
    for (let request = 0; request < 3; request++)
      expect((await isolate.ask("acme")).found).toEqual({ kind: "unresolved" });
    expect((await createIsolate(world).ask("acme")).found).toEqual({ kind: "unresolved" });
    world.kv.answers.clear();
    await refresh(world, isolate);
    expect((await isolate.ask("acme")).found).toMatchObject({ row: { homes: { kiln: "2.9.0" } } });
  });

  it("is waited for where something came and went in roots that were missed, so that nobody falls back", async ({
    expect,
  }) => {
    const { world, isolate } = await warm();
    const pinned = ROWS.map((one) => (one.key === "acme" ? { ...one, pins: { kiln: "2.7.0" } } : one));
    publish(world, { generation: 8, rowsFrom: 7 }, pinned);
    await refresh(world, isolate);
    world.kv.fault = 300;
    const { found, tookMs } = await isolate.ask("acme");
    expect(found).toMatchObject({ kind: "row", stale: false, row: { pins: { kiln: "2.7.0" } } });
    expect(tookMs).toBeGreaterThanOrEqual(300);
  });

  it("is served from the older copy where nothing changed places since that was read", async ({ expect }) => {
    const { world, isolate } = await warm({ rowsFrom: 4 });
    const made = publish(world, { generation: 8, rowsFrom: 5 }, [...ROWS, row({ slug: "newcomer" })]);
    world.kv.answers.set(shardKeyOf(made, "acme"), null);
    await refresh(world, isolate);
    expect((await isolate.ask("acme")).found).toMatchObject({ kind: "row", stale: true });
  });

  it("leaves an account unresolved that the older copy does not know, when it cannot be read", async ({
    expect,
  }) => {
    const { world, isolate } = await warm();
    const made = publish(world, { generation: 6 }, [...ROWS, row({ slug: "newcomer" })]);
    world.kv.answers.set(shardKeyOf(made, "newcomer"), null);
    await isolate.ask("newcomer");
    await refresh(world, isolate);
    for (let request = 0; request < 3; request++)
      expect((await isolate.ask("newcomer")).found).toEqual({ kind: "unresolved" });
  });

  it("is waited for by an account the older copy does not know", async ({ expect }) => {
    const { world, isolate } = await warm();
    publish(world, { generation: 6 }, [...ROWS, row({ slug: "newcomer" })]);
    await isolate.ask("newcomer");
    await refresh(world, isolate);
    world.kv.fault = 300;
    expect((await isolate.ask("newcomer")).found).toMatchObject({ kind: "row", stale: false });
  });

  it("is served from the older copy when the number of shards has grown", async ({ expect }) => {
    const { world, isolate } = await warm();
    const made = published({ generation: 6 }, ROWS, { shards: 16 });
    world.kv.publish(made.entries);
    world.kv.answers.set(shardKeyOf(made, "acme"), null);
    await refresh(world, isolate);
    expect((await isolate.ask("acme")).found).toMatchObject({ kind: "row", stale: true });
  });

  it("in the wrong place is refused, not read as absent", async ({ expect }) => {
    const world = createWorld();
    const made = published({}, ROWS);
    world.kv.publish(made.entries);
    // An index that hashes right, with its shards in another order.
    const text = encodeIndex(made.index.toReversed());
    const hash = contentHash(text);
    world.kv.entries.set(indexKey(hash), text);
    world.kv.entries.set(ROOT_KEY, encodeRoot({ ...made.root, index: { ...made.root.index, hash } }));
    const isolate = createIsolate(world);
    expect((await isolate.ask("acme")).found).toEqual({ kind: "unresolved" });
    expect(isolate.faults).toEqual(["shape"]);
  });
});

describe("a shard that was never read", () => {
  it("is unresolved, never absent, when it is missing everywhere, and is read once a period", async ({
    expect,
  }) => {
    const world = createWorld();
    const made = publish(world);
    const key = shardKeyOf(made, "acme");
    world.kv.answers.set(key, null);
    const isolate = createIsolate(world);
    for (let second = 0; second < 120; second++) {
      expect((await isolate.ask("acme")).found).toEqual({ kind: "unresolved" });
      await world.clock.advance(1000);
    }
    expect(world.kv.reads(key).length).toBeLessThanOrEqual(4);
    world.kv.answers.clear();
    await world.clock.advance(PERIOD_MS);
    expect((await isolate.ask("acme")).found.kind).toBe("row");
  });

  it("comes from the Cache API when KV cannot give it, this version or the one before", async ({
    expect,
  }) => {
    const { world } = await warm();
    const changed = ROWS.map((one) => (one.key === "acme" ? { ...one, group: 3 } : one));
    const made = publish(world, { generation: 6 }, changed);
    world.kv.answers.set(shardKeyOf(made, "acme"), null);
    const older = createIsolate(world);
    expect((await older.ask("acme")).found).toMatchObject({ kind: "row", stale: true, row: { group: -1 } });
    world.cache.entries.set(shardKeyOf(made, "acme"), made.entries.get(shardKeyOf(made, "acme")) ?? "");
    const same = createIsolate(world);
    expect((await same.ask("acme")).found).toMatchObject({ kind: "row", stale: false, row: { group: 3 } });
  });

  it("does not believe a copy that is not what its hash says", async ({ expect }) => {
    const { world, made } = await warm();
    const key = shardKeyOf(made, "acme");
    world.cache.entries.set(key, (made.entries.get(key) ?? "").replace("acme", "acmf"));
    world.kv.answers.set(key, null);
    expect((await createIsolate(world).ask("acme")).found).toEqual({ kind: "unresolved" });
  });

  it("is waited for one second at most", async ({ expect }) => {
    const { world, isolate } = await warm();
    world.kv.fault = "hang";
    world.cache.fault = "hang";
    const other = accounts(100).find(({ slug }) => shardOf(slug, 4) !== shardOf("acme", 4))?.slug ?? "";
    const { found, tookMs } = await isolate.ask(other);
    expect([found, tookMs]).toEqual([{ kind: "unresolved" }, 1000]);
  });
});

describe("ten minutes without KV", () => {
  for (const fault of ["throw", "hang"] as const) {
    it(`that ${fault}s: a warm isolate answers everything at once, reads once a period, and recovers`, async ({
      expect,
    }) => {
      const { world, isolate } = await warm();
      world.kv.fault = fault;
      const before = world.kv.calls.length;
      for (let second = 0; second < 600; second++) {
        const { snapshot, found, tookMs } = await isolate.ask("acme");
        expect([snapshot.generation, found.kind, tookMs]).toEqual([5, "row", 0]);
        await world.clock.advance(1000);
      }
      expect(world.kv.calls.length - before).toBeLessThanOrEqual(TEN_MINUTES_MS / 24_000);
      expect(isolate.faults.length).toBeGreaterThan(15);
      world.kv.fault = null;
      publish(world, { generation: 6 });
      for (let second = 0; second < 72 && isolate.now().generation === 5; second++)
        await world.clock.advance(1000);
      expect(isolate.now().generation).toBe(6);
      expect(isolate.rejections).toEqual([]);
    });

    it(`that ${fault}s: isolates started meanwhile serve the copies of their location`, async ({
      expect,
    }) => {
      const { world } = await warm();
      world.kv.fault = fault;
      for (let minute = 0; minute < 10; minute++) {
        const cold = createIsolate(world);
        const { snapshot, found, tookMs } = await cold.ask("acme");
        expect([snapshot.source, snapshot.generation, found.kind]).toEqual(["cache", 5, "row"]);
        // 250 ms of patience with KV for root, and again for the shard.
        expect(tookMs).toBeLessThanOrEqual(fault === "throw" ? 0 : 500);
        expect((await cold.ask("acme")).tookMs).toBe(0);
        await world.clock.advance(60_000);
      }
    });

    it(`that ${fault}s: isolates without a copy answer from the fallback, retry slowly, and recover`, async ({
      expect,
    }) => {
      const world = createWorld();
      publish(world, { generation: 5 });
      world.kv.fault = fault;
      const cold = createIsolate(world);
      const first = await cold.ask("acme");
      expect(first.snapshot).toMatchObject({ source: "fallback", root: null, generation: 0 });
      expect(first.found).toEqual({ kind: "unresolved" });
      expect(first.tookMs).toBe(fault === "throw" ? 0 : 1000);
      expect(first.snapshot.baseDomains.find("acme.kiln.example.com")?.product).toBe("kiln");
      for (let second = 0; second < 600; second++) {
        const { found, tookMs } = await cold.ask("acme");
        expect(found.kind).toBe("unresolved");
        expect(tookMs).toBeLessThanOrEqual(250);
        await world.clock.advance(1000);
      }
      expect(world.kv.reads(ROOT_KEY).length).toBeLessThanOrEqual(30);
      world.kv.fault = null;
      await world.clock.advance(PERIOD_MS);
      const back = await cold.ask("acme");
      expect([back.snapshot.source, back.found.kind]).toEqual(["kv", "row"]);
      expect(cold.rejections).toEqual([]);
    });
  }

  it("does not make isolates that started together retry together", async ({ expect }) => {
    const world = createWorld();
    publish(world);
    world.kv.fault = "throw";
    const isolates = [0, 0.2, 0.4, 0.6, 0.8].map((random) =>
      createIsolate({ ...world, clock: { ...world.clock, random: () => random } }),
    );
    for (let step = 0; step < 1500; step++) {
      for (const isolate of isolates) void isolate.start("acme");
      await world.clock.advance(100);
    }
    const late = world.kv.reads(ROOT_KEY).filter(({ atMs }) => atMs > world.clock.nowMs() - 90_000);
    const together = Math.max(...late.map(({ atMs }) => late.filter((other) => other.atMs === atMs).length));
    expect(late.length).toBeGreaterThanOrEqual(10);
    expect(together).toBeLessThanOrEqual(2);
    // Nor when KV is back: each at its own time.
    world.kv.fault = null;
    const backMs = world.clock.nowMs();
    for (let step = 0; step < 900; step++) {
      for (const isolate of isolates) void isolate.start("acme");
      await world.clock.advance(100);
    }
    const again = world.kv.reads(ROOT_KEY).filter(({ atMs }) => atMs > backMs);
    expect(again.length).toBeGreaterThanOrEqual(isolates.length);
    expect(
      Math.max(...again.map(({ atMs }) => again.filter((other) => other.atMs === atMs).length)),
    ).toBeLessThanOrEqual(2);
    for (const isolate of isolates) expect((await isolate.ask("acme")).found.kind).toBe("row");
  });
});

describe("a cold isolate beside a slow KV", () => {
  it("prefers KV that answers within 250 ms to its copy", async ({ expect }) => {
    const { world } = await warm();
    publish(world, { generation: 6 });
    world.kv.fault = 100;
    expect((await createIsolate(world).ask("acme")).snapshot).toMatchObject({ source: "kv", generation: 6 });
  });

  it("serves its copy after 250 ms and adopts what KV says when it comes", async ({ expect }) => {
    const { world } = await warm();
    publish(world, { generation: 6 });
    world.kv.fault = 2000;
    const cold = createIsolate(world);
    const { snapshot, tookMs } = await cold.ask("acme");
    expect([snapshot.source, snapshot.generation]).toEqual(["cache", 5]);
    expect(tookMs).toBeLessThanOrEqual(500);
    await world.clock.advance(5000);
    expect(cold.now()).toMatchObject({ source: "kv", generation: 6 });
  });

  it("without a copy waits for KV up to a second", async ({ expect }) => {
    const world = createWorld();
    world.kv.publish(published({ generation: 6 }, ROWS, { inline: true }).entries);
    world.kv.fault = 800;
    const { snapshot, tookMs } = await createIsolate(world).ask("ghost");
    expect(snapshot.generation).toBe(6);
    expect(tookMs).toBeGreaterThanOrEqual(800);
  });

  it("does not go back from a newer copy to an older root", async ({ expect }) => {
    const { world } = await warm();
    world.kv.answers.set(ROOT_KEY, published({ generation: 4 }, ROWS).rootText);
    world.kv.fault = 400;
    const cold = createIsolate(world);
    expect((await cold.ask("acme")).snapshot.generation).toBe(5);
    await world.clock.advance(10_000);
    expect([cold.now().generation, cold.faults]).toEqual([5, ["generation"]]);
  });

  it("refuses a copy that was damaged", async ({ expect }) => {
    const { world, made } = await warm();
    world.kv.fault = "throw";
    world.cache.entries.set(ROOT_KEY, made.rootText.replace('"halt":false', '"halt":true'));
    expect((await createIsolate(world).ask("acme")).snapshot.source).toBe("fallback");
    world.cache.entries.set(ROOT_KEY, made.rootText);
    world.cache.entries.delete(indexKey(made.root.index.hash));
    expect((await createIsolate(world).ask("acme")).snapshot.source).toBe("fallback");
  });

  it("keeps break-glass from its copy, and the variable without any", async ({ expect }) => {
    const world = createWorld();
    publish(world);
    world.kv.entries.set(BREAK_GLASS_KEY, JSON.stringify(breakGlass({ reason: "copied" })));
    await createIsolate(world).ask("acme");
    world.kv.fault = "throw";
    expect((await createIsolate(world).ask("acme")).snapshot.breakGlass).toMatchObject({ reason: "copied" });
    const breakGlassVariable = JSON.stringify(breakGlass({ reason: "variable" }));
    const alone = createIsolate(world, { withoutCache: true, breakGlassVariable });
    expect((await alone.ask("acme")).snapshot).toMatchObject({
      source: "fallback",
      breakGlass: { reason: "variable" },
    });
  });

  it("works while the cache throws, hangs or is not there", async ({ expect }) => {
    const world = createWorld();
    publish(world);
    for (const fault of ["throw", "hang"] as const) {
      world.cache.fault = fault;
      const isolate = createIsolate(world);
      expect((await isolate.ask("acme")).found.kind).toBe("row");
      expect(isolate.rejections).toEqual([]);
    }
    expect((await createIsolate(world, { withoutCache: true }).ask("acme")).found.kind).toBe("row");
  });
});

describe("KV that takes five seconds for half of the reads", () => {
  it("delays no request of a warm isolate and keeps one refresh under way at most", async ({ expect }) => {
    const { world, isolate } = await warm();
    for (let second = 0; second < 600; second++) {
      world.kv.fault = second % 2 === 0 ? 4900 : null;
      expect((await isolate.ask("acme")).tookMs).toBe(0);
      await world.clock.advance(1000);
    }
    const times = world.kv.reads(ROOT_KEY).map(({ atMs }) => atMs);
    expect(Math.min(...times.slice(1).map((at, index) => at - (times[index] ?? 0)))).toBeGreaterThanOrEqual(
      24_000,
    );
  });
});

describe("KV that lags and reorders", () => {
  it("never makes the generation fall, and the reader is at the newest a period after KV is", async ({
    expect,
  }) => {
    const world = createWorld();
    const roots = Array.from(
      { length: 40 },
      (_, number) => publish(world, { generation: number + 1 }).rootText,
    );
    const isolate = createIsolate(world);
    let seed = 7;
    let highest = 0;
    for (let second = 0; second < 900; second++) {
      // A publish every 20 s; each read sees what was there 0 to 120 s ago.
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      const lagS = seed % 121;
      const published = Math.min(roots.length, Math.max(1, Math.floor((second - lagS) / 20) + 1));
      world.kv.answers.set(ROOT_KEY, roots[published - 1] ?? null);
      const { generation } = (await isolate.ask("acme")).snapshot;
      expect(generation).toBeGreaterThanOrEqual(highest);
      highest = generation;
      await world.clock.advance(1000);
    }
    world.kv.answers.clear();
    await refresh(world, isolate);
    expect(isolate.now().generation).toBe(40);
    expect(new Set(isolate.faults)).toEqual(new Set(["generation"]));
  });
});

describe("a request that goes away while it loads for others", () => {
  /** What a platform does to a context that was never extended: nothing in it goes on. */
  function isolateWhoseStarterDies(world: World): { isolate: Isolate; die: () => void } {
    let dead = false;
    const gate = async <T>(work: Promise<T>): Promise<T> => {
      const value = await work;
      return dead ? new Promise<T>(() => undefined) : value;
    };
    const kv = {
      ...world.kv,
      get: (key: string, ttl: number) => gate(world.kv.get(key, ttl)),
      getMany: (keys: readonly string[]) => gate(world.kv.getMany(keys)),
    };
    const clock = { ...world.clock, sleep: (ms: number) => gate(world.clock.sleep(ms)) };
    return { isolate: createIsolate({ ...world, kv, clock }), die: () => (dead = !dead) };
  }

  it("hands every shared load to waitUntil, and nothing else without a cache", async ({ expect }) => {
    const world = createWorld();
    publish(world);
    const isolate = createIsolate(world, { withoutCache: true });
    await isolate.ask("acme");
    const work: Promise<unknown>[] = [];
    const other = accounts(100).find(({ slug }) => shardOf(slug, 4) !== shardOf("acme", 4))?.slug ?? "";
    await world.clock.advance(PERIOD_MS);
    await isolate.start(other, (one) => work.push(one));
    // The refresh that was due, and the shard.
    expect(work.length).toBe(2);
    await Promise.all(work);
  });

  it("does not keep others waiting past their own timers, and the load is started anew after its deadline", async ({
    expect,
  }) => {
    const world = createWorld();
    publish(world, { generation: 5 });
    world.kv.fault = 400;
    const { isolate, die } = isolateWhoseStarterDies(world);
    void isolate.start("acme");
    await world.clock.advance(100);
    // The starter's KV read and timers never come back; those of later requests do.
    die();
    await world.clock.advance(500);
    die();
    const waiter = await isolate.ask("acme");
    expect([waiter.snapshot.source, waiter.tookMs <= 1000]).toEqual(["fallback", true]);
    await world.clock.advance(6000);
    world.kv.fault = null;
    expect((await isolate.ask("acme")).snapshot.generation).toBe(5);
  });

  it("does not stop a warm isolate from refreshing", async ({ expect }) => {
    const world = createWorld();
    publish(world, { generation: 5 });
    const { isolate, die } = isolateWhoseStarterDies(world);
    await isolate.ask("acme");
    await world.clock.advance(PERIOD_MS);
    die();
    isolate.now();
    await world.clock.advance(100);
    die();
    publish(world, { generation: 6 });
    await refresh(world, isolate);
    expect(isolate.now().generation).toBe(6);
  });
});
