/**
 * What a rollout's plan says of its gate as it is stored, and the points of the series that a wave leaves behind. Plain
 * data; defaults stand in `core/gates/policy`. Stored plans may lack every field that is left out here. Design §5.2.
 */
import type { Bounds, GateAction, GatePart, GatePolicy, LatencyPolicy } from "./gate.ts";
import type { Verdict } from "./rollout-input.ts";
import type { EpochMs } from "./units.ts";

/** What a plan may say of these; left out means the default. */
export type LatencyWishes = { readonly [K in keyof LatencyPolicy]?: LatencyPolicy[K] | undefined };
export type ActionWishes = { readonly [P in GatePart]?: GateAction | undefined };

export interface GatePlan {
  readonly errorIncreasePercent: number;
  readonly alpha: number;
  readonly minAccounts: number;
  readonly onFail: "pause" | "rollback";
  /** After the bake: `hold` waits, `approve` asks a person. Plans from before may say the others. */
  readonly onInconclusive: GatePolicy["onInconclusive"];
  readonly mustHave: readonly string[];
  /** Left out: as `core/gates/policy` fills them in. */
  readonly minRequests?: number | undefined;
  readonly latency?: LatencyWishes | null | undefined;
  readonly quarantineLimit?: number | undefined;
  readonly actions?: ActionWishes | undefined;
  readonly dryRun?: GatePolicy["dryRun"] | undefined;
}

/** One minute of a wave's series, for a picture: what had been counted since its move, and what that meant. */
export interface GatePoint {
  readonly atMs: EpochMs;
  readonly verdict: Verdict;
  /** Accounts that the rollout had moved. */
  readonly accountsMoved: number;
  /** With traffic. */
  readonly movedAccounts: number;
  readonly movedRequests: number;
  readonly movedFailures: number;
  readonly movedRate: number;
  readonly notMovedRequests: number;
  readonly notMovedFailures: number;
  readonly notMovedRate: number;
  /** Shares; null while there are no bounds. */
  readonly increase: Pick<Bounds, "estimate" | "lower" | "upper"> | null;
  /** Of the newest full window of latency; null while there is none, left out in points from before. */
  readonly movedP95Ms?: number | null;
  readonly notMovedP95Ms?: number | null;
}
