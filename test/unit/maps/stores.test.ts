/** The two bounded memories of the reader: shards by bytes, hot rows by number. */
import { describe, it } from "vitest";
import { createHotRows } from "../../../src/adapters/maps-reader/hot-rows.ts";
import { createShardStore } from "../../../src/adapters/maps-reader/shard-store.ts";
import type { RowLookup } from "../../../src/adapters/maps-reader/types.ts";
import { encodeShard, openShard, type Shard } from "../../../src/core/maps/shard-codec.ts";
import { contentHash } from "../../../src/core/sha256.ts";
import { accounts, row } from "../../support/maps-builders.ts";

function shard(): Shard {
  const text = encodeShard({ shard: 0, shards: 1, rows: accounts(100) });
  const opened = openShard(text, contentHash(text));
  if (!opened.ok) throw new Error(opened.error.detail);
  return opened.value;
}

describe("createShardStore", () => {
  const one = shard();
  const size = one.text.length;

  it("drops the least recently used shards above its bound", ({ expect }) => {
    const store = createShardStore(3 * size);
    for (const hash of ["a", "b", "c"]) store.put(hash, one);
    store.get("a");
    store.put("d", one);
    expect(["a", "b", "c", "d"].map((hash) => store.get(hash) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
    expect(store.bytes()).toBe(3 * size);
  });

  it("counts a shard once that is put again, and not at all when deleted", ({ expect }) => {
    const store = createShardStore(3 * size);
    store.put("a", one);
    store.put("a", one);
    expect(store.bytes()).toBe(size);
    store.delete("a");
    store.delete("a");
    expect(store.bytes()).toBe(0);
  });

  it("keeps one that is larger than its bound until the next comes", ({ expect }) => {
    const store = createShardStore(10);
    store.put("a", one);
    expect(store.get("a")).toBe(one);
    store.put("b", one);
    expect([store.get("a"), store.get("b")]).toEqual([undefined, one]);
  });
});

describe("createHotRows", () => {
  const found = (slug: string): RowLookup => ({ kind: "row", row: row({ slug }), stale: false });

  it("stays bounded and keeps what is asked for", ({ expect }) => {
    const rows = createHotRows();
    rows.set("busy", found("busy"));
    for (let number = 0; number < 40_000; number++) {
      rows.set(`a${number}`, found(`a${number}`));
      if (number % 1000 === 0) expect(rows.get("busy")).toBeDefined();
    }
    expect(rows.get("a0")).toBeUndefined();
    expect(rows.get("a39999")).toBeDefined();
  });

  it("forgets everything when other maps are adopted", ({ expect }) => {
    const rows = createHotRows();
    rows.set("acme", found("acme"));
    rows.clear();
    expect(rows.get("acme")).toBeUndefined();
  });
});
