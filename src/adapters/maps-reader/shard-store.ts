/**
 * Opened shards by hash, bounded by the bytes of their texts; the least recently used go first.
 * Owns memory and nothing else: no reading, no idea of which index is current. Used by `shards`.
 */
import type { Shard } from "../../core/maps/shard-codec.ts";

/** A million accounts need 20 to 30 MB; an isolate has 128 MB for everything. */
export const MAX_STORED_BYTES = 64 * 1024 * 1024;

export interface ShardStore {
  /** The shard of this hash, marked as used. */
  get(hash: string): Shard | undefined;
  put(hash: string, shard: Shard): void;
  delete(hash: string): void;
  /** Bytes of text held now. */
  bytes(): number;
}

/** An empty store of at most `maxBytes`; a single shard above that is kept until the next one comes. */
export function createShardStore(maxBytes: number = MAX_STORED_BYTES): ShardStore {
  // A Map keeps the order of insertion, so the first entry is the one that was not used for longest.
  const shards = new Map<string, Shard>();
  let bytes = 0;

  function remove(hash: string): void {
    const shard = shards.get(hash);
    if (shard === undefined) return;
    shards.delete(hash);
    bytes -= shard.text.length;
  }

  return {
    get(hash) {
      const shard = shards.get(hash);
      if (shard === undefined) return undefined;
      shards.delete(hash);
      shards.set(hash, shard);
      return shard;
    },
    put(hash, shard) {
      remove(hash);
      shards.set(hash, shard);
      bytes += shard.text.length;
      for (const oldest of shards.keys()) {
        if (bytes <= maxBytes || oldest === hash) break;
        remove(oldest);
      }
    },
    delete: remove,
    bytes: () => bytes,
  };
}
