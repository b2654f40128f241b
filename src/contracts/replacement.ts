/**
 * The words of a replacement (design §5.4): a hotfix takes the place of a version for whoever is on it, beside any
 * rollout. Its plan, its phases and its state, as they are stored and cross RPC, and what goes into its engine and comes
 * out. Plain data only; what happens to it is decided in `core/rollout/replacement`. Read by core, control, admin, CLI.
 */
import type { Freeze } from "./calendar.ts";
import type { Facts, PreflightFact, VerdictFact } from "./rollout-input.ts";
import type { EpochMs, ProductName, VersionName } from "./units.ts";

/** Closed set; every phase that waits has a reason and a way out (`pause`, `stop` or `rollback`). */
export const REPLACEMENT_PHASES = [
  "preflight", // the new version is being tried; nobody has moved
  "waiting", // for the end of a freeze or a fresh preflight
  "shifting", // the threshold rises
  "baking", // a step of the ramp is done and watched
  "paused", // by a person or by itself; `resume` goes on
  "rolling-back", // the version it leads to is probed before the threshold falls
  "settling", // homes, pins and quarantines are written; no decision changes
  "completed", // terminal: the new version is the home of whoever was on the old one
  "stopped", // terminal: those who had moved stayed
  "rolled-back", // terminal: everybody is where they were
] as const;
export type ReplacementPhase = (typeof REPLACEMENT_PHASES)[number];

export interface ReplacementPlan {
  readonly product: ProductName;
  readonly from: VersionName;
  readonly to: VersionName;
  /** Shares of the ramp, rising, in hundredths of a percent; the last is everybody (10,000). */
  readonly stepsBp: readonly number[];
  /** Hundredths of a percent that the threshold rises in a minute; null: to each step at once. */
  readonly paceBpPerMinute: number | null;
  /** Watched this long after each step, the last included. */
  readonly bakeMinutes: number;
  /** An operator's word that this cannot wait for a freeze to end. */
  readonly throughFreezes: boolean;
}

export interface ReplacementState {
  readonly plan: ReplacementPlan;
  readonly salt: string;
  readonly phase: ReplacementPhase;
  /** One sentence. */
  readonly reason: string;
  /** When something will happen by itself, where that can be known. */
  readonly nextAtMs: EpochMs | null;
  /** When the preflight that it waits for should have passed; beyond it somebody is told. Of older releases: missing. */
  readonly deadlineMs?: EpochMs | null;
  /** Who paused it; null: it is not paused. Of older releases: missing, and told of as if it had paused by itself. */
  readonly pausedBy?: "person" | "itself" | null;
  /** Greatest time it was ever advanced to. */
  readonly clockMs: EpochMs;
  /** Threshold now, 0–10,000. */
  readonly below: number;
  /** Index of the step of the ramp at hand; as many as there are steps when all are done. */
  readonly stage: number;
  /** Until when the pace was used; null while it does not rise. */
  readonly pacedMs: EpochMs | null;
  /** When the threshold of the step at hand was reached; null while it rises. */
  readonly shiftedMs: EpochMs | null;
  readonly preflightAskedMs: EpochMs | null;
  /** Runs before this do not count: a person has resumed since. */
  readonly preflightSinceMs: EpochMs;
  readonly rollback: {
    readonly reason: string;
    readonly confirmed: boolean;
    readonly askedMs: EpochMs;
  } | null;
  /** What it ends as once homes are written. */
  readonly ending: "completed" | "stopped";
  readonly settleAskedMs: EpochMs | null;
  /** Number of the last effect: effects are carried out once for each number. */
  readonly step: number;
}

export interface ReplacementInput {
  readonly nowMs: EpochMs;
  readonly halt: boolean;
  readonly facts: Facts;
  readonly freezes: readonly Freeze[];
  /** Zones that accounts have: a freeze in their own zones holds as long as it holds in one of them. */
  readonly zones: readonly string[];
  readonly preflight: PreflightFact | null;
  readonly gate: VerdictFact | null;
  /** What is heard of `from`; only a rollback asks. */
  readonly probe: VerdictFact | null;
  /** Whether the published shards have every home, pin and quarantine that names `from` rewritten. */
  readonly homesWritten: boolean;
  /** Why accounts would fall back to `from` if the rule left the maps now, as a sentence; null when none would. */
  readonly heldBy: string | null;
}

interface EffectBase {
  readonly step: number;
}

export type ReplacementEffect = EffectBase &
  (
    | { readonly kind: "publish"; readonly why: string }
    | { readonly kind: "settle-replacement" }
    | { readonly kind: "notify"; readonly level: "info" | "ticket" | "page"; readonly text: string }
    | {
        readonly kind: "run-preflight";
        readonly product: ProductName;
        readonly version: VersionName;
        readonly why: "before-shift" | "hourly";
      }
    | { readonly kind: "probe-target"; readonly product: ProductName; readonly version: VersionName }
  );

/** What people may tell it. */
export interface ReplacementCommand {
  readonly kind: "pause" | "resume" | "stop" | "rollback";
  readonly reason: string;
  /** Of a rollback: said although the version is not declared reversible, or its target fails. */
  readonly confirmed: boolean;
}
