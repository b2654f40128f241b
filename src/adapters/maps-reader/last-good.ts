/**
 * Which copy of each shard was the last that could be read whole, so that a shard that is missing under a new index can
 * be served from the last index that had it. Names only; the texts are in the shard store or in the Cache API.
 * Owned by `shards`.
 */

/** The index to look in, and how often root and rows have changed places up to it (see `folds`). */
export interface ShardIndex {
  readonly hashes: readonly string[];
  readonly epoch: number;
}

/** A copy, and the latest epoch in which the index named it. */
export interface GoodCopy {
  readonly hash: string;
  readonly epoch: number;
}

export interface LastGood {
  /** The copy for shard `number` of `index`; undefined without one. */
  find(index: ShardIndex, number: number): GoodCopy | undefined;
  /** A shard named by the current index was read whole. Returns the hash of the copy it takes the place of, if any. */
  arrived(index: ShardIndex, number: number): string | null;
  /** Makes an index the current one. */
  adopt(index: ShardIndex): void;
  /** Names copies from before this isolate; they count only where nothing better is known. */
  seed(hashes: readonly string[]): void;
  current(): ShardIndex;
}

/** Older than any index of this isolate, so never used without waiting first. */
const BEFORE = -1;

/** Nothing known yet. */
export function createLastGood(): LastGood {
  let current: ShardIndex = { hashes: [], epoch: 0 };
  let copies = new Map<number, GoodCopy>();
  let seeds: readonly string[] = [];

  function plantSeeds(): void {
    const older = new Map(seeds.map((hash, number) => [number, { hash, epoch: BEFORE }]));
    const planted = renumber(older, seeds.length, current.hashes.length);
    for (const [number, copy] of planted) if (!copies.has(number)) copies.set(number, copy);
    if (current.hashes.length > 0) seeds = [];
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
      copies.set(number, { hash, epoch: current.epoch });
      return older === undefined || older.hash === hash ? null : older.hash;
    },
    adopt(index) {
      copies = renumber(copies, current.hashes.length, index.hashes.length);
      for (const [number, { hash }] of copies) {
        if (index.hashes[number] === hash) copies.set(number, { hash, epoch: index.epoch });
      }
      current = index;
      plantSeeds();
    },
    seed(hashes) {
      seeds = hashes;
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
    if (copy !== undefined) renumbered.set(number, copy);
  }
  return renumbered;
}
