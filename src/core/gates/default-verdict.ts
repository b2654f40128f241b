/**
 * The word over a default that has moved: requests that name no known account, on the new default against what its
 * predecessor answered earlier in the rollout. There are no accounts here, so each request is its own trial, which is
 * bolder than a gate over accounts; the price of a false alarm is a default that goes back to where it was. A signal from
 * outside that says `fail` fails it as well. Pure; called by control while a default is watched. Design §5.
 */
import type { GatePolicy, GateSignal } from "../../contracts/gate.ts";
import type { Tally } from "../../contracts/observation.ts";
import type { VerdictFact } from "../../contracts/rollout-input.ts";
import type { EpochMs, ProductName } from "../../contracts/units.ts";
import { boundsOf } from "./bounds.ts";
import { signalsPart } from "./part-signals.ts";
import { counted } from "../counted.ts";
import { percent, points } from "./wording.ts";

export interface DefaultInput {
  readonly nowMs: EpochMs;
  readonly product: ProductName;
  readonly policy: GatePolicy;
  /** Tests that share alpha; see `GateInput.tests`. */
  readonly tests: number;
  /** Of the new default since it moved, and of its predecessor since the rollout began; null: not known. */
  readonly now: Tally | null;
  readonly before: Tally | null;
  readonly signals: readonly GateSignal[];
}

const PERCENT = 100;

interface Side {
  readonly requests: number;
  readonly share: number;
  readonly variance: number;
}

/** One failure and one success more than were seen, so that no count of failures is taken for certainty. */
function sideOf(tally: Tally | null): Side {
  const requests = tally?.requests ?? 0;
  const failed = tally === null ? 0 : tally.errors + tally.failures;
  const smoothed = (failed + 1) / (requests + 2);
  return {
    requests,
    share: requests === 0 ? 0 : failed / requests,
    variance: (smoothed * (1 - smoothed)) / Math.max(1, requests),
  };
}

/**
 * Δ̂ = p̂(now) − p̂(before), V = p(1 − p)/n of both sides, bounds as in bounds.ts. Without enough of a predecessor the new
 * default is held against none of its requests failing, with the tolerance as it is: less is known, and unknown accounts
 * have always failed somewhere, so it then takes twice the tolerance.
 *
 * Worked example: 400 requests since the move of which 300 failed, 5,000 before of which 50 did: +74 points, at least
 * +67. It fails, and the default goes back.
 */
export function judgeDefault({
  nowMs,
  product,
  policy,
  tests,
  now,
  before,
  signals,
}: DefaultInput): VerdictFact {
  const word = (verdict: VerdictFact["verdict"], sentence: string): VerdictFact => ({
    atMs: nowMs,
    verdict,
    sentence: `default of ${product}: ${sentence}`,
  });
  const told = signalsPart({ nowMs, policy: { ...policy, mustHave: [] }, signals });
  if (told.verdict === "fail" && !policy.dryRun.includes("signals")) return word("fail", told.sentence);
  const [moved, earlier] = [sideOf(now), sideOf(before)];
  if (moved.requests < policy.minRequests) {
    const sentence = `${moved.requests} of ${counted(policy.minRequests, "request")} of unknown accounts`;
    return word("inconclusive", sentence);
  }
  const compares = earlier.requests >= policy.minRequests;
  const tolerance = ((compares ? 1 : 2) * policy.errorIncreasePercent) / PERCENT;
  const estimate = moved.share - (compares ? earlier.share : 0);
  const standardError = Math.sqrt(moved.variance + (compares ? earlier.variance : 0));
  const { lower, upper } = boundsOf({ estimate, standardError }, { tolerance, alpha: policy.alpha / tests });
  const facts = `unknown accounts fail ${percent(moved.share)} of ${counted(moved.requests, "request")}${compares ? `, ${percent(earlier.share)} before` : ""}`;
  if (lower > tolerance && !policy.dryRun.includes("errors"))
    return word(
      "fail",
      `${facts}: at least ${points(lower)} points more, where ${points(tolerance)} are tolerated`,
    );
  return word(upper < tolerance ? "pass" : "inconclusive", facts);
}
