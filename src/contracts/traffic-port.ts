/**
 * What the admin surface asks the meters about traffic of late: versions by their requests, one account by its failures
 * now and before. Plain data; every number is additive over meters. The shapes of the wire are in api/traffic.ts.
 */
import type { KnownCount } from "./alarms.ts";
import type { LatencyHistogram, PastCount } from "./observation.ts";
import type { ProductName, VersionName } from "./units.ts";

/** Requests for a version in the last `LATELY_MINUTES`, of all classes. */
export interface VersionLately {
  readonly product: ProductName;
  readonly version: VersionName;
  readonly requests: number;
  /** Answered with 5xx, or not answered. */
  readonly failures: number;
  readonly latency: LatencyHistogram;
}

export interface TrafficLately {
  readonly versions: readonly VersionLately[];
  /** Requests of known and of unknown accounts: now, and in the same hour of the day before. */
  readonly known: { readonly lately: KnownCount; readonly yesterday: KnownCount };
}

/** One account on one version: the last hour, and what is kept of the time before. */
export interface AccountLately {
  readonly product: ProductName;
  readonly version: VersionName;
  readonly lately: PastCount;
  readonly before: PastCount;
}

/** How long ago "lately" begins: for versions, and for a single account, which asks less often. */
export const LATELY_MINUTES = 15;
export const ACCOUNT_LATELY_MINUTES = 60;
