/**
 * Whether what was changed can be read from the published shards. Asked by whatever waits for its own changes to be out:
 * homes that were written, accounts that were taken out of a batch, groups that were split. Reads only.
 */
import type { Db } from "../db.ts";
import { loadPublished } from "../store/roots.ts";
import { hasDirtyShards } from "./build.ts";
import { readBatch } from "./phase.ts";

/**
 * Whether the published shards have every change up to this one. When none waits they have them all, also where the one
 * asked about has changed no account: no shard is published for its sake, and whoever waited for one would wait for ever.
 */
export function isOut(db: Db, seq: number): boolean {
  const published = loadPublished(db);
  if (published === null) return false;
  return published.shardSeq >= seq || (readBatch(db) === null && !hasDirtyShards(db));
}
