/**
 * Maps of a size that nobody has yet: a million accounts (fewer in the short form) and a twentieth as many custom domains
 * over twenty versions. Written as the publisher writes them, read as an isolate reads them: every object within its
 * limit, few reads when cold, look-ups in microseconds, and all shards together within what an isolate may hold.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beforeAll, describe, it } from "vitest";
import { MAX_INDEX_BYTES, MAX_ROOT_BYTES, MAX_SHARD_BYTES } from "../../../src/contracts/limits.ts";
import { indexKey, ROOT_KEY, shardKey, type AccountRow } from "../../../src/contracts/maps.ts";
import { encodeIndex } from "../../../src/core/maps/index-codec.ts";
import { shardCountFor, shardOf } from "../../../src/core/maps/key-hash.ts";
import { encodeRoot } from "../../../src/core/maps/root-codec.ts";
import { checkRoot } from "../../../src/core/maps/root-limits.ts";
import { encodeShard } from "../../../src/core/maps/shard-codec.ts";
import { contentHash } from "../../../src/core/sha256.ts";
import { inForm } from "../../support/form.ts";
import { createIsolate, createWorld, type Isolate, type World } from "../../support/isolate.ts";
import { product, root, row } from "../../support/maps-builders.ts";

const ACCOUNTS = inForm({ short: 50_000, long: 1_000_000 });
const DOMAINS = ACCOUNTS / 20;
const VERSIONS = Array.from({ length: 20 }, (_, n) => `2.${n}.0`);
const MIB = 1024 * 1024;
/** An isolate has 128 MB for everything. */
const MOST_BYTES = 100 * MIB;
const COLD_LIMIT_MS = 300;
const WARM_P99_LIMIT_MS = 1;
const TIMEOUT_MS = inForm({ short: 60_000, long: 600_000 });

const slugOf = (n: number): string => `account-${n.toString(36)}`;
const hostOf = (n: number): string => `code.customer-${n.toString(36)}.example`;
const homeOf = (n: number): string => VERSIONS[n % VERSIONS.length] ?? "";
const keyOf = (n: number): string => (n < ACCOUNTS ? slugOf(n) : hostOf(n - ACCOUNTS));

function rowOf(n: number): AccountRow {
  if (n < ACCOUNTS) return row({ slug: slugOf(n), homes: { kiln: homeOf(n) }, group: n % 2000 });
  const owner = n - ACCOUNTS;
  const homes = { kiln: homeOf(owner) };
  return row({ key: hostOf(owner), slug: slugOf(owner), product: "kiln", homes, group: owner % 2000 });
}

/** Bytes that are really held: after a collection. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

interface Size {
  readonly shards: number;
  readonly textBytes: number;
  readonly largestBytes: number;
  readonly rootBytes: number;
  readonly indexBytes: number;
}

/** Builds shard by shard, so that the rows of one are in memory at a time. */
function publish(world: World): Size {
  const rows = ACCOUNTS + DOMAINS;
  const shards = shardCountFor(rows, 1);
  const places = Array.from({ length: shards }, (): number[] => []);
  for (let n = 0; n < rows; n += 1) places[shardOf(keyOf(n), shards)]?.push(n);
  let [textBytes, largestBytes] = [0, 0];
  const index = places.map((mine, shard) => {
    const text = encodeShard({ shard, shards, rows: mine.map(rowOf) });
    const hash = contentHash(text);
    world.kv.entries.set(shardKey(hash), text);
    textBytes += text.length;
    largestBytes = Math.max(largestBytes, text.length);
    return hash;
  });
  const indexText = encodeIndex(index);
  world.kv.entries.set(indexKey(contentHash(indexText)), indexText);
  const versions = Object.fromEntries(
    VERSIONS.map((name) => [
      name,
      { origin: `https://kiln-${name}.origins.example.net`, state: "live" as const },
    ]),
  );
  const made = root({
    accounts: ACCOUNTS,
    domains: DOMAINS,
    index: { hash: contentHash(indexText), shards, inline: null },
    products: { kiln: product("kiln", { versions, stable: "2.0.0", default: "2.0.0", standby: null }) },
  });
  const refused = checkRoot(made);
  if (refused !== null) throw new Error(refused.detail);
  const rootText = encodeRoot(made);
  world.kv.entries.set(ROOT_KEY, rootText);
  return { shards, textBytes, largestBytes, rootBytes: rootText.length, indexBytes: indexText.length };
}

describe("maps of every account there could be", () => {
  const world = createWorld();
  let size: Size;
  let isolate: Isolate;

  beforeAll(() => {
    size = publish(world);
    isolate = createIsolate(world);
  }, TIMEOUT_MS);

  it("stay within the limits of KV and of readers", async ({ expect, annotate }) => {
    const { shards, textBytes, largestBytes, rootBytes, indexBytes } = size;
    await annotate(
      `${ACCOUNTS} accounts, ${DOMAINS} custom domains, ${VERSIONS.length} versions: ${shards} shards of at most ${Math.round(largestBytes / 1024)} KB, ${(textBytes / MIB).toFixed(1)} MB in all, index ${Math.round(indexBytes / 1024)} KB, root ${Math.round(rootBytes / 1024)} KB`,
    );
    expect(largestBytes).toBeLessThanOrEqual(MAX_SHARD_BYTES);
    expect(indexBytes).toBeLessThanOrEqual(MAX_INDEX_BYTES);
    expect(rootBytes).toBeLessThanOrEqual(MAX_ROOT_BYTES);
    expect(textBytes).toBeLessThan(MOST_BYTES);
  });

  it(
    "are read in three operations by a cold isolate, and no host is slow",
    async ({ expect, annotate }) => {
      const before = heldBytes();
      const started = performance.now();
      const { found } = await isolate.ask(slugOf(7));
      const coldMs = performance.now() - started;
      expect(found).toMatchObject({ kind: "row", row: { homes: { kiln: homeOf(7) } } });
      expect(world.kv.calls).toHaveLength(3);

      const { reader } = isolate;
      const asking = { nowMs: world.clock.nowMs(), waitUntil: () => undefined };
      const snapshot = isolate.now();
      // Every shard once, then again: the second time nothing is waited for.
      for (let n = 0; n < ACCOUNTS; n += Math.ceil(ACCOUNTS / (size.shards * 20)))
        await reader.row(snapshot, slugOf(n), asking);
      // The texts are this KV's own strings, so what the reader makes of them comes on top of their size.
      const held = size.textBytes + size.indexBytes + Math.max(0, heldBytes() - before);
      const times: number[] = [];
      for (let n = 0; n < ACCOUNTS; n += Math.ceil(ACCOUNTS / 20_000)) {
        for (const [key, owner] of [
          [slugOf(n), n],
          [hostOf(n % DOMAINS), n % DOMAINS],
        ] as const) {
          const from = performance.now();
          const answer = reader.row(snapshot, key, asking);
          times.push(performance.now() - from);
          expect(answer).toMatchObject({ kind: "row", row: { homes: { kiln: homeOf(owner) } } });
        }
      }
      const sorted = times.toSorted((a, b) => a - b);
      const p99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? Infinity;
      await annotate(
        `cold: 3 KV operations, ${coldMs.toFixed(0)} ms of work; warm: ${times.length} look-ups over all shards, median ${((sorted[sorted.length >> 1] ?? 0) * 1000).toFixed(1)} µs, p99 ${(p99Ms * 1000).toFixed(1)} µs; ${(held / MIB).toFixed(1)} MB held with all shards touched`,
      );
      expect(coldMs).toBeLessThan(COLD_LIMIT_MS);
      expect(held).toBeLessThan(MOST_BYTES);
      expect(p99Ms).toBeLessThan(WARM_P99_LIMIT_MS);
    },
    TIMEOUT_MS,
  );
});
