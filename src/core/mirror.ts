/**
 * Compares the default's answers with the candidate's, and says when they have compared well. Not measured is never a
 * pass: too few requests are inconclusive, however good they were. It fails as soon as no further request could bring
 * the share of worse answers back below what is tolerated by the time the minimum is reached. Pure; called by the edge
 * for each pair, by the meters to add up, by the rollout engine for the verdict. Design §5, default.
 */
import type { MirrorCounts, MirrorOutcome, MirrorPlan } from "../contracts/mirror.ts";
import type { Verdict } from "../contracts/rollout-input.ts";

/** One answer: its status, null when there was none, and the time to its headers in milliseconds. */
export interface MirroredAnswer {
  readonly status: number | null;
  readonly ms: number;
}

export interface MirroredPair {
  readonly primary: MirroredAnswer;
  readonly candidate: MirroredAnswer;
}

export const NOTHING_COMPARED: MirrorCounts = {
  same: 0,
  different: 0,
  worse: 0,
  slower: 0,
  defaultMs: 0,
  candidateMs: 0,
  timed: 0,
  skipped: 0,
};

/** Hundredths of a percent in the whole. */
const WHOLE_BP = 10_000;
const SERVER_ERROR = 500;
const SLOWER_FACTOR = 2;
const SLOWER_MS = 100;

function failed({ status }: MirroredAnswer): boolean {
  return status === null || status >= SERVER_ERROR;
}

function classOf({ status }: MirroredAnswer): number {
  return status === null ? 0 : Math.floor(status / 100);
}

/** What a pair says of the candidate. Two failures are the same, whether answered or not. */
export function compareAnswers({ primary, candidate }: MirroredPair): MirrorOutcome {
  if (failed(candidate)) return failed(primary) ? "same" : "worse";
  return classOf(primary) === classOf(candidate) ? "same" : "different";
}

/** One pair as counts. */
export function countPair(pair: MirroredPair): MirrorCounts {
  const { primary, candidate } = pair;
  const timed = primary.status !== null && candidate.status !== null;
  const slower = timed && candidate.ms > SLOWER_FACTOR * primary.ms && candidate.ms - primary.ms > SLOWER_MS;
  return {
    ...NOTHING_COMPARED,
    [compareAnswers(pair)]: 1,
    slower: slower ? 1 : 0,
    defaultMs: timed ? primary.ms : 0,
    candidateMs: timed ? candidate.ms : 0,
    timed: timed ? 1 : 0,
  };
}

/** The sum of two counts. */
export function addCounts(one: MirrorCounts, other: MirrorCounts): MirrorCounts {
  return {
    same: one.same + other.same,
    different: one.different + other.different,
    worse: one.worse + other.worse,
    slower: one.slower + other.slower,
    defaultMs: one.defaultMs + other.defaultMs,
    candidateMs: one.candidateMs + other.candidateMs,
    timed: one.timed + other.timed,
    skipped: one.skipped + other.skipped,
  };
}

/** Requests that were compared. */
export function comparedOf({ same, different, worse }: MirrorCounts): number {
  return same + different + worse;
}

/** `1.25 %` */
function percentText(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}

/** Numbers for people: `180 compared of 200 wanted, 3 worse (1.67 %, tolerated 1 %), 2 different`. */
export function describeCounts(plan: MirrorPlan, counts: MirrorCounts): string {
  const compared = comparedOf(counts);
  const share = compared === 0 ? "" : `${percentText(counts.worse / compared)}, `;
  return [
    `${compared} compared of ${plan.requests} wanted`,
    `${counts.worse} worse (${share}tolerated ${percentText(plan.worseBp / WHOLE_BP)})`,
    `${counts.different} different`,
  ].join(", ");
}

/** The verdict over what was compared so far; whether it was long enough is the caller's to know. */
export function judgeMirror(plan: MirrorPlan, counts: MirrorCounts): Verdict {
  const compared = comparedOf(counts);
  const tolerated = (Math.max(compared, plan.requests) * plan.worseBp) / WHOLE_BP;
  if (counts.worse > tolerated) return "fail";
  return compared >= Math.max(1, plan.requests) ? "pass" : "inconclusive";
}
