/**
 * Which shard a key (slug or custom host) lives in, and how many shards there should be.
 * Publisher and reader must agree for ever on the hash: a change needs a new maps schema.
 * The shard number is the top bits of the hash, so when the count doubles, shard n splits into 2n and 2n + 1.
 */
import { MAX_SHARDS, TARGET_ROWS_PER_SHARD } from "../../contracts/limits.ts";
import { murmur3 } from "../murmur3.ts";

/** "fire" in ASCII; differs from the seed of buckets, so that a shard is no sample of buckets. */
const KEY_SEED = 0x66697265;

/** Grows past the target before splitting, and then not into shards far below it: 2,001 rows → 2 shards, not 4. */
const SETTLED_ROWS_PER_SHARD = TARGET_ROWS_PER_SHARD * 1.5;

/** 32-bit hash of a key, unsigned. */
export function keyHash(key: string): number {
  return murmur3(key, KEY_SEED);
}

/** Shard number, 0 to `shards` - 1, of a key. `shards` is a power of two of at most 16,384. */
export function shardOf(key: string, shards: number): number {
  return shardOfHash(keyHash(key), shards);
}

/** The same for who has the key's hash already. */
export function shardOfHash(hash: number, shards: number): number {
  // Math.clz32(n) is 31 - log2(n) for a power of two; a shift by 32 would be a shift by 0.
  return shards === 1 ? 0 : hash >>> (Math.clz32(shards) + 1);
}

/** True for a power of two between 1 and MAX_SHARDS. */
export function isShardCount(shards: number): boolean {
  return Number.isInteger(shards) && shards >= 1 && shards <= MAX_SHARDS && (shards & (shards - 1)) === 0;
}

/**
 * Shard count for a number of rows. Stays at `current` until shards hold twice their target on average, then grows
 * to near the target at once; never shrinks, because that would rewrite everything for nothing.
 * Worked examples from 1 shard: 2,000 rows → 1; 2,001 → 2; 1,000,000 → 1,024.
 */
export function shardCountFor(rows: number, current: number): number {
  if (rows <= current * 2 * TARGET_ROWS_PER_SHARD) return current;
  let shards = current;
  while (shards < MAX_SHARDS && rows > shards * SETTLED_ROWS_PER_SHARD) shards *= 2;
  return shards;
}
