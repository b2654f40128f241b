/**
 * Builders of maps for tests: a small but complete world of two products, changed by what a test cares about.
 * `root(partial)` is consistent in itself as long as the partial is; `published(...)` makes root, index and shards as
 * the publisher would, text and all. Shared by unit, property and integration tests.
 */
import { TARGET_ROWS_PER_SHARD } from "../../src/contracts/limits.ts";
import {
  indexKey,
  NO_GROUP,
  ROOT_KEY,
  rootCopyKey,
  shardKey,
  type AccountRow,
  type BreakGlass,
  type Root,
  type RootProduct,
  type RootRollout,
} from "../../src/contracts/maps.ts";
import { encodeIndex } from "../../src/core/maps/index-codec.ts";
import { shardCountFor, shardOf } from "../../src/core/maps/key-hash.ts";
import { encodeRoot } from "../../src/core/maps/root-codec.ts";
import { encodeShard } from "../../src/core/maps/shard-codec.ts";
import { contentHash } from "../../src/core/sha256.ts";

/** A product whose versions 2.7.0 to 2.9.0 live at https://NAME-VERSION.origins.example.net. */
export function product(name: string, partial: Partial<RootProduct> = {}): RootProduct {
  const origin = (version: string): string =>
    `https://${name}-${version.replaceAll(".", "-")}.origins.example.net`;
  return {
    domains: [`${name}.example.com`],
    stable: "2.8.0",
    default: "2.8.0",
    standby: "2.7.0",
    versions: {
      "2.7.0": { origin: origin("2.7.0"), state: "draining" },
      "2.8.0": { origin: origin("2.8.0"), state: "live" },
      "2.8.1": { origin: origin("2.8.1"), state: "live" },
      "2.9.0": { origin: origin("2.9.0"), state: "candidate" },
    },
    replacements: [],
    timeouts: [],
    hold: null,
    ...partial,
  };
}

/** Products kiln and fogbugz, no rollout, no accounts. */
export function root(partial: Partial<Root> = {}): Root {
  const empty = emptyIndex();
  return {
    schema: 1,
    generation: 1,
    publishedAt: 1_795_000_000_000,
    accounts: 0,
    domains: 0,
    removed: { accounts: 0, domains: 0 },
    halt: false,
    overrideEpoch: 0,
    products: { kiln: product("kiln"), fogbugz: product("fogbugz") },
    rollouts: [],
    urgent: [],
    index: { hash: contentHash(encodeIndex(empty)), shards: empty.length, inline: empty },
    ...partial,
  };
}

function emptyIndex(): readonly string[] {
  return [contentHash(encodeShard({ shard: 0, shards: 1, rows: [] }))];
}

/** An account at home on 2.8.0 of kiln and fogbugz, in no group. `key` and `slug` follow each other. */
export function row(partial: Partial<AccountRow> = {}): AccountRow {
  const key = partial.key ?? partial.slug ?? "acme";
  return {
    key,
    slug: key,
    product: null,
    homes: { kiln: "2.8.0", fogbugz: "2.8.0" },
    group: NO_GROUP,
    cell: null,
    deleted: false,
    pins: null,
    quarantine: null,
    hold: null,
    ...partial,
  };
}

/** A rollout of kiln to 2.9.0 with one group that nobody was moved of yet. */
export function rollout(partial: Partial<RootRollout> = {}): RootRollout {
  const moved = partial.moved ?? [0];
  return {
    id: "autumn",
    salt: "s1",
    targets: { kiln: "2.9.0" },
    moved,
    held: moved.map(() => 0),
    ...partial,
  };
}

/** A document that expires in 2100 and does nothing. */
export function breakGlass(partial: Partial<BreakGlass> = {}): BreakGlass {
  return {
    reason: "test",
    expires: 4_102_444_800_000,
    written: 0,
    instead: {},
    default: {},
    accounts: {},
    hold: { accounts: {}, products: {} },
    halt: false,
    holdGeneration: null,
    ...partial,
  };
}

export interface Published {
  readonly root: Root;
  readonly rootText: string;
  readonly index: readonly string[];
  /** Every KV entry of this publish: shards, index, root and its immutable copy. */
  readonly entries: ReadonlyMap<string, string>;
}

export interface PublishOptions {
  readonly shards?: number;
  /** Put the index into the root. */
  readonly inline?: boolean;
}

/** Makes the objects of one publish of `rows`, with counts and index filled in. */
export function published(
  partial: Partial<Root>,
  rows: readonly AccountRow[],
  options: PublishOptions = {},
): Published {
  const shards = options.shards ?? shardCountFor(rows.length, 1);
  const entries = new Map<string, string>();
  const buckets = Array.from({ length: shards }, (): AccountRow[] => []);
  for (const one of rows) buckets[shardOf(one.key, shards)]?.push(one);
  const index = buckets.map((mine, shard) => {
    const text = encodeShard({ shard, shards, rows: mine });
    entries.set(shardKey(contentHash(text)), text);
    return contentHash(text);
  });
  const indexText = encodeIndex(index);
  const hash = contentHash(indexText);
  entries.set(indexKey(hash), indexText);
  const live = rows.filter((one) => !one.deleted);
  const accounts = live.filter((one) => one.product === null).length;
  const made = root({
    accounts,
    domains: live.length - accounts,
    index: { hash, shards, inline: options.inline === true ? index : null },
    ...partial,
  });
  const rootText = encodeRoot(made);
  entries.set(ROOT_KEY, rootText);
  entries.set(rootCopyKey(made.generation), rootText);
  return { root: made, rootText, index, entries };
}

/** `count` accounts called `a0`, `a1`, …; each made by `make` when given. */
export function accounts(
  count: number,
  make: (slug: string, number: number) => AccountRow = (slug) => row({ slug }),
): AccountRow[] {
  return Array.from({ length: count }, (_, number) => make(`a${number}`, number));
}

/** Rows that fill `shards` shards to about their usual size. */
export function accountsFor(shards: number): AccountRow[] {
  return accounts(shards * TARGET_ROWS_PER_SHARD);
}
