/**
 * Hashes, buckets and shard numbers against golden values of another implementation (see `source` in buckets.json).
 * A failure here means that accounts would move: never regenerate the file to make it pass.
 */
import { describe, it } from "vitest";
import { bucketOf } from "../../../src/core/bucket.ts";
import { isShardCount, shardCountFor, shardOf } from "../../../src/core/maps/key-hash.ts";
import { murmur3 } from "../../../src/core/murmur3.ts";
import { contentHash, sha256Hex } from "../../../src/core/sha256.ts";
import vectors from "../../vectors/buckets.json" with { type: "json" };

describe("murmur3", () => {
  it("agrees with the golden values, non-ASCII text included", ({ expect }) => {
    for (const { text, seed, hash } of vectors.hashes)
      expect([text, seed, murmur3(text, seed)]).toEqual([text, seed, hash]);
  });
});

describe("bucketOf", () => {
  it("agrees with the golden values", ({ expect }) => {
    for (const { salt, slug, bucket } of vectors.buckets)
      expect([salt, slug, bucketOf(salt, slug)]).toEqual([salt, slug, bucket]);
  });
});

describe("shardOf", () => {
  it("agrees with the golden values", ({ expect }) => {
    for (const { key, shards, shard } of vectors.shards)
      expect([key, shards, shardOf(key, shards)]).toEqual([key, shards, shard]);
  });

  it("splits shard n into 2n and 2n + 1 when the count doubles", ({ expect }) => {
    for (let i = 0; i < 1000; i++) expect(shardOf(`a${i}`, 2048) >> 1).toBe(shardOf(`a${i}`, 1024));
  });
});

describe("shardCountFor", () => {
  it("keeps the count until shards hold twice their target, then goes near the target", ({ expect }) => {
    expect([0, 2000, 2001, 4001, 1_000_000].map((rows) => shardCountFor(rows, 1))).toEqual([
      1, 1, 2, 4, 1024,
    ]);
    expect(shardCountFor(1_000_000, 512)).toBe(512);
    expect(shardCountFor(2_000_000, 512)).toBe(2048);
  });

  it("never shrinks and stops at the limit", ({ expect }) => {
    expect(shardCountFor(10, 1024)).toBe(1024);
    expect(shardCountFor(1_000_000_000, 1)).toBe(16_384);
  });

  it("accepts powers of two up to the limit only", ({ expect }) => {
    expect([1, 2, 16_384].every(isShardCount)).toBe(true);
    expect([0, -1, 3, 1.5, 32_768, NaN].some(isShardCount)).toBe(false);
  });
});

describe("sha256", () => {
  it("gives the digest of FIPS 180-4's example, and its first half as a name", ({ expect }) => {
    expect(sha256Hex("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(contentHash("abc")).toBe("ba7816bf8f01cfea414140de5dae2223");
  });
});
