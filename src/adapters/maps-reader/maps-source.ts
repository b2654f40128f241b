/**
 * Reads whole maps, root and index together, from KV or from the copies in the Cache API, and writes those copies.
 * Decides whether what was read is sound in itself; whether it may follow what is held is asked by the reader.
 * Every refusal is counted, except that of a copy, which is only missing then. Never rejects.
 */
import {
  BREAK_GLASS_KEY,
  indexKey,
  ROOT_KEY,
  rootCopyKey,
  type BreakGlass,
  type Root,
} from "../../contracts/maps.ts";
import { err, ok, type Result } from "../../contracts/result.ts";
import type { Generation } from "../../contracts/units.ts";
import { parseBreakGlass } from "../../core/maps/break-glass.ts";
import { decodeIndex, encodeIndex } from "../../core/maps/index-codec.ts";
import { refuse, type MapsRefusal } from "../../core/maps/refusal.ts";
import { decodeRoot } from "../../core/maps/root-codec.ts";
import { checkRoot } from "../../core/maps/root-limits.ts";
import type { ObjectReader, Wanted } from "./objects.ts";
import type { HeldMaps, MapsReaderDeps, ReaderRequest } from "./types.ts";

export interface Mutable {
  readonly rootText: string | null;
  readonly glassText: string | null;
}

export interface MapsCopy {
  readonly maps: HeldMaps;
  readonly breakGlass: BreakGlass | null;
}

export interface MapsSource {
  /** The two keys that change, in one operation; null when KV could not be read. */
  readMutable(): Promise<Mutable | null>;
  /** The root in this text; null, counted, when it is not sound in itself. */
  decode(text: string): Root | null;
  /** A root with its index, which is taken from `held`, from the root itself, or read. Null when it cannot be read. */
  complete(
    read: { text: string; root: Root; held: HeldMaps | null },
    request: ReaderRequest,
  ): Promise<HeldMaps | null>;
  /** The immutable root of one generation with its index, from KV or its copy, for `holdGeneration`. */
  readGeneration(
    generation: Generation,
    held: () => HeldMaps | null,
    request: ReaderRequest,
  ): Promise<HeldMaps | null>;
  readCopy(): Promise<MapsCopy | null>;
  saveCopies(maps: HeldMaps, request: ReaderRequest): void;
}

/** Makes the source of one isolate. */
export function createMapsSource(deps: MapsReaderDeps, objects: ObjectReader): MapsSource {
  const { kv, cache, onFault } = deps;

  async function readMutable(): Promise<Mutable | null> {
    try {
      const values = await kv.getMany([ROOT_KEY, BREAK_GLASS_KEY]);
      return { rootText: values.get(ROOT_KEY) ?? null, glassText: values.get(BREAK_GLASS_KEY) ?? null };
    } catch (error) {
      onFault("unreadable", `${ROOT_KEY}: ${String(error)}`);
      return null;
    }
  }

  function decode(text: string): Root | null {
    const opened = openRoot(text);
    if (!opened.ok) onFault(opened.error.fault, opened.error.detail);
    return opened.ok ? opened.value : null;
  }

  const complete: MapsSource["complete"] = async ({ text, root, held }, request) => {
    const { hash, inline } = root.index;
    const atHand = inline ?? (held?.root.index.hash === hash ? held.index : null);
    const index = atHand ?? (await objects.load(wantedIndex(root), request));
    return index === null ? null : holdTogether(text, root, index);
  };

  const readGeneration: MapsSource["readGeneration"] = async (generation, held, request) => {
    const read = await objects.load(wantedRoot(generation), request);
    return read === null ? null : complete({ ...read, held: held() }, request);
  };

  async function readCopy(): Promise<MapsCopy | null> {
    if (cache === null) return null;
    try {
      const [text, glassText] = await Promise.all([cache.get(ROOT_KEY), cache.get(BREAK_GLASS_KEY)]);
      const opened = text === null ? null : openRoot(text);
      if (text === null || opened?.ok !== true) return null;
      const root = opened.value;
      const index = root.index.inline ?? (await objects.loadCopy(wantedIndex(root)));
      const glass = parseBreakGlass(glassText ?? "");
      return index === null
        ? null
        : { maps: holdTogether(text, root, index), breakGlass: glass.ok ? glass.value : null };
    } catch {
      return null;
    }
  }

  function saveCopies(maps: HeldMaps, request: ReaderRequest): void {
    const { hash, inline } = maps.root.index;
    // The index first: a root whose index is not there is no copy at all.
    if (inline === null) objects.saveCopy(indexKey(hash), encodeIndex(maps.index), request);
    objects.saveCopy(ROOT_KEY, maps.text, request);
  }

  return { readMutable, decode, complete, readGeneration, readCopy, saveCopies };
}

function holdTogether(text: string, root: Root, index: readonly string[]): HeldMaps {
  return { text, root, index, urgent: new Map(root.urgent.map((row) => [row.key, row])) };
}

/** A root that is sound in itself. */
function openRoot(text: string): Result<Root, MapsRefusal> {
  const decoded = decodeRoot(text);
  const refusal = decoded.ok ? checkRoot(decoded.value) : null;
  return refusal === null ? decoded : err(refusal);
}

/** Under its number a root never changes, so its copy is as good as it is, and asked for only while that is held. */
function wantedRoot(generation: Generation): Wanted<{ readonly text: string; readonly root: Root }> {
  return {
    key: rootCopyKey(generation),
    open(text) {
      const opened = openRoot(text);
      if (!opened.ok) return opened;
      const root = opened.value;
      if (root.generation === generation) return ok({ text, root });
      return refuse("generation", `holds generation ${root.generation}`);
    },
  };
}

function wantedIndex({ index }: Root): Wanted<readonly string[]> {
  return {
    key: indexKey(index.hash),
    open(text) {
      const decoded = decodeIndex(text, index.hash);
      if (!decoded.ok || decoded.value.length === index.shards) return decoded;
      return refuse("shape", `the index has ${decoded.value.length} shards, the root says ${index.shards}`);
    },
  };
}
