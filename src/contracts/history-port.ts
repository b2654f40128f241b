/**
 * What crosses RPC about other times than now: which maps edges could serve at an instant, what those said of one key,
 * what a rollout is expected to do with one account, and the moves an account has made. Plain data. The port itself is in
 * control.ts, the shapes of the wire in api/history.ts.
 */
import type { ShownInstant } from "./calendar.ts";
import type { AccountRow, BreakGlass, Root } from "./maps.ts";
import type { RolloutPhase } from "./rollout.ts";
import type { AccountSlug, EpochMs, Generation, ProductName, VersionName } from "./units.ts";

/** Maps that edges could answer by at an instant. */
export interface ServedGeneration {
  readonly generation: Generation;
  /** The first edges could have them from then on. */
  readonly fromMs: EpochMs;
  /** The last edge that was slow to learn of the next ones; null: there are none yet. */
  readonly untilMs: EpochMs | null;
}

/** A break-glass document that could be in force at an instant; `document` null: none. */
export interface ServedBreakGlass {
  readonly document: BreakGlass | null;
}

/** What is known of an instant. */
export interface MomentView {
  readonly now: EpochMs;
  readonly tense: "past" | "ahead";
  /** Nothing is known of the time before; null: nothing was published yet. */
  readonly earliest: EpochMs | null;
  /** Newest first; several while a change spread. Empty for times ahead and before `earliest`. */
  readonly served: readonly ServedGeneration[];
  /** Several while a change of it spread; empty: it was not watched then. */
  readonly breakGlass: readonly ServedBreakGlass[];
}

/**
 * The maps of one generation as far as they are about one key. Positions in `rollouts[].moved` and `held` mean nothing
 * but for this row: it is put into group 0. What the index says is left out.
 */
export interface PastMaps {
  readonly root: Root;
  /** Null: the maps did not know the key. */
  readonly row: AccountRow | null;
}

/** One change of what an account is answered by. */
export interface AccountMove {
  /** Edges had learnt of it by then at the latest, but for `spread`. */
  readonly at: string;
  readonly generation: Generation;
  readonly product: ProductName;
  /** Null: it was not known, could not be answered, or today's fleet answered it. */
  readonly from: VersionName | null;
  readonly to: VersionName | null;
  readonly why: MoveCause;
  /** The rollout that did it; null: none. */
  readonly rollout: string | null;
  /** Who asked for it, and their reason, where the audit says so. */
  readonly by: string | null;
  readonly reason: string | null;
}

/** Why an account's answer changed. */
export const MOVE_CAUSES = [
  "recorded", // was on it when the record begins
  "created", // known from then on
  "removed", // forgotten: its slug is free again
  "product", // got or lost the product
  "rollout",
  "rolled-back",
  "pin",
  "unpin",
  "quarantine",
  "unquarantine",
  "replacement", // a hotfix in place of its version
  "break-glass",
  "home", // written by people or a restore
  "fleet", // today's fleet answers the product from then on
  "active", // Firebreak answers it, and no longer today's fleet
] as const;
export type MoveCause = (typeof MOVE_CAUSES)[number];

export interface AccountMoves {
  readonly account: AccountSlug;
  /** Nothing is recorded of the time before; null: nothing at all yet. */
  readonly since: string | null;
  /** Newest first. */
  readonly items: readonly AccountMove[];
  readonly cursor: string | null;
}

/** A rollout that bears on an expectation. */
export interface AheadRollout {
  readonly id: string;
  readonly phase: RolloutPhase;
  readonly reason: string;
}

/** A move that is expected if all goes as planned. */
export interface ExpectedMove {
  readonly product: ProductName;
  readonly to: VersionName;
  /** Null: it is the default that moves. */
  readonly wave: string | null;
  readonly atMs: EpochMs;
  /** In the account's zone, and in UTC. */
  readonly at: ShownInstant;
  readonly zone: string;
}

/** What is to be expected of one account (or of no known one) at an instant ahead. */
export interface AheadView {
  readonly now: EpochMs;
  /** The rollout that was looked at; null: none is running for the product. */
  readonly rollout: AheadRollout | null;
  /** Of the account, or of the default; null: nothing that is planned moves it. */
  readonly move: ExpectedMove | null;
  /** Why it is not moved, where that is known. */
  readonly stays: string | null;
  /** What may change it, in whole sentences. */
  readonly unless: readonly string[];
}

export interface HistoryQueryInputs {
  "history.moment": { readonly at: EpochMs };
  "history.maps": { readonly generation: Generation; readonly key: string | null };
  "history.ahead": {
    readonly product: ProductName;
    /** Null: a request of no known account. */
    readonly account: AccountSlug | null;
    /** A rollout to look at, also a draft; null: whichever runs for the product. */
    readonly rollout: string | null;
  };
  "account.history": {
    readonly account: AccountSlug;
    readonly product: ProductName | null;
    readonly cursor: string | null;
    readonly limit: number;
  };
}

export interface HistoryQueryOutputs {
  "history.moment": MomentView;
  /** Refused with `not-found` when that generation is not recorded. */
  "history.maps": PastMaps;
  "history.ahead": AheadView;
  "account.history": AccountMoves;
}
