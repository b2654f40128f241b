/**
 * Builds shards from the tables, a piece at a time, and closes the batch when nothing is dirty any more: in the same
 * transaction as its last shards, so that a batch is one consistent snapshot of the accounts. Idempotent: a piece that
 * was lost with a crash is dirty again. Refuses a shard over the reader's limit; nothing is written then.
 */
import { MAX_SHARDS, MAX_SHARD_BYTES } from "../../contracts/limits.ts";
import { encodeIndex } from "../../core/maps/index-codec.ts";
import { shardCountFor } from "../../core/maps/key-hash.ts";
import { encodeShard } from "../../core/maps/shard-codec.ts";
import { contentHash } from "../../core/sha256.ts";
import type { Db } from "../db.ts";
import { createShardRecorder } from "../history/shards.ts";
import { openValueBook } from "../history/values.ts";
import { intAt, readInt, textAt } from "../row.ts";
import { sortNewKeysIn } from "../store/account-keys.ts";
import { markAllDirty } from "../store/changes.ts";
import { readCounter, readMeta, writeCounter } from "../store/meta.ts";
import { releaseUnnamed, requireObject } from "../store/objects.ts";
import { publishedIndex } from "./published.ts";
import { writeBatch, type Batch } from "./phase.ts";
import { createRowSource, namesIn, type RowSource } from "./rows.ts";

/** Shards of one synchronous piece: about 64,000 rows, some 300 ms. */
export const PIECE_SHARDS = 64;
/** With this few shards the root carries their hashes itself (35 bytes each). */
const MAX_INLINE_SHARDS = 64;

/** Thrown when the tables cannot be published as they are; the message goes to `status`. */
export class Unpublishable extends Error {}

/** True when building has something to do: maps without a product that can answer would be refused by every reader. */
export function hasDirtyShards(db: Db): boolean {
  const products = db.rows(
    "SELECT 1 FROM products WHERE stable IS NOT NULL AND default_version IS NOT NULL LIMIT 1",
  );
  if (products.length === 0) return false;
  return readCounter(db, "shard_count") === 0 || db.rows("SELECT 1 FROM dirty_slots LIMIT 1").length > 0;
}

/**
 * Builds up to `limit` dirty shards, and closes the batch when these were the last.
 * @returns true when the batch is closed.
 * @throws Unpublishable when a shard is over the limit.
 */
export function buildPiece(db: Db, limit: number): boolean {
  return db.transaction(() => {
    sortNewKeysIn(db);
    const shards = fitShardCount(db);
    const dirty = dirtyShards(db, shards);
    const making: Making = {
      source: createRowSource(db),
      note: createShardRecorder(db, openValueBook(db)),
      seq: readCounter(db, "seq"),
    };
    for (const number of dirty.slice(0, limit)) buildShard(db, making, { number, shards });
    if (dirty.length > limit) return false;
    closeBatch(db, shards);
    return true;
  });
}

/** Grows the number of shards with the rows; then every shard is another one. */
function fitShardCount(db: Db): number {
  const current = Math.max(1, readCounter(db, "shard_count"));
  const rows =
    readCounter(db, "accounts") +
    readInt(db.rows("SELECT coalesce(sum(tombstones), 0) AS n FROM home_sets")[0] ?? {}, "n") +
    readInt(db.rows("SELECT count(*) AS n FROM custom_domains")[0] ?? {}, "n");
  const shards = shardCountFor(rows, current);
  if (shards === readCounter(db, "shard_count")) return shards;
  writeCounter(db, "shard_count", shards);
  db.run("DELETE FROM shards");
  markAllDirty(db, readCounter(db, "seq"));
  return shards;
}

function dirtyShards(db: Db, shards: number): readonly number[] {
  const slotsPerShard = MAX_SHARDS / shards;
  return db
    .raw("SELECT DISTINCT slot / CAST(?1 AS INTEGER) FROM dirty_slots ORDER BY 1", slotsPerShard)
    .map((row) => intAt(row, 0));
}

interface Making {
  readonly source: RowSource;
  /** Keeps what changed, for `explain --at` and the moves of an account. */
  readonly note: ReturnType<typeof createShardRecorder>;
  /** The last change that is in these shards. */
  readonly seq: number;
}

function buildShard(
  db: Db,
  { source, note, seq }: Making,
  { number, shards }: { number: number; shards: number },
): void {
  const width = 2 ** 32 / shards;
  const rows = source.inRange(number * width, (number + 1) * width - 1);
  const text = encodeShard({ shard: number, shards, rows });
  if (text.length > MAX_SHARD_BYTES) {
    throw new Unpublishable(
      `shard ${number} of ${shards} would have ${text.length} bytes, at most ${MAX_SHARD_BYTES}: shorten hold messages or spread custom domains over more accounts`,
    );
  }
  const hash = contentHash(text);
  requireObject(db, { hash, kind: "shard", text, names: namesIn(rows) });
  db.run("INSERT OR REPLACE INTO shards (number, hash) VALUES (?, ?)", number, hash);
  if (note({ number, shards, seq, rows })) writeCounter(db, "rows_rewritten", 1);
  const slotsPerShard = MAX_SHARDS / shards;
  db.run(
    "DELETE FROM dirty_slots WHERE slot >= ? AND slot < ?",
    number * slotsPerShard,
    (number + 1) * slotsPerShard,
  );
}

function closeBatch(db: Db, shards: number): void {
  const hashes = db.raw("SELECT hash FROM shards ORDER BY number").map((row) => textAt(row, 0));
  if (hashes.length !== shards)
    throw new Error(`there are ${hashes.length} shards where ${shards} should be`);
  const text = encodeIndex(hashes);
  const indexHash = contentHash(text);
  const inline = shards <= MAX_INLINE_SHARDS;
  if (!inline) requireObject(db, { hash: indexHash, kind: "index", text, names: [] });
  releaseUnnamed(db, readCounter(db, "generation"), [
    indexHash,
    publishedIndex(readMeta(db, "published_root")),
  ]);
  const batch: Batch = {
    seq: readCounter(db, "seq"),
    shards,
    indexHash,
    inline: inline ? hashes : null,
    accounts: readCounter(db, "accounts"),
    domains: readCounter(db, "domains"),
    removed: { accounts: readCounter(db, "removed_accounts"), domains: readCounter(db, "removed_domains") },
    rewrites: readCounter(db, "rows_rewritten") === 1,
    readyAt: null,
  };
  writeCounter(db, "rows_rewritten", 0);
  writeBatch(db, batch);
}
