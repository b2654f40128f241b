/**
 * The word of signals from outside. One that says `fail` fails while it lasts; one that the plan must have and that is
 * missing, expired or undecided is never a pass. Signals that the plan does not name can fail and cannot delay.
 * Pure; called by verdict. Design §5.2.
 */
import type { GateInput, GateMissing, GateSignal, PartVerdict } from "../../contracts/gate.ts";
import type { EpochMs } from "../../contracts/units.ts";

/** The newest of each name, expired or not; of two of one moment the later in the list. */
function newestByName(signals: readonly GateSignal[]): ReadonlyMap<string, GateSignal> {
  const newest = new Map<string, GateSignal>();
  for (const signal of signals) {
    const other = newest.get(signal.name);
    if (other === undefined || signal.atMs >= other.atMs) newest.set(signal.name, signal);
  }
  return newest;
}

function missingOf(name: string, signal: GateSignal | undefined, nowMs: EpochMs): string | null {
  if (signal === undefined) return `signal "${name}" has not been sent`;
  if (signal.expiresMs <= nowMs) return `signal "${name}" has expired`;
  return signal.verdict === "pass" ? null : `signal "${name}" is ${signal.verdict}: ${signal.reason}`;
}

/** What the signals say together. An expired `fail` says nothing any more, and stands in the way only of a `mustHave`. */
export function signalsPart({
  nowMs,
  policy,
  signals,
}: Pick<GateInput, "nowMs" | "policy" | "signals">): PartVerdict {
  const newest = newestByName(signals);
  const failed = [...newest.values()].find(
    ({ verdict, expiresMs }) => verdict === "fail" && expiresMs > nowMs,
  );
  if (failed !== undefined) {
    const { name, source, reason } = failed;
    const sentence = `signal "${name}" of ${source} says fail: ${reason}`;
    return { part: "signals", verdict: "fail", cause: "signal", sentence, missing: [] };
  }
  const missing = policy.mustHave.flatMap((name): GateMissing[] => {
    const sentence = missingOf(name, newest.get(name), nowMs);
    return sentence === null ? [] : [{ part: "signals", what: "signal", sentence, have: 0, need: 1 }];
  });
  if (missing.length > 0) {
    const sentence = missing.map((one) => one.sentence).join("; ");
    return { part: "signals", verdict: "inconclusive", cause: "must-have", sentence, missing };
  }
  const alive = [...newest.values()].filter(({ expiresMs }) => expiresMs > nowMs).length;
  const sentence =
    alive === 0 ? "no signal from outside says anything" : `${alive} from outside, none says fail`;
  return { part: "signals", verdict: "pass", cause: "fine", sentence, missing: [] };
}
