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

interface Stored {
  readonly shard: Shard;
  /** Number of the use that was its last. */
  used: number;
}

/** An empty store of at most `maxBytes`; a single shard above that is kept until the next one comes. */
export function createShardStore(maxBytes: number = MAX_STORED_BYTES): ShardStore {
  const shards = new Map<string, Stored>();
  let bytes = 0;
  let uses = 0;

  function remove(hash: string): void {
    const stored = shards.get(hash);
    if (stored === undefined) return;
    shards.delete(hash);
    bytes -= stored.shard.text.length;
  }

  /** Looked for when one has to go, which is rare; to keep them in order would cost every look-up. */
  function leastUsed(): string {
    let least = Infinity;
    let found = "";
    for (const [hash, { used }] of shards) {
      if (used >= least) continue;
      least = used;
      found = hash;
    }
    return found;
  }

  return {
    get(hash) {
      const stored = shards.get(hash);
      if (stored === undefined) return undefined;
      stored.used = ++uses;
      return stored.shard;
    },
    put(hash, shard) {
      remove(hash);
      shards.set(hash, { shard, used: ++uses });
      bytes += shard.text.length;
      while (bytes > maxBytes && shards.size > 1) remove(leastUsed());
    },
    delete: remove,
    bytes: () => bytes,
  };
}
