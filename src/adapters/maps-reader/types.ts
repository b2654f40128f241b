/**
 * What the maps reader takes and gives. Shapes only; the rules are in the other files of this folder.
 * The edge holds a snapshot for the length of one request, so that root, index and rows it sees belong together.
 */
import type { Config } from "../../contracts/env.ts";
import type { AccountRow, BreakGlass, Root } from "../../contracts/maps.ts";
import type { MapsFault } from "../../contracts/telemetry.ts";
import type { EpochMs, Generation } from "../../contracts/units.ts";
import type { BaseDomains } from "../../core/classify-request.ts";
import type { Clock } from "../clock.ts";
import type { MapsKv } from "../kv.ts";
import type { MapsCache } from "../maps-cache.ts";

export interface MapsReaderDeps {
  readonly kv: MapsKv;
  /** Null where there is no Cache API. */
  readonly cache: MapsCache | null;
  readonly fallback: Config["fallback"];
  /** Text of the second break-glass source, as configured. */
  readonly breakGlassVariable: string;
  readonly clock: Clock;
  /** Called for every refusal and failed read; must not throw. */
  readonly onFault: (fault: MapsFault, detail: string) => void;
}

/** The request on whose behalf something is read. */
export interface ReaderRequest {
  readonly nowMs: EpochMs;
  readonly waitUntil: (work: Promise<unknown>) => void;
}

export interface MapsSnapshot {
  /** Where the maps came from; `fallback` means there are none, and `root` is null. */
  readonly source: "kv" | "cache" | "fallback";
  readonly root: Root | null;
  /** The document in force when the snapshot was made. */
  readonly breakGlass: BreakGlass | null;
  /** That of `root`, 0 without one. */
  readonly generation: Generation;
  /** Testers' tokens from before it are revoked, also while a generation from before that is held. */
  readonly overrideEpoch: EpochMs;
  /** Compiled-in base domains and those of the root. */
  readonly baseDomains: BaseDomains;
}

export type RowLookup =
  /** `stale`: from the last copy that could be read, not from the one that the maps name now. */
  | { readonly kind: "row"; readonly row: AccountRow; readonly stale: boolean }
  /** The maps were read and do not know the key. */
  | { readonly kind: "absent" }
  /** Nothing could be read that would know. Never the default version. */
  | { readonly kind: "unresolved" };

export interface MapsReader {
  /** The maps to answer this request with: a plain value unless something has to be waited for. Never rejects. */
  current(request: ReaderRequest): MapsSnapshot | Promise<MapsSnapshot>;
  /** What the snapshot's maps know of a slug or custom host. A plain value unless a shard has to be read. Never rejects. */
  row(snapshot: MapsSnapshot, key: string, request: ReaderRequest): RowLookup | Promise<RowLookup>;
  /**
   * The maps after a read of `root` that is begun now, or under way: for whom those of `current` are too old. Waits about
   * as long as a cold start; gives what there is when that does not help, so ask `ageMs` again. Never rejects.
   */
  renew(request: ReaderRequest): Promise<MapsSnapshot>;
  /**
   * Whether this isolate was idle and its first read of `root` since is still under way: what it holds may know nothing of
   * a move that has begun, so a known account is answered after `renew`. Never for longer than a cold start waits, and
   * never during an outage that is known.
   */
  isWaking(nowMs: EpochMs): boolean;
  /** The generation served now, 0 for the compiled-in fallback. */
  generation(): Generation;
  /** Since the read in which KV last confirmed what is served was begun; Infinity when it never did. */
  ageMs(nowMs: EpochMs): number;
}

/** A root with everything adopted together with it. */
export interface HeldMaps {
  /** As it was read, to recognise it again without decoding. */
  readonly text: string;
  readonly root: Root;
  readonly index: readonly string[];
  readonly urgent: ReadonlyMap<string, AccountRow>;
}
