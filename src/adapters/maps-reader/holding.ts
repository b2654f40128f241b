/**
 * What the isolate holds: maps, the generation that break-glass froze, both break-glass documents; and the snapshot
 * that is made of them. Owns every rule about which of them is served; reads nothing itself.
 * Changed by `refresher` only; asked by the reader on every request.
 */
import type { BreakGlass } from "../../contracts/maps.ts";
import type { EpochMs, Generation } from "../../contracts/units.ts";
import { chooseBreakGlass, parseBreakGlass } from "../../core/maps/break-glass.ts";
import { folds } from "../../core/maps/folds.ts";
import type { ShardIndex } from "./last-good.ts";
import type { Serving } from "./schedule.ts";
import { makeSnapshot, overrideEpochOf } from "./snapshots.ts";
import type { HeldMaps, MapsReaderDeps, MapsSnapshot } from "./types.ts";

/** What a snapshot was made from; kept beside it, so that a request sees root and rows of one time. */
export interface Backing {
  readonly maps: HeldMaps;
  readonly index: ShardIndex;
}

export interface Holding {
  /** Last maps from KV, or the copy that stands in for them; null on a cold start. */
  maps: HeldMaps | null;
  source: "kv" | "cache";
  /** Break-glass as KV has it, and its text; null before it was read. */
  kvGlass: BreakGlass | null;
  kvGlassText: string | null;
  /** What requests see. */
  readonly served: () => MapsSnapshot;
  /** The generation that break-glass holds, until it is at hand; null when none is wanted. */
  readonly unread: () => Generation | null;
  /** What reading a generation to hold gave; null: nothing, or not in time, and the newest maps stand in for it. */
  readonly freeze: (generation: Generation, maps: HeldMaps | null, nowMs: EpochMs) => void;
  /** Serves the newest maps in place of a generation to hold that does not come. */
  readonly goWithout: (nowMs: EpochMs) => void;
  /** What is served to those who wait no longer: the newest maps rather than none. */
  readonly given: (nowMs: EpochMs) => MapsSnapshot;
  readonly serving: () => Serving;
  /** When `served` has to be made again because a document expires. */
  readonly expiresMs: () => EpochMs;
  readonly backing: (snapshot: MapsSnapshot) => Backing | undefined;
  /** Makes the snapshot again after a change or an expiry; calls `onAdopt` when other maps are served than before. */
  readonly serve: (nowMs: EpochMs) => void;
}

/** Nothing held yet but the break-glass variable. */
export function createHolding(deps: MapsReaderDeps, onAdopt: (index: ShardIndex) => void): Holding {
  const variableGlass = readVariable(deps);
  const backings = new WeakMap<MapsSnapshot, Backing>();
  let served = makeSnapshot({ maps: null, newest: null, source: "kv", breakGlass: null }, deps.fallback);
  let expiresMs = 0;
  let epoch = 0;
  /** What break-glass wants to be held; its maps, once they were read; and whether that was tried in vain. */
  let wanted: Generation | null = null;
  let frozen: HeldMaps | null = null;
  let isMissed = false;

  const holding: Holding = {
    maps: null,
    source: "cache",
    kvGlass: null,
    kvGlassText: null,
    served: () => served,
    expiresMs: () => expiresMs,
    backing: (snapshot) => backings.get(snapshot),
    unread: () => (frozen === null ? wanted : null),
    freeze(generation, maps, nowMs) {
      if (holding.unread() !== generation) return;
      frozen = maps;
      isMissed = maps === null;
      holding.serve(nowMs);
    },
    goWithout(nowMs) {
      const generation = holding.unread();
      if (generation !== null && holding.maps !== null) holding.freeze(generation, null, nowMs);
    },
    given(nowMs) {
      if (served.root === null) holding.goWithout(nowMs);
      return served;
    },
    serving: () => (served.root === null ? "nothing" : holding.source),
    serve(nowMs) {
      const breakGlass = chooseBreakGlass(holding.kvGlass, variableGlass, nowMs);
      expiresMs = nextExpiry([holding.kvGlass, variableGlass], nowMs);
      want(breakGlass?.holdGeneration ?? null);
      replace({ maps: choose(), newest: holding.maps, source: holding.source, breakGlass });
    },
  };

  function want(generation: Generation | null): void {
    if (generation !== wanted) isMissed = false;
    wanted = generation;
    if (holding.maps?.root.generation === wanted) frozen = holding.maps;
    else if (frozen?.root.generation !== wanted) frozen = null;
  }

  /** Until the generation to hold was tried, what was served before: the newest maps are what it is to keep away. */
  function choose(): HeldMaps | null {
    const before = backings.get(served)?.maps ?? null;
    if (wanted !== null && frozen === null && !isMissed) return before;
    return frozen ?? holding.maps ?? before;
  }

  function replace(view: Parameters<typeof makeSnapshot>[0]): void {
    const { maps } = view;
    const before = backings.get(served);
    const isSame = (before?.maps ?? null) === maps;
    const isAsBefore =
      isSame &&
      served.breakGlass === view.breakGlass &&
      served.overrideEpoch === overrideEpochOf(view) &&
      (maps === null || served.source === view.source);
    if (isAsBefore) return;
    served = makeSnapshot(view, deps.fallback);
    if (maps === null) return;
    if (before !== undefined && !isSame && folds(before.maps.root, maps.root)) epoch++;
    const index =
      before !== undefined && isSame ? before.index : { hashes: maps.index, root: maps.root, epoch };
    backings.set(served, { maps, index });
    if (!isSame) onAdopt(index);
  }

  return holding;
}

function readVariable({ breakGlassVariable, onFault }: MapsReaderDeps): BreakGlass | null {
  const parsed = parseBreakGlass(breakGlassVariable);
  if (!parsed.ok) onFault("break-glass", `variable: ${parsed.error.detail}`);
  return parsed.ok ? parsed.value : null;
}

/** The first time after `nowMs` at which a document expires, Infinity without one. */
function nextExpiry(documents: readonly (BreakGlass | null)[], nowMs: EpochMs): EpochMs {
  const ahead = documents.flatMap((one) => (one !== null && one.expires > nowMs ? one.expires : []));
  return Math.min(Infinity, ...ahead);
}
