/**
 * Whether what was changed can be read from the published shards. Asked by whatever waits for its own changes to be out:
 * homes that were written, accounts that were taken out of a batch, groups that were split. Reads only.
 */
import { toInstant } from "../clock.ts";
import type { Db } from "../db.ts";
import { readCounter, readMeta } from "../store/meta.ts";
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

/**
 * Why edges do not have what was decided, in words, while KV fails and something waits for it; null otherwise. What
 * merely takes its minute to go out is no reason.
 */
export function whyNotInEffect(db: Db): string | null {
  if (readMeta(db, "kv_problem") === null) return null;
  if (db.rows("SELECT 1 FROM outbox WHERE done_generation IS NULL LIMIT 1").length === 0) return null;
  const since = toInstant(readCounter(db, "kv_failing_since"));
  return `not yet in effect at the edges: publishing has been failing since ${since}, and is tried again`;
}
