/**
 * Counts what an isolate does and sends the counts now and then: at most every 10 seconds, with jitter, from `waitUntil`,
 * numbered so that gaps are seen. Nothing here may slow or fail a request, and no decision of this isolate reads it.
 * Called by the edge once a request and by the maps reader for its faults. Posture: open; a report that cannot be sent
 * is counted as dropped and its counts are lost, because sending them again could count them twice.
 * The first request after a flush leaves a timer behind that sends the last counts of an isolate nobody asks any more;
 * the platform lets it run for 30 s after the answer, and a request that comes when a flush is due does it otherwise.
 */
import {
  TELEMETRY_SCHEMA,
  type EdgeReport,
  type MapsFault,
  type OpenCount,
  type Outcome,
} from "../contracts/telemetry.ts";
import type { FailedRequest } from "../contracts/failed-request.ts";
import type { FleetReport } from "../contracts/fleet.ts";
import type { MirrorReport } from "../contracts/mirror.ts";
import type { EpochMs, Generation } from "../contracts/units.ts";
import type { WriteAnalytics } from "./analytics.ts";
import type { Clock } from "./clock.ts";
import type { ObservationSender } from "./observation-sender.ts";
import type { ObservedRequest, RequestCounts } from "./request-counts.ts";

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
  /** It came with a tester's override that does not count. */
  readonly refusedOverride: boolean;
}

export interface Telemetry {
  /** Counts one request that asked the maps. */
  count(request: RequestCount): void;
  /** Counts a request answered without maps (health, refused): the reported generation stays what it was. */
  countOutcome(outcome: Outcome): void;
  fault(fault: MapsFault): void;
  /** Counts one request that was for a version, by account. */
  observe(request: ObservedRequest): void;
  /** Sends a report when one is due; the sending outlives the request in `waitUntil`. */
  flushIfDue(nowMs: EpochMs, waitUntil: (work: Promise<unknown>) => void): void;
}

/** As whoever made it sees it; the edge has no use for the rest. */
export interface OwnedTelemetry extends Telemetry {
  /** Sends everything now, due or not: for a local run, which does not wait for the time of a report. */
  flush(): Promise<void>;
}

export interface TelemetryDeps {
  /** Name of this isolate, the same for all its reports. */
  readonly isolate: string;
  readonly clock: Pick<Clock, "nowMs" | "sleep" | "random">;
  /** What was mirrored since it was last asked. */
  readonly takeMirrored?: () => readonly MirrorReport[];
  /** What was compared with today's fleet since it was last asked. */
  readonly takeFleet?: () => readonly FleetReport[];
  /** A sample of what failed since it was last asked. */
  readonly takeFailed?: () => readonly FailedRequest[];
  /** What is open now. */
  readonly listOpen?: () => readonly OpenCount[];
  readonly send: (report: EdgeReport) => Promise<void>;
  readonly counts: RequestCounts;
  readonly observations: ObservationSender;
  /** Takes a copy of every flush; left out: no dataset is bound. Never throws. */
  readonly analytics?: WriteAnalytics | undefined;
}

/** What an isolate says about itself: bounded by the closed sets of outcomes and faults. */
interface EdgeCounts {
  generation: Generation;
  breakGlass: boolean;
  requests: number;
  byOutcome: Partial<Record<Outcome, number>>;
  mapsFaults: Partial<Record<MapsFault, number>>;
  refusedOverrides: number;
  /** Reports that were lost since the last one that arrived. */
  dropped: number;
  sequence: number;
}

function addOutcome(counts: EdgeCounts, outcome: Outcome): void {
  counts.requests++;
  counts.byOutcome[outcome] = (counts.byOutcome[outcome] ?? 0) + 1;
}

function takeReport(
  counts: EdgeCounts,
  { isolate, takeMirrored, takeFleet, takeFailed, listOpen }: TelemetryDeps,
): EdgeReport {
  counts.sequence++;
  const mirrored = takeMirrored?.() ?? [];
  const fleet = takeFleet?.() ?? [];
  const failed = takeFailed?.() ?? [];
  const report: EdgeReport = {
    schema: TELEMETRY_SCHEMA,
    isolate,
    sequence: counts.sequence,
    generation: counts.generation,
    breakGlass: counts.breakGlass,
    requests: counts.requests,
    byOutcome: counts.byOutcome,
    mapsFaults: counts.mapsFaults,
    dropped: counts.dropped,
    ...(listOpen === undefined ? {} : { open: listOpen() }),
    ...(mirrored.length === 0 ? {} : { mirrored }),
    ...(fleet.length === 0 ? {} : { fleet }),
    ...(failed.length === 0 ? {} : { failed }),
    ...(counts.refusedOverrides === 0 ? {} : { refusedOverrides: counts.refusedOverrides }),
  };
  Object.assign(counts, { requests: 0, byOutcome: {}, mapsFaults: {}, refusedOverrides: 0, dropped: 0 });
  return report;
}

/** Creates the counters of one isolate. */
export function createTelemetry(deps: TelemetryDeps): OwnedTelemetry {
  const counts: EdgeCounts = {
    generation: 0,
    breakGlass: false,
    requests: 0,
    byOutcome: {},
    mapsFaults: {},
    refusedOverrides: 0,
    dropped: 0,
    sequence: 0,
  };
  const flushing = createFlushTimes(deps.clock, flush);

  async function flush(): Promise<void> {
    const report = takeReport(counts, deps);
    const taken = deps.counts.take();
    deps.analytics?.(report, taken);
    await Promise.all([sendReport(report), deps.observations.flush(taken)]);
  }

  async function sendReport(report: EdgeReport): Promise<void> {
    try {
      await deps.send(report);
    } catch {
      // The next report that arrives says how many were lost, this one and those it would have told about.
      counts.dropped += report.dropped + 1;
    }
  }

  return {
    count(request) {
      counts.generation = request.generation;
      counts.breakGlass = request.breakGlass;
      addOutcome(counts, request.outcome);
      if (request.refusedOverride) counts.refusedOverrides++;
    },
    countOutcome: (outcome) => addOutcome(counts, outcome),
    fault(fault) {
      counts.mapsFaults[fault] = (counts.mapsFaults[fault] ?? 0) + 1;
    },
    observe: (request) => deps.counts.add(request),
    flushIfDue: flushing,
    flush,
  };
}

/** Decides when to flush: by the request that finds it due, or by the timer that an earlier one left behind. */
function createFlushTimes(
  clock: TelemetryDeps["clock"],
  flush: () => Promise<void>,
): Telemetry["flushIfDue"] {
  let dueMs: EpochMs | null = null;
  /** The due time that a timer was left behind for. */
  let timedMs: EpochMs | null = null;

  /** Farther ahead than an interval means that the clock was put back. */
  function isDue(nowMs: EpochMs): boolean {
    return dueMs === null || nowMs >= dueMs || dueMs - nowMs > MIN_FLUSH_INTERVAL_MS + JITTER_MS;
  }

  function nextDueMs(nowMs: EpochMs): EpochMs {
    return nowMs + MIN_FLUSH_INTERVAL_MS + clock.random() * JITTER_MS;
  }

  /** Waits until what was counted is due, and sends it unless a request did so first. */
  async function flushLater(nowMs: EpochMs): Promise<void> {
    const forMs = dueMs ?? nowMs;
    timedMs = forMs;
    await clock.sleep(Math.max(0, forMs - nowMs));
    if (dueMs !== forMs) return;
    // The next request, if there is one, leaves the next timer behind.
    dueMs = nextDueMs(clock.nowMs());
    await flush();
  }

  return (nowMs, waitUntil) => {
    if (isDue(nowMs)) {
      // The first request only starts the clock, so that a cold isolate has nothing to do beside answering.
      const isFirst = dueMs === null;
      dueMs = nextDueMs(nowMs);
      if (!isFirst) waitUntil(flush());
    }
    if (timedMs !== dueMs) waitUntil(flushLater(nowMs));
  };
}
