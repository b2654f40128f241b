/**
 * Whether there was measuring at all: measurement that fails is not a version that fails, and silence is not health.
 * What was proved before the silence stays proved; nothing passes during it. Pure; called by verdict. Design §5.2.
 */
import type { GateInput, GateMissing } from "../../contracts/gate.ts";
import { lostShareOf } from "./error-rate.ts";
import { percent } from "./wording.ts";

/** Edges flush every 10 s while they have requests; three minutes without one is silence. */
export const SILENCE_MS = 180_000;
/** Beyond this the counts are too full of holes to say that all is well. */
const MAX_LOST_SHARE = 0.05;
/** … and beyond this too many requests were still decided under older maps. */
const MAX_STALE_SHARE = 0.05;
const MINUTE_MS = 60_000;

function gap(sentence: string, have: number, need: number): GateMissing {
  return { part: "errors", what: "reports", sentence, have, need };
}

/** What is wrong with the measuring; null: nothing. `have` and `need` are minutes for silence, shares for the rest. */
export function measuringTrouble({
  nowMs,
  measurement,
}: Pick<GateInput, "nowMs" | "measurement">): GateMissing | null {
  const { newestMs, staleShare } = measurement;
  if (newestMs === null) return gap("no edge has reported since the accounts moved", 0, 1);
  const silentMs = nowMs - newestMs;
  if (silentMs > SILENCE_MS) {
    const minutes = Math.floor(silentMs / MINUTE_MS);
    return gap(`no edge has reported for ${minutes} minutes`, minutes, SILENCE_MS / MINUTE_MS);
  }
  const lost = lostShareOf(measurement);
  if (lost > MAX_LOST_SHARE) return gap(`${percent(lost)} of the reports were lost`, lost, MAX_LOST_SHARE);
  if (staleShare <= MAX_STALE_SHARE) return null;
  const sentence = `${percent(staleShare)} of the requests were still decided under maps from before the move`;
  return gap(sentence, staleShare, MAX_STALE_SHARE);
}
