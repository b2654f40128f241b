/**
 * Workers KV as the published maps need it: text only, several keys in one read, explicit cache times.
 * Reads may be 60 s old or more and misses are cached like hits, so callers never ask for a key before it should exist.
 * Used by the reader (get, getMany) and the publisher (put, delete, list). Failures are thrown, the callers count them.
 * https://developers.cloudflare.com/kv/concepts/how-kv-works/
 */

/** What the reader needs of KV. */
export interface MapsKv {
  /** Several keys in one operation, at most 100; missing ones are null. May be 30 s behind by its own cache alone. */
  getMany(keys: readonly string[]): Promise<Map<string, string | null>>;
  /** One key; `ttlSeconds` (at least 30) is how long this location may answer from its cache, a miss included. */
  get(key: string, ttlSeconds: number): Promise<string | null>;
}

export interface MapsKvPage {
  readonly keys: readonly string[];
  /** To go on, or null after the last page. */
  readonly cursor: string | null;
}

/** What the publisher needs beyond that. Every call is one of the 1,000 operations of an invocation. */
export interface MapsKvWriter {
  put(key: string, text: string): Promise<void>;
  delete(key: string): Promise<void>;
  /** Up to 1,000 key names below `prefix`, from `cursor` on. */
  list(prefix: string, cursor?: string | null): Promise<MapsKvPage>;
}

/** The shortest time that KV lets a read be cached for. */
export const MIN_CACHE_TTL_SECONDS = 30;

/** Wraps a KV namespace. */
export function createMapsKv(namespace: KVNamespace): MapsKv & MapsKvWriter {
  return {
    async getMany(keys) {
      return namespace.get([...keys], { type: "text", cacheTtl: MIN_CACHE_TTL_SECONDS });
    },
    async get(key, ttlSeconds) {
      return namespace.get(key, { type: "text", cacheTtl: ttlSeconds });
    },
    async put(key, text) {
      await namespace.put(key, text);
    },
    async delete(key) {
      await namespace.delete(key);
    },
    async list(prefix, cursor = null) {
      const page = await namespace.list({ prefix, ...(cursor === null ? {} : { cursor }) });
      return { keys: page.keys.map(({ name }) => name), cursor: page.list_complete ? null : page.cursor };
    },
  };
}
