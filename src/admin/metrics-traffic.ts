/**
 * Requests by product and version as Prometheus metrics, from what the meters ever took. Pure.
 * Labels are bounded by the versions that had requests within 30 days; there is none for accounts, because there are too
 * many of them and monitoring is no place for their names. Called by metrics.ts.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#histograms-and-summaries
 */
import {
  LATENCY_BOUNDS_MS,
  type EdgeTotals,
  type LatencyHistogram,
  type MeterIntake,
  type MeterTotals,
  type SeriesTotal,
  type Tally,
} from "../contracts/observation.ts";
import { addLatencies, addTallies } from "../core/observation/sum.ts";
import type { Labels, Metric, Sample } from "./metrics.ts";

const MS_PER_SECOND = 1000;

/** Counters and a histogram; empty where the deployment has no meters. */
export function trafficMetrics(meters: readonly MeterTotals[]): readonly Metric[] {
  if (meters.length === 0) return [];
  const series = sumBy(meters, ({ product, version, class: name }) => ({ product, version, class: name }));
  const versions = sumBy(meters, ({ product, version }) => ({ product, version }));
  const counter = (name: string, help: string, pick: (tally: Tally) => number): Metric => ({
    name,
    help,
    type: "counter",
    samples: series.map(({ labels, total }) => [labels, pick(total)]),
  });
  return [
    counter(
      "firebreak_requests_total",
      "Requests for a version whose end is known, by class of request",
      ({ requests }) => requests,
    ),
    counter("firebreak_request_errors_total", "Answers with 500 to 599", ({ errors }) => errors),
    counter(
      "firebreak_request_failures_total",
      "Requests that a version did not answer: no connection, or no headers in time",
      ({ failures }) => failures,
    ),
    counter(
      "firebreak_clients_gone_total",
      "Clients that left before there was an answer",
      ({ gone }) => gone,
    ),
    {
      name: "firebreak_request_duration_seconds",
      help: "Time from the first attempt to the headers of the answer; there is no sum, only classes are counted",
      type: "histogram",
      samples: versions.flatMap(({ labels, latency }) => histogramSamples(labels, latency)),
    },
    ...edgeMetrics(meters),
    ...intakeMetrics(meters),
  ];
}

/** How requests ended, whoever answered them, and what edges refused of maps: both are closed sets of names. */
function edgeMetrics(meters: readonly MeterTotals[]): readonly Metric[] {
  const counter = (
    { name, help, label }: { readonly name: string; readonly help: string; readonly label: string },
    pick: (edges: EdgeTotals) => Readonly<Record<string, number>>,
  ): Metric => {
    const sums = new Map<string, number>();
    for (const { edges } of meters)
      for (const [key, n] of edges === undefined ? [] : Object.entries(pick(edges)))
        sums.set(key, (sums.get(key) ?? 0) + n);
    return { name, help, type: "counter", samples: [...sums].map(([key, n]) => [{ [label]: key }, n]) };
  };
  return [
    counter(
      {
        name: "firebreak_edge_requests_total",
        help: "Requests that reached an edge, by how they ended",
        label: "outcome",
      },
      ({ outcomes }) => outcomes,
    ),
    counter(
      {
        name: "firebreak_edge_maps_faults_total",
        help: "Maps that an edge refused or could not read, by reason",
        label: "fault",
      },
      ({ faults }) => faults,
    ),
  ];
}

function intakeMetrics(meters: readonly MeterTotals[]): readonly Metric[] {
  const counter = (name: string, help: string, field: keyof MeterIntake): Metric => ({
    name,
    help,
    type: "counter",
    samples: [[{}, meters.reduce((sum, { intake }) => sum + intake[field], 0)]],
  });
  return [
    counter("firebreak_counted_requests_total", "Requests whose counts reached the meters", "requests"),
    counter(
      "firebreak_dropped_requests_total",
      "Requests whose counts were lost on the way",
      "droppedRequests",
    ),
    counter(
      "firebreak_dropped_reports_total",
      "Reports of counts that were lost on the way",
      "droppedReports",
    ),
  ];
}

interface Summed {
  readonly labels: Labels;
  readonly total: Tally;
  readonly latency: LatencyHistogram;
}

/** Sums over meters, and over everything that the labels leave out. */
function sumBy(meters: readonly MeterTotals[], labelsOf: (series: SeriesTotal) => Labels): readonly Summed[] {
  const sums = new Map<string, Summed>();
  for (const one of meters.flatMap(({ series }) => series)) {
    const labels = labelsOf(one);
    const key = Object.values(labels).join(" ");
    const before = sums.get(key);
    const { total, latency } = one;
    sums.set(
      key,
      before === undefined
        ? { labels, total, latency }
        : { labels, total: addTallies(before.total, total), latency: addLatencies(before.latency, latency) },
    );
  }
  return [...sums.values()];
}

/** Buckets are cumulative, as the format wants them. */
function histogramSamples(labels: Labels, latency: LatencyHistogram): readonly Sample[] {
  let below = 0;
  const buckets = LATENCY_BOUNDS_MS.map((bound, index): Sample => {
    below += latency[index] ?? 0;
    return [{ ...labels, le: String(bound / MS_PER_SECOND) }, below, "_bucket"];
  });
  const all = latency.reduce((sum, count) => sum + count, 0);
  return [...buckets, [{ ...labels, le: "+Inf" }, all, "_bucket"], [labels, all, "_count"]];
}
