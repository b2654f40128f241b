/**
 * The maps reader of one isolate, as deployed, over the real binding of KV with its reads counted. The clock is the
 * caller's, so that an hour of requests takes a second. Used by the benchmark's Worker alone.
 */
// oxlint-disable no-restricted-imports -- part of a Worker, not a script that talks to one
import { createMapsKv, type MapsKv } from "../../../src/adapters/kv.ts";
import { createMapsReader } from "../../../src/adapters/maps-reader.ts";
import type { MapsReader } from "../../../src/adapters/maps-reader/types.ts";
import type { Env } from "../../../src/compose.ts";
import { ROOT_KEY } from "../../../src/contracts/maps.ts";
import { DOMAIN } from "../world/accounts.ts";

/** Reads of KV as they are billed for operations: several keys in one read are one. */
export interface Counted {
  readonly kv: MapsKv;
  operations: number;
  root: number;
  /** Replaces the root that KV has. */
  rootText: string | null;
}

export interface Node {
  readonly reader: MapsReader;
  readonly counted: Counted;
  nowMs: number;
}

const START_MS = 1_795_000_000_000;
function countReads(namespace: KVNamespace): Counted {
  const real = createMapsKv(namespace);
  const counted: Counted = {
    operations: 0,
    root: 0,
    rootText: null,
    kv: {
      async getMany(keys) {
        counted.operations += 1;
        if (keys.includes(ROOT_KEY)) counted.root += 1;
        const found = await real.getMany(keys);
        if (counted.rootText !== null && found.has(ROOT_KEY)) found.set(ROOT_KEY, counted.rootText);
        return found;
      },
      async get(key, ttlSeconds) {
        counted.operations += 1;
        return real.get(key, ttlSeconds);
      },
    },
  };
  return counted;
}

/** A reader that has read nothing yet. */
export function createNode(env: Env): Node {
  const counted = countReads(env.MAPS);
  const node: Node = { nowMs: START_MS, counted, reader: createReader() };
  function createReader(): MapsReader {
    return createMapsReader({
      kv: counted.kv,
      cache: null,
      fallback: { kiln: { domains: [DOMAIN], origin: null } },
      breakGlassVariable: "",
      clock: {
        nowMs: () => node.nowMs,
        // Waiting is real: it ends when KV has answered or far later.
        sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
        random: () => Math.random(),
      },
      onFault: (fault, detail) => {
        throw new Error(`${fault}: ${detail}`);
      },
    });
  }
  return node;
}
