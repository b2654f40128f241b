/** Requests, reports and questions about counts, with everything filled in that a test does not care about. */
import type { ObservedRequest } from "../../src/adapters/request-counts.ts";
import {
  OBSERVATION_SCHEMA,
  type ObservationAsk,
  type ObservationReport,
  type SeriesReport,
} from "../../src/contracts/observation.ts";
import { emptyLatency, latencyBucket } from "../../src/core/observation/latency.ts";

export function observed(changes: Partial<ObservedRequest> = {}): ObservedRequest {
  return {
    product: "kiln",
    version: "1",
    class: "known",
    account: "acme",
    generation: 7,
    end: "answered",
    status: 200,
    latencyMs: 12,
    ...changes,
  };
}

/** @param accounts requests and failures by account; the failures count as 5xx. */
export function series(
  accounts: Readonly<Record<string, readonly [requests: number, failed: number]>>,
  changes: Partial<SeriesReport> = {},
): SeriesReport {
  const all = Object.entries(accounts);
  const requests = all.reduce((sum, [, [asked]]) => sum + asked, 0);
  const errors = all.reduce((sum, [, [, failed]]) => sum + failed, 0);
  const latency = emptyLatency();
  latency[latencyBucket(12)] = requests;
  return {
    product: "kiln",
    version: "1",
    class: "known",
    generation: 7,
    total: { requests, errors, failures: 0, gone: 0 },
    latency,
    accounts: all.map(([account]) => account),
    counts: all.flatMap(([, counts]) => [...counts]),
    ...changes,
  };
}

export function observationReport(changes: Partial<ObservationReport> = {}): ObservationReport {
  return { schema: OBSERVATION_SCHEMA, isolate: "i1", sequence: 1, series: [], lost: [], ...changes };
}

export function observationAsk(changes: Partial<ObservationAsk> = {}): ObservationAsk {
  return {
    key: "q",
    product: "kiln",
    target: ["2"],
    from: ["1"],
    sinceMs: 0,
    minGeneration: 0,
    accounts: { movedCap: null, notMovedCap: null, movedPastShare: null, notMovedPastShare: null },
    ...changes,
  };
}
