/**
 * Finds who moved with each published generation and puts it into events, some ranges of hashes at a time, each piece in a
 * transaction with how far it is: so a crash neither loses nor repeats a move. What was published while it compared is
 * taken together afterwards. Does nothing while no version wants to be told. Whoever came or went has not moved.
 */
import type { EpochMs, Generation, ProductName, VersionName } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { EDGE_LAG_MS } from "../history/moment.ts";
import { loadRootsBelow } from "../history/roots.ts";
import { readText } from "../row.ts";
import { readCounter, writeCounter } from "../store/meta.ts";
import { compareRange, openComparison, type Comparison } from "./compare.ts";
import { addToEvents, sealEvents, type Step } from "./event-rows.ts";
import { shardCount, type Range } from "./range.ts";

/** Ranges of one piece, about 1,000 accounts each: some 20 ms. */
const PIECE_RANGES = 16;

export interface Scan {
  /** One piece. @returns true while there is more. */
  piece(nowMs: EpochMs): boolean;
  hasWork(): boolean;
}

/** Remembers the generations it compares, so that they are read once and not for every piece. */
export function createScan(db: Db): Scan {
  let opened: Comparison | null = null;
  const open = (from: Generation, to: Generation): Comparison | null => {
    if (opened?.before.record.generation !== from || opened.after.record.generation !== to)
      opened = openComparison(db, { from, to });
    return opened;
  };
  return {
    piece: (nowMs) => db.transaction(() => scanPiece(db, { nowMs, open })),
    hasWork: () => {
      const newest = newestGeneration(db);
      return newest > readCounter(db, "moves_told") && hasReceivers(db);
    },
  };
}

function newestGeneration(db: Db): Generation {
  return loadRootsBelow(db, Number.MAX_SAFE_INTEGER, 1)[0]?.generation ?? 0;
}

function hasReceivers(db: Db): boolean {
  return db.rows("SELECT 1 FROM versions WHERE events IS NOT NULL AND state <> 'retired' LIMIT 1").length > 0;
}

interface Piece {
  readonly nowMs: EpochMs;
  readonly open: (from: Generation, to: Generation) => Comparison | null;
}

function scanPiece(db: Db, { nowMs, open }: Piece): boolean {
  const told = readCounter(db, "moves_told");
  const target = readCounter(db, "moves_target") || begin(db, told);
  if (target === null) return false;
  const comparison = told === 0 ? null : open(told, target);
  // What is not recorded (the first root ever, or one from before the record) moved nobody as far as is known.
  if (comparison === null) return finish(db, target, nowMs);
  const { first, shards } = place(db);
  const end = Math.min(shards, first + PIECE_RANGES);
  const step: Step = {
    previous: told,
    generation: target,
    fromMs: comparison.after.record.fromMs,
    settledMs: comparison.after.record.atMs + EDGE_LAG_MS,
    nowMs,
  };
  const wants = loadReceivers(db);
  const pairs = new Map<string, Pair>();
  for (let number = first; number < end; number++) collect(comparison, { shards, number }, { wants, pairs });
  for (const pair of pairs.values()) addToEvents(db, step, pair);
  writeCounter(db, "moves_range", end);
  return end === shards ? finish(db, target, nowMs) : true;
}

/** @returns the generation to compare with; null: nothing to do. */
function begin(db: Db, told: Generation): Generation | null {
  const newest = newestGeneration(db);
  if (newest <= told) return null;
  if (!hasReceivers(db)) {
    writeCounter(db, "moves_told", newest);
    return null;
  }
  writeCounter(db, "moves_target", newest);
  writeCounter(db, "moves_range", 0);
  writeCounter(db, "moves_shards", shardCount(db));
  return newest;
}

/** Where it is; when shards were split meanwhile, the same place among more of them. */
function place(db: Db): { readonly first: number; readonly shards: number } {
  const shards = shardCount(db);
  const growth = Math.max(1, Math.floor(shards / Math.max(1, readCounter(db, "moves_shards"))));
  const first = readCounter(db, "moves_range") * growth;
  writeCounter(db, "moves_shards", shards);
  return { first, shards };
}

/** @returns true when something was published meanwhile. */
function finish(db: Db, target: Generation, nowMs: EpochMs): boolean {
  sealEvents(db, nowMs);
  writeCounter(db, "moves_told", target);
  writeCounter(db, "moves_target", 0);
  return newestGeneration(db) > target;
}

interface Pair {
  readonly product: ProductName;
  readonly from: VersionName;
  readonly to: VersionName;
  readonly accounts: string[];
}

function loadReceivers(db: Db): ReadonlySet<string> {
  const rows = db.rows("SELECT product, name FROM versions WHERE events IS NOT NULL AND state <> 'retired'");
  return new Set(rows.map((row) => `${readText(row, "product")}/${readText(row, "name")}`));
}

interface Collecting {
  readonly wants: ReadonlySet<string>;
  readonly pairs: Map<string, Pair>;
}

function collect(comparison: Comparison, range: Range, { wants, pairs }: Collecting): void {
  for (const { account, moved } of compareRange(comparison, range)) {
    for (const { product, from, to } of moved) {
      if (from === null || to === null) continue;
      if (!wants.has(`${product}/${from}`) && !wants.has(`${product}/${to}`)) continue;
      const key = `${product} ${from} ${to}`;
      const pair = pairs.get(key) ?? { product, from, to, accounts: [] };
      pairs.set(key, pair);
      pair.accounts.push(account);
    }
  }
}
