/**
 * What an edge tells about itself: one accumulator per isolate, flushed outside requests, never read by a decision.
 * The record is versioned, because Worker and object may run different releases during a deploy.
 */
import type { FailedRequest } from "./failed-request.ts";
import type { FleetReport } from "./fleet.ts";
import type { MirrorReport } from "./mirror.ts";
import type { EpochMs, Generation, ProductName, VersionName } from "./units.ts";

export const TELEMETRY_SCHEMA = 1;

/** How a request ended, for counters and logs. A closed set: a new outcome is a new name here. */
export type Outcome =
  | "health"
  | "refused"
  | "admin"
  | "forwarded"
  | "held"
  | "unresolved"
  | "origin-unreachable"
  | "origin-timeout"
  | "client-gone"
  | "loop"
  | "internal-error";

/** Why the reader refused maps it was offered, or could not read them. */
export type MapsFault =
  | "unreadable"
  | "too-large"
  | "not-json"
  | "checksum"
  | "schema"
  | "shape"
  | "generation"
  | "no-products"
  | "shrunken"
  | "over-limit"
  | "hash"
  | "missing"
  | "timeout"
  | "break-glass";

/** Connections to one version that outlive their requests. */
export interface OpenCount {
  readonly product: ProductName;
  readonly version: VersionName;
  /** WebSockets. */
  readonly sockets: number;
  /** Event streams. */
  readonly streams: number;
}

/** One flush of one isolate. Counts are since the previous flush; `sequence` shows gaps. */
export interface EdgeReport {
  readonly schema: typeof TELEMETRY_SCHEMA;
  readonly isolate: string;
  readonly sequence: number;
  /** Generation that answered the last request, 0 for the compiled-in fallback. */
  readonly generation: Generation;
  readonly breakGlass: boolean;
  readonly requests: number;
  readonly byOutcome: Readonly<Partial<Record<Outcome, number>>>;
  readonly mapsFaults: Readonly<Partial<Record<MapsFault, number>>>;
  /** Flushes that were lost before this one. */
  readonly dropped: number;
  /** Everything the isolate holds open now; left out by releases that do not count it. */
  readonly open?: readonly OpenCount[];
  /** What was mirrored and compared; left out when nothing was. */
  readonly mirrored?: readonly MirrorReport[];
  /** How today's fleet and the decisions agreed; left out when nothing was compared. */
  readonly fleet?: readonly FleetReport[];
  /** Testers' overrides that came and did not count; left out when there were none. */
  readonly refusedOverrides?: number;
  /** A sample of the requests that failed; left out when none did. */
  readonly failed?: readonly FailedRequest[];
}

/** What the meters know of one isolate, newest report first. */
export interface SeenIsolate {
  readonly isolate: string;
  readonly generation: Generation;
  readonly breakGlass: boolean;
  readonly requests: number;
  readonly reportedAt: EpochMs;
}
