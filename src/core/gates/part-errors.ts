/**
 * The error rate as a verdict: the finding of error-rate.ts in words, with what is still missing in numbers.
 * Decides the order: a proven failure, then the measuring, then the minimum, then whether the bounds have decided.
 * Pure; called by verdict. Design §5.2.
 */
import type { Bounds, ErrorNumbers, GateInput, GateMissing, PartVerdict } from "../../contracts/gate.ts";
import { errorFinding } from "./error-rate.ts";
import { measuringTrouble } from "./measured.ts";
import { count, counted } from "../counted.ts";
import { percent, points } from "./wording.ts";

/** More than this many times the present requests is no forecast. */
const MAX_FACTOR = 1000;

const AGAINST: Record<ErrorNumbers["against"], string> = {
  "not-moved": "than not moved ones",
  "own-past": "than in their own past (too few others are left to compare with)",
  nothing: "",
};

function rates(numbers: ErrorNumbers): string {
  const { movedRate, movedRequests, movedAccounts, notMovedRate, notMovedRequests } = numbers;
  const moved = `moved accounts fail ${percent(movedRate)} of ${counted(movedRequests, "request")} (${counted(movedAccounts, "account")})`;
  if (numbers.against !== "not-moved") return moved;
  return `${moved}, not moved ones ${percent(notMovedRate)} of ${count(notMovedRequests)}`;
}

function interval({ lower, upper }: Bounds): string {
  return `between ${points(lower)} and ${points(upper)} points`;
}

/**
 * How many requests it takes until the bounds decide, if the rates stay and the standard error falls with the root of the
 * requests: the smallest factor k with c · se/√k below the distance to the tolerance. About right: accounts that differ
 * keep the error from falling, and c falls a little as it goes.
 */
function requestsToDecide(numbers: ErrorNumbers, bounds: Bounds): number | null {
  const distance = Math.abs(numbers.tolerated - bounds.estimate);
  if (distance <= 0) return null;
  const factor = ((bounds.multiplier * bounds.standardError) / distance) ** 2;
  return factor < MAX_FACTOR ? Math.ceil(factor * numbers.movedRequests) : null;
}

function missingPrecision(numbers: ErrorNumbers, bounds: Bounds): GateMissing {
  const need = requestsToDecide(numbers, bounds);
  const about = need === null ? "more requests than can be foreseen" : `about ${count(need)} requests`;
  const sentence = `the increase lies ${interval(bounds)}; ${about} of moved accounts would decide, ${count(numbers.movedRequests)} are there`;
  return { part: "errors", what: "precision", sentence, have: numbers.movedRequests, need: need ?? 0 };
}

function missingMinimum(numbers: ErrorNumbers, { policy }: GateInput): readonly GateMissing[] {
  const missing: GateMissing[] = [];
  const { movedAccounts: accounts, movedRequests, syntheticRequests } = numbers;
  const requests = movedRequests + syntheticRequests;
  if (accounts < policy.minAccounts) {
    const sentence = `${count(accounts)} of ${counted(policy.minAccounts, "moved account")} with traffic`;
    missing.push({ part: "errors", what: "accounts", sentence, have: accounts, need: policy.minAccounts });
  }
  if (requests < policy.minRequests) {
    const sentence = `${count(requests)} of ${counted(policy.minRequests, "request")} of moved accounts`;
    missing.push({ part: "errors", what: "requests", sentence, have: requests, need: policy.minRequests });
  }
  return missing;
}

/** Why there are no bounds: nobody to compare with, or so few accounts that nothing is known of how they differ. */
function missingOthers(numbers: ErrorNumbers, { policy }: GateInput): GateMissing {
  const { notMovedAccounts: have, movedAccounts, against } = numbers;
  if (against !== "nothing") {
    const alone =
      "one account alone says nothing about a version: there must be two with traffic on each side";
    return { part: "errors", what: "accounts", sentence: alone, have: Math.min(movedAccounts, 1), need: 2 };
  }
  const sentence = `${count(have)} of ${counted(policy.minAccounts, "not moved account")} with traffic to compare with, and no past is known`;
  return { part: "errors", what: "not-moved-accounts", sentence, have, need: policy.minAccounts };
}

function inconclusive(cause: PartVerdict["cause"], missing: readonly GateMissing[]): PartVerdict {
  const sentence = missing.map((one) => one.sentence).join("; ");
  return { part: "errors", verdict: "inconclusive", cause, sentence, missing };
}

function decided(numbers: ErrorNumbers, bounds: Bounds, verdict: "pass" | "fail"): PartVerdict {
  const than = AGAINST[numbers.against];
  const tolerated = points(numbers.tolerated);
  const sentence =
    verdict === "fail"
      ? `${rates(numbers)}: at least ${points(bounds.lower)} points more ${than}, where ${tolerated} are tolerated`
      : `${rates(numbers)}: at most ${points(bounds.upper)} points more ${than}, where ${tolerated} are tolerated`;
  const cause = verdict === "fail" ? "errors" : "fine";
  return { part: "errors", verdict, cause, sentence, missing: [] };
}

/** The part of the error rate. A failure that is proven stands, whatever happened to the measuring since. */
export function errorsPart(input: GateInput, numbers: ErrorNumbers): PartVerdict {
  const finding = errorFinding(numbers, input.policy);
  const { increase } = numbers;
  if (finding === "fail" && increase !== null) return decided(numbers, increase, "fail");
  const trouble = measuringTrouble(input);
  if (trouble !== null) return inconclusive("not-measured", [trouble]);
  if (finding === "too-little") return inconclusive("too-little", missingMinimum(numbers, input));
  if (increase === null) return inconclusive("nothing-to-compare", [missingOthers(numbers, input)]);
  if (finding === "pass") return decided(numbers, increase, "pass");
  return inconclusive("undecided", [missingPrecision(numbers, increase)]);
}
