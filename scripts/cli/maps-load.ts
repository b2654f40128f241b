/**
 * `maps load`: turns a verified dump into the files and commands that put it into KV by hand, for the hour in which the
 * control plane cannot. Objects first, 60 s for them to spread, then the root: an edge that saw a root before its shards
 * would have to guess. It writes files and prints; it never calls wrangler itself.
 * A generation at or below what edges hold would be refused by them, so `--generation` re-encodes the root.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { BREAK_GLASS_KEY, indexKey, ROOT_KEY, rootCopyKey, shardKey } from "../../src/contracts/maps.ts";
import { encodeRoot } from "../../src/core/maps/root-codec.ts";
import { usageFailure } from "./failure.ts";
import { fileFailure } from "./file-stream.ts";
import type { Dump, OpenMaps } from "./maps-dump.ts";

/** The bulk call takes 100 MB; wrangler sends 1,000 entries in one, so a file may not hold more of either. */
const MAX_FILE_ENTRIES = 1000;
const MAX_FILE_CHARS = 80_000_000;
/** How long KV may take to show new objects everywhere. */
const SPREAD_SECONDS = 60;

export interface LoadOptions {
  /** Null keeps the dump's own. */
  readonly generation: number | null;
  readonly withBreakGlass: boolean;
}

interface Entry {
  readonly key: string;
  readonly value: string;
}

/** What to put, in this order. */
export interface LoadPlan {
  readonly generation: number;
  readonly objects: readonly (readonly Entry[])[];
  readonly root: readonly Entry[];
}

/**
 * Sorts a dump into what goes first and what goes last. Only what the root names is taken along.
 * @throws Failure (usage) for a generation that is not above the dump's.
 */
export function planLoad(dump: Dump, maps: OpenMaps, { generation, withBreakGlass }: LoadOptions): LoadPlan {
  const held = maps.root.generation;
  if (generation !== null && generation <= held) {
    throw usageFailure(
      `--generation must be above the dump's own, ${held}.`,
      "Edges refuse a lower one, and the same one with other content.",
    );
  }
  const root = generation === null ? (dump.get(ROOT_KEY) ?? "") : encodeRoot({ ...maps.root, generation });
  const keys = [...new Set(maps.shardHashes.map(shardKey)), indexKey(maps.root.index.hash)];
  const objects = keys.flatMap((key) => entryOf(dump, key));
  objects.push({ key: rootCopyKey(generation ?? held), value: root });
  if (withBreakGlass) objects.push(...entryOf(dump, BREAK_GLASS_KEY));
  return {
    generation: generation ?? held,
    objects: inParts(objects),
    root: [{ key: ROOT_KEY, value: root }],
  };
}

function entryOf(dump: Dump, key: string): Entry[] {
  const value = dump.get(key);
  return value === undefined ? [] : [{ key, value }];
}

function inParts(entries: readonly Entry[]): Entry[][] {
  const parts: Entry[][] = [];
  let part: Entry[] = [];
  let chars = 0;
  for (const entry of entries) {
    if (
      part.length > 0 &&
      (part.length === MAX_FILE_ENTRIES || chars + entry.value.length > MAX_FILE_CHARS)
    ) {
      parts.push(part);
      part = [];
      chars = 0;
    }
    part.push(entry);
    chars += entry.key.length + entry.value.length;
  }
  return part.length > 0 ? [...parts, part] : parts;
}

/** Where the files go and which namespace they are meant for. */
export interface LoadTarget {
  /** Folder of the files. */
  readonly folder: string;
  /** The dump's file name, from which theirs are made. */
  readonly source: string;
  /** Environment of wrangler.toml; "" is production. */
  readonly environment: string;
  /** In place of the binding MAPS. */
  readonly namespaceId: string | null;
}

export interface LoadFiles {
  readonly objects: readonly string[];
  readonly root: string;
}

/** The names of the files of a plan. */
export function loadFiles({ objects }: LoadPlan, { folder, source }: LoadTarget): LoadFiles {
  const stem = basename(source, extname(source));
  const part = (index: number): string => (objects.length === 1 ? "objects" : `objects-${index + 1}`);
  return {
    objects: objects.map((_, index) => join(folder, `${stem}.${part(index)}.json`)),
    root: join(folder, `${stem}.root.json`),
  };
}

/** Writes the files. @throws Failure when one cannot be written. */
export async function writeLoad(plan: LoadPlan, files: LoadFiles, folder: string): Promise<void> {
  const write = async (file: string, entries: readonly Entry[]): Promise<void> => {
    await writeFile(file, `${JSON.stringify(entries)}\n`, { mode: 0o600 }).catch((error: unknown) => {
      throw fileFailure(file, error, "written");
    });
  };
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw fileFailure(folder, error, "written");
  });
  for (const [index, part] of plan.objects.entries()) await write(files.objects[index] ?? "", part);
  await write(files.root, plan.root);
}

/** The commands, in the order in which they must be run. */
export function loadCommands(files: LoadFiles, { environment, namespaceId }: LoadTarget): string[] {
  const where =
    namespaceId === null
      ? `--binding MAPS --preview false --remote --env=${quoted(environment)}`
      : `--namespace-id ${namespaceId} --remote`;
  const put = (file: string): string => `npx wrangler kv bulk put ${quoted(file)} ${where}`;
  return [...files.objects.map(put), `sleep ${SPREAD_SECONDS}`, put(files.root)];
}

/** A word for a shell. */
function quoted(text: string): string {
  return /^[A-Za-z0-9._/-]+$/.test(text)
    ? text
    : text === ""
      ? '""'
      : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
