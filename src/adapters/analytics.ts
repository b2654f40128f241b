/**
 * Writes what an isolate counted to Workers Analytics Engine, when a dataset is bound: a few points with every flush,
 * never one for a request, so that a request pays nothing. Points name products, versions and locations; never an
 * account or a host. The layout stands in scripts/observability/analytics.sql: columns may be added at the end, a position
 * never changes.
 * Called by telemetry.ts. Posture: open; it never throws, and what cannot be written is one log line.
 * Limits: https://developers.cloudflare.com/analytics/analytics-engine/limits/
 */
import { LATENCY_BOUNDS_MS, type SeriesReport } from "../contracts/observation.ts";
import type { EdgeReport } from "../contracts/telemetry.ts";
import type { TakenCounts } from "./request-counts.ts";

/** One data point, as the binding takes it. */
export interface AnalyticsPoint {
  readonly indexes: string[];
  readonly blobs: string[];
  readonly doubles: number[];
}

/** The binding, as far as it is used. */
export interface AnalyticsDataset {
  writeDataPoint(point: AnalyticsPoint): void;
}

/**
 * Points of kind `version` in a flush, and one for the rest; outcomes and faults are 25 at most. So a flush writes 125 or
 * fewer: an invocation may write 250, and can see two flushes, its own and that of the timer it leaves behind.
 */
export const MAX_VERSIONS = 99;
/** Bytes; product and version names are ASCII. */
const MAX_INDEX = 96;
/** Upper bounds, inclusive, in milliseconds, of the latency columns; the last column has what took longer. */
export const ANALYTICS_BOUNDS_MS = [
  10, 20, 50, 100, 200, 400, 800, 1600, 3200, 6400, 15_000, 30_000, 100_000,
] as const;
const LATENCY_COLUMNS = ANALYTICS_BOUNDS_MS.length + 1;
/** Column of each bucket that edges count in. */
const COLUMNS = [...LATENCY_BOUNDS_MS, Infinity].map((bound) => {
  const column = ANALYTICS_BOUNDS_MS.findIndex((limit) => bound <= limit);
  return column === -1 ? LATENCY_COLUMNS - 1 : column;
});

export type WriteAnalytics = (report: EdgeReport, taken: TakenCounts) => void;

export interface AnalyticsDeps {
  readonly dataset: AnalyticsDataset;
  /** Cloudflare's code of the place, such as `FRA`; empty where nobody knows. */
  readonly location: string;
  /** Upload of the router; empty when nobody knows. */
  readonly router: string;
  readonly onFault: (error: unknown) => void;
}

/** What varies between points; the rest is of the isolate. */
interface Row {
  readonly kind: "version" | "edge" | "maps";
  readonly product?: string;
  readonly version?: string;
  readonly class?: string;
  readonly outcome?: string;
  /** Requests, errors, failures, gone. */
  counts: number[];
  generation: number;
  readonly latency: number[];
}

/** Creates what writes the points of a flush. */
export function createAnalytics({ dataset, location, router, onFault }: AnalyticsDeps): WriteAnalytics {
  return (report, taken) => {
    const isGlass = report.breakGlass ? 1 : 0;
    try {
      for (const row of [...edgeRows(report), ...versionRows(taken)]) {
        const { kind, product = "", version = "", class: of = "", outcome = "" } = row;
        dataset.writeDataPoint({
          // Sampling is by index: a version with little traffic is not drowned by a busy one.
          indexes: [(product === "" ? kind : `${product}/${version}`).slice(0, MAX_INDEX)],
          blobs: [kind, location, router, product, version, of, outcome],
          doubles: [...row.counts, row.generation, isGlass, ...row.latency],
        });
      }
    } catch (error) {
      onFault(error);
    }
  };
}

function edgeRows({ byOutcome, mapsFaults, generation }: EdgeReport): readonly Row[] {
  const rowsOf = (kind: "edge" | "maps", counts: Readonly<Record<string, number>>): readonly Row[] =>
    Object.entries(counts).map(([outcome, requests]) => ({
      kind,
      outcome,
      generation,
      counts: [requests, 0, 0, 0],
      latency: noLatency(),
    }));
  return [...rowsOf("edge", byOutcome), ...rowsOf("maps", mapsFaults)];
}

/** All meters and generations of a version together; versions that there is no room for are one row without a name. */
function versionRows({ parts }: TakenCounts): readonly Row[] {
  const rows = new Map<string, Row>();
  for (const series of parts.flatMap((part) => part.series)) {
    const key = `${series.product} ${series.version} ${series.class}`;
    const isKept = rows.has(key) || rows.size < MAX_VERSIONS;
    const row = rows.get(isKept ? key : "") ?? openRow(isKept ? series : {});
    rows.set(isKept ? key : "", row);
    add(row, series);
  }
  return [...rows.values()];
}

function openRow(of: Partial<SeriesReport>): Row {
  const { product = "", version = "" } = of;
  const counts = [0, 0, 0, 0];
  return {
    kind: "version",
    product,
    version,
    class: of.class ?? "",
    counts,
    generation: 0,
    latency: noLatency(),
  };
}

function add(row: Row, { total, latency, generation }: SeriesReport): void {
  const more = [total.requests, total.errors, total.failures, total.gone];
  row.counts = more.map((count, column) => count + (row.counts[column] ?? 0));
  row.generation = Math.max(row.generation, generation);
  for (const [bucket, requests] of latency.entries()) {
    const column = COLUMNS[bucket] ?? LATENCY_COLUMNS - 1;
    row.latency[column] = (row.latency[column] ?? 0) + requests;
  }
}

function noLatency(): number[] {
  return Array.from({ length: LATENCY_COLUMNS }, () => 0);
}
