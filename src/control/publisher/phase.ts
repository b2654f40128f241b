/**
 * Where the one batch in flight is: none, being written, or written and settling. Building needs no state of its own: it
 * is what dirty slots ask for while no batch is in flight. A batch is a closed snapshot of all shards: changes that come
 * after it wait for the next one.
 */
import type { EpochMs } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { isRecord, parseList, parseObject, readInt, readIntOrNull, readText } from "../row.ts";
import { readMeta, writeMeta } from "../store/meta.ts";

export interface Batch {
  /** Every change up to this one is in. */
  readonly seq: number;
  readonly shards: number;
  readonly indexHash: string;
  /** Shard hashes, when they are few enough for the root. */
  readonly inline: readonly string[] | null;
  readonly accounts: number;
  readonly domains: number;
  readonly removed: { readonly accounts: number; readonly domains: number };
  /** Rows that edges had are others in it, or gone. */
  readonly rewrites: boolean;
  /** When a root may name it; null while its objects are being written. */
  readonly readyAt: EpochMs | null;
}

export function readBatch(db: Db): Batch | null {
  const text = readMeta(db, "phase");
  if (text === null) return null;
  const value = parseObject(text);
  const { removed, inline } = value;
  if (!isRecord(removed)) throw new TypeError("a batch should count what was removed");
  return {
    seq: readInt(value, "seq"),
    shards: readInt(value, "shards"),
    indexHash: readText(value, "indexHash"),
    inline: inline === null ? null : parseList(JSON.stringify(inline)),
    accounts: readInt(value, "accounts"),
    domains: readInt(value, "domains"),
    removed: { accounts: readInt(removed, "accounts"), domains: readInt(removed, "domains") },
    // A batch of an earlier release does not say.
    rewrites: value["rewrites"] !== false,
    readyAt: readIntOrNull(value, "readyAt"),
  };
}

export function writeBatch(db: Db, batch: Batch | null): void {
  writeMeta(db, "phase", batch === null ? null : JSON.stringify(batch));
}
