/**
 * Which copy of each shard was the last that could be read whole, so that a shard that is missing under a new index can
 * be served from the last index that had it. Names only; the texts are in the shard store or in the Cache API.
 * Owned by `shards`.
 */
import type { Root } from "../../contracts/maps.ts";
import { folds } from "../../core/maps/folds.ts";

/** The index to look in, the root it belongs to, and how often root and rows have changed places so far (`folds`). */
export interface ShardIndex {
  readonly hashes: readonly string[];
  readonly root: Root | null;
  readonly epoch: number;
}

/** A copy, and the latest epoch in which the index named it. */
export interface GoodCopy {
  readonly hash: string;
  readonly epoch: number;
  /** Stands for several shards, because their number has grown since. */
  readonly isShared: boolean;
}

export interface LastGood {
  /** The copy for shard `number` of `index`; undefined without one. */
  find(index: ShardIndex, number: number): GoodCopy | undefined;
  /** A shard named by the current index was read whole. Returns the hash of the copy that nobody needs any more, if any. */
  arrived(index: ShardIndex, number: number): string | null;
  /** Makes an index the current one. */
  adopt(index: ShardIndex): void;
  /** Names copies from before this isolate, and their root; they count only where nothing better is known. */
  seed(hashes: readonly string[], root: Root): void;
  current(): ShardIndex;
}

/** Older than any index of this isolate: rows that do not belong to its roots. */
const BEFORE = -1;

/** Nothing known yet. */
export function createLastGood(): LastGood {
  let current: ShardIndex = { hashes: [], root: null, epoch: 0 };
  let copies = new Map<number, GoodCopy>();
  let seeds: { readonly hashes: readonly string[]; readonly root: Root } | null = null;

  function plantSeeds(): void {
    if (seeds === null || current.root === null) return;
    const { hashes, root } = seeds;
    const epoch = folds(root, current.root) ? BEFORE : current.epoch;
    const older = new Map(hashes.map((hash, number) => [number, { hash, epoch, isShared: false }]));
    const planted = renumber(older, hashes.length, current.hashes.length);
    for (const [number, copy] of planted) if (!copies.has(number)) copies.set(number, copy);
    seeds = null;
  }

  return {
    current: () => current,
    find: (index, number) => (index.hashes.length === current.hashes.length ? copies.get(number) : undefined),
    arrived(index, number) {
      const hash = index.hashes[number];
      if (
        hash === undefined ||
        current.hashes[number] !== hash ||
        index.hashes.length !== current.hashes.length
      )
        return null;
      const older = copies.get(number);
      copies.set(number, { hash, epoch: current.epoch, isShared: false });
      return older === undefined || older.hash === hash || older.isShared ? null : older.hash;
    },
    adopt(index) {
      copies = renumber(copies, current.hashes.length, index.hashes.length);
      for (const [number, { hash }] of copies) {
        if (index.hashes[number] === hash) copies.set(number, { hash, epoch: index.epoch, isShared: false });
      }
      current = index;
      plantSeeds();
    },
    seed(hashes, root) {
      seeds = { hashes, root };
      plantSeeds();
    },
  };
}

/**
 * Renumbers copies for another count of shards. When the count grows, shard n is followed by those whose numbers begin
 * with its bits; when it shrinks no single copy covers a shard, so none is kept.
 */
function renumber(copies: Map<number, GoodCopy>, from: number, to: number): Map<number, GoodCopy> {
  if (from === to || copies.size === 0) return copies;
  const renumbered = new Map<number, GoodCopy>();
  for (let number = 0; number < to; number++) {
    const copy = to > from ? copies.get(Math.floor((number * from) / to)) : undefined;
    if (copy !== undefined) renumbered.set(number, { ...copy, isShared: true });
  }
  return renumbered;
}
