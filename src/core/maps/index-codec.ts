/**
 * The account index as text: the hash of every shard, in order of shard number, one a line.
 * Named by the hash of its own text, so a root vouches for the index and the index for its shards.
 * Called by publisher and reader; decoding checks everything before a single hash is believed.
 */
import { MAX_INDEX_BYTES } from "../../contracts/limits.ts";
import { MAPS_SCHEMA } from "../../contracts/maps.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { contentHash } from "../sha256.ts";
import { isShardCount } from "./key-hash.ts";
import { refuse, type MapsRefusal } from "./refusal.ts";
import { describeValue, isContentHash, isRecord, parseJson } from "./shape.ts";

/** Writes the shard hashes; the name of the object is `contentHash` of the text. */
export function encodeIndex(hashes: readonly string[]): string {
  return `${JSON.stringify({ schema: MAPS_SCHEMA, shards: hashes.length })}\n${hashes.join("\n")}\n`;
}

/**
 * Reads the index called `hash`.
 * @returns the shard hashes, or the refusal: `too-large`, `hash`, `schema` or `shape`.
 */
export function decodeIndex(text: string, hash: string): Result<readonly string[], MapsRefusal> {
  if (text.length > MAX_INDEX_BYTES)
    return refuse("too-large", `index has ${text.length} characters, at most ${MAX_INDEX_BYTES}`);
  if (contentHash(text) !== hash) return refuse("hash", `index ${hash} has other content than its name says`);
  const [first = "", ...lines] = text.split("\n");
  const header = parseJson(first);
  if (!isRecord(header)) return refuse("not-json", `index ${hash} does not begin with a JSON header`);
  if (header["schema"] !== MAPS_SCHEMA)
    return refuse("schema", `index has schema ${describeValue(header["schema"])}`);
  const hashes = lines.slice(0, -1);
  if (lines.at(-1) !== "" || hashes.length !== header["shards"] || !isShardCount(hashes.length)) {
    return refuse(
      "shape",
      `index ${hash} has ${hashes.length} lines, its header says ${describeValue(header["shards"])}`,
    );
  }
  if (!hashes.every(isContentHash)) return refuse("shape", `index ${hash} has a line that is no hash`);
  return ok(hashes);
}
