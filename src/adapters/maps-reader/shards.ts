/**
 * From a key to its row: the shard the index names, read on demand, or the last copy of it that could be read.
 * An older copy is served at once where that cannot change an account's version, and not at all where it could (`epoch`,
 * see `folds`). Only the shard itself can say that a key is absent: an older copy may be from before the account, so a
 * key it does not know is unresolved. One read a shard and period, however many hosts are asked for.
 */
import { shardKey, type Root } from "../../contracts/maps.ts";
import { keyHash, shardOfHash } from "../../core/maps/key-hash.ts";
import { refuse } from "../../core/maps/refusal.ts";
import { openShard, type Shard } from "../../core/maps/shard-codec.ts";
import { createLastGood, type LastGood, type ShardIndex } from "./last-good.ts";
import type { ObjectReader, Wanted } from "./objects.ts";
import { createShardStore, type ShardStore } from "./shard-store.ts";
import { createSingleFlight, waitAtMost, type SharedLoad, type SingleFlight } from "./single-flight.ts";
import { REFRESH_MS, SHARD_WAIT_MS } from "./timing.ts";
import type { MapsReaderDeps, ReaderRequest, RowLookup } from "./types.ts";

export interface Shards {
  /** What the shard of `key` knows. A plain value when a copy is in memory and may be used. */
  lookUp(index: ShardIndex, key: string, request: ReaderRequest): RowLookup | Promise<RowLookup>;
  /** Makes an index the current one: from now on, copies of others are the older ones. */
  adopt(index: ShardIndex): void;
  /** Names copies from before this isolate, for shards of which nothing better is known. */
  seed(hashes: readonly string[], root: Root): void;
}

export const ABSENT: RowLookup = { kind: "absent" };
export const UNRESOLVED: RowLookup = { kind: "unresolved" };

interface Place {
  readonly index: ShardIndex;
  readonly number: number;
  readonly hash: string;
}

interface Memory {
  readonly store: ShardStore;
  readonly lastGood: LastGood;
}

/** Makes the shards of one isolate. */
export function createShards(deps: MapsReaderDeps, objects: ObjectReader): Shards {
  const memory: Memory = { store: createShardStore(), lastGood: createLastGood() };
  const ensureLoad = createShardLoads(deps, objects, memory);

  function lookUp(index: ShardIndex, key: string, request: ReaderRequest): RowLookup | Promise<RowLookup> {
    const spread = keyHash(key);
    const number = shardOfHash(spread, index.hashes.length);
    const hash = index.hashes[number] ?? "";
    const shard = memory.store.get(hash);
    if (shard !== undefined) return lookIn(shard, key, spread);
    const place: Place = { index, number, hash };
    const load = ensureLoad(place, request);
    const older = lookInOlder(memory, place, key);
    if (load === null || older.kind === "row") return older;
    const left = load.startedAtMs + SHARD_WAIT_MS - request.nowMs;
    if (left <= 0) return older;
    return waitAtMost(deps.clock, load.done, left).then((loaded) =>
      loaded === undefined || loaded === null ? lookInOlder(memory, place, key) : lookIn(loaded, key),
    );
  }

  return {
    lookUp,
    adopt: (index) => memory.lastGood.adopt(index),
    seed: (hashes, root) => memory.lastGood.seed(hashes, root),
  };
}

function lookIn(shard: Shard, key: string, spread?: number): RowLookup {
  const row = shard.find(key, spread);
  return row === null ? ABSENT : { kind: "row", row, stale: false };
}

/** The row of an older copy, where nothing changed places between root and rows since: else they do not belong together. */
function lookInOlder({ store, lastGood }: Memory, { index, number }: Place, key: string): RowLookup {
  const copy = lastGood.find(index, number);
  if (copy === undefined || copy.epoch !== index.epoch) return UNRESOLVED;
  const row = store.get(copy.hash)?.find(key) ?? null;
  return row === null ? UNRESOLVED : { kind: "row", row, stale: true };
}

/** The load of a shard, started if need be; null when one failed less than a period ago. */
type EnsureLoad = (place: Place, request: ReaderRequest) => SharedLoad<Shard | null> | null;

function createShardLoads(deps: MapsReaderDeps, objects: ObjectReader, memory: Memory): EnsureLoad {
  const { clock, onFault } = deps;
  // Both hold what is under way or failed lately, so they stay as small as the number of touched shards.
  const flights = new Map<string, SingleFlight<Shard | null>>();
  const failedUntilMs = new Map<string, number>();

  function ended(hash: string, failedAtMs: number | null): void {
    flights.delete(hash);
    if (failedAtMs === null) failedUntilMs.delete(hash);
    else failedUntilMs.set(hash, failedAtMs + REFRESH_MS);
  }

  async function load(place: Place, request: ReaderRequest): Promise<Shard | null> {
    const shard = await objects.load(wantedShard(place), request);
    if (shard === null) await recallOlder(objects, memory, place);
    else keep(memory, place, shard);
    ended(place.hash, shard === null ? request.nowMs : null);
    return shard;
  }

  return (place, request) => {
    const { hash } = place;
    const flight = flights.get(hash) ?? createSingleFlight<Shard | null>(clock);
    const running = flight.running(request.nowMs);
    if (running !== null) return running;
    const restMs = (failedUntilMs.get(hash) ?? 0) - request.nowMs;
    if (restMs > 0 && restMs <= REFRESH_MS) return null;
    flights.set(hash, flight);
    // What arrives past the deadline is kept all the same: under its hash it is right whenever it comes.
    return flight.start(
      request,
      () => load(place, request),
      () => {
        onFault("timeout", shardKey(hash));
        ended(hash, request.nowMs);
        return null;
      },
    );
  };
}

function keep({ store, lastGood }: Memory, { index, number, hash }: Place, shard: Shard): void {
  store.put(hash, shard);
  const superseded = lastGood.arrived(index, number);
  if (superseded !== null) store.delete(superseded);
}

/** Fetches the copy of the last good version of a shard, if memory does not have it any more. */
async function recallOlder(objects: ObjectReader, { store, lastGood }: Memory, place: Place): Promise<void> {
  const copy = lastGood.find(place.index, place.number);
  if (copy === undefined || copy.hash === place.hash || store.get(copy.hash) !== undefined) return;
  const { hash } = copy;
  const shard = await objects.loadCopy({ key: shardKey(hash), open: (text) => openShard(text, hash) });
  if (shard !== null) store.put(hash, shard);
}

/** A shard that hashes right but sits in the wrong place would answer "absent" for everybody. */
function wantedShard({ hash, number, index }: Place): Wanted<Shard> {
  return {
    key: shardKey(hash),
    open(text) {
      const opened = openShard(text, hash);
      const wanted = index.hashes.length;
      if (!opened.ok || (opened.value.shard === number && opened.value.shards === wanted)) return opened;
      return refuse(
        "shape",
        `is shard ${opened.value.shard} of ${opened.value.shards}, wanted ${number} of ${wanted}`,
      );
    },
  };
}
