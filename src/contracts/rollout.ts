/**
 * The words of a rollout: its plan, its phases and its state, as they are stored and cross RPC. Plain data only; what
 * happens to it is decided in `core/rollout`, what comes in from outside is in `contracts/rollout-input`.
 * A rollout's state is JSON; the buckets of its groups are kept beside it (a BLOB each) and never change in bulk.
 * Read by core, control, admin and the command line. Design §5.
 */
import type { Window } from "./calendar.ts";
import type { GatePlan } from "./gate-plan.ts";
import type { DataPlan, DataState } from "./move-data.ts";
import type { MirrorPlan, MirrorState } from "./mirror.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "./units.ts";

/** Closed set. Every phase has a way out: see `core/rollout/commands` and the table in the README. */
export const ROLLOUT_PHASES = [
  "draft", // written down, nothing frozen, nobody moves
  "preflight", // the matrix is being run against the targets
  "preflight-failed", // it did not pass; a waiver, a new run or `resume` goes on
  "waiting", // for a window, the end of a freeze, a fresh preflight or verdict
  "shifting", // thresholds of open groups rise
  "baking", // all of the wave's accounts are moved and watched
  "awaiting-approval", // a person must say yes to the wave that is named
  "paused", // by a person or by itself; `resume` goes on
  "rolling-back", // protective: windows and freezes do not bind
  "rolled-back", // terminal: everybody is where they were
  "default-pending", // all waves are done, the default of one product waits for its moment
  "default-baking", // it has moved and is watched
  "settling", // homes are written; no decision changes
  "completed", // terminal
  "stopped", // terminal: moved accounts stayed
] as const;
export type RolloutPhase = (typeof ROLLOUT_PHASES)[number];

export const TERMINAL_PHASES: readonly RolloutPhase[] = ["rolled-back", "completed", "stopped"];

/** Why a rollout is where it is, for programs; `reason` says it to people. */
export type RolloutCause =
  | "new"
  | "preflight"
  | "window"
  | "freeze"
  | "calendar"
  | "moving"
  | "hold" // a batch is held, its data moves
  | "migration" // too many accounts failed to migrate
  | "bake"
  | "requests"
  | "coverage"
  | "gate"
  | "approval"
  | "operator"
  | "version"
  | "probe"
  | "default"
  | "mirror"
  | "homes"
  | "rollback"
  | "halted"
  | "done";

/** What a wave waits for after its last group is done. Zero asks for nothing. */
export interface Bake {
  readonly minutes: number;
  readonly requests: number;
  /** 09:00–17:00, Monday to Friday, in every zone of the moved accounts. */
  readonly workdays: number;
}

/** Windows as a plan names them: stored ones by name, or its own. */
export type PlanWindow =
  | { readonly name: string; readonly own: null }
  | { readonly name: null; readonly own: readonly Window[] };

export interface WavePlan {
  readonly name: string;
  /** `*` is every cohort. */
  readonly cohorts: readonly string[];
  /** Of the accounts of these cohorts, those of earlier waves counted in; in hundredths of a percent, 1–10,000. */
  readonly shareBp: number;
  /** Null: any time. An account's own window replaces it. */
  readonly window: PlanWindow | null;
  /** Hundredths of a percent that a group's threshold rises in a minute; null: at once. */
  readonly paceBpPerMinute: number | null;
  /** Accounts that one tick may move, all groups together; null: no cap. */
  readonly maxPerTick: number | null;
  readonly bake: Bake;
  readonly approveBefore: boolean;
}

export interface DefaultPlan {
  readonly afterDays: number;
  readonly window: PlanWindow | null;
  readonly approveBefore: boolean;
  /** Requests of no known account are mirrored to the candidate, and compare well, before; false: not asked for. */
  readonly mirror: MirrorPlan | false;
  readonly bake: { readonly minutes: number; readonly requests: number };
}

/** A plan in its one spelling: every field there, names resolved to nothing but themselves. */
export interface RolloutPlan {
  readonly id: string;
  readonly targets: Readonly<Record<ProductName, VersionName>>;
  readonly waves: readonly WavePlan[];
  readonly gate: GatePlan | null;
  /** Null: the default stays where it is. */
  readonly default: DefaultPlan | null;
  /** For moves that carry data; left out: `DATA_PLAN`. */
  readonly data?: DataPlan;
}

/** What makes accounts alike for a rollout; `variant` keeps apart those that must be treated apart. */
export interface GroupKey {
  readonly cohort: string;
  readonly zone: string;
  /** The account's own windows. */
  readonly window: readonly Window[] | null;
  readonly cell: string | null;
  /** ``, `labels:…` (labels that freezes name), `out:ROLLOUT` (never moved by it) or `late:ROLLOUT`. */
  readonly variant: string;
}

/** A group as a rollout sees it from its start to its end. */
export interface FrozenGroup extends GroupKey {
  /** Position in `moved[]` of the published maps. */
  readonly group: number;
  /** The labels that freezes could name when the rollout started; null: not known, and then every such freeze holds. */
  readonly labels: Readonly<Record<string, string>> | null;
  /** Sorted buckets of its accounts under the rollout's salt; as long as there are accounts. */
  readonly buckets: Uint16Array;
}

/** Why a rollout does not move an account. */
export const LEFT_BEHIND_REASONS = [
  "no-product", // has none of the targets' products
  "already-there",
  "pinned",
  "quarantined",
  "deferred",
  "incompatible", // upgradesFrom or requires forbid it
  "flapping", // was moved back within a day, or twice within 30, and nobody said "again"
  "rolled-back", // by this rollout
  "late", // became eligible after its wave
  "not-reached", // the rollout ended before it
  "created-later",
  "migration", // its hooks failed or did not answer; undone
  "kept", // could not go back: its version stays
  "stuck", // an undo was not confirmed; held by name until it is
  "deleted", // before its wave
] as const;
export type LeftBehindReason = (typeof LEFT_BEHIND_REASONS)[number];

/** Per group of the rollout, columns of equal length in the order of its frozen groups. */
export interface GroupColumns {
  /** Positions in `moved[]` of the maps. */
  readonly number: readonly number[];
  /** Thresholds now, 0–10,000. */
  readonly moved: readonly number[];
  /** Above `moved` while a batch is held; left out, or not above: nobody of the group is. */
  readonly held?: readonly number[];
  /** Highest threshold ever: accounts below it and not below `moved` were moved back. */
  readonly peak: readonly number[];
  /** Until when the pace was used; null while the group is closed or the rollout waits. */
  readonly pacedMs: readonly (EpochMs | null)[];
  /** First wave that may move it: 0, or later for those that became eligible late. */
  readonly fromWave: readonly number[];
  /** Rolled back: goes forward again only when an operator says so. When that was, else null. */
  readonly barredMs: readonly (EpochMs | null)[];
}

export interface WaveState {
  /** Threshold of the wave for the groups of its cohorts. */
  readonly threshold: number;
  readonly firstMoveMs: EpochMs | null;
  /** When its last group was done. */
  readonly shiftedMs: EpochMs | null;
  readonly bakedMs: EpochMs | null;
  readonly approved: { readonly by: string; readonly atMs: EpochMs } | null;
  /** An inconclusive verdict was let past by name. */
  readonly gateWaived: { readonly by: string; readonly atMs: EpochMs; readonly reason: string } | null;
}

export interface DefaultState {
  readonly product: ProductName;
  readonly approved: { readonly by: string; readonly atMs: EpochMs } | null;
  /** When the move was asked for. */
  readonly movedMs: EpochMs | null;
  /** What the product had then: what putting back restores. */
  readonly before: DefaultBefore | null;
  readonly bakedMs: EpochMs | null;
  readonly putBackMs: EpochMs | null;
  /** Mirroring before its move; left out or null: none was begun. */
  readonly mirror?: MirrorState | null;
}

export interface DefaultBefore {
  readonly default: VersionName;
  readonly standby: VersionName | null;
}

export type RollbackScope =
  | { readonly kind: "all" }
  /** Keeps what the waves up to and including this one moved. */
  | { readonly kind: "to-wave"; readonly wave: number }
  | { readonly kind: "where"; readonly where: RollbackWhere };

/** Every field that is given must match. */
export interface RollbackWhere {
  readonly cohort?: string | undefined;
  readonly cell?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface Rollback {
  readonly scope: RollbackScope;
  readonly reason: string;
  readonly by: string;
  readonly automatic: boolean;
  readonly confirmed: boolean;
  readonly askedMs: EpochMs;
  /** `splitting`: control must first put the accounts of a label into groups of their own. */
  readonly stage: "splitting" | "probing" | "homes" | "lowering";
  /** Threshold per group that it goes down to; as long as the columns. */
  readonly goal: readonly number[];
  readonly paceBpPerMinute: number | null;
  readonly steppedMs: EpochMs | null;
}

/** What is known of the preflight of one target. */
export interface SeenPreflight {
  readonly atMs: EpochMs;
  /** Runs in a row that failed, for accounts and for the default. */
  readonly reds: number;
  readonly defaultReds: number;
}

/** What targets were seen to fail by; forgotten when somebody resumes. */
export interface RolloutFailure {
  readonly products: readonly ProductName[];
  /** One sentence. */
  readonly reason: string;
  readonly atMs: EpochMs;
}

export interface RolloutState {
  readonly schema: 1;
  readonly plan: RolloutPlan;
  readonly salt: string;
  /** Of the plan and the frozen facts; null before the start. */
  readonly digest: string | null;
  readonly phase: RolloutPhase;
  readonly cause: RolloutCause;
  /** One sentence. */
  readonly reason: string;
  /** When something will happen by itself, where that can be known. */
  readonly nextAtMs: EpochMs | null;
  /** When people are told that it waits too long; null where it does not wait for others. */
  readonly deadlineMs: EpochMs | null;
  /** Greatest time it was ever advanced to. */
  readonly clockMs: EpochMs;
  /** Accounts moved at `clockMs`, so that the same tick twice does not move twice the cap. */
  readonly movedNow: number;
  /** Number of the last effect: effects are carried out once for each number. */
  readonly step: number;
  readonly startedMs: EpochMs | null;
  /** Since when it is in this phase. */
  readonly sinceMs: EpochMs;
  /** Index of the wave at hand; as many as there are waves when all are done. */
  readonly wave: number;
  readonly waves: readonly WaveState[];
  readonly groups: GroupColumns;
  /** Names of labels that the groups are kept apart by. */
  readonly labelKeys: readonly string[];
  /** Versions that its accounts had, per product: where a rollback leads. */
  readonly origins: Readonly<Record<ProductName, readonly VersionName[]>>;
  readonly preflightAskedMs: EpochMs | null;
  readonly preflightPassedMs: EpochMs | null;
  readonly preflights: Readonly<Record<ProductName, SeenPreflight>>;
  readonly paused: { readonly by: string; readonly atMs: EpochMs; readonly reason: string } | null;
  readonly rollback: Rollback | null;
  /** Of a rollback of everything that is done: whose it was. Left out: there was none. */
  readonly wentBack?: Pick<Rollback, "by" | "automatic" | "reason" | "askedMs" | "scope">;
  readonly defaults: readonly DefaultState[];
  /** Left out: nothing failed. A rollback of everything marks these targets bad. */
  readonly failed?: RolloutFailure | null;
  /** Set when homes are to be written, and what it becomes afterwards. */
  readonly settle: { readonly askedMs: EpochMs | null; readonly into: "completed" | "stopped" } | null;
  /** A notice is sent once for each of these. */
  readonly notified: readonly string[];
  /** Accounts that the gate had put back alone; left out: none. */
  readonly quarantined?: readonly { readonly account: AccountSlug; readonly atMs: EpochMs }[];
  /** Left out where no version declares that accounts are held while they move. */
  readonly data?: DataState;
}
