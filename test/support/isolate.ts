/**
 * One isolate with a maps reader on a test clock, as the edge would use it: asks for the maps and a row, notes how long
 * that took, which faults were counted and what was handed to waitUntil. Several can share one KV and one cache.
 */
import { createMapsReader } from "../../src/adapters/maps-reader.ts";
import type { MapsReader, MapsSnapshot, RowLookup } from "../../src/adapters/maps-reader/types.ts";
import type { Config } from "../../src/contracts/env.ts";
import type { MapsFault } from "../../src/contracts/telemetry.ts";
import { createFakeCache, createFakeKv, type FakeCache, type FakeKv } from "./fake-kv.ts";
import { createTestClock, type TestClock } from "./test-clock.ts";

export interface World {
  readonly clock: TestClock;
  readonly kv: FakeKv;
  readonly cache: FakeCache;
}

export interface Answer {
  readonly snapshot: MapsSnapshot;
  readonly found: RowLookup;
  /** Simulated milliseconds from asking to the answer. */
  readonly tookMs: number;
}

export interface Isolate {
  readonly reader: MapsReader;
  readonly faults: MapsFault[];
  /** Starts a request that asks for the row of `key`. Without `waitUntil` its work dies with it. */
  start(key: string, waitUntil?: (work: Promise<unknown>) => void): Promise<Answer>;
  /** Starts a request and moves time on until it is answered. */
  ask(key: string): Promise<Answer>;
  /** The maps a request gets, when that needs no waiting. */
  now(): MapsSnapshot;
  /** Rejections of background work; must stay empty. */
  readonly rejections: unknown[];
}

/** A clock, a KV and a cache that work and are empty. */
export function createWorld(): World {
  const clock = createTestClock();
  return { clock, kv: createFakeKv(clock), cache: createFakeCache(clock) };
}

export interface IsolateOptions {
  readonly fallback?: Config["fallback"];
  readonly breakGlassVariable?: string;
  readonly withoutCache?: boolean;
}

const FALLBACK: Config["fallback"] = { kiln: { domains: ["kiln.example.com"], origin: null } };
/** More than anything may ever wait. */
const LONGEST_MS = 2000;
const STEP_MS = 5;

/** A cold isolate in this world. */
export function createIsolate({ clock, kv, cache }: World, options: IsolateOptions = {}): Isolate {
  const faults: MapsFault[] = [];
  const rejections: unknown[] = [];
  const reader = createMapsReader({
    kv,
    cache: options.withoutCache === true ? null : cache,
    fallback: options.fallback ?? FALLBACK,
    breakGlassVariable: options.breakGlassVariable ?? "",
    clock,
    onFault: (fault) => faults.push(fault),
  });
  const keepAlive = (work: Promise<unknown>): void =>
    void work.catch((error: unknown) => rejections.push(error));

  async function start(key: string, waitUntil = keepAlive): Promise<Answer> {
    const startMs = clock.nowMs();
    const request = { nowMs: startMs, waitUntil };
    const snapshot = await reader.current(request);
    const found = await reader.row(snapshot, key, { ...request, nowMs: clock.nowMs() });
    return { snapshot, found, tookMs: clock.nowMs() - startMs };
  }

  async function ask(key: string): Promise<Answer> {
    let answer: Answer | null = null;
    void start(key).then((given) => (answer = given));
    await clock.settle();
    for (let waited = 0; waited < LONGEST_MS && answer === null; waited += STEP_MS)
      await clock.advance(STEP_MS);
    if (answer === null) throw new Error(`no answer for ${key} within ${LONGEST_MS} ms`);
    return answer;
  }

  function now(): MapsSnapshot {
    const snapshot = reader.current({ nowMs: clock.nowMs(), waitUntil: keepAlive });
    if (snapshot instanceof Promise) throw new Error("the maps have to be waited for");
    return snapshot;
  }

  return { reader, faults, start, ask, now, rejections };
}
