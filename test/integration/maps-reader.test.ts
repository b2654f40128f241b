/**
 * The maps reader inside workerd, on the real KV and Cache API: the contract of both, a reader from cold to warm, and
 * loads that are shared between requests whose contexts are different and may be gone.
 */
import { env } from "cloudflare:workers";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { describe, it } from "vitest";
import { systemClock, type Clock } from "../../src/adapters/clock.ts";
import { createMapsKv, type MapsKv } from "../../src/adapters/kv.ts";
import { createMapsCache } from "../../src/adapters/maps-cache.ts";
import { createMapsReader } from "../../src/adapters/maps-reader.ts";
import type { MapsReader, MapsReaderDeps } from "../../src/adapters/maps-reader/types.ts";
import type { MapsFault } from "../../src/contracts/telemetry.ts";
import { describeKvContract } from "../support/kv-contract.ts";
import { accounts, published, row } from "../support/maps-builders.ts";

describeKvContract("Workers KV", () => createMapsKv(env.MAPS));

const kv = createMapsKv(env.MAPS);
const cache = createMapsCache(caches, "admin.example.com");
const ROWS = [row({ slug: "acme" }), ...accounts(3000)];

function reader(partial: Partial<MapsReaderDeps> = {}): { maps: MapsReader; faults: MapsFault[] } {
  const faults: MapsFault[] = [];
  const fallback = { kiln: { domains: ["kiln.example.com"], origin: null } };
  const onFault = (fault: MapsFault): void => void faults.push(fault);
  const deps = { kv, cache, fallback, breakGlassVariable: "", clock: systemClock, onFault, ...partial };
  return { maps: createMapsReader(deps), faults };
}

describe("createMapsCache", () => {
  it("keeps deployments that share a zone apart", async ({ expect }) => {
    await createMapsCache(caches, "admin.example.com").put("apart", "production");
    expect(await createMapsCache(caches, "admin.staging.example.com").get("apart")).toBeNull();
    expect(await createMapsCache(caches, "admin.example.com").get("apart")).toBe("production");
  });
});

/** One request with a context of its own. */
async function ask(maps: MapsReader, key: string) {
  const context = createExecutionContext();
  const request = {
    nowMs: systemClock.nowMs(),
    waitUntil: (work: Promise<unknown>) => context.waitUntil(work),
  };
  const snapshot = await maps.current(request);
  const found = await maps.row(snapshot, key, request);
  await waitOnExecutionContext(context);
  return { snapshot, found };
}

async function publish(generation: number, rows = ROWS): Promise<void> {
  for (const [key, text] of published({ generation }, rows).entries) await kv.put(key, text);
  await kv.put("break-glass", "{}");
}

describe("the Cache API as the place of copies", () => {
  it("gives back what was put and null for what was not", async ({ expect }) => {
    await cache.put("shard/contract", "acme\t0\n");
    expect(await cache.get("shard/contract")).toBe("acme\t0\n");
    expect(await cache.get("shard/never")).toBeNull();
  });
});

describe("the maps reader in workerd", () => {
  it("goes from cold to warm: row, absent, and then plain values", async ({ expect }) => {
    await publish(1);
    const { maps, faults } = reader();
    const first = await ask(maps, "acme");
    expect(first.snapshot).toMatchObject({ source: "kv", generation: 1 });
    expect(first.found).toEqual({ kind: "row", row: row({ slug: "acme" }), stale: false });
    expect((await ask(maps, "ghost")).found).toEqual({ kind: "absent" });
    const request = { nowMs: systemClock.nowMs(), waitUntil: () => undefined };
    expect(maps.current(request)).toBe(first.snapshot);
    expect(maps.row(first.snapshot, "acme", request)).not.toBeInstanceOf(Promise);
    expect(faults).toEqual([]);
  });

  it("serves the copies of its location while KV throws", async ({ expect }) => {
    await publish(2);
    await ask(reader().maps, "acme");
    const broken: MapsKv = {
      getMany: () => Promise.reject(new Error("KV GET_BULK failed: 500")),
      get: () => Promise.reject(new Error("KV GET failed: 500")),
    };
    const { maps, faults } = reader({ kv: broken });
    const { snapshot, found } = await ask(maps, "acme");
    expect(snapshot).toMatchObject({ source: "cache", generation: 2 });
    expect(found.kind).toBe("row");
    expect(faults).toContain("unreadable");
  });

  it("answers from the fallback when there is nothing, and unresolved is not absent", async ({ expect }) => {
    const silent: MapsKv = {
      getMany: () => new Promise(() => undefined),
      get: () => new Promise(() => undefined),
    };
    const quick: Clock = { ...systemClock, sleep: (ms) => systemClock.sleep(ms / 50) };
    const { maps } = reader({ kv: silent, cache: null, clock: quick });
    const { snapshot, found } = await ask(maps, "acme");
    expect([snapshot.source, found.kind]).toEqual(["fallback", "unresolved"]);
  });

  it("refuses 26 MB and keeps what it has", async ({ expect }) => {
    await publish(3);
    let nowMs = systemClock.nowMs();
    const clock: Clock = { ...systemClock, nowMs: () => nowMs };
    const large: MapsKv = {
      ...kv,
      getMany: async (keys) => new Map(keys.map((key) => [key, "x".repeat(26 * 1024 * 1024)])),
    };
    let now: MapsKv = kv;
    const { maps, faults } = reader({
      clock,
      kv: { getMany: (keys) => now.getMany(keys), get: (key, ttl) => now.get(key, ttl) },
    });
    const at = (key: string) => {
      const context = createExecutionContext();
      const request = { nowMs, waitUntil: (work: Promise<unknown>) => context.waitUntil(work) };
      return Promise.resolve(maps.current(request)).then(async (snapshot) => {
        const found = await maps.row(snapshot, key, request);
        await waitOnExecutionContext(context);
        return { snapshot, found };
      });
    };
    await at("acme");
    now = large;
    nowMs += 40_000;
    await at("acme");
    expect((await at("acme")).snapshot.generation).toBe(3);
    expect(faults).toEqual(expect.arrayContaining(["too-large", "break-glass"]));
  });
});
