/**
 * The maps reader while break-glass holds a generation: nobody gets newer maps in between, whatever the isolate held
 * before and however slow KV is; and nobody waits longer, or goes without maps, because the held ones cannot be read.
 */
import { describe, it } from "vitest";
import { BREAK_GLASS_KEY, indexKey, ROOT_KEY, rootCopyKey } from "../../../src/contracts/maps.ts";
import { createIsolate, createWorld, type Isolate, type World } from "../../support/isolate.ts";
import { accounts, published, rollout, row, type Published } from "../../support/maps-builders.ts";

const ROWS = [row({ slug: "acme" }), ...accounts(3000)];
const MOVED = [rollout({ moved: [10_000] })];

function publish(world: World, partial: Parameters<typeof published>[0] = {}, rows = ROWS): Published {
  const made = published(partial, rows);
  world.kv.publish(made.entries);
  return made;
}

/** Generations 1 to 3, of which the last moved everybody; break-glass holds `generation`. */
function worldThatHolds(generation: number): World {
  const world = createWorld();
  publish(world, { generation: 1 });
  publish(world, { generation: 2, halt: true });
  publish(world, { generation: 3, rollouts: MOVED });
  hold(world, generation);
  return world;
}

function hold(world: World, holdGeneration: number, forMs = 3_600_000): void {
  const expires = world.clock.nowMs() + forMs;
  world.kv.entries.set(BREAK_GLASS_KEY, JSON.stringify({ reason: "back", expires, holdGeneration }));
}

/** Reads of this key never answer. */
function hang(world: World, key: string): void {
  const get = world.kv.get.bind(world.kv);
  world.kv.get = (asked, ttlSeconds) =>
    asked === key ? new Promise(() => undefined) : get(asked, ttlSeconds);
}

/** What requests every ten milliseconds are answered from, each generation named when it comes. */
async function watch(world: World, isolate: Isolate, forMs: number): Promise<readonly number[]> {
  const seen: number[] = [];
  for (let waited = 0; waited < forMs; waited += 10) {
    void isolate.start("acme").then(({ snapshot: { generation } }) => {
      if (generation !== seen.at(-1)) seen.push(generation);
    });
    await world.clock.advance(10);
  }
  await world.clock.advance(2000);
  return seen;
}

describe("a generation that is held", () => {
  it.for([50, 200, 300])(
    "is all that a cold isolate answers from, with KV that takes %d ms",
    async (tookMs, { expect }) => {
      const world = worldThatHolds(1);
      world.kv.fault = tookMs;
      const isolate = createIsolate(world);
      expect(await watch(world, isolate, 2000)).toEqual([1]);
      expect(isolate.faults).toEqual([]);
    },
  );

  it("follows one that was held before, with nothing newer in between", async ({ expect }) => {
    const world = worldThatHolds(2);
    const isolate = createIsolate(world);
    expect((await isolate.ask("acme")).snapshot.generation).toBe(2);
    hold(world, 1);
    world.kv.fault = 50;
    await world.clock.advance(20_000);
    expect(await watch(world, isolate, 20_000)).toEqual([2, 1]);
  });

  it("is left for the newest maps when it cannot be read, and taken when it can", async ({ expect }) => {
    const world = worldThatHolds(2);
    const isolate = createIsolate(world);
    await isolate.ask("acme");
    hold(world, 1);
    world.kv.answers.set(rootCopyKey(1), null);
    await world.clock.advance(40_000);
    await isolate.ask("acme");
    expect((await isolate.ask("acme")).snapshot.generation).toBe(3);
    expect(isolate.faults).toEqual(["missing"]);
    world.kv.answers.clear();
    await world.clock.advance(40_000);
    await isolate.ask("acme");
    expect(isolate.now().generation).toBe(1);
  });

  it("that never answers leaves a cold isolate with the newest maps, within its time", async ({ expect }) => {
    const world = worldThatHolds(1);
    hang(world, rootCopyKey(1));
    const isolate = createIsolate(world);
    const { snapshot, found, tookMs } = await isolate.ask("acme");
    expect([snapshot.source, snapshot.generation, found.kind, tookMs]).toEqual(["kv", 3, "row", 1000]);
    for (let second = 0; second < 100; second++) {
      await world.clock.advance(1000);
      const later = await isolate.ask("acme");
      expect([later.snapshot.generation, later.tookMs]).toEqual([3, 0]);
    }
    expect(new Set(isolate.faults)).toEqual(new Set(["timeout"]));
  });

  it("that never answers leaves a warm isolate with what it served, then with the newest", async ({
    expect,
  }) => {
    const world = worldThatHolds(2);
    const isolate = createIsolate(world);
    await isolate.ask("acme");
    hang(world, rootCopyKey(1));
    hold(world, 1);
    await world.clock.advance(40_000);
    expect(await watch(world, isolate, 10_000)).toEqual([2, 3]);
  });
});

describe("testers' tokens while a generation is held", () => {
  it("stay revoked that were revoked after it, also by maps that come later", async ({ expect }) => {
    const world = createWorld();
    publish(world, { generation: 1 });
    publish(world, { generation: 2, overrideEpoch: 2000 });
    hold(world, 1);
    const isolate = createIsolate(world);
    const epoch = async (): Promise<readonly number[]> => {
      const { snapshot } = await isolate.ask("acme");
      return [snapshot.generation, snapshot.overrideEpoch];
    };
    expect(await epoch()).toEqual([1, 2000]);
    publish(world, { generation: 3, overrideEpoch: 3000 });
    await world.clock.advance(40_000);
    await epoch();
    await world.clock.advance(2000);
    expect(await epoch()).toEqual([1, 3000]);
  });
});

describe("the age of the maps while the generation to hold never answers", () => {
  it("is that of the newest, which KV confirms in every period", async ({ expect }) => {
    const world = worldThatHolds(2);
    const isolate = createIsolate(world);
    await isolate.ask("acme");
    hang(world, rootCopyKey(1));
    hold(world, 1);
    for (let second = 0; second < 300; second++) {
      await world.clock.advance(1000);
      await isolate.ask("acme");
      expect(isolate.reader.ageMs(world.clock.nowMs())).toBeLessThanOrEqual(37_000);
    }
    expect(world.kv.reads(ROOT_KEY).length).toBeLessThanOrEqual(14);
    // After two idle minutes too, and nobody takes the isolate for one that is still waking.
    await world.clock.advance(600_000);
    await isolate.ask("acme");
    const nowMs = world.clock.nowMs();
    expect([isolate.reader.ageMs(nowMs) < 1000, isolate.reader.isWaking(nowMs)]).toEqual([true, false]);
  });
});

describe("a generation that is held while the index of the newest never answers", () => {
  it("is served by a cold isolate, and on after the document for want of newer maps", async ({ expect }) => {
    const world = worldThatHolds(1);
    const newest = publish(world, { generation: 4 }, [...ROWS, row({ slug: "newcomer" })]);
    hang(world, indexKey(newest.root.index.hash));
    hold(world, 1, 60_000);
    const isolate = createIsolate(world);
    for (let second = 0; second < 120; second++) {
      const { snapshot, found } = await isolate.ask("acme");
      expect([snapshot.generation, found.kind]).toEqual([1, "row"]);
      await world.clock.advance(1000);
    }
    expect(isolate.now().breakGlass).toBeNull();
    publish(world, { generation: 5 });
    await world.clock.advance(40_000);
    await isolate.ask("acme");
    expect(isolate.now()).toMatchObject({ source: "kv", generation: 5 });
  });
});

describe("a generation that is held while KV cannot be read", () => {
  async function copied(fault: "throw" | "hang"): Promise<World> {
    const world = worldThatHolds(1);
    await createIsolate(world).ask("acme");
    await world.clock.settle();
    world.kv.fault = fault;
    return world;
  }

  it.for(["throw", "hang"] as const)(
    "is served from its copy by a cold isolate when reads %s",
    async (fault, { expect }) => {
      const world = await copied(fault);
      const { snapshot, found, tookMs } = await createIsolate(world).ask("acme");
      expect([snapshot.source, snapshot.generation, found.kind]).toEqual(["cache", 1, "row"]);
      expect(tookMs).toBeLessThanOrEqual(1000);
    },
  );

  it("does not outlive the document: then the newest copy is served", async ({ expect }) => {
    const world = await copied("throw");
    const isolate = createIsolate(world);
    expect((await isolate.ask("acme")).snapshot.generation).toBe(1);
    await world.clock.advance(3_600_000);
    expect((await isolate.ask("acme")).snapshot).toMatchObject({ generation: 3, breakGlass: null });
    expect((await createIsolate(world).ask("acme")).snapshot.generation).toBe(3);
  });

  it("leaves the newest copy when it has none itself", async ({ expect }) => {
    const world = await copied("throw");
    world.cache.entries.delete(rootCopyKey(1));
    const { snapshot } = await createIsolate(world).ask("acme");
    expect([snapshot.source, snapshot.generation]).toEqual(["cache", 3]);
    expect(world.cache.puts.filter((key) => key === ROOT_KEY).length).toBe(1);
  });
});
