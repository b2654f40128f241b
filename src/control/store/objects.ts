/**
 * The publisher's book of immutable objects in KV: shards and indexes by content hash. An object waits (has text) until
 * it was written and read back; it is named (last_generation null) while the published or the waiting index has it, and
 * afterwards remembers the last generation that may have named it, which is all that collection needs.
 */
import type { EpochMs, Generation, ProductName, VersionName } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { parseList, readInt, readText } from "../row.ts";

export type ObjectKind = "shard" | "index";

export interface WaitingObject {
  readonly hash: string;
  readonly kind: ObjectKind;
  readonly text: string;
}

/** Makes sure an object will be in KV: it waits to be written unless it is there already. */
export function requireObject(db: Db, object: WaitingObject & { readonly names: readonly string[] }): void {
  // An object that is being deleted is taken to be gone; the collector sees that it was asked for again. One that was
  // given up before it was ever written (half a batch that changed once more, or a restore) is not in KV either.
  db.run(
    `INSERT INTO objects (hash, kind, text, names, deleting) VALUES (?1, ?2, ?3, ?4, 0)
     ON CONFLICT (hash) DO UPDATE SET last_generation = NULL,
       text = CASE WHEN deleting = 1 OR written_at IS NULL THEN ?3 ELSE text END,
       written_at = CASE WHEN deleting = 1 THEN NULL ELSE written_at END,
       deleting = 0`,
    object.hash,
    object.kind,
    object.text,
    JSON.stringify(object.names),
  );
}

/** Objects still to be written, shards before the index that names them. */
export function loadWaitingObjects(db: Db, limit: number): readonly WaitingObject[] {
  return db
    .rows(
      "SELECT hash, kind, text FROM objects WHERE text IS NOT NULL ORDER BY kind DESC, hash LIMIT ?",
      limit,
    )
    .map((row) => ({
      hash: readText(row, "hash"),
      kind: readText(row, "kind") === "index" ? "index" : "shard",
      text: readText(row, "text"),
    }));
}

export function countWaitingObjects(db: Db): number {
  return readInt(db.rows("SELECT count(*) AS n FROM objects WHERE text IS NOT NULL")[0] ?? {}, "n");
}

export function markWritten(db: Db, hash: string, at: EpochMs): void {
  db.run("UPDATE objects SET text = NULL, written_at = ? WHERE hash = ? AND text IS NOT NULL", at, hash);
}

/** When the newest object of the waiting index was written; 0 when it has none. */
export function newestWrite(db: Db, indexHash: string): EpochMs {
  const row = db.rows(
    "SELECT max(coalesce(written_at, 0)) AS at FROM objects WHERE hash = ? OR hash IN (SELECT hash FROM shards)",
    indexHash,
  )[0];
  return row === undefined || row["at"] === null ? 0 : readInt(row, "at");
}

/**
 * Notes which objects no index names any more.
 * @param generation the last root that may have named them.
 * @param indexes hashes of the indexes that are published or waiting.
 */
export function releaseUnnamed(db: Db, generation: Generation, indexes: readonly string[]): void {
  db.run(
    `UPDATE objects SET last_generation = ?1, text = NULL
     WHERE last_generation IS NULL AND hash NOT IN (SELECT hash FROM shards)
       AND hash NOT IN (SELECT hash FROM published_shards) AND hash NOT IN (SELECT value FROM json_each(?2))`,
    generation,
    JSON.stringify(indexes),
  );
}

/** How many named shards hold rows on a version. */
export function countObjectsNaming(db: Db, product: ProductName, version: VersionName): number {
  return loadNames(db).reduce(
    (sum, { names, objects }) => sum + (names.has(`${product}/${version}`) ? objects : 0),
    0,
  );
}

/** `product/version` of every version that some named shard has rows on. */
export function loadNamedVersions(db: Db): ReadonlySet<string> {
  return new Set(loadNames(db).flatMap(({ names }) => [...names]));
}

function loadNames(db: Db): readonly { readonly names: ReadonlySet<string>; readonly objects: number }[] {
  return db
    .rows("SELECT names, count(*) AS n FROM objects WHERE last_generation IS NULL GROUP BY names")
    .map((row) => ({ names: new Set(parseList(readText(row, "names"))), objects: readInt(row, "n") }));
}

/** Objects that may be deleted: last named by a generation whose copy was dropped before `droppedBefore`. */
export function claimUnneeded(db: Db, droppedBefore: EpochMs, limit: number): readonly WaitingObject[] {
  return db
    .rows(
      `SELECT hash, kind FROM objects WHERE last_generation IS NOT NULL
       AND last_generation < (SELECT coalesce(min(generation), 0) FROM roots WHERE dropped_at IS NULL OR dropped_at > ?1)
       ORDER BY last_generation, hash LIMIT ?2`,
      droppedBefore,
      limit,
    )
    .map((row) => ({
      hash: readText(row, "hash"),
      kind: readText(row, "kind") === "index" ? "index" : "shard",
      text: "",
    }));
}

/** Says that a deletion is under way. @returns false when the object is needed again. */
export function beginDelete(db: Db, hash: string): boolean {
  db.run("UPDATE objects SET deleting = 1 WHERE hash = ? AND last_generation IS NOT NULL", hash);
  return db.rows("SELECT 1 FROM objects WHERE hash = ? AND deleting = 1", hash).length > 0;
}

/** Forgets a deleted object, unless it was asked for again meanwhile. */
export function finishDelete(db: Db, hash: string): void {
  db.run("DELETE FROM objects WHERE hash = ? AND deleting = 1", hash);
}
