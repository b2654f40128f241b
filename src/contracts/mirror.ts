/**
 * Mirroring: requests of no known account that the default answers are sent to the candidate as well, before the default
 * moves to it, and the two answers are compared. Words of the plan, of the published maps, of what edges report and of
 * what a rollout knows of it. Plain data; the comparison is in `core/mirror`, the sending in `edge/mirror`.
 * Only `GET` and `HEAD` without query, cookie or authorization, ever; nothing of it reaches a client. Design §5, default.
 */
import type { EpochMs, ProductName, VersionName } from "./units.ts";

/** What a plan asks for before the default moves. */
export interface MirrorPlan {
  /** Of the requests that may be mirrored, in hundredths of a percent, 1–10,000. */
  readonly shareBp: number;
  /** Minutes of mirroring, at least. */
  readonly minutes: number;
  /** Compared requests, at least; 1 or more, because nothing measured is not a pass. */
  readonly requests: number;
  /** Tolerated share of worse answers, in hundredths of a percent. */
  readonly worseBp: number;
  /** Minutes of mirroring after which a person is asked, when the requests have not come; at least `minutes`. */
  readonly waitMinutes: number;
}

/** As the published maps carry it, per product, while it goes on. */
export interface RootMirror {
  readonly version: VersionName;
  /** Of the requests that may be mirrored, 0–10,000. */
  readonly share: number;
  /** Names this measurement: edges report what they compared under it. */
  readonly run: string;
  /** Edges stop by themselves then, whatever becomes of the control plane; null: when it is taken out of the maps. */
  readonly until: EpochMs | null;
}

/**
 * What a pair of answers says of the candidate: `worse` failed (5xx, or no answer) where the default did not; `different`
 * has another status class otherwise.
 */
export type MirrorOutcome = "same" | "different" | "worse";

/** Compared requests, added up. */
export interface MirrorCounts {
  readonly same: number;
  readonly different: number;
  readonly worse: number;
  /** Of them: more than twice the default's time to headers, and 100 ms more. Shown, not judged. */
  readonly slower: number;
  /** Sums of the times to headers, of default and candidate, of pairs in which both answered. */
  readonly defaultMs: number;
  readonly candidateMs: number;
  /** Pairs that the two sums are over. */
  readonly timed: number;
  /** Not sent, because too many were on their way. */
  readonly skipped: number;
}

/** What an edge (or a meter, over edges) says of one measurement. */
export interface MirrorReport extends MirrorCounts {
  readonly product: ProductName;
  readonly run: string;
}

/** How a measurement ended; null while it goes on or waits for its window. */
export type MirrorResult = "passed" | "failed" | "too-few" | "broken-off";

/** What a rollout knows of the mirroring before one product's default moves. */
export interface MirrorState {
  readonly run: string;
  readonly startedMs: EpochMs;
  /** Since when requests are mirrored without a break; null: not now. */
  readonly sinceMs: EpochMs | null;
  /** When the opening of the window that it runs in ends; null: it does not. */
  readonly untilMs: EpochMs | null;
  /** Time mirrored before `sinceMs`. */
  readonly spentMs: number;
  readonly counts: MirrorCounts;
  readonly result: MirrorResult | null;
  /** Too few were compared, and a person said yes all the same. */
  readonly waived: { readonly by: string; readonly atMs: EpochMs } | null;
}
