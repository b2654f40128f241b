/**
 * How long an origin may take to its response headers: 100 seconds, or what the product says for a path prefix.
 * Pure. Called by `forward.ts`; the longest matching prefix of the serialised path wins.
 */
import type { PathTimeout } from "../contracts/maps.ts";

/** Cloudflare's own limit for an origin's answer, so that a self-hosted node behaves the same. */
export const DEFAULT_TIMEOUT_MS = 100_000;

/** @param path serialised (dot segments resolved); a query behind it does no harm. */
export function timeoutFor(timeouts: readonly PathTimeout[], path: string): number {
  let longest: PathTimeout | null = null;
  for (const entry of timeouts) {
    if (!path.startsWith(entry.prefix)) continue;
    if (longest === null || entry.prefix.length > longest.prefix.length) longest = entry;
  }
  return longest === null ? DEFAULT_TIMEOUT_MS : longest.seconds * 1000;
}
