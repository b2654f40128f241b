/**
 * The published maps: key names and shapes of what the control plane writes to KV and every edge reads.
 * A Merkle tree with one mutable root: `root` names an index by hash, the index names shards by hash.
 * Shapes only. Text formats and their checks live in `core/maps/`.
 */
import type { RootFleet } from "./fleet.ts";
import type { RootMirror } from "./mirror.ts";
import type { AccountSlug, EpochMs, Generation, ProductName, VersionName } from "./units.ts";

export const MAPS_SCHEMA = 1;
/**
 * Schema of a root with a product that today's fleet serves. A release that does not know of fleets would send everybody of
 * it to the versions of the maps; it refuses this schema instead and goes on with the last maps that it understood.
 */
export const FLEET_SCHEMA = 2;

export const ROOT_KEY = "root";
export const BREAK_GLASS_KEY = "break-glass";

/** Immutable copy of the root of one generation; what `holdGeneration` reads. */
export function rootCopyKey(generation: Generation): string {
  return `root/${generation}`;
}

export function indexKey(hash: string): string {
  return `index/${hash}`;
}

export function shardKey(hash: string): string {
  return `shard/${hash}`;
}

export type VersionState = "registered" | "candidate" | "live" | "draining" | "retired";

export interface RootVersion {
  /** `https://host[:port]`, `http://…` where allowed, or `binding:NAME`; may contain `{cell}`. */
  readonly origin: string;
  readonly state: VersionState;
  /** Path prefixes, `/…/`, whose files only this version has: a page loaded before a move still asks for them. */
  readonly assets?: readonly string[];
}

/** Hotfix beside a rollout: whoever is on `from` gets `to` while its bucket is below `below` (0–10,000). */
export interface Replacement {
  readonly from: VersionName;
  readonly to: VersionName;
  readonly salt: string;
  readonly below: number;
}

/** Time to headers for requests whose serialised path starts with `prefix`; the longest prefix wins. */
export interface PathTimeout {
  readonly prefix: string;
  readonly seconds: number;
}

export type HoldMode = "page" | "readOnly";

/** Maintenance for an account or product: a page, or safe methods only. */
export interface Hold {
  readonly mode: HoldMode;
  /** The operator's wording, shown to people; plain text. */
  readonly message: string | null;
  /** Expected end, for `Retry-After`; a hold ends by being lifted, not by this time passing. */
  readonly until: EpochMs | null;
}

export interface RootProduct {
  readonly domains: readonly string[];
  readonly stable: VersionName;
  readonly default: VersionName;
  readonly standby: VersionName | null;
  readonly versions: Readonly<Record<VersionName, RootVersion>>;
  readonly replacements: readonly Replacement[];
  readonly timeouts: readonly PathTimeout[];
  readonly hold: Hold | null;
  /** Only while requests of no known account are mirrored to the next default. */
  readonly mirror?: RootMirror;
  /** Only while today's fleet serves the product. */
  readonly fleet?: RootFleet;
}

/** A running rollout as edges see it. Array positions are group numbers; thresholds are 0–10,000. */
export interface RootRollout {
  readonly id: string;
  readonly salt: string;
  readonly targets: Readonly<Record<ProductName, VersionName>>;
  readonly moved: readonly number[];
  /** Above `moved` while accounts are held for their move: those with `moved <= bucket < held`. */
  readonly held: readonly number[];
  /** Two versions must never serve one account at once: accounts in a group are answered from fresh maps only. */
  readonly mixed?: "never";
}

/** Where the account index is: named by hash, and carried along while it is small. */
export interface IndexPointer {
  readonly hash: string;
  readonly shards: number;
  /** Shard hashes in order of shard number, when there are few. */
  readonly inline: readonly string[] | null;
}

export interface Root {
  /** FLEET_SCHEMA when, and only when, a product has a fleet. */
  readonly schema: typeof MAPS_SCHEMA | typeof FLEET_SCHEMA;
  readonly generation: Generation;
  readonly publishedAt: EpochMs;
  /** Rows that answer: accounts without tombstones, and custom domains. */
  readonly accounts: number;
  readonly domains: number;
  /** How many were ever removed on purpose. A reader measures loss against the growth of these. */
  readonly removed: { readonly accounts: number; readonly domains: number };
  readonly halt: boolean;
  /** Tester overrides issued before this time are revoked. */
  readonly overrideEpoch: EpochMs;
  readonly products: Readonly<Record<ProductName, RootProduct>>;
  readonly rollouts: readonly RootRollout[];
  /**
   * The last generation with which rows changed that edges had, or something changed places between root and rows: rows
   * that were read under an earlier one do not belong to this root. Left out: there was none since this was noted.
   */
  readonly rowsFrom?: Generation;
  /** Whole rows, by key, that replace those of the shards until a shard has them. */
  readonly urgent: readonly AccountRow[];
  readonly index: IndexPointer;
}

/** No rollout touches an account in this group (new accounts, accounts left out on purpose). */
export const NO_GROUP = -1;

/** What the maps know of one key: a slug, or a custom domain (then for one product only). */
export interface AccountRow {
  /** Slug or custom host. */
  readonly key: string;
  readonly slug: AccountSlug;
  /** For a custom host the product it serves, else null: all of the account's products. */
  readonly product: ProductName | null;
  readonly homes: Readonly<Record<ProductName, VersionName>>;
  readonly group: number;
  readonly cell: string | null;
  /** Tombstone: still answered by its last home, so that "was known" never reads as "unknown". */
  readonly deleted: boolean;
  readonly pins: Readonly<Record<ProductName, VersionName>> | null;
  readonly quarantine: Readonly<Record<ProductName, VersionName>> | null;
  readonly hold: Hold | null;
}

export interface BreakGlassHolds {
  readonly accounts: Readonly<Record<AccountSlug, Hold>>;
  readonly products: Readonly<Record<ProductName, Hold>>;
}

/** The small document that operators write by hand when the control plane cannot be used. */
export interface BreakGlass {
  readonly reason: string;
  readonly expires: EpochMs;
  /** When it was written, to choose between two sources; 0 when it does not say. */
  readonly written: EpochMs;
  /** Per product: whoever would get the first version gets the second. */
  readonly instead: Readonly<Record<ProductName, Readonly<Record<VersionName, VersionName>>>>;
  readonly default: Readonly<Record<ProductName, VersionName>>;
  readonly accounts: Readonly<Record<AccountSlug, Readonly<Record<ProductName, VersionName>>>>;
  readonly hold: BreakGlassHolds;
  readonly halt: boolean;
  readonly holdGeneration: Generation | null;
}
