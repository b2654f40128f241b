/**
 * An account that two versions must never serve at once, at an edge in workerd with the real reader and the real KV: what
 * it gets from maps that are fresh, old, old while KV is silent, and newer ones that say it is held or has moved.
 */
import { env } from "cloudflare:workers";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { describe, it } from "vitest";
import { systemClock, type Clock } from "../../src/adapters/clock.ts";
import { createMapsKv, type MapsKv } from "../../src/adapters/kv.ts";
import { createMapsReader } from "../../src/adapters/maps-reader.ts";
import type { RootRollout } from "../../src/contracts/maps.ts";
import { KV_LAG_MS } from "../../src/contracts/move-data.ts";
import { settlingFor } from "../../src/contracts/settling.ts";
import { buildEdge, buildRequest, NOW_MS } from "../support/edge-builders.ts";
import { published, rollout, row } from "../support/maps-builders.ts";

const kv = createMapsKv(env.MAPS);
const ROWS = [row({ slug: "acme", group: 0 }), row({ slug: "other" })];
const MOVING = "acme.kiln.example.com";
const { freshMs } = settlingFor(KV_LAG_MS);

async function publish(generation: number, change: Partial<RootRollout> = {}): Promise<void> {
  const rollouts = [rollout({ mixed: "never", ...change })];
  for (const [key, text] of published({ generation, rollouts }, ROWS).entries) await kv.put(key, text);
  await kv.put("break-glass", "{}");
}

/** One edge whose clock and KV the test moves. */
function createWorld() {
  let nowMs = NOW_MS;
  let silent = false;
  const clock: Clock = { ...systemClock, nowMs: () => nowMs, random: () => 0.999 };
  const maybe: MapsKv = {
    getMany: (keys) => (silent ? Promise.reject(new Error("KV GET_BULK failed: 500")) : kv.getMany(keys)),
    get: (key, ttl) => (silent ? Promise.reject(new Error("KV GET failed: 500")) : kv.get(key, ttl)),
  };
  const maps = createMapsReader({
    kv: maybe,
    cache: null,
    fallback: { kiln: { domains: ["kiln.example.com"], origin: null } },
    breakGlassVariable: "",
    clock,
    onFault: () => undefined,
  });
  const edge = buildEdge({ maps });
  return {
    silence: (is: boolean) => void (silent = is),
    pass(ms: number) {
      nowMs += ms;
      edge.advance(ms);
    },
    /** Status, and the version that answered. */
    async ask(host: string): Promise<string> {
      const context = createExecutionContext();
      const before = edge.seen.length;
      const waitUntil = (work: Promise<unknown>): void => context.waitUntil(work);
      const { status } = await edge.handle(buildRequest(host, "/", { waitUntil }));
      await waitOnExecutionContext(context);
      const version = /version="([^"]+)"/.exec(edge.seen[before]?.headers.get("firebreak") ?? "")?.[1];
      return version === undefined ? String(status) : `${status} ${version}`;
    },
  };
}

describe("an edge with maps of a rollout whose versions must not mix", () => {
  it("answers from fresh maps, else reads them first, else shows the hold page", async ({ expect }) => {
    await publish(1);
    const world = createWorld();
    expect(await world.ask(MOVING)).toBe("200 2.8.0");
    await publish(2, { held: [10_000] });
    world.pass(freshMs);
    // Still fresh; what is read in the background counts from the next request on.
    world.silence(true);
    expect(await world.ask(MOVING)).toBe("200 2.8.0");
    world.pass(1);
    expect([await world.ask(MOVING), await world.ask("other.kiln.example.com")]).toEqual([
      "503",
      "200 2.8.0",
    ]);
    world.silence(false);
    world.pass(1000);
    expect(await world.ask(MOVING)).toBe("503");
    await publish(3, { moved: [10_000], held: [10_000] });
    world.pass(freshMs + 1);
    expect(await world.ask(MOVING)).toBe("200 2.9.0");
  });

  it("never answers the version before from an idle isolate, however long ago it read", async ({
    expect,
  }) => {
    await publish(4);
    const world = createWorld();
    expect(await world.ask(MOVING)).toBe("200 2.8.0");
    await publish(5, { moved: [10_000], held: [10_000] });
    world.pass(3_600_000);
    expect(await world.ask(MOVING)).toBe("200 2.9.0");
  });
});
