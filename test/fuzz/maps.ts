/**
 * Fuzz targets of the published maps: root, index, shards and break-glass that are damaged, or wrong and well signed, read
 * by a warm reader, which keeps what it had unless what came is whole.
 */
import fc from "fast-check";
import { BREAK_GLASS_KEY, indexKey, ROOT_KEY, shardKey, type Root } from "../../src/contracts/maps.ts";
import { parseBreakGlass } from "../../src/core/maps/break-glass.ts";
import { decodeIndex, encodeIndex } from "../../src/core/maps/index-codec.ts";
import { decodeRoot, encodeRoot } from "../../src/core/maps/root-codec.ts";
import { openShard } from "../../src/core/maps/shard-codec.ts";
import { contentHash, sha256Hex } from "../../src/core/sha256.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import { createIsolate, createWorld } from "../support/isolate.ts";
import { accounts, breakGlass, product, published, rollout, row } from "../support/maps-builders.ts";
import { nearDocument, nearText } from "./mutate.ts";
import { must, type Target } from "./target.ts";

const REFRESH_MS = 40_000;
const HELD = { mode: "page", message: "soon", until: null } as const;
const ROWS = [
  ...accounts(40),
  row({ slug: "pinned", pins: { kiln: "2.7.0" }, cell: "eu1", group: 0 }),
  row({ slug: "held", hold: HELD, quarantine: { kiln: "2.7.0" } }),
  row({ slug: "gone", deleted: true }),
  row({ key: "code.pinned.example", slug: "pinned", product: "kiln" }),
];
const KEYS = ["a1", "pinned", "held", "gone", "code.pinned.example", "nobody"];
const FULL: Partial<Root> = {
  rollouts: [rollout({ moved: [4000] })],
  urgent: [row({ slug: "urgent", pins: { kiln: "2.8.1" } })],
  products: { kiln: product("kiln", { hold: HELD }), fogbugz: product("fogbugz") },
};
const GOOD = published({ ...FULL, generation: 5, products: { kiln: product("kiln") } }, ROWS, { shards: 2 });
const NEXT = published({ ...FULL, generation: 6 }, ROWS.slice(0, -1).concat(row({ slug: "late" })), {
  shards: 2,
});
const textOf = (key: string): string => NEXT.entries.get(key) ?? "";
const SHARD = NEXT.index[0] ?? "";
const GLASS = breakGlass({
  instead: { kiln: { "2.9.0": "2.8.0" } },
  default: { kiln: "2.8.0" },
  accounts: { a1: { kiln: "2.7.0" } },
  hold: { accounts: { held: HELD }, products: {} },
});

/** A root of any content with the checksum that belongs to it, one member a line. */
function signRoot(document: unknown): string {
  if (typeof document !== "object" || document === null || Array.isArray(document))
    return JSON.stringify(document);
  const lines = Object.entries(document)
    .filter(([name]) => name !== "checksum")
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value) ?? "null"}`)
    .join(",\n");
  return `{\n${lines},\n"checksum":"${sha256Hex(`{\n${lines}\n}`)}"\n}`;
}

const rootText = fc.oneof(
  nearDocument([JSON.parse(textOf(ROOT_KEY))]).map(signRoot),
  nearText(fc.constant(textOf(ROOT_KEY))),
);
const shardText = nearText(fc.constant(textOf(shardKey(SHARD))));
const indexText = nearText(fc.constant(textOf(indexKey(NEXT.root.index.hash))));
const glassText = fc.oneof(
  nearDocument([
    GLASS,
    { reason: "r", expires: "2026-11-29T06:00:00Z", hold: { products: { kiln: true } } },
  ]).map((document) => JSON.stringify(document) ?? ""),
  nearText(fc.constant(JSON.stringify(GLASS))),
);

function decideAll(root: Root, glass: ReturnType<typeof breakGlass> | null): void {
  for (const slug of KEYS)
    for (const name of [...Object.keys(root.products), "kiln"])
      decideVersion({ root, breakGlass: glass, product: name, slug, row: row({ slug }), override: null });
}

export const rootTarget: Target = {
  name: "root",
  about:
    "published roots: refused with a reason, or read and written back as the same root that decides for anybody",
  property: () =>
    fc.property(rootText, (text) => {
      const decoded = decodeRoot(text);
      if (!decoded.ok) return must(decoded.error.detail.length > 10, "refused without a reason");
      const again = decodeRoot(encodeRoot(decoded.value));
      must(again.ok && encodeRoot(again.value) === encodeRoot(decoded.value), "not a fixed point", text);
      decideAll(decoded.value, null);
    }),
};

export const shardTarget: Target = {
  name: "shard",
  about:
    "shards and indexes under the name of their content: refused with a reason, or every row can be found and read",
  property: () =>
    fc.property(shardText, indexText, (shard, index) => {
      const opened = openShard(shard, contentHash(shard));
      if (opened.ok) {
        for (const found of opened.value.list())
          must(
            fc.stringify(opened.value.find(found.key)) === fc.stringify(found),
            "a row is not found",
            found,
          );
        for (const key of KEYS) opened.value.find(key);
      } else must(opened.error.detail.length > 10, "refused without a reason");
      const hashes = decodeIndex(index, contentHash(index));
      if (hashes.ok) must(encodeIndex(hashes.value).length > 0, "not an index", index);
    }),
};

export const breakGlassTarget: Target = {
  name: "break-glass",
  about:
    "break-glass documents: refused naming each problem, or the same again when written out, and decided by",
  property: () =>
    fc.property(glassText, (text) => {
      const parsed = parseBreakGlass(text);
      if (!parsed.ok) return must(parsed.error.detail.length > 3, "refused without a reason");
      if (parsed.value === null) return;
      const again = parseBreakGlass(JSON.stringify(parsed.value));
      must(again.ok && fc.stringify(again.value) === fc.stringify(parsed.value), "not a fixed point", again);
      decideAll(NEXT.root, parsed.value);
    }),
};

/** What KV answers next: any of its documents wrong, the others as they were published. */
const hostile = fc.record(
  { root: rootText, shard: shardText, index: indexText, glass: glassText, renamed: fc.boolean() },
  { requiredKeys: ["renamed"] },
);

export const readerTarget: Target = {
  name: "kv",
  about:
    "a warm reader whose KV turns hostile: the last good maps stay, nobody loses a row, nothing is rejected",
  property: () =>
    fc.asyncProperty(hostile, async ({ root, shard, index, glass, renamed }) => {
      const world = createWorld();
      world.kv.publish(GOOD.entries);
      const isolate = createIsolate(world);
      const before = new Map<string, string>();
      for (const key of KEYS) before.set(key, fc.stringify((await isolate.ask(key)).found));
      world.kv.publish(NEXT.entries);
      if (root !== undefined) world.kv.entries.set(ROOT_KEY, root);
      if (shard !== undefined) world.kv.entries.set(shardKey(renamed ? contentHash(shard) : SHARD), shard);
      if (index !== undefined) world.kv.entries.set(indexKey(NEXT.root.index.hash), index);
      if (glass !== undefined) world.kv.entries.set(BREAK_GLASS_KEY, glass);
      for (let period = 0; period < 2; period += 1) {
        await world.clock.advance(REFRESH_MS);
        isolate.now();
        await world.clock.settle();
      }
      for (const key of KEYS) {
        const { snapshot, found } = await isolate.ask(key);
        must(snapshot.root !== null && snapshot.generation >= 5, "the last good maps are gone", snapshot);
        must(found.kind !== "unresolved", "a row is gone", key);
        if (snapshot.generation === 5) must(fc.stringify(found) === before.get(key), "another row", key);
        decideAll(snapshot.root, snapshot.breakGlass);
      }
      must(isolate.rejections.length === 0, "rejected", isolate.rejections);
    }),
};
