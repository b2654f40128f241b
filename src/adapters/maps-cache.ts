/**
 * Copies of the last good maps in this location's Cache API, for isolates that start while KV cannot be read.
 * Best effort by nature: entries vanish at any time, are not shared between locations, and an older one may overwrite a
 * newer one. So nothing read here is believed before its checksum or hash was checked, and errors are the caller's to
 * ignore. Addresses lie under a name that cannot exist (RFC 6761 §6.4), so no request from outside can meet them.
 * https://developers.cloudflare.com/workers/runtime-apis/cache/
 */
export interface MapsCache {
  get(key: string): Promise<string | null>;
  put(key: string, text: string): Promise<void>;
}

const ADDRESS = "https://maps.firebreak.invalid/";

/** As long as unnamed objects are kept in KV; an older copy says little about where accounts are now. */
const MAX_AGE_SECONDS = 7 * 24 * 60 * 60;

/**
 * Wraps the platform's caches.
 * @param deployment what tells this deployment from others: deployments on one zone share its caches, and a cold
 *   production must not start with the maps of staging. The admin host, of which each has its own.
 */
export function createMapsCache(storage: CacheStorage, deployment: string): MapsCache {
  const cacheName = `firebreak-maps-${deployment}`;
  return {
    async get(key) {
      const cache = await storage.open(cacheName);
      const response = await cache.match(ADDRESS + key);
      return response === undefined ? null : response.text();
    },
    async put(key, text) {
      const cache = await storage.open(cacheName);
      const headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Cache-Control": `max-age=${MAX_AGE_SECONDS}`,
      };
      await cache.put(ADDRESS + key, new Response(text, { headers }));
    },
  };
}
