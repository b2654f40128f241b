/** Buckets: always in range, spread evenly, and independent between salts. */
import fc from "fast-check";
import { describe, it } from "vitest";
import { bucketOf } from "../../src/core/bucket.ts";
import { shardOf } from "../../src/core/maps/key-hash.ts";

const ACCOUNTS = 100_000;
const slugs = Array.from({ length: ACCOUNTS }, (_, number) => `account-${number}`);

/** Sum over cells of (got - wanted)² / wanted; for k cells about k, with a deviation of √(2k). */
function chiSquared(counts: readonly number[], wanted: number): number {
  return counts.reduce((sum, got) => sum + (got - wanted) ** 2 / wanted, 0);
}

function counts(cells: number, cellOf: (slug: string) => number): number[] {
  const result = Array.from({ length: cells }, () => 0);
  for (const slug of slugs) {
    const cell = cellOf(slug);
    result[cell] = (result[cell] ?? 0) + 1;
  }
  return result;
}

/** Six deviations above the mean: an honest hash fails once in a hundred million. */
const bound = (cells: number): number => cells + 6 * Math.sqrt(2 * cells);

describe("bucketOf", () => {
  it("is a whole number from 0 to 9,999 for any text", ({ expect }) => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (salt, slug) => {
        const bucket = bucketOf(salt, slug);
        expect(Number.isInteger(bucket) && bucket >= 0 && bucket < 10_000).toBe(true);
      }),
    );
  });

  it("spreads accounts evenly over buckets, whatever the salt", ({ expect }) => {
    for (const salt of ["", "s1", "2026-11-autumn"]) {
      const spread = counts(1000, (slug) => Math.floor(bucketOf(salt, slug) / 10));
      expect(chiSquared(spread, ACCOUNTS / 1000)).toBeLessThan(bound(1000));
    }
  });

  it("takes other accounts first under another salt, and no fixed part of a shard", ({ expect }) => {
    const twice = counts(
      100,
      (slug) => Math.floor(bucketOf("a", slug) / 1000) * 10 + Math.floor(bucketOf("b", slug) / 1000),
    );
    const inShard = counts(160, (slug) => shardOf(slug, 16) * 10 + Math.floor(bucketOf("a", slug) / 1000));
    expect(chiSquared(twice, ACCOUNTS / 100)).toBeLessThan(bound(100));
    expect(chiSquared(inShard, ACCOUNTS / 160)).toBeLessThan(bound(160));
  });
});
