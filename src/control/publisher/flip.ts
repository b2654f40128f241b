/**
 * Flipping the root: the one moment at which edges learn anything. Three steps, each harmless to lose: `prepareFlip`
 * fixes the text of the next generation in the database; `writeFlip` puts the copy, reads it back and puts `root`;
 * `commitFlip` notes that it is out. After a crash the same text is written again under the same generation.
 */
import { MIN_ROOT_INTERVAL_MS } from "../../contracts/limits.ts";
import { BREAK_GLASS_KEY, ROOT_KEY, rootCopyKey, type Root } from "../../contracts/maps.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { folds } from "../../core/maps/folds.ts";
import { encodeRoot } from "../../core/maps/root-codec.ts";
import type { Db } from "../db.ts";
import { noteRoot } from "../history/roots.ts";
import { notePublished } from "../store/data-moves.ts";
import { addCounter, readCounter, readMeta, writeCounter, writeMeta } from "../store/meta.ts";
import { releaseUnnamed } from "../store/objects.ts";
import { insertPendingRoot, loadPublished, markPublished, type PendingRoot } from "../store/roots.ts";
import { Unpublishable } from "./build.ts";
import { composeRoot, encodeChecked, forgiveLoss, populationOfBatch, type Population } from "./compose.ts";
import { readBatch, writeBatch, type Batch } from "./phase.ts";
import type { PublisherPorts } from "./ports.ts";
import { parseRoot } from "./published.ts";
import { isUrgentNewer } from "./urgent.ts";

/** Break-glass (read, perhaps put), copy (put, read), root. */
export const OPERATIONS_A_FLIP = 5;

/** What the next root stands on: the shards it names, and up to which change they go. */
interface Ground {
  readonly batch: Batch | null;
  readonly population: Population;
  readonly shardSeq: number;
}

/** Settled, so that a root may name it. */
export function isReady(batch: Batch | null, nowMs: EpochMs): batch is Batch {
  return batch !== null && batch.readyAt !== null && batch.readyAt <= nowMs;
}

/**
 * Fixes the next root, when something can go out that is not out yet.
 * @returns null when there is nothing to publish.
 * @throws Unpublishable when readers would refuse it; nothing is written then.
 */
export function prepareFlip(db: Db, nowMs: EpochMs): PendingRoot | null {
  return db.transaction(() => {
    const published = parseRoot(readMeta(db, "published_root"));
    // What edges may hold beyond what was noted: somebody else's maps, or a root that a restore cut off on its way.
    const beyond = parseRoot(readMeta(db, "held_root"));
    const isBehind = (beyond?.generation ?? 0) > (published?.generation ?? 0);
    const held = isBehind ? beyond : published;
    const ground = findGround(db, { nowMs, published, held });
    if (ground === null) return null;
    const generation = Math.max(readCounter(db, "generation"), held?.generation ?? 0) + 1;
    const { population, shardSeq, batch } = ground;
    const composed = composeRoot(db, { generation, nowMs, population, shardSeq, held: published });
    const { urgent } = composed;
    const root = withRowsFrom(composed.root, held, batch);
    const rootSeq = readCounter(db, "seq");
    writeCounter(db, "urgent_tried", rootSeq);
    const isNews = published === null || isBehind || !sameMaps(root, published) || isUrgentNewer(urgent, db);
    const plan = { rootSeq, shardSeq, takesBatch: batch !== null, urgent: urgent.included };
    if (!isNews && published !== null) {
      finishUnchanged(db, { generation: published.generation, text: encodeRoot(published), plan }, nowMs);
      return null;
    }
    const text = encodeChecked(root, held);
    if (!text.ok) throw new Unpublishable(text.error);
    const pending: PendingRoot = { generation, text: text.value, plan };
    insertPendingRoot(db, pending, nowMs);
    return pending;
  });
}

/** True when `prepareFlip` may find something: a batch is ready, or the root itself or an urgent account has changed. */
export function isFlipDue(db: Db, nowMs: EpochMs): boolean {
  if (isReady(readBatch(db), nowMs)) return true;
  if (readMeta(db, "published_root") === null || readMeta(db, "restored") !== null) return false;
  const waiting = db.rows(
    "SELECT 1 FROM outbox WHERE done_generation IS NULL AND (scope = 'root' OR (scope = 'urgent' AND seq > ?)) LIMIT 1",
    readCounter(db, "urgent_tried"),
  );
  return waiting.length > 0;
}

/**
 * Says from which root on rows belong to this one. What edges hold may be any root before it, so it is not enough that
 * each of them compares two: something may have come into the root and gone into the rows between.
 */
function withRowsFrom(root: Root, held: Root | null, batch: Batch | null): Root {
  if (held === null) return root;
  const rowsFrom = batch?.rewrites === true || folds(held, root) ? root.generation : held.rowsFrom;
  return rowsFrom === undefined ? root : { ...root, rowsFrom };
}

function findGround(
  db: Db,
  { nowMs, published, held }: { nowMs: EpochMs; published: Root | null; held: Root | null },
): Ground | null {
  const restored = readMeta(db, "restored") !== null;
  const batch = readBatch(db);
  if (isReady(batch, nowMs)) {
    return {
      batch,
      population: populationForReaders(db, batch, restored ? held : null),
      shardSeq: batch.seq,
    };
  }
  // Restored products may lack versions that the old shards name, so they go out only together with their own shards.
  if (published === null || restored) return null;
  const { accounts, domains, removed, index } = published;
  const shardSeq = loadPublished(db)?.shardSeq ?? 0;
  return { batch: null, population: { accounts, domains, removed, index }, shardSeq };
}

function populationForReaders(db: Db, batch: Batch, forgive: Root | null): Population {
  const population = populationOfBatch(batch);
  if (forgive === null) return population;
  const forgiven = forgiveLoss(population, forgive);
  addCounter(db, "removed_accounts", forgiven.removed.accounts - batch.removed.accounts);
  addCounter(db, "removed_domains", forgiven.removed.domains - batch.removed.domains);
  writeBatch(db, { ...batch, removed: forgiven.removed });
  return forgiven;
}

/** Equal but for number and time. */
function sameMaps({ rowsFrom: _from, ...root }: Root, { rowsFrom: _until, ...published }: Root): boolean {
  const { generation, publishedAt } = published;
  return encodeRoot({ ...root, generation, publishedAt }) === encodeRoot(published);
}

/** When the root may be written next; `root` takes one write a second. After a clock went back, from `nowMs` on. */
export function nextRootWrite(db: Db, nowMs: EpochMs): EpochMs {
  return Math.min(readCounter(db, "last_root_write"), nowMs) + MIN_ROOT_INTERVAL_MS;
}

/** Writes a fixed root. Safe to repeat with the same one. */
export async function writeFlip({ db, store, clock }: PublisherPorts, pending: PendingRoot): Promise<void> {
  if (readCounter(db, "break_glass_made") === 0) {
    // Readers ask for it all the time and KV caches misses, so it must exist; what operators wrote is never touched.
    if ((await store.get(BREAK_GLASS_KEY)) === null) await store.put(BREAK_GLASS_KEY, "{}");
    writeCounter(db, "break_glass_made", 1);
  }
  const copy = rootCopyKey(pending.generation);
  await store.put(copy, pending.text);
  const back = await store.get(copy);
  if (back !== pending.text)
    throw new Error(`${copy} was written but reads back ${back === null ? "as missing" : "differently"}`);
  writeCounter(db, "last_root_write", clock.nowMs());
  await store.put(ROOT_KEY, pending.text);
}

/** Notes that a root is out: outbox, urgent accounts, the book of objects, and the end of its batch. */
export function commitFlip(db: Db, pending: PendingRoot, nowMs: EpochMs): void {
  db.transaction(() => {
    markPublished(db, pending.generation, nowMs);
    writeMeta(db, "published_root", pending.text);
    writeMeta(db, "held_root", null);
    settleOutbox(db, pending, nowMs);
    for (const { account, seq } of pending.plan.urgent) {
      db.run("UPDATE urgent SET published_seq = ? WHERE account = ?", seq, account);
    }
    const root = parseRoot(pending.text);
    notePublished(db, { ...pending.plan, generation: pending.generation }, nowMs);
    if (root !== null) noteRoot(db, { root, shardSeq: pending.plan.shardSeq, nowMs });
    if (pending.plan.takesBatch) endBatch(db, pending);
  });
}

/** Nothing differs from what is out (a change that was taken back): done without a write. */
function finishUnchanged(db: Db, published: PendingRoot, nowMs: EpochMs): void {
  db.run(
    "UPDATE roots SET root_seq = max(root_seq, ?2), shard_seq = max(shard_seq, ?3) WHERE generation = ?1",
    published.generation,
    published.plan.rootSeq,
    published.plan.shardSeq,
  );
  notePublished(db, { ...published.plan, generation: published.generation }, nowMs);
  settleOutbox(db, published, nowMs);
  if (published.plan.takesBatch) endBatch(db, published);
}

function settleOutbox(db: Db, { generation, plan }: PendingRoot, nowMs: EpochMs): void {
  db.run(
    `UPDATE outbox SET done_generation = ?1, done_at = ?2 WHERE done_generation IS NULL
     AND ((scope = 'root' AND seq <= ?3) OR (scope <> 'root' AND seq <= ?4))`,
    generation,
    nowMs,
    plan.rootSeq,
    plan.shardSeq,
  );
  db.run(
    `UPDATE outbox SET done_generation = ?1, done_at = ?2 WHERE done_generation IS NULL AND scope = 'urgent'
     AND EXISTS (SELECT 1 FROM json_each(?3) AS shown WHERE shown.value ->> 'account' = outbox.account AND outbox.seq <= shown.value ->> 'seq')`,
    generation,
    nowMs,
    JSON.stringify(plan.urgent),
  );
}

function endBatch(db: Db, { generation, plan, text }: PendingRoot): void {
  db.run(
    `INSERT OR REPLACE INTO published_shards (number, hash)
     SELECT s.number, s.hash FROM shards s LEFT JOIN published_shards p ON p.number = s.number WHERE p.hash IS NOT s.hash`,
  );
  db.run("DELETE FROM published_shards WHERE number NOT IN (SELECT number FROM shards)");
  releaseUnnamed(db, generation - 1, [parseRoot(text)?.index.hash ?? ""]);
  db.run("DELETE FROM urgent WHERE seq <= ?", plan.shardSeq);
  writeMeta(db, "restored", null);
  writeBatch(db, null);
}
