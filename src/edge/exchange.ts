/**
 * Everything known about one request once it is known to be for a version: what its phases pass on to each other.
 * Shapes, and the two small readings of them that several phases need. Decides nothing.
 */
import type { MapsSnapshot } from "../adapters/maps-reader/types.ts";
import type { EpochMs } from "../contracts/units.ts";
import type { Destination } from "../core/classify-request.ts";
import type { EdgeRequest } from "./edge-request.ts";
import type { InboundHeaders } from "./inbound-headers.ts";
import type { ProblemRequest } from "./problem-response.ts";
import type { RequestRecord } from "./request-record.ts";

export interface Exchange {
  readonly request: EdgeRequest;
  readonly inbound: InboundHeaders;
  readonly destination: Destination;
  readonly requestId: string;
  readonly nowMs: EpochMs;
  readonly record: RequestRecord;
}

export interface RoutedExchange extends Exchange {
  readonly snapshot: MapsSnapshot;
}

/**
 * The path and query as `URL` writes them: dot segments resolved, some characters encoded. Everything that is decided
 * by path is decided on this form, because this is what an origin gets. Any host does; ours is never part of it.
 */
export function serialisedPath({ destination }: Exchange): string {
  const { pathname, search } = new URL(`http://path.invalid${destination.pathAndQuery}`);
  return pathname + search;
}

/** The request as the edge's own answers need it. */
export function problemRequest(exchange: Exchange): ProblemRequest {
  const { request, requestId } = exchange;
  return {
    method: request.method,
    headers: request.headers,
    pathAndQuery: serialisedPath(exchange),
    requestId,
  };
}
