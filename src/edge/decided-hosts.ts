/**
 * The hosts of accounts that were decided lately, so that a busy one costs one look-up in a Map: who it is, and what the
 * maps decide for it. A decision is a pure function of maps and host, so it holds for as long as the very same maps are
 * served, and everything is dropped when others are. How old the maps may be is asked anew for every request, elsewhere.
 * Only known accounts are kept, by rows that the maps name: random hosts would push out real ones, and a stale row gives
 * way to the right one unnoticed. No `OPTIONS`, whose answer may be a health check's. Bounded, in bytes too: of what was
 * asked for nothing is kept. Does no I/O.
 */
import type { MapsSnapshot } from "../adapters/maps-reader/types.ts";
import type { LookupRequest, RoutedRequest } from "../core/classify-request.ts";
import type { Decision } from "../core/decision.ts";
import { parseTarget } from "../core/parse-target.ts";
import { createRecent } from "../core/recent.ts";
import type { EdgeRequest } from "./edge-request.ts";
import type { KnownProduct } from "./subject.ts";

/** Hosts in each half; two halves of 8,192 are about 5 MB, rows included. */
const HALF = 8192;

/** What a host says by itself: scheme and path are each request's own, and a path may be 16 KB. */
type WithoutTarget<T> = Omit<T, "scheme" | "pathAndQuery">;

export interface DecidedHost {
  /** As `classifyRequest` had it, without what was asked for. */
  readonly found: WithoutTarget<RoutedRequest> | WithoutTarget<LookupRequest>;
  /** The maps that all of this is from. */
  readonly snapshot: MapsSnapshot;
  readonly subject: KnownProduct;
  /** Without an override. */
  readonly decision: Decision;
}

/** A host as it was just decided, for one request. */
export interface JustDecided extends Omit<DecidedHost, "found"> {
  readonly found: RoutedRequest | LookupRequest;
}

export interface DecidedHosts {
  /** What is kept of the host of a request in origin form. Whoever asks must see that the maps are still the same. */
  find(request: Pick<EdgeRequest, "method" | "rawUrl" | "host">): DecidedHost | null;
  /** Keeps what was decided for a request in origin form; for others nothing is looked up. */
  keep(host: string, decided: JustDecided): void;
  /** Tells which maps are served: what was decided by others is dropped. */
  serve(snapshot: MapsSnapshot): void;
}

/** Creates the memory of one isolate. */
export function createDecidedHosts(): DecidedHosts {
  const recent = createRecent<DecidedHost>(HALF);
  let served: MapsSnapshot | null = null;
  return {
    find({ method, rawUrl, host }) {
      if (host === null || method === "OPTIONS") return null;
      const decided = recent.get(host);
      if (decided === undefined) return null;
      return parseTarget(rawUrl).form === "origin" ? decided : null;
    },
    keep(host, decided) {
      const { row, stale } = decided.subject;
      const { scheme, pathAndQuery: _path, ...found } = decided.found;
      const isKnown = row !== null && !stale;
      if (decided.snapshot === served && isKnown && scheme === null) recent.set(host, { ...decided, found });
    },
    serve(snapshot) {
      if (snapshot === served) return;
      served = snapshot;
      recent.clear();
    },
  };
}
