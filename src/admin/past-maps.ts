/**
 * The maps of another time as a ground to explain on: first the copies that KV keeps (the same bytes that edges read,
 * for a week at least), then what the control plane keeps of them. Reads only. Called by explain-at.ts.
 * Fails by saying which of both is missing; it never mixes the two, whose groups are numbered differently.
 */
import { makeSnapshot, withUrgent } from "../adapters/maps-reader/snapshots.ts";
import type { RowLookup } from "../adapters/maps-reader/types.ts";
import {
  indexKey,
  rootCopyKey,
  shardKey,
  type AccountRow,
  type BreakGlass,
  type Root,
} from "../contracts/maps.ts";
import type { Refusal } from "../contracts/problems.ts";
import { ok, type Result } from "../contracts/result.ts";
import type { Generation } from "../contracts/units.ts";
import { decodeIndex } from "../core/maps/index-codec.ts";
import { shardOf } from "../core/maps/key-hash.ts";
import { decodeRoot } from "../core/maps/root-codec.ts";
import { openShard } from "../core/maps/shard-codec.ts";
import type { Services } from "./deps.ts";
import type { Ground } from "./explain.ts";

/** Copies are immutable, and a miss must not stick. */
const KV_TTL_SECONDS = 30;

/** Thrown by a ground when KV lacks a part of the maps; caught where the other source is asked. */
export class NotKept extends Error {}

/** What was in force beside the maps. */
export interface Asked {
  readonly generation: Generation;
  readonly breakGlass: BreakGlass | null;
}

/** The kept copies in KV; null when the root of that generation is not there. Its `look` throws `NotKept`. */
export async function openKeptMaps(asked: Asked, services: Services): Promise<Ground | null> {
  const text = await read(services, rootCopyKey(asked.generation));
  const root = text === null ? null : decodeRoot(text);
  if (root === null || !root.ok) return null;
  const { index, urgent: rows } = root.value;
  const urgent = new Map(rows.map((row) => [row.key, row]));
  const find = async (key: string): Promise<AccountRow | null> => {
    const hashes = index.inline ?? (await readIndex(services, index.hash));
    const hash = hashes[shardOf(key, hashes.length)] ?? "";
    const shardText = await read(services, shardKey(hash));
    const shard = shardText === null ? null : openShard(shardText, hash);
    if (shard === null || !shard.ok) throw new NotKept(shardKey(hash));
    const row = shard.value.find(key);
    return row === null ? null : withUrgent({ urgent }, row);
  };
  return {
    config: services.config,
    snapshot: snapshotOf(root.value, asked, services),
    look: async (key) => ({ found: toLookup(urgent.get(key) ?? (await find(key))), root: root.value }),
  };
}

async function readIndex(services: Services, hash: string): Promise<readonly string[]> {
  const text = await read(services, indexKey(hash));
  const index = text === null ? null : decodeIndex(text, hash);
  if (index === null || !index.ok) throw new NotKept(indexKey(hash));
  return index.value;
}

/** A KV that does not answer has nothing: the control plane is asked instead. */
async function read({ kv, logger }: Services, key: string): Promise<string | null> {
  try {
    return await kv.get(key, KV_TTL_SECONDS);
  } catch (cause) {
    logger.line("admin.maps-unreadable", { cause, key });
    return null;
  }
}

/** What the control plane keeps. Each key has a root of its own, narrowed to its group. */
export async function openHistory(asked: Asked, services: Services): Promise<Result<Ground, Refusal>> {
  const { generation } = asked;
  const first = await services.control.query("history.maps", { generation, key: null });
  if (!first.ok) return first;
  return ok({
    config: services.config,
    snapshot: snapshotOf(first.value.root, asked, services),
    look: async (key) => {
      const maps = await services.control.query("history.maps", { generation, key });
      if (!maps.ok) throw new NotKept(maps.error.detail);
      return { found: toLookup(maps.value.row), root: maps.value.root };
    },
  });
}

function snapshotOf(root: Root, { breakGlass }: Asked, { config }: Services): Ground["snapshot"] {
  const maps = { text: "", root, index: [], urgent: new Map<string, AccountRow>() };
  return makeSnapshot({ maps, newest: maps, source: "kv", breakGlass }, config.fallback);
}

function toLookup(row: AccountRow | null): RowLookup {
  return row === null ? { kind: "absent" } : { kind: "row", row, stale: false };
}
