/**
 * Every time of the maps reader, in one place. Design: "What is stored where", the rules of a reader.
 */

/** Background refresh, plus or minus a fifth so that isolates do not march in step. KV caches for 30 s at least. */
export const REFRESH_MS = 30_000;
export const REFRESH_SPREAD = 0.2;

/** An isolate that had no requests has no timers either: maps older than this are refreshed before answering. */
export const IDLE_MS = 120_000;
export const IDLE_WAIT_MS = 250;

/** A shared load counts as dead after this. */
export const LOAD_DEADLINE_MS = 5000;

/** Cold start: how long KV has the field for itself, and how long anybody waits in all. */
export const COPY_AFTER_MS = 250;
export const COLD_WAIT_MS = 1000;

/** While there is nothing from KV yet: retries after 1 s, doubling to 30 s. */
export const RETRY_FIRST_MS = 1000;
export const RETRY_MOST_MS = 30_000;

/** Waiting for a shard that is not in memory. */
export const SHARD_WAIT_MS = 1000;

/** Immutable objects may be cached for a day once they were seen; before that a miss must not stick. */
export const KNOWN_TTL_SECONDS = 86_400;

/** `ms` plus or minus a fifth, from a random number of 0 to 1. */
export function spread(ms: number, random: number): number {
  return ms * (1 - REFRESH_SPREAD + 2 * REFRESH_SPREAD * random);
}
