/**
 * Today's fleet: what served a product before Firebreak, and still does while the product is in `pass-through` (everything
 * goes there) or `compare` (the same, and each decision is held against the version that answered). Words of the published
 * maps, of what edges report and of the API. Plain data; what a mode means is in `core/fleet`, the sending in `edge/fleet`.
 */
import type { EpochMs, ProductName, VersionName } from "./units.ts";

/** `active`: Firebreak's decisions count. */
export type ProductMode = "active" | "pass-through" | "compare";

/** As the published maps carry it, per product; an active product has none. */
export interface RootFleet {
  readonly mode: "pass-through" | "compare";
  readonly origin: string;
  /** Response header in which the fleet says which version answered; null: it does not. */
  readonly versionHeader: string | null;
  /** Names this comparison: edges report what they compared under it. */
  readonly run: string;
}

/** What one answer of the fleet says of the decision. `unnamed`: the fleet did not say; `undecided`: the maps could not. */
export type FleetOutcome = "agree" | "differ" | "unnamed" | "undecided";

/** Answers of the fleet, added up. */
export type FleetCounts = Readonly<Record<FleetOutcome, number>>;

/** Somebody who would get another version. `account` is empty for requests of no known account. */
export interface FleetDifference {
  readonly account: string;
  readonly ours: VersionName;
  /** As the fleet spelt it, cut. */
  readonly theirs: string;
  readonly requests: number;
}

/** What an edge (or a meter, over edges) says of one comparison. */
export interface FleetReport extends FleetCounts {
  readonly product: ProductName;
  readonly run: string;
  readonly accounts: readonly FleetDifference[];
  /** Differences whose accounts were more than are kept. */
  readonly forgotten: number;
}

/** The same with when it was last seen. */
export interface SeenDifference extends FleetDifference {
  readonly lastAt: EpochMs;
}

export interface FleetComparison extends FleetCounts {
  readonly accounts: readonly SeenDifference[];
  readonly forgotten: number;
}

/** Accounts with differences that one isolate keeps until its next report. */
export const MAX_FLEET_DIFFERENCES = 200;
/** Accounts with differences that one meter keeps of one comparison. */
export const MAX_KEPT_DIFFERENCES = 2000;
/** Characters of a version as the fleet spells it. */
export const MAX_THEIRS_CHARS = 64;
