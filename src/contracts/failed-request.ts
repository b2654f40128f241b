/**
 * Failed requests by their ids: a bounded sample that edges report and meters keep for a while, so that an id somebody was
 * shown leads to what became of it. No host, path or address: an account's slug at most. Nothing decides by it.
 */
import type { AccountSlug, EpochMs, Generation, ProductName, VersionName } from "./units.ts";

export interface FailedRequest {
  readonly id: string;
  readonly product: ProductName | null;
  readonly account: AccountSlug | null;
  /** Null: none was decided, or today's fleet answered. */
  readonly version: VersionName | null;
  /** An `Outcome`, as the release that met it calls it. */
  readonly outcome: string;
  /** Why the decision fell so where the version answered, else what failed. */
  readonly why: string;
  readonly status: number;
  /** Of the maps that decided. */
  readonly generation: Generation;
}

export interface KeptFailure extends FailedRequest {
  /** When its meter heard of it: up to 15 s later than it was. */
  readonly at: EpochMs;
}

/** Which are wanted: by id, of an account, or both. */
export interface FailedAsk {
  readonly id?: string | undefined;
  readonly account?: AccountSlug | undefined;
}

/** What one isolate tells of between two reports, in all and of one account on one version. */
export const MAX_FAILED = 32;
export const MAX_FAILED_ALIKE = 2;
/** What one meter keeps, and for how long. */
export const MAX_KEPT_FAILED = 10_000;
export const FAILED_KEPT_MS = 24 * 60 * 60 * 1000;
/** Longest answer, newest first. */
export const MAX_FAILED_ANSWER = 50;
