/**
 * When a generation has settled: no edge answers from an older one any more. At the earliest after the least time; then
 * as soon as every isolate that was heard of reports it; without a word of reports, when a read that lagged as far as KV
 * may, and was kept as long as an edge may keep it, is over. Pure; called for holds and for switches. Design §5.3.
 */
import type { PublishFact, SettleTimes } from "../../../contracts/move-data.ts";
import type { EpochMs } from "../../../contracts/units.ts";

/** How often reports are looked at while some edge is behind. */
const LOOK_MS = 10_000;

export type Settling =
  | { readonly kind: "settled" }
  | {
      readonly kind: "settling";
      readonly nextAtMs: EpochMs;
      readonly why: string;
      /** It is in KV for as long as any edge may lag, and only reports stand against it, for longer than is waited for. */
      readonly onlyReports: boolean;
      /** Longer than is waited for. */
      readonly late: boolean;
    };

/** @param sinceMs when the publish was asked for. */
export function settlingOf(
  fact: PublishFact | null,
  { step, sinceMs, nowMs }: { step: number; sinceMs: EpochMs; nowMs: EpochMs },
  times: SettleTimes,
): Settling {
  const atMs = fact !== null && fact.step === step ? fact.atMs : null;
  const wait = (nextAtMs: EpochMs, why: string): Settling => ({
    kind: "settling",
    nextAtMs: Math.max(nextAtMs, nowMs + 1),
    why,
    late: nowMs - sinceMs >= times.patienceMs,
    onlyReports: atMs !== null && nowMs >= atMs + Math.max(times.unseenMs, times.patienceMs),
  });
  if (fact === null || atMs === null) return wait(nowMs + LOOK_MS, "it is being published");
  if (nowMs < atMs + times.leastMs) return wait(atMs + times.leastMs, "it spreads");
  if (fact.behind === 0) return { kind: "settled" };
  if (fact.behind !== null) return wait(nowMs + LOOK_MS, `${fact.behind} isolates report older maps`);
  return nowMs >= atMs + times.unseenMs
    ? { kind: "settled" }
    : wait(atMs + times.unseenMs, "it spreads, and edges do not report it");
}
