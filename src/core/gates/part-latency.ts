/**
 * Latency as a verdict: the numbers of latency.ts in words. Slow twice in a row fails; too few answers are inconclusive;
 * where there is nobody to compare with and no past, it has no opinion, which the error rate then has alone.
 * Pure; called by verdict. Design §5.2.
 */
import type { GateInput, GateMissing, LatencyNumbers, PartVerdict } from "../../contracts/gate.ts";
import { SLOW_WINDOWS } from "./latency.ts";
import { count } from "../counted.ts";
import { digits } from "./wording.ts";

function part(verdict: PartVerdict["verdict"], cause: PartVerdict["cause"], sentence: string): PartVerdict {
  return { part: "latency", verdict, cause, sentence, missing: [] };
}

function compares({ latency, policy }: GateInput): boolean {
  const need = policy.latency?.minRequests ?? 0;
  const others = latency.windows.reduce(
    (total, { notMoved }) => total + notMoved.reduce((a, b) => a + b, 0),
    0,
  );
  const past = latency.past?.reduce((a, b) => a + b, 0) ?? 0;
  return others >= need || past >= need;
}

/** The part of latency. One slow window is not yet a failure, and not a pass. */
export function latencyPart(input: GateInput, numbers: LatencyNumbers): PartVerdict {
  const policy = input.policy.latency;
  if (policy === null) return part("pass", "fine", "latency is not watched");
  const { movedP95Ms, notMovedP95Ms, slowWindows, windows, requests } = numbers;
  if (windows === 0 || movedP95Ms === null || notMovedP95Ms === null) {
    if (requests >= policy.minRequests && !compares(input)) {
      return part("pass", "nothing-to-compare", "latency has nothing to be compared with");
    }
    const sentence = `${count(requests)} of ${count(policy.minRequests)} answers of moved accounts to tell their latency`;
    const missing: GateMissing = {
      part: "latency",
      what: "windows",
      sentence,
      have: requests,
      need: policy.minRequests,
    };
    return { ...part("inconclusive", "too-little", sentence), missing: [missing] };
  }
  const both = `p95 of moved accounts ${digits(movedP95Ms)} ms, of others ${digits(notMovedP95Ms)} ms`;
  if (slowWindows >= SLOW_WINDOWS) return part("fail", "latency", `${both}, ${slowWindows} windows in a row`);
  if (slowWindows > 0) {
    const sentence = `${both}: one more such window fails`;
    const missing: GateMissing = { part: "latency", what: "windows", sentence, have: 1, need: SLOW_WINDOWS };
    return { ...part("inconclusive", "undecided", sentence), missing: [missing] };
  }
  return part("pass", "fine", both);
}
