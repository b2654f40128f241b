/**
 * What goes into a gate and what comes out of it: counts of moved and not moved accounts over one wave, and a verdict with
 * the numbers behind it. Plain data. Everything counted is additive over the objects that hold the counts, or a short list
 * of single accounts. Made by control from observations, judged in `core/gates`, shown by admin and the command line.
 * Whatever is missing counts as not known, never as healthy. Design §5.2.
 */
import type { Verdict } from "./rollout-input.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "./units.ts";

/** From the mildest to the strongest. `warn` tells, `hold` lets nothing go forward, `pause` waits for a person. */
export const GATE_ACTIONS = ["warn", "hold", "pause", "rollback"] as const;
export type GateAction = (typeof GATE_ACTIONS)[number];

/** The parts a verdict is made of, in the order they are shown. */
export const GATE_PARTS = ["errors", "accounts", "latency", "signals"] as const;
export type GatePart = (typeof GATE_PARTS)[number];

/** A plan's gate in its one spelling; `core/gates/policy` fills in what the plan leaves out. */
export interface GatePolicy {
  /** Percentage points that moved accounts may fail more often; 0–100. */
  readonly errorIncreasePercent: number;
  /** Chance that a version no worse than tolerated is stopped, over the whole rollout. */
  readonly alpha: number;
  /** Moved accounts with at least one request. */
  readonly minAccounts: number;
  /** Requests of moved accounts, synthetic ones counted in. */
  readonly minRequests: number;
  /** Null: latency is not watched. */
  readonly latency: LatencyPolicy | null;
  /** Accounts in quarantine beyond which the wave stops; null: `max(5, 0.2 %)` of the moved ones. */
  readonly quarantineLimit: number | null;
  /** Names of signals without which nothing passes. */
  readonly mustHave: readonly string[];
  /** What is done when a part fails. */
  readonly actions: Readonly<Record<GatePart, GateAction>>;
  /** After the bake: `hold` and `pause` wait, `approve` asks a person, `advance` was asked for by name. */
  readonly onInconclusive: "hold" | "approve" | "pause" | "advance";
  /** Parts that only say what they would have done. */
  readonly dryRun: readonly GatePart[];
}

export interface LatencyPolicy {
  /** p95 of moved over p95 of not moved accounts, from which on a window is slow; above 1. */
  readonly ratio: number;
  /** … and it must be slower by this much, so that 4 ms instead of 2 ms stops nobody. */
  readonly floorMs: number;
  /** Requests a window must have on each side to count. */
  readonly minRequests: number;
}

/**
 * Sums over the accounts of one side. `r` is the requests of an account since the wave's counting began, `f` those that
 * failed (5xx, or no answer), `q` the share that failed in its own past. With a cap of C requests `s = min(1, C / r)`,
 * and an account adds `w = s·r` and `e = s·(f − r·q)`. Additive: the moments of two objects are added field by field.
 * Accounts without a request add nothing. `core/gates/moments` does the adding.
 */
export interface SideMoments {
  readonly accounts: number;
  /** Σ r and Σ f, uncapped. */
  readonly requests: number;
  readonly failures: number;
  readonly weight: number;
  readonly excess: number;
  readonly weightSquared: number;
  readonly excessSquared: number;
  readonly weightExcess: number;
  /** Σ s·f: what the rates that people are shown are made of. */
  readonly weightFailures: number;
}

/** Answers of moved and of not moved accounts in one window of time, by class of latency. */
export interface LatencyWindow {
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
  readonly moved: readonly number[];
  readonly notMoved: readonly number[];
}

export interface LatencyCounts {
  /** Upper bounds of the classes, growing, the last one Infinity; every list of counts is as long. */
  readonly boundsMs: readonly number[];
  /** Oldest first. */
  readonly windows: readonly LatencyWindow[];
  /** Of the moved accounts before their move, for when nobody is left to compare with; null: not known. */
  readonly past: readonly number[] | null;
}

/**
 * One account in blocks of five minutes. Only complete blocks with at least one request count, each as one trial whose
 * outcome is the share of its requests that failed: a burst of two minutes is one bad block, however many requests it had.
 */
export interface BlockTally {
  readonly blocks: number;
  /** Sum over the blocks of failures / requests; between 0 and `blocks`. */
  readonly shareSum: number;
  readonly requests: number;
  readonly failures: number;
}

/** A moved account, since its move and before it. */
export interface AccountTally {
  readonly account: AccountSlug;
  readonly now: BlockTally;
  readonly past: BlockTally;
}

/** The moved accounts one by one. */
export interface AccountFamily {
  /** Moved accounts with traffic: how many accounts might be suspected by chance. */
  readonly size: number;
  /** Not in quarantine, strongest evidence first or not; at least as many as may be put there and one more. */
  readonly suspects: readonly AccountTally[];
  /** Past of the family as a whole, for accounts that have little of their own. */
  readonly past: BlockTally;
  /** Already in quarantine because of this rollout. */
  readonly quarantined: number;
}

/** A word from outside. The newest of a name counts, until it expires. */
export interface GateSignal {
  readonly name: string;
  readonly source: string;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly atMs: EpochMs;
  readonly expiresMs: EpochMs;
}

/** How well was measured. */
export interface Measurement {
  /** Newest report of any edge, by the control plane's clock; null: none since the wave's counting began. */
  readonly newestMs: EpochMs | null;
  /** Flushes that arrived, and those known to be lost: said by the edge, or gaps in its numbers. */
  readonly flushes: number;
  readonly lost: number;
  /** Share of reported requests that were decided under a generation older than the one that moved the wave; 0–1. */
  readonly staleShare: number;
}

/** One product of one wave, as it stands now. */
export interface GateInput {
  readonly nowMs: EpochMs;
  readonly product: ProductName;
  readonly version: VersionName;
  /** Whether accounts may be put back by themselves. */
  readonly reversible: boolean;
  readonly policy: GatePolicy;
  /** Tests that share `alpha` in this rollout: waves times products; at least 1. */
  readonly tests: number;
  /** Whether both sides' moments were made with the accounts' own past; `none`: rates are compared as they are. */
  readonly past: "own" | "none";
  readonly moved: SideMoments;
  readonly notMoved: SideMoments;
  /** Requests that probes sent as moved accounts: they help to reach the minimum, and are in no interval. */
  readonly synthetic: { readonly requests: number; readonly failures: number };
  readonly latency: LatencyCounts;
  readonly accounts: AccountFamily;
  readonly signals: readonly GateSignal[];
  readonly measurement: Measurement;
}

/** A one-sided pair of bounds that holds at all times at once, each with probability 1 − alpha. */
export interface Bounds {
  readonly estimate: number;
  readonly lower: number;
  readonly upper: number;
  readonly standardError: number;
  /** Bounds are the estimate ± this many standard errors. */
  readonly multiplier: number;
}

/** What is known of the error rate; shares, 0–1. */
export interface ErrorNumbers {
  readonly movedAccounts: number;
  readonly movedRequests: number;
  readonly movedFailures: number;
  readonly notMovedAccounts: number;
  readonly notMovedRequests: number;
  readonly notMovedFailures: number;
  readonly syntheticRequests: number;
  readonly syntheticFailures: number;
  /** Rates after the cap on single accounts. */
  readonly movedRate: number;
  readonly notMovedRate: number;
  /** Against which the moved accounts were held. */
  readonly against: "not-moved" | "own-past" | "nothing";
  readonly tolerated: number;
  /** Increase over that; null while it cannot be computed: nobody to compare with, or no two accounts of a side. */
  readonly increase: Bounds | null;
  /** Increase of the not moved accounts over their own past; null where not known. */
  readonly baseline: Bounds | null;
  /** Accounts of equal size that would tell as much. */
  readonly effectiveAccounts: number;
  /** Share of flushes that were lost. */
  readonly lostShare: number;
}

export interface LatencyNumbers {
  readonly movedP95Ms: number | null;
  readonly notMovedP95Ms: number | null;
  /** Slow windows in a row, up to the newest. */
  readonly slowWindows: number;
  /** Windows with enough answers on both sides; neighbouring ones are put together for it. */
  readonly windows: number;
  /** Of moved accounts, in all windows. */
  readonly requests: number;
}

/** An account that is clearly worse than its own past. */
export interface SuspectAccount {
  readonly account: AccountSlug;
  /** Shares of failures, per block: now and what its past makes likely. */
  readonly nowShare: number;
  readonly pastShare: number;
  readonly blocks: number;
  readonly requests: number;
  readonly failures: number;
  /** Natural logarithm of the evidence, and what it had to reach. */
  readonly logEvidence: number;
  readonly logThreshold: number;
}

export type GateCause =
  | "errors"
  | "accounts"
  | "latency"
  | "signal"
  | "must-have"
  | "not-measured"
  | "baseline-bad"
  | "too-little"
  | "nothing-to-compare"
  | "undecided"
  | "fine";

/** What is still missing before a word can be said, in numbers. */
export interface GateMissing {
  readonly part: GatePart;
  readonly what:
    | "accounts"
    | "requests"
    | "not-moved-accounts"
    | "windows"
    | "signal"
    | "reports"
    | "precision";
  /** For people: `12 of 20 moved accounts with traffic`. */
  readonly sentence: string;
  readonly have: number;
  readonly need: number;
}

export interface PartVerdict {
  readonly part: GatePart;
  readonly verdict: Verdict;
  readonly cause: GateCause;
  readonly sentence: string;
  readonly missing: readonly GateMissing[];
}

/** The word of all parts together over one product of one wave. */
export interface GateVerdict {
  readonly atMs: EpochMs;
  readonly product: ProductName;
  readonly version: VersionName;
  readonly verdict: Verdict;
  readonly cause: GateCause;
  readonly sentence: string;
  /** What the plan wants done now; null: nothing. */
  readonly action: GateAction | null;
  /** What would be done if no part ran dry; equal to `action` otherwise. */
  readonly wouldDo: GateAction | null;
  /** False: inconclusive, and no plan may `advance` past it (nothing measured, baseline bad, a signal missing). */
  readonly planMayAdvance: boolean;
  /** Who is to be told, and how urgently; null: nobody. */
  readonly notify: "ticket" | "page" | null;
  /** To be put in quarantine now, strongest evidence first; empty where the version is not reversible. */
  readonly quarantine: readonly SuspectAccount[];
  /** Clearly worse than their own past, whether or not they are put back. */
  readonly suspects: readonly SuspectAccount[];
  readonly parts: readonly PartVerdict[];
  readonly errors: ErrorNumbers;
  readonly latency: LatencyNumbers;
  readonly missing: readonly GateMissing[];
}
