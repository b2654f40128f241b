/**
 * The accounts of a measurement and their maps, as the publisher writes them: so many accounts of one product on two
 * versions and one rollout that has moved nobody. The same slugs are given to nginx and HAProxy. Pure but for its time.
 */
import {
  indexKey,
  MAPS_SCHEMA,
  NO_GROUP,
  ROOT_KEY,
  rootCopyKey,
  shardKey,
  type AccountRow,
  type Root,
} from "../../../src/contracts/maps.ts";
import { encodeIndex } from "../../../src/core/maps/index-codec.ts";
import { shardCountFor, shardOf } from "../../../src/core/maps/key-hash.ts";
import { encodeRoot } from "../../../src/core/maps/root-codec.ts";
import { encodeShard } from "../../../src/core/maps/shard-codec.ts";
import { contentHash } from "../../../src/core/sha256.ts";

export const DOMAIN = "kiln.bench.invalid";
/** Where a version is: an account's number decides which of the two is its home. */
export const VERSIONS = ["1", "2"] as const;

export const slugOf = (number: number): string => `account-${number.toString(36)}`;
export const hostOf = (number: number): string => `${slugOf(number)}.${DOMAIN}`;
export const homeOf = (number: number): (typeof VERSIONS)[number] => VERSIONS[number % 5 < 2 ? 0 : 1];

export interface MapsOf {
  readonly entries: ReadonlyMap<string, string>;
  /** Characters of all shards. */
  readonly size: number;
}

/**
 * Makes every KV entry of one publish.
 * @param origin where both versions are
 */
export function makeMaps(accounts: number, origin: string): MapsOf {
  const entries = new Map<string, string>();
  const shards = shardCountFor(accounts, 1);
  const places = Array.from({ length: shards }, (): number[] => []);
  for (let number = 0; number < accounts; number += 1) places[shardOf(slugOf(number), shards)]?.push(number);
  let size = 0;
  const index = places.map((mine, shard) => {
    const text = encodeShard({ shard, shards, rows: mine.map(rowOf) });
    const hash = contentHash(text);
    entries.set(shardKey(hash), text);
    size += text.length;
    return hash;
  });
  const text = encodeIndex(index);
  const hash = contentHash(text);
  entries.set(indexKey(hash), text);
  const root = makeRoot(accounts, origin, { hash, shards, inline: shards <= 64 ? index : null });
  entries.set(ROOT_KEY, encodeRoot(root));
  entries.set(rootCopyKey(root.generation), encodeRoot(root));
  return { entries, size };
}

function rowOf(number: number): AccountRow {
  const slug = slugOf(number);
  return {
    key: slug,
    slug,
    product: null,
    homes: { kiln: homeOf(number) },
    group: number % 5 === 0 ? NO_GROUP : number % 50,
    cell: null,
    deleted: false,
    pins: null,
    quarantine: null,
    hold: null,
  };
}

function makeRoot(accounts: number, origin: string, index: Root["index"]): Root {
  const [stable, next] = VERSIONS;
  return {
    schema: MAPS_SCHEMA,
    generation: 1,
    publishedAt: 1_795_000_000_000,
    accounts,
    domains: 0,
    removed: { accounts: 0, domains: 0 },
    halt: false,
    overrideEpoch: 0,
    products: {
      kiln: {
        domains: [DOMAIN],
        stable,
        default: stable,
        standby: null,
        versions: { [stable]: { origin, state: "live" }, [next]: { origin, state: "live" } },
        replacements: [],
        timeouts: [],
        hold: null,
      },
    },
    rollouts: [
      {
        id: "bench",
        salt: "bench",
        targets: { kiln: next },
        moved: Array.from({ length: 50 }, () => 0),
        held: Array.from({ length: 50 }, () => 0),
      },
    ],
    urgent: [],
    index,
  };
}
