/**
 * Streams the published maps as they lie in KV: `{ key, value }` a line, in the order in which they have to be put back
 * (break-glass, shards, index, root last), so that a stream that broke off never has a root without its shards.
 * It must not verify or repair what it passes on (`firebreak maps verify` does) and needs no control plane. Called by
 * routes/maintenance.ts. Memory: one group of shards. A shard that is missing breaks the stream off.
 */
import type { MapsEntry } from "../contracts/api/operations.ts";
import { BREAK_GLASS_KEY, indexKey, ROOT_KEY, rootCopyKey, shardKey, type Root } from "../contracts/maps.ts";
import type { Refusal } from "../contracts/problems.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import type { Generation } from "../contracts/units.ts";
import { decodeIndex } from "../core/maps/index-codec.ts";
import { decodeRoot } from "../core/maps/root-codec.ts";
import type { Services } from "./deps.ts";
import { ndjsonResponse, toLines } from "./ndjson-response.ts";

/** The least that KV allows. An operator who looks at the maps wants them as they are. */
const KV_TTL_SECONDS = 30;
/** A bulk read may answer 25 MB, and a shard may have one. */
const SHARDS_A_READ = 16;

interface Maps {
  readonly breakGlass: string;
  /** Null when the root carries the hashes itself and the index was never written. */
  readonly index: string | null;
  readonly hashes: readonly string[];
  readonly root: Root;
  readonly rootText: string;
}

/**
 * Begins the stream of the present maps, or of those of an older generation that is still kept.
 * @returns the streaming response; `not-found` when there are none, `control-unavailable` when KV does not answer.
 */
export async function startMaps(
  generation: Generation | null,
  services: Services,
): Promise<Result<Response, Refusal>> {
  try {
    const maps = await loadMaps(generation, services);
    return maps.ok ? ok(ndjsonResponse(mapsLines(maps.value, services))) : maps;
  } catch (cause) {
    services.logger.line("admin.maps-unreadable", { cause });
    return err({
      problem: "control-unavailable",
      detail: "KV does not answer. Try again; `wrangler kv key get root` reads it directly.",
    });
  }
}

async function loadMaps(generation: Generation | null, { kv }: Services): Promise<Result<Maps, Refusal>> {
  const key = generation === null ? ROOT_KEY : rootCopyKey(generation);
  const rootText = await kv.get(key, KV_TTL_SECONDS);
  if (rootText === null)
    return err({
      problem: "not-found",
      detail: `There is no ${key} in KV: nothing was published yet, or it was collected.`,
    });
  const root = decodeRoot(rootText);
  if (!root.ok) return err(unreadable(key, root.error.detail));
  const { hash, inline } = root.value.index;
  const index = await kv.get(indexKey(hash), KV_TTL_SECONDS);
  const hashes = inline === null ? readIndex(index, hash) : ok(inline);
  if (!hashes.ok) return hashes;
  const breakGlass = (await kv.get(BREAK_GLASS_KEY, KV_TTL_SECONDS)) ?? "{}";
  return ok({ breakGlass, index, hashes: hashes.value, root: root.value, rootText });
}

function readIndex(text: string | null, hash: string): Result<readonly string[], Refusal> {
  if (text === null)
    return err({
      problem: "not-found",
      detail: `The root names ${indexKey(hash)}, and KV does not have it.`,
    });
  const decoded = decodeIndex(text, hash);
  return decoded.ok ? decoded : err(unreadable(indexKey(hash), decoded.error.detail));
}

function unreadable(key: string, detail: string): Refusal {
  return {
    problem: "conflict",
    detail: `${key} is in KV but cannot be read: ${detail}. See it with \`wrangler kv key get ${key}\`.`,
  };
}

async function* mapsLines(
  { breakGlass, index, hashes, root, rootText }: Maps,
  { kv }: Services,
): AsyncGenerator<string> {
  yield entryLines([{ key: BREAK_GLASS_KEY, value: breakGlass }]);
  const keys = [...new Set(hashes)].map(shardKey);
  for (let at = 0; at < keys.length; at += SHARDS_A_READ) {
    const group = keys.slice(at, at + SHARDS_A_READ);
    const found = await kv.getMany(group);
    yield entryLines(group.map((key) => ({ key, value: present(found.get(key), key) })));
  }
  if (index !== null) yield entryLines([{ key: indexKey(root.index.hash), value: index }]);
  yield entryLines([
    { key: rootCopyKey(root.generation), value: rootText },
    { key: ROOT_KEY, value: rootText },
  ]);
}

function present(text: string | null | undefined, key: string): string {
  if (text === null || text === undefined) throw new Error(`the index names ${key}, and KV does not have it`);
  return text;
}

function entryLines(entries: readonly MapsEntry[]): string {
  return toLines(entries);
}
