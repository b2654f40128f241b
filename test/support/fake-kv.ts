/**
 * KV and Cache API in memory, recording every call, with faults that a test switches on and off: throwing, hanging,
 * lagging behind what was written, answering with other text. Misses are null, as in the real ones; the contract suite
 * in test/support/kv-contract.ts runs on both. Owns no behaviour under test.
 */
import type { MapsKv, MapsKvWriter } from "../../src/adapters/kv.ts";
import type { MapsCache } from "../../src/adapters/maps-cache.ts";
import type { TestClock } from "./test-clock.ts";

export interface Call {
  readonly operation: "getMany" | "get" | "put" | "delete" | "list";
  readonly keys: readonly string[];
  readonly ttlSeconds: number | null;
  readonly atMs: number;
}

/** `null` is health; a number is how many milliseconds every read takes. */
export type Fault = "throw" | "hang" | number | null;

export interface FakeKv extends MapsKv, MapsKvWriter {
  readonly entries: Map<string, string>;
  readonly calls: Call[];
  /** How reads fail now. */
  fault: Fault;
  /** Replaces what single keys answer; null is a miss. */
  readonly answers: Map<string, string | null>;
  /** Adds everything of a publish, as the publisher would. */
  publish(entries: ReadonlyMap<string, string>): void;
  /** Calls that read this key. */
  reads(key: string): Call[];
}

/** An empty KV that works. */
export function createFakeKv(clock: Pick<TestClock, "nowMs" | "sleep">): FakeKv {
  const entries = new Map<string, string>();
  const answers = new Map<string, string | null>();
  const calls: Call[] = [];

  function record(
    operation: Call["operation"],
    keys: readonly string[],
    ttlSeconds: number | null = null,
  ): void {
    calls.push({ operation, keys, ttlSeconds, atMs: clock.nowMs() });
  }

  function valueOf(key: string): string | null {
    const answer = answers.get(key);
    return answer === undefined ? (entries.get(key) ?? null) : answer;
  }

  async function misbehave(): Promise<void> {
    if (kv.fault === "throw") throw new Error("KV GET failed: 500 Internal Server Error");
    if (kv.fault === "hang") await new Promise(() => undefined);
    if (typeof kv.fault === "number") await clock.sleep(kv.fault);
  }

  const kv: FakeKv = {
    entries,
    answers,
    calls,
    fault: null,
    publish(objects) {
      for (const [key, text] of objects) entries.set(key, text);
    },
    reads: (key) => calls.filter(({ operation, keys }) => operation.startsWith("get") && keys.includes(key)),
    async getMany(keys) {
      record("getMany", keys);
      await misbehave();
      if (keys.length > 100) throw new Error("KV GET_BULK failed: 400 You can request a maximum of 100 keys");
      return new Map(keys.map((key) => [key, valueOf(key)]));
    },
    async get(key, ttlSeconds) {
      record("get", [key], ttlSeconds);
      if (ttlSeconds < 30)
        throw new Error(`Invalid cache_ttl of ${ttlSeconds}. Cache TTL must be at least 30`);
      await misbehave();
      return valueOf(key);
    },
    async put(key, text) {
      record("put", [key]);
      entries.set(key, text);
    },
    async delete(key) {
      record("delete", [key]);
      entries.delete(key);
    },
    async list(prefix, cursor = null) {
      record("list", [prefix]);
      const keys = [...entries.keys()].filter((key) => key.startsWith(prefix)).toSorted();
      const start = cursor === null ? 0 : Number(cursor);
      const end = start + 1000;
      return { keys: keys.slice(start, end), cursor: end < keys.length ? String(end) : null };
    },
  };
  return kv;
}

export interface FakeCache extends MapsCache {
  readonly entries: Map<string, string>;
  readonly puts: string[];
  fault: Fault;
}

/** An empty cache that works. */
export function createFakeCache(clock: Pick<TestClock, "sleep">): FakeCache {
  const entries = new Map<string, string>();
  const puts: string[] = [];
  async function misbehave(): Promise<void> {
    if (cache.fault === "throw") throw new Error("cache is not there");
    if (cache.fault === "hang") await new Promise(() => undefined);
    if (typeof cache.fault === "number") await clock.sleep(cache.fault);
  }
  const cache: FakeCache = {
    entries,
    puts,
    fault: null,
    async get(key) {
      await misbehave();
      return entries.get(key) ?? null;
    },
    async put(key, text) {
      await misbehave();
      puts.push(key);
      entries.set(key, text);
    },
  };
  return cache;
}
