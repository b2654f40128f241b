/**
 * The published maps of any generation, as they lie in KV: the root's immutable copy, and the shards that it names. Every
 * generation counts, also one that was replaced within a second, since a node may have read it. Opened as an edge opens them.
 */
import { indexKey, ROOT_KEY, rootCopyKey, shardKey } from "../../src/contracts/maps.ts";
import { decodeIndex } from "../../src/core/maps/index-codec.ts";
import { decodeRoot } from "../../src/core/maps/root-codec.ts";
import { openMaps, type OpenMaps } from "../cli/maps-dump.ts";

/** Objects that are kept, since most generations name the same ones. */
const KEPT_OBJECTS = 200;

export type ReadGeneration = (generation: number) => Promise<OpenMaps>;

/** @throws when what a generation names is missing, or an edge would refuse any of it. */
export function createGenerations(read: (key: string) => Promise<string | null>): ReadGeneration {
  const objects = new Map<string, string>();
  const must = async (key: string): Promise<string> => {
    const text = await read(key);
    if (text === null) throw new Error(`${key} is not in KV`);
    return text;
  };
  const object = async (key: string): Promise<readonly [string, string]> => {
    const text = objects.get(key) ?? (await must(key));
    objects.delete(key);
    objects.set(key, text);
    for (const old of [...objects.keys()].slice(0, -KEPT_OBJECTS)) objects.delete(old);
    return [key, text];
  };
  return async (generation) => {
    const rootText = await must(rootCopyKey(generation));
    const root = decodeRoot(rootText);
    if (!root.ok) throw new Error(`root of generation ${generation}: ${root.error.detail}`);
    const { hash, inline } = root.value.index;
    const index = inline === null ? [await object(indexKey(hash))] : [];
    const shards = inline === null ? hashesIn(index[0]?.[1] ?? "", hash) : inline;
    const entries = await Promise.all(shards.map((shard) => object(shardKey(shard))));
    const { maps, findings } = openMaps(new Map([[ROOT_KEY, rootText], ...index, ...entries]));
    if (maps === null || findings.length > 0)
      throw new Error(`maps of generation ${generation}: ${JSON.stringify(findings)}`);
    return maps;
  };
}

function hashesIn(text: string, hash: string): readonly string[] {
  const hashes = decodeIndex(text, hash);
  if (!hashes.ok) throw new Error(hashes.error.detail);
  return hashes.value;
}
