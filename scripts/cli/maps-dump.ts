/**
 * Published maps as a file: reading a dump (NDJSON, or the JSON array that `wrangler kv bulk put` takes) and opening it
 * with the same codecs and checks as an edge, so that what is found here is what an edge would refuse.
 * Works offline. Everything wrong is collected, not only the first. Used by `maps verify`, `diff` and `load`.
 */
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import {
  BREAK_GLASS_KEY,
  indexKey,
  ROOT_KEY,
  shardKey,
  type AccountRow,
  type BreakGlass,
  type Root,
} from "../../src/contracts/maps.ts";
import type { Result } from "../../src/contracts/result.ts";
import { parseBreakGlass } from "../../src/core/maps/break-glass.ts";
import { decodeIndex } from "../../src/core/maps/index-codec.ts";
import { shardOf } from "../../src/core/maps/key-hash.ts";
import type { MapsRefusal } from "../../src/core/maps/refusal.ts";
import { decodeRoot } from "../../src/core/maps/root-codec.ts";
import { checkRoot } from "../../src/core/maps/root-limits.ts";
import { openShard, type Shard } from "../../src/core/maps/shard-codec.ts";
import { cliFailure, type Failure } from "./failure.ts";
import { fileFailure } from "./file-stream.ts";
import { linesOf, parseLine } from "./ndjson.ts";
import type { Session } from "./verb.ts";

/** Entries of a dump by key. */
export type Dump = ReadonlyMap<string, string>;

/** One thing that is wrong, with the key it is wrong in. */
export interface Finding {
  readonly key: string;
  readonly fault: string;
  readonly detail: string;
}

/** Maps as an edge holds them. `find` knows urgent rows before those of shards, like an edge. */
export interface OpenMaps {
  readonly root: Root;
  readonly breakGlass: BreakGlass | null;
  readonly shards: readonly Shard[];
  readonly shardHashes: readonly string[];
  readonly find: (key: string) => AccountRow | null;
}

/** What came out of opening: maps when the root and all shards could be read, and everything found wrong. */
export interface Opened {
  readonly maps: OpenMaps | null;
  readonly findings: readonly Finding[];
}

function notADump(file: string, detail: string, cause?: unknown): Failure {
  const next =
    "A dump comes from `maps dump`, or is the JSON array of { key, value } that `wrangler kv bulk put` takes.";
  return cliFailure(
    "file",
    { title: "The file is no dump of maps", detail: `${file}: ${detail}`, next },
    cause,
  );
}

/** Reads a dump. @throws Failure when the file cannot be read or holds something else. */
export async function readDump(file: string): Promise<Dump> {
  return collectEntries(file, (await beginsWithBracket(file)) ? arrayOf(file) : valuesOf(file));
}

/** Asks the API for the maps as they are published, without a file. */
export async function askForDump(session: Session): Promise<Dump> {
  const answer = await session.api().stream({ method: "GET", path: "/maps" });
  async function* values(): AsyncGenerator<unknown> {
    for await (const line of linesOf(answer)) yield parseLine(line);
  }
  return collectEntries("the answer of the API", values());
}

async function collectEntries(file: string, values: AsyncIterable<unknown>): Promise<Dump> {
  const entries = new Map<string, string>();
  let number = 0;
  for await (const value of values) {
    const entry = toEntry(value);
    number++;
    if (entry === null) throw notADump(file, `entry ${number} is no { "key": …, "value": … } of texts.`);
    if (entries.has(entry.key)) throw notADump(file, `the key ${entry.key} is there twice.`);
    entries.set(entry.key, entry.value);
  }
  if (entries.size === 0) throw notADump(file, "it is empty.");
  return entries;
}

function toEntry(value: unknown): { readonly key: string; readonly value: string } | null {
  if (typeof value !== "object" || value === null || !("key" in value) || !("value" in value)) return null;
  if (typeof value.key !== "string" || typeof value.value !== "string") return null;
  return "base64" in value && value.base64 === true ? null : { key: value.key, value: value.value };
}

async function beginsWithBracket(file: string): Promise<boolean> {
  try {
    for await (const chunk of createReadStream(file, {
      encoding: "utf8",
      end: 1023,
    }) as AsyncIterable<string>) {
      return chunk
        .replace(/^\ufeff/, "")
        .trimStart()
        .startsWith("[");
    }
    return false;
  } catch (error) {
    throw fileFailure(file, error, "read");
  }
}

async function* arrayOf(file: string): AsyncGenerator<unknown> {
  const text = (await readFile(file, "utf8")).replace(/^\ufeff/, "");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw notADump(file, "it begins like a JSON array and is none.", error);
  }
  if (Array.isArray(value)) yield* value as unknown[];
}

async function* valuesOf(file: string): AsyncGenerator<unknown> {
  let line = 0;
  for await (const text of linesOf(createReadStream(file))) {
    line++;
    let value: unknown;
    try {
      value = JSON.parse(line === 1 ? text.replace(/^\ufeff/, "") : text);
    } catch (error) {
      throw notADump(file, `line ${line} is no JSON.`, error);
    }
    yield value;
  }
}

/** Opens a dump the way an edge would. */
export function openMaps(dump: Dump): Opened {
  const findings: Finding[] = [];
  const take = <T>(key: string, decode: (text: string) => Result<T, MapsRefusal>): T | null => {
    const text = dump.get(key);
    if (text === undefined) {
      findings.push({ key, fault: "missing", detail: "named, and not in the dump" });
      return null;
    }
    const decoded = decode(text);
    if (decoded.ok) return decoded.value;
    findings.push({ key, fault: decoded.error.fault, detail: decoded.error.detail });
    return null;
  };
  const root = take(ROOT_KEY, decodeRoot);
  const breakGlass = dump.has(BREAK_GLASS_KEY) ? take(BREAK_GLASS_KEY, parseBreakGlass) : null;
  if (root === null) return { maps: null, findings };
  const limits = checkRoot(root);
  if (limits !== null) findings.push({ key: ROOT_KEY, ...limits });
  const shardHashes = openIndex(root, { dump, findings, take });
  if (shardHashes === null) return { maps: null, findings };
  const shards = shardHashes.map((hash, number) =>
    openNumbered({ hash, number, shards: shardHashes.length }, { take, findings }),
  );
  if (!shards.every((shard) => shard !== null)) return { maps: null, findings };
  return { maps: { root, breakGlass, shards, shardHashes, find: createFind(root, shards) }, findings };
}

type Take = <T>(key: string, decode: (text: string) => Result<T, MapsRefusal>) => T | null;

/** Shard hashes: those of the index; those in the root (checked by `checkRoot`) when the dump has no index. */
function openIndex(
  { index }: Root,
  { dump, findings, take }: { dump: Dump; findings: Finding[]; take: Take },
): readonly string[] | null {
  const key = indexKey(index.hash);
  const hashes =
    index.inline !== null && !dump.has(key)
      ? index.inline
      : take(key, (text) => decodeIndex(text, index.hash));
  if (hashes !== null && hashes.length !== index.shards) {
    findings.push({
      key,
      fault: "shape",
      detail: `the index has ${hashes.length} shards, the root says ${index.shards}`,
    });
  }
  return hashes;
}

interface NumberedShard {
  readonly hash: string;
  readonly number: number;
  readonly shards: number;
}

function openNumbered(
  { hash, number, shards }: NumberedShard,
  { take, findings }: { take: Take; findings: Finding[] },
): Shard | null {
  const shard = take(shardKey(hash), (text) => openShard(text, hash));
  if (shard !== null && (shard.shard !== number || shard.shards !== shards)) {
    const detail = `it is shard ${shard.shard} of ${shard.shards}, and stands at ${number} of ${shards}`;
    findings.push({ key: shardKey(hash), fault: "shape", detail });
  }
  return shard;
}

function createFind(root: Root, shards: readonly Shard[]): (key: string) => AccountRow | null {
  const urgent = new Map(root.urgent.map((row) => [row.key, row]));
  return (key) => urgent.get(key) ?? shards[shardOf(key, shards.length)]?.find(key) ?? null;
}

/** Every row an edge can find, once: urgent rows in place of those in shards, and urgent ones no shard has. */
export function* rowsOf({ root, shards, find }: OpenMaps): Generator<AccountRow> {
  const urgent = new Map(root.urgent.map((row) => [row.key, row]));
  for (const shard of shards) {
    for (const row of shard.list()) {
      yield urgent.get(row.key) ?? row;
      urgent.delete(row.key);
    }
  }
  for (const key of urgent.keys()) {
    const row = find(key);
    if (row !== null) yield row;
  }
}
