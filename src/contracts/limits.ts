/**
 * Every limit that the publisher enforces and the reader enforces again. Both sides import this one file, because
 * two copies of a limit are an outage waiting (Cloudflare, 18 November 2025: a file over the reader's own limit).
 */

/** KV values may have 25 MiB; an object of ours near that is a bug, so the reader refuses far below it. */
export const MAX_ROOT_BYTES = 64 * 1024;
export const MAX_INDEX_BYTES = 1024 * 1024;
export const MAX_SHARD_BYTES = 1024 * 1024;
export const MAX_BREAK_GLASS_BYTES = 64 * 1024;

/** Rows that the root itself carries because they cannot wait for a shard (quarantine, pins, holds). */
export const MAX_URGENT_ROWS = 256;
/** Urgent rows share the root with everything else, so they are also limited in bytes. */
export const MAX_URGENT_BYTES = 24 * 1024;
/** Left free in the root at the start of a rollout, for groups that are cut while it runs and for what products gain. */
export const SPARE_ROOT_BYTES = 4 * 1024;

export const MAX_PRODUCTS = 32;
export const MAX_VERSIONS_PER_PRODUCT = 32;
export const MAX_DOMAINS_PER_PRODUCT = 16;
export const MAX_REPLACEMENTS_PER_PRODUCT = 16;
export const MAX_TIMEOUTS_PER_PRODUCT = 16;
export const MAX_ASSET_PREFIXES_PER_VERSION = 8;
export const MAX_ROLLOUTS = 8;
export const MAX_GROUPS = 2000;
export const MAX_SHARDS = 16_384;
/** Characters of the name of a mirroring: rollout, product and step. */
export const MAX_MIRROR_RUN = 128;

/** Accounts that one shard should hold; the shard count doubles when the average passes twice this. */
export const TARGET_ROWS_PER_SHARD = 1000;

/** Buckets of a rollout; a threshold of BUCKETS takes every account of a group. */
export const BUCKETS = 10_000;

/** Published roots that stay readable for `holdGeneration`: this many, and at least this long. */
export const KEPT_ROOTS = 200;
export const KEPT_ROOTS_MS = 7 * 24 * 60 * 60 * 1000;
/** What maps said is told this far back: a year, and a month for whoever asks late. */
export const HISTORY_KEPT_MS = 400 * 24 * 60 * 60 * 1000;
/** An object is collected only after this time unnamed by any kept root. */
export const COLLECT_AFTER_MS = 7 * 24 * 60 * 60 * 1000;

/** Slugs of deleted accounts are kept as tombstones, and not given out again, for this long. */
export const TOMBSTONE_MS = 90 * 24 * 60 * 60 * 1000;

/** KV operations that the publisher allows itself in one invocation (the platform's limit is 1,000). */
export const MAX_KV_OPERATIONS = 500;
/** KV takes one write a second for the same key. */
export const MIN_ROOT_INTERVAL_MS = 1100;

/** Lines of an import or sync that one transaction takes. */
export const MAX_BATCH_LINES = 2000;
export const MAX_LINE_BYTES = 16 * 1024;
export const MAX_CUSTOM_DOMAINS_PER_ACCOUNT = 50;

/** Clocks of who signs an override and of the edges may differ by this much. */
export const OVERRIDE_LEEWAY_SECONDS = 60;

/** Request limits, equal everywhere so that a self-hosted node answers as Cloudflare does. */
export const MAX_TARGET_BYTES = 16 * 1024;
export const MAX_HEADER_BYTES = 128 * 1024;

/**
 * How many accounts (or custom domains) may be missing from new maps, beyond those removed on purpose, before the
 * maps are refused: 0.5 % of what was there, but at least 50, and never more than a tenth of a small set.
 *
 * Worked examples: 10,000 → 50; 1,000,000 → 5,000; 1,000 → 50; 100 → 10; 5 → 0.
 */
export function allowedLoss(held: number): number {
  return Math.min(Math.max(50, Math.floor(held / 200)), Math.floor(held / 10));
}
