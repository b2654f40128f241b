/**
 * What edges have reported of mirrored requests, over all meters: each isolate reports to one of them, so an answer is
 * the sum of theirs. All or nothing: a sum that lacks a meter would be a measurement of less than was measured.
 * Called by the control plane before a tick. Posture: rejects; the caller keeps what it knew.
 */
import type { MirrorReport } from "../contracts/mirror.ts";
import { addCounts } from "../core/mirror.ts";
import { askAllMeters } from "./meters.ts";

/** What a meter object offers through RPC for this. */
export interface MirrorMeterStub {
  mirrored(runs: readonly string[]): Promise<readonly MirrorReport[]>;
}

/** @param meter finds a meter by name; null when the deployment binds none. */
export function createMirrorReader(
  meter: (name: string) => MirrorMeterStub | null,
): (runs: readonly string[]) => Promise<readonly MirrorReport[]> {
  return async (runs) => {
    const answers = await askAllMeters(meter, (stub) => stub.mirrored(runs));
    const sums = new Map<string, MirrorReport>();
    for (const report of answers.flat()) {
      const known = sums.get(report.run);
      sums.set(report.run, known === undefined ? report : { ...report, ...addCounts(known, report) });
    }
    return [...sums.values()];
  };
}
