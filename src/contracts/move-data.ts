/**
 * Moves that carry data: what versions declare, what a batch of held accounts goes through, and what the engine and the
 * control plane say to each other about it. Plain data only. Decided in `core/rollout/data`; held, called, regrouped and
 * published by control; what the edge must refuse while an account is between two versions is in `core/fresh-maps`.
 *
 * A batch is exactly the accounts with `moved[group] <= bucket < held[group]`. Forward: `held` rises, hooks run, `moved`
 * rises to `held`. Back: `moved` falls and `held` stays where it was, `undo` runs, `held` falls to `moved`. Design §5.3.
 */
import type { AccountSlug, EpochMs, Generation, ProductName, VersionName } from "./units.ts";

/** How old what a KV read answers may be: the bound that settling relies on. Cloudflare says "60 seconds or more". */
export const KV_LAG_MS = 120_000;
/** From maps read longer ago than this, no account of a rollout with `mixed: never` is answered. */
export const MAPS_FRESH_MS = 60_000;
/** An edge's report is with the meters this long after the request that it counts, at the latest: a flush, and its way. */
export const REPORT_LAG_MS = 20_000;
/** With reports of all edges: every read before this is reported, and every later one answers the generation at least. */
export const SETTLE_LEAST_MS = KV_LAG_MS + REPORT_LAG_MS;
/** Without reports, this is when no edge can answer from older maps: the lag of a read, and the age it may reach. */
export const SETTLE_UNSEEN_MS = KV_LAG_MS + MAPS_FRESH_MS;

/** Times of settling; tests and local instances may set others. */
export interface SettleTimes {
  readonly leastMs: number;
  readonly unseenMs: number;
  /** Edges that stay behind longer than this: a hold is given up, a switch goes on with an alarm. */
  readonly patienceMs: number;
}

export const SETTLE_TIMES: SettleTimes = {
  leastMs: SETTLE_LEAST_MS,
  unseenMs: SETTLE_UNSEEN_MS,
  patienceMs: 600_000,
};

/** May two versions serve one account for the minutes that maps take to spread? */
export type Mixed = "ok" | "never";

/** For every version that accounts come from, or for each by name; whatever is not named is `never`. */
export type MixedRule = Mixed | Readonly<Record<VersionName, Mixed>>;

export interface Hooks {
  readonly prepare: string;
  readonly verify: string;
  /** Null: what was migrated stays migrated. Then a failed `prepare` must leave the account as it found it. */
  readonly undo: string | null;
  /** Of one call, 1–600. */
  readonly timeoutSeconds: number;
  /** Calls at once, 1–100. */
  readonly concurrency: number;
}

export type Migration =
  | { readonly kind: "none" }
  /** One call for an account, or one for all accounts of a batch that are in one cell. */
  | (Hooks & { readonly kind: "perAccount" | "perCell" });

/** What a version says of moving data to it. Left out of the facts: nothing carries data there, and nothing is held. */
export interface DataRule {
  readonly mixed: MixedRule;
  readonly migration: Migration;
}

/** How much failing a plan bears, and how long it may hold an account. */
export interface DataPlan {
  /** Accounts of a wave that may be left behind by failing; null: the greater of 5 and 0.2 % of the wave. */
  readonly maxFailures: number | null;
  /** Accounts of one batch at most; null: as many as `maxHoldMs` lets. */
  readonly batch: number | null;
  /** Longest time that hooks may keep a batch held, 1 minute to 4 hours. */
  readonly maxHoldMs: number;
}

export const DATA_PLAN: DataPlan = { maxFailures: null, batch: null, maxHoldMs: 20 * 60_000 };

/** Of one batch, however quick its hooks are: its list is read and written in one transaction. */
export const MAX_BATCH_ACCOUNTS = 2000;

// --- The engine's part: a batch as the rollout's state keeps it ---------------------------------------------------

/** `forward` to the targets, `back` to what accounts had. */
export type Direction = "forward" | "back";

export const BATCH_STAGES = [
  "holding", // the hold is published and settles; nobody was called yet
  "calling", // hooks run
  "calling-off", // something ended it early: what was called is undone
  "leaving", // accounts that failed get groups of their own, and the maps must show that first
  "releasing", // the switch (or the end of the hold) is published and settles
] as const;
export type BatchStage = (typeof BATCH_STAGES)[number];

export interface Batch {
  /** Grows within a rollout; part of every idempotency key, and the fence that a late call cannot pass. */
  readonly number: number;
  readonly direction: Direction;
  readonly stage: BatchStage;
  readonly wave: number;
  /** When it was held. */
  readonly atMs: EpochMs;
  /** Accounts of it as frozen. */
  readonly accounts: number;
  /** As declared when it began. Empty: it is held and switched without a call. */
  readonly hooks: Readonly<Record<ProductName, Hooks & { readonly kind: "perAccount" | "perCell" }>>;
  /** The end of its hold must be published before; null: any time. */
  readonly endByMs: EpochMs | null;
  /** When what ended its hold was asked to be published. */
  readonly releasedMs: EpochMs | null;
  /** Accounts that `leave` was last ordered for. */
  readonly left: number;
  /** Calls of `prepare` and `verify` end, and calls of `undo` end; 0 before they begin. */
  readonly callUntilMs: EpochMs;
  readonly undoUntilMs: EpochMs;
  /** Why it does not switch; null while it is to. */
  readonly calledOff: string | null;
}

/** Kept from the start of a rollout that holds its accounts. */
export interface DataState {
  /** Edges answer its accounts from fresh maps only: `mixed` of the rollout in the maps. */
  readonly never: boolean;
  /** The effect `publish` whose settling is waited for: of the start, of a hold, of what ended one. */
  readonly publishStep: number;
  /** Number of the last batch. */
  readonly batches: number;
  readonly batch: Batch | null;
  /** Accounts that failed in the wave at hand, and in the whole rollout. */
  readonly failed: { readonly wave: number; readonly accounts: number; readonly all: number };
  /** Accounts of the next batch at most, after one in which not everybody was called in time; null: no such limit. */
  readonly most: number | null;
  /** From a batch's hold to the publish that ended it. */
  readonly longestHoldMs: number;
}

// --- What control is asked to do (`RolloutEffect` of kind `data`) -------------------------------------------------

/**
 * Carried out in the transaction that stores the state, each once for its step. `publish` is the usual effect: one for
 * the hold, one for the switch or for the end of the hold.
 */
export type DataEffect =
  /** Lists the accounts of the batch (see `membersOf`), makes units of them (`planUnits`) and calls their hooks. */
  | { readonly order: "call"; readonly batch: Batch }
  /** Nobody else is called but `undo`, for whoever was called (`callOff`). */
  | {
      readonly order: "call-off";
      readonly batch: number;
      readonly why: string;
      readonly undoUntilMs: EpochMs;
    }
  /** Regroups whoever `outcomes` names and is not yet, and puts holds by name on those that are stuck. */
  | { readonly order: "leave"; readonly batch: number };

// --- What control says (`Observations.data`) ----------------------------------------------------------------------

/** One publish as the world sees it. */
export interface PublishFact {
  /** The effect's. */
  readonly step: number;
  /** When the root that has it (and the rollout) could first be read from KV; null: not yet. */
  readonly atMs: EpochMs | null;
  readonly generation: Generation | null;
  /**
   * Isolates heard of within `MAPS_FRESH_MS + REPORT_LAG_MS` whose last report is of an older generation. Null: it cannot
   * be said, because there are no meters, a meter is down, or numbers of reports are missing.
   */
  readonly behind: number | null;
}

/** How far the hooks of a batch are (`reportOf`). Accounts, not units. */
export interface BatchReport {
  readonly batch: number;
  readonly accounts: number;
  readonly fates: Readonly<Record<Fate, number>>;
  /** The published maps show every account that `leave` was about in its new group. */
  readonly leftIsOut: boolean;
}

export interface DataFacts {
  /** Of the effect `DataState.publishStep`; null: nothing is known. */
  readonly publish: PublishFact | null;
  readonly report: BatchReport | null;
}

// --- The control plane's part: accounts of a batch, and calls for them --------------------------------------------

/** An account of a batch, as control reads it from its tables. */
export interface Member {
  readonly slug: AccountSlug;
  readonly cell: string | null;
  /** Without this rollout: what it has, or what it goes back to. */
  readonly homes: Readonly<Record<ProductName, VersionName>>;
  /** Why it stays behind; null: nothing. A pin or quarantine for a target, either way: it is not held. Back: `returnTrouble`. */
  readonly kept: string | null;
}

export const HOOK_STEPS = ["prepare", "verify", "undo"] as const;
export type HookStep = (typeof HOOK_STEPS)[number];

/** What an origin answers, or what became of the call. */
export type HookAnswer =
  | { readonly kind: "done" }
  | { readonly kind: "later"; readonly atMs: EpochMs }
  | { readonly kind: "failed"; readonly why: string }
  /** No answer in time, or none that can be read: it may have run, and may still run. */
  | { readonly kind: "silent"; readonly why: string };

/** One step of one run. */
export interface StepState {
  /** Calls sent; 0: nobody was called. */
  readonly tries: number;
  /** Sent and not answered. */
  readonly sentMs: EpochMs | null;
  readonly nextMs: EpochMs;
  readonly result: "open" | "done" | "failed";
  /** Calls that were not answered: what they did, or may still do, is not known. */
  readonly silences: number;
  readonly why: string | null;
}

/** Hooks of one product for one unit, or for one account in it. */
export interface HookRun {
  readonly product: ProductName;
  readonly from: VersionName;
  readonly to: VersionName;
  /** Null: the call is for the cell with all accounts of the unit. */
  readonly account: AccountSlug | null;
  readonly prepare: StepState;
  readonly verify: StepState;
  readonly undo: StepState;
}

/**
 * What becomes of a unit. `ready`: verified (or undone, going back), it goes where the batch goes. `returned`: undone or
 * never called, because the batch was called off. `left`: failed and undone, stays on the old version. `kept`: could not
 * go back and is whole where it is. `stuck`: an `undo` that was never confirmed.
 */
export const FATES = ["open", "ready", "returned", "left", "kept", "stuck"] as const;
export type Fate = (typeof FATES)[number];

/** Accounts that share a fate: one, or those of a cell where a product migrates by the cell. Stored one a row. */
export interface HookUnit {
  readonly unit: string;
  readonly accounts: readonly AccountSlug[];
  readonly cell: string | null;
  readonly direction: Direction;
  readonly stage: "prepare" | "verify" | "undo" | "over";
  readonly fate: Fate;
  /** Why it is not `ready`. */
  readonly why: string | null;
  /** Undone because the batch was called off, not because it failed. */
  readonly calledOff: boolean;
  readonly runs: readonly HookRun[];
}

/** What the calls of a batch go by; kept beside its units. */
export interface CallTerms {
  readonly rollout: string;
  readonly batch: number;
  readonly hooks: Batch["hooks"];
  readonly callUntilMs: EpochMs;
  readonly undoUntilMs: EpochMs;
}

/** One HTTP call to make. Bodies are `HookBody` as JSON, signed; the key is sent as `Idempotency-Key` as well. */
export interface HookCall {
  readonly unit: string;
  /** Position in the unit's `runs`. */
  readonly run: number;
  readonly step: HookStep;
  /** Which try of the step it is, from 1. */
  readonly attempt: number;
  readonly url: string;
  readonly timeoutMs: number;
  readonly body: HookBody;
}

/**
 * What a hook is sent. The same `key` again asks for the same answer and must not do the work again; what failed may be
 * tried again. `fence` is the batch, and calls may come late: below the highest fence seen of an account nothing may be
 * done (`prepare` answers `failed`, `undo` `done`), and after an `undo` no `prepare` of the same fence either.
 */
export interface HookBody {
  readonly key: string;
  readonly rollout: string;
  readonly fence: number;
  readonly step: HookStep;
  readonly product: ProductName;
  readonly from: VersionName;
  readonly to: VersionName;
  readonly cell: string | null;
  readonly accounts: readonly AccountSlug[];
}

/** Why an account did not go with its batch, for the list of those left behind. */
export interface Outcome {
  readonly account: AccountSlug;
  readonly fate: Exclude<Fate, "open" | "ready" | "returned">;
  readonly why: string;
}
