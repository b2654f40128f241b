/**
 * Reads immutable objects (index, shards) by hash: KV first, this location's Cache API when KV fails or is slow.
 * A copy under the right hash is as good as the original, so either may win. Whatever comes is opened, which checks it
 * against its hash. Faults of KV are counted; a bad copy is only a missing one. Never rejects.
 */
import type { Result } from "../../contracts/result.ts";
import type { MapsRefusal } from "../../core/maps/refusal.ts";
import { MIN_CACHE_TTL_SECONDS } from "../kv.ts";
import { COPY_AFTER_MS, KNOWN_TTL_SECONDS } from "./timing.ts";
import type { MapsReaderDeps, ReaderRequest } from "./types.ts";

export interface Wanted<T> {
  readonly key: string;
  /** Checks the text against its hash and everything else it must be. */
  readonly open: (text: string) => Result<T, MapsRefusal>;
}

export interface ObjectReader {
  /** The object, or null when neither source has it whole. */
  load<T>(wanted: Wanted<T>, request: ReaderRequest): Promise<T | null>;
  /** The copy alone. */
  loadCopy<T>(wanted: Wanted<T>): Promise<T | null>;
  /** Writes a copy in the background; failures do not matter. */
  saveCopy(key: string, text: string, request: ReaderRequest): void;
}

/** More than all shards of the largest index; only hashes that were read whole are remembered. */
const MAX_KNOWN = 40_000;

/** Makes the reader of immutable objects. */
export function createObjectReader({ kv, cache, clock, onFault }: MapsReaderDeps): ObjectReader {
  const known = new Set<string>();

  async function loadFromKv<T>({ key, open }: Wanted<T>, request: ReaderRequest): Promise<T | null> {
    try {
      const text = await kv.get(key, known.has(key) ? KNOWN_TTL_SECONDS : MIN_CACHE_TTL_SECONDS);
      if (text === null) {
        onFault("missing", key);
        return null;
      }
      const opened = open(text);
      if (!opened.ok) {
        onFault(opened.error.fault, `${key}: ${opened.error.detail}`);
        return null;
      }
      remember(key);
      saveCopy(key, text, request);
      return opened.value;
    } catch (error) {
      onFault("unreadable", `${key}: ${String(error)}`);
      return null;
    }
  }

  function remember(key: string): void {
    if (known.size >= MAX_KNOWN) known.clear();
    known.add(key);
  }

  async function loadCopy<T>({ key, open }: Wanted<T>): Promise<T | null> {
    try {
      const text = cache === null ? null : await cache.get(key);
      const opened = text === null ? null : open(text);
      return opened?.ok === true ? opened.value : null;
    } catch {
      return null;
    }
  }

  function saveCopy(key: string, text: string, request: ReaderRequest): void {
    if (cache === null) return;
    request.waitUntil(cache.put(key, text).catch(() => undefined));
  }

  async function load<T>(wanted: Wanted<T>, request: ReaderRequest): Promise<T | null> {
    let answered = false;
    let copying: Promise<T | null> | null = null;
    const copy = (): Promise<T | null> => (copying ??= loadCopy(wanted));
    const original = loadFromKv(wanted, request).then((value) => {
      answered = true;
      return value ?? copy();
    });
    const early = clock
      .sleep(COPY_AFTER_MS)
      .then(async () => (answered ? original : ((await copy()) ?? original)));
    return Promise.race([original, early]);
  }

  return { load, loadCopy, saveCopy };
}
