/**
 * What goes into the rollout engine (facts, observations, commands) and what comes out of it (effects). Plain data.
 * Observations are stamped with the control plane's clock; whatever is missing counts as not known, never as healthy.
 * Effects are carried out by control through its outbox, each once for its `step`; the engine never does them itself.
 */
import type { Freeze, Window } from "./calendar.ts";
import type { GateAction, GateCause } from "./gate.ts";
import type { DataEffect, DataFacts, DataRule, SettleTimes } from "./move-data.ts";
import type { MirrorCounts } from "./mirror.ts";
import type { CoveredClass } from "./preflight.ts";
import type { Replacement, VersionState } from "./maps.ts";
import type {
  DefaultBefore,
  FrozenGroup,
  LeftBehindReason,
  RollbackScope,
  RollbackWhere,
  RolloutState,
} from "./rollout.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "./units.ts";

export type Verdict = "pass" | "fail" | "inconclusive";

/** A version as registered. */
export interface VersionFacts {
  readonly state: VersionState;
  readonly bad: boolean;
  /** `false`, `true`, or until when. */
  readonly reversible: boolean | EpochMs;
  /** Null: from any. */
  readonly upgradesFrom: readonly VersionName[] | null;
  readonly requires: Readonly<Record<ProductName, readonly VersionName[]>>;
  /** Left out: accounts go there without being held. Control fills it in for every version: undeclared is `never`. */
  readonly data?: DataRule;
}

export interface ProductFacts {
  readonly default: VersionName | null;
  readonly standby: VersionName | null;
  readonly versions: Readonly<Record<VersionName, VersionFacts>>;
  /** Those that are active, whoever has moved by them: what a version means for accounts, now and later. Left out: none. */
  readonly replacements?: readonly Pick<Replacement, "from" | "to" | "below">[];
  /** Its default moves only when a second person approves. Left out: no. */
  readonly fourEyes?: boolean;
}

export type Facts = Readonly<Record<ProductName, ProductFacts>>;

/** What a rollout reads of an account, once, at its start. Deleted accounts are not handed in. */
export interface AccountFacts {
  readonly slug: AccountSlug;
  readonly cohort: string;
  readonly zone: string;
  readonly window: readonly Window[] | null;
  readonly cell: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Version that its decision says now, per product, before replacements: they apply to whatever a decision says. */
  readonly homes: Readonly<Record<ProductName, VersionName>>;
  /** Products that it is pinned for, and in quarantine for. */
  readonly pinned: readonly ProductName[];
  readonly quarantined: readonly ProductName[];
  /** Versions that people hold it on, by pin or quarantine, whatever else says otherwise. Left out: none. */
  readonly held?: Readonly<Record<ProductName, VersionName>>;
  readonly deferredUntilMs: EpochMs | null;
  /** The rollout that moved its data and has not undone it yet, so that it lies between versions. Left out: none. */
  readonly stuckIn?: string;
  /** Versions that other running rollouts may yet give it, forward or on their way back. Left out: none. */
  readonly ahead?: readonly Readonly<Record<ProductName, VersionName>>[];
  /** When a rollout last moved it back. */
  readonly rolledBackMs: EpochMs | null;
  /** How often rollouts have moved it back in the last 30 days. Left out: once where `rolledBackMs` is set, else never. */
  readonly timesBack?: number;
}

/** Everything a rollout keeps of the accounts. */
export interface Frozen {
  readonly groups: readonly FrozenGroup[];
  readonly labelKeys: readonly string[];
  readonly origins: Readonly<Record<ProductName, readonly VersionName[]>>;
  /** Accounts by reason; the first 20 by name. */
  readonly leftBehind: readonly LeftBehind[];
  /** SHA-256 of plan and frozen facts; `start` can require it. */
  readonly digest: string;
}

export interface LeftBehind {
  readonly reason: LeftBehindReason;
  readonly accounts: number;
  readonly examples: readonly AccountSlug[];
}

export interface VerdictFact {
  readonly atMs: EpochMs;
  readonly verdict: Verdict;
  readonly sentence: string;
}

/** What a gate says of a wave. Left out: what the plan's `onFail` and `onInconclusive` make of the verdict. */
export interface GateFact extends VerdictFact {
  readonly cause?: GateCause;
  readonly action?: GateAction | null;
  /** False: nothing measured, a signal missing, or everybody bad: no plan lets that past. */
  readonly planMayAdvance?: boolean;
  readonly notify?: "ticket" | "page" | null;
  /** To be put back alone now, worst first. */
  readonly quarantine?: readonly { readonly account: AccountSlug; readonly reason: string }[];
}

/** The last run for a target: what accounts may do, and what the default may do. */
export interface PreflightFact {
  readonly atMs: EpochMs;
  readonly wave: { readonly verdict: Verdict; readonly sentence: string };
  readonly default: { readonly verdict: Verdict; readonly sentence: string };
}

/** Compared requests of one measurement, named as in the state of the rollout. */
export interface MirrorFact {
  readonly run: string;
  readonly counts: MirrorCounts;
}

export interface Observations {
  readonly facts: Facts;
  /** Last run per target's product. */
  readonly preflight: Readonly<Record<ProductName, PreflightFact>>;
  /** Verdict over the wave of this index; left out or null: none. */
  readonly gates: readonly (GateFact | null)[];
  /** Verdict over the default after its move. */
  readonly defaultGates: Readonly<Record<ProductName, VerdictFact>>;
  /** What edges have compared of mirrored requests, by product; left out: nothing was reported. */
  readonly mirrors: Readonly<Record<ProductName, MirrorFact>>;
  /** Requests of moved accounts since the wave at hand was done, and of the default since it moved; null: not known. */
  readonly requests: number | null;
  readonly defaultRequests: Readonly<Record<ProductName, number>>;
  /** Classes that the target has not been seen to answer; left out: not known. */
  readonly uncovered: Readonly<Record<ProductName, readonly CoveredClass[]>>;
  /** Probes of versions that a rollback leads to, by `PRODUCT VERSION`. */
  readonly probes: Readonly<Record<string, VerdictFact>>;
  /** `written` after `settle-homes`, `restored` after `restore-homes`. */
  readonly homes: "untouched" | "written" | "restored";
  /** Needed by moves that carry data; left out: nothing is known, and nobody is held. */
  readonly data?: DataFacts;
}

export interface AdvanceInput {
  readonly nowMs: EpochMs;
  readonly halt: boolean;
  readonly frozen: readonly FrozenGroup[];
  /** Stored windows by name. */
  readonly windows: Readonly<Record<string, readonly Window[]>>;
  readonly freezes: readonly Freeze[];
  readonly observations: Observations;
  /** Left out: `SETTLE_TIMES`. */
  readonly settle?: SettleTimes;
}

interface EffectBase {
  /** Unique within the rollout and growing: carrying out the same one twice must do nothing. */
  readonly step: number;
}

export type RolloutEffect = EffectBase &
  (
    | { readonly kind: "publish"; readonly why: string }
    | {
        readonly kind: "run-preflight";
        readonly product: ProductName;
        readonly version: VersionName;
        readonly why: "before-start" | "hourly" | "before-shift" | "before-default" | "confirm" | "asked";
      }
    | { readonly kind: "probe-target"; readonly product: ProductName; readonly version: VersionName }
    | {
        readonly kind: "set-default";
        readonly product: ProductName;
        /** Only when this is what it is now; otherwise nothing is done. */
        readonly expected: VersionName;
        readonly to: DefaultBefore;
      }
    /** Never a target again until somebody clears it. */
    | {
        readonly kind: "mark-bad";
        readonly product: ProductName;
        readonly version: VersionName;
        readonly reason: string;
      }
    /** One account back to the versions it came from, of all targets. */
    | { readonly kind: "quarantine"; readonly account: AccountSlug; readonly reason: string }
    | { readonly kind: "settle-homes" | "restore-homes" }
    | { readonly kind: "split-groups"; readonly where: RollbackWhere }
    | { readonly kind: "data"; readonly what: DataEffect }
    | { readonly kind: "notify"; readonly level: "info" | "ticket" | "page"; readonly text: string }
  );

/** What a handler returns: the next state, what is to be done, and what to tell in the report of a tick. */
export interface Advanced {
  readonly state: RolloutState;
  readonly effects: readonly RolloutEffect[];
  readonly happened: readonly string[];
}

export type RolloutCommand =
  | {
      readonly kind: "start";
      readonly requiredDigest: string | null;
      readonly frozen: Frozen;
      /** Active rollouts besides this one. */
      readonly others: readonly { readonly id: string; readonly products: readonly ProductName[] }[];
    }
  | { readonly kind: "pause" | "stop"; readonly reason: string }
  /** `again`: accounts that were rolled back may go forward once more. */
  | { readonly kind: "resume"; readonly again: boolean }
  | { readonly kind: "approve"; readonly what: { readonly wave: number } | { readonly default: ProductName } }
  | { readonly kind: "waive-gate"; readonly wave: number; readonly reason: string }
  | {
      readonly kind: "rollback";
      readonly scope: RollbackScope;
      readonly reason: string;
      /** Irreversible versions, a default that moved and homes that were written need it. */
      readonly confirmed: boolean;
      readonly paceBpPerMinute: number | null;
      /** Left out or null: targets that failed are marked bad when everybody goes back. */
      readonly markBad?: boolean | null;
    }
  /** Takes those that became eligible late into the wave at hand. */
  | { readonly kind: "adopt" };

export interface CommandContext {
  readonly nowMs: EpochMs;
  readonly by: string;
  readonly facts: Facts;
  readonly frozen: readonly FrozenGroup[];
  /** Of a rollback: accounts that it would leave on versions that do not go together, as one sentence. Left out: none. */
  readonly pairs?: string | null;
}
