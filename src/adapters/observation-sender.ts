/**
 * Sends what was counted to the meters: one numbered report for each meter that has a part in it, with a deadline. What
 * fails is not sent again, because it may have arrived; the next report to that meter says which numbers are missing and
 * how many requests were in them, so that nothing is lost in silence. Memory is bounded by one flush and a short list.
 * Called by telemetry.ts from `waitUntil`. Posture: open; never rejects.
 * What no code can tell: an isolate that the platform ends takes what it counted since its last flush with it.
 */
import { OBSERVATION_SCHEMA, type LostReport, type ObservationReport } from "../contracts/observation.ts";
import type { TakenCounts } from "./request-counts.ts";

/** Shorter than the time between two flushes, so that there is never more than one on its way. */
const SEND_DEADLINE_MS = 8000;
/** Failed reports in a row, of one meter, that are told of one by one; older ones are told of together. */
const MAX_LOST = 64;

export interface ObservationSender {
  /** Sends what was taken. Resolves when every part has arrived, failed or run out of time. */
  flush(taken: TakenCounts): Promise<void>;
}

export interface ObservationSenderDeps {
  /** Name of this isolate, the same for all its reports. */
  readonly isolate: string;
  readonly sleep: (ms: number) => Promise<void>;
  /** Sends a report to the meter of this number; may throw, reject or hang. */
  readonly send: (meter: number, report: ObservationReport) => Promise<void>;
}

export function createObservationSender({ isolate, sleep, send }: ObservationSenderDeps): ObservationSender {
  const lostByMeter = new Map<number, readonly LostReport[]>();
  let sequence = 0;

  function addLost(meter: number, lost: LostReport): void {
    const all = [...(lostByMeter.get(meter) ?? []), lost];
    lostByMeter.set(meter, all.length > MAX_LOST ? mergeOldest(all) : all);
  }

  async function sendPart(meter: number, report: ObservationReport, requests: number): Promise<void> {
    const isTaken = await arrives(report, meter);
    if (!isTaken) {
      if (requests > 0) addLost(meter, { sequence: report.sequence, requests });
      return;
    }
    const told = new Set(report.lost.map((lost) => lost.sequence));
    const rest = (lostByMeter.get(meter) ?? []).filter((lost) => !told.has(lost.sequence));
    if (rest.length === 0) lostByMeter.delete(meter);
    else lostByMeter.set(meter, rest);
  }

  async function arrives(report: ObservationReport, meter: number): Promise<boolean> {
    try {
      const sending = send(meter, report).then(() => true);
      return await Promise.race([sending, sleep(SEND_DEADLINE_MS).then(() => false)]);
    } catch {
      return false;
    }
  }

  return {
    async flush({ parts, uncounted }) {
      sequence++;
      const byMeter = new Map(parts.map((part) => [part.meter, part]));
      // Those that only have losses to tell of are told too: there may be no traffic for them any more.
      const meters = [...new Set([...byMeter.keys(), ...lostByMeter.keys()])];
      const number = sequence;
      const sending = meters.map((meter) => {
        const { series = [], requests = 0 } = byMeter.get(meter) ?? {};
        const lost = lostByMeter.get(meter) ?? [];
        const report = { schema: OBSERVATION_SCHEMA, isolate, sequence: number, series, lost } as const;
        return sendPart(meter, report, requests);
      });
      if (uncounted > 0) addLost(meters[0] ?? 0, { sequence: ++sequence, requests: uncounted });
      await Promise.all(sending);
    },
  };
}

function mergeOldest([first, second, ...rest]: readonly LostReport[]): readonly LostReport[] {
  if (first === undefined || second === undefined) return [];
  return [{ sequence: first.sequence, requests: first.requests + second.requests }, ...rest];
}
