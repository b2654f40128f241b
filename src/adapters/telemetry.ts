/**
 * Counts what an isolate does and sends the counts now and then: one report at most every 10 seconds, with jitter, from
 * `waitUntil`, numbered so that gaps are seen. Nothing here may slow or fail a request, and no decision reads it.
 * Called by the edge once a request and by the maps reader for its faults. Posture: open; a report that cannot be sent
 * is counted as dropped and its counts are lost, because sending them again could count them twice.
 */
import { TELEMETRY_SCHEMA, type EdgeReport, type MapsFault, type Outcome } from "../contracts/telemetry.ts";
import type { MirrorReport } from "../contracts/mirror.ts";
import type { EpochMs, Generation } from "../contracts/units.ts";

/** Meters take about 1,000 reports a second, and a report costs money: no isolate sends more often than this. */
const MIN_FLUSH_INTERVAL_MS = 10_000;
/** Isolates start together after a deploy; this much of an interval spreads them. */
const JITTER_MS = 5_000;

/** What one request adds. */
export interface RequestCount {
  readonly outcome: Outcome;
  /** Generation of the maps that answered, 0 for the compiled-in fallback or when none were asked. */
  readonly generation: Generation;
  readonly breakGlass: boolean;
}

export interface Telemetry {
  /** Counts one request that asked the maps. */
  count(request: RequestCount): void;
  /** Counts a request answered without maps (health, refused): the reported generation stays what it was. */
  countOutcome(outcome: Outcome): void;
  fault(fault: MapsFault): void;
  /** Sends a report when one is due; the sending outlives the request in `waitUntil`. */
  flushIfDue(nowMs: EpochMs, waitUntil: (work: Promise<unknown>) => void): void;
}

export interface TelemetryDeps {
  /** Name of this isolate, the same for all its reports. */
  readonly isolate: string;
  /** 0 to 1. */
  readonly random: () => number;
  /** What was mirrored since it was last asked. */
  readonly takeMirrored?: () => readonly MirrorReport[];
  readonly send: (report: EdgeReport) => Promise<void>;
}

/** Creates the counters of one isolate. Their number is bounded by the closed sets of outcomes and faults. */
export function createTelemetry({ isolate, random, takeMirrored, send }: TelemetryDeps): Telemetry {
  let generation: Generation = 0;
  let breakGlass = false;
  let requests = 0;
  let byOutcome: Partial<Record<Outcome, number>> = {};
  let mapsFaults: Partial<Record<MapsFault, number>> = {};
  let sequence = 0;
  let dropped = 0;
  let dueMs: EpochMs | null = null;

  function takeReport(): EdgeReport {
    sequence++;
    const mirrored = takeMirrored?.() ?? [];
    const report: EdgeReport = {
      schema: TELEMETRY_SCHEMA,
      isolate,
      sequence,
      generation,
      breakGlass,
      requests,
      byOutcome,
      mapsFaults,
      dropped,
      ...(mirrored.length === 0 ? {} : { mirrored }),
    };
    requests = 0;
    byOutcome = {};
    mapsFaults = {};
    dropped = 0;
    return report;
  }

  async function sendReport(report: EdgeReport): Promise<void> {
    try {
      await send(report);
    } catch {
      // The next report that arrives says how many were lost, this one and those it would have told about.
      dropped += report.dropped + 1;
    }
  }

  function countOutcome(outcome: Outcome): void {
    requests++;
    byOutcome[outcome] = (byOutcome[outcome] ?? 0) + 1;
  }

  return {
    count(request) {
      generation = request.generation;
      breakGlass = request.breakGlass;
      countOutcome(request.outcome);
    },
    countOutcome,
    fault(fault) {
      mapsFaults[fault] = (mapsFaults[fault] ?? 0) + 1;
    },
    flushIfDue(nowMs, waitUntil) {
      // The first request only starts the clock, so that a cold isolate has nothing to do beside answering.
      // Farther ahead than an interval means that the clock was put back.
      if (dueMs !== null && nowMs < dueMs && dueMs - nowMs <= MIN_FLUSH_INTERVAL_MS + JITTER_MS) return;
      const isFirst = dueMs === null;
      dueMs = nowMs + MIN_FLUSH_INTERVAL_MS + random() * JITTER_MS;
      if (!isFirst) waitUntil(sendReport(takeReport()));
    },
  };
}
