/**
 * Writes the status as Prometheus text, for one scrape. Pure.
 * It must not have a label with unbounded values: products and versions are limited, generations are those lately seen,
 * accounts are only counted. Called by routes/insight.ts.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import { ALARM_NAMES } from "../contracts/alarms.ts";
import { ALARM_TABLE } from "../core/alarms/table.ts";
import { trafficMetrics } from "./metrics-traffic.ts";
import type { StatusView } from "./status.ts";

export const METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type Labels = Readonly<Record<string, string>>;
/** `suffix` follows the metric's name: a histogram has samples of several names. */
export type Sample = readonly [labels: Labels, value: number, suffix?: string];

export interface Metric {
  readonly name: string;
  readonly help: string;
  /** Left out: a gauge. */
  readonly type?: "counter" | "histogram";
  readonly samples: readonly Sample[];
}

const NO_LABELS: Labels = {};

/** The exposition text of a status. */
export function formatMetrics(view: StatusView): string {
  return [
    ...nodeMetrics(view),
    alarmMetric(view),
    ...seenMetrics(view),
    ...(view.meters === null ? [] : trafficMetrics(view.meters)),
    ...(view.control ? controlMetrics(view) : []),
  ]
    .map(formatMetric)
    .join("");
}

/** What this node knows by itself. */
function nodeMetrics({ status, control, snapshot }: StatusView): readonly Metric[] {
  const sources = ["kv", "cache", "fallback"] as const;
  return [
    one("firebreak_control_up", "1 when the control plane answered this scrape", control ? 1 : 0),
    one(
      "firebreak_node_maps_generation",
      "Generation of the maps that this node serves",
      snapshot.generation,
    ),
    {
      name: "firebreak_node_maps_source",
      help: "1 for where this node's maps come from",
      samples: sources.map((source) => [{ source }, source === snapshot.source ? 1 : 0]),
    },
    one("firebreak_halted", "1 while everything automatic is halted", status.halt.on ? 1 : 0),
    one(
      "firebreak_break_glass_active",
      "1 while a break-glass document is in force",
      status.breakGlass.active ? 1 : 0,
    ),
    one("firebreak_accounts", "Accounts that are not deleted", status.accounts),
    one("firebreak_custom_domains", "Custom domains of accounts", status.domains),
    one("firebreak_warnings", "Warnings that status shows", status.warnings.length),
  ];
}

/** Every alarm that can be judged, so that a rule sees 0 and not nothing; while the control plane is down, that alone. */
function alarmMetric({ status, control }: StatusView): Metric {
  const told = status.alarms.filter(({ raisedAt }) => raisedAt !== null);
  const known = control ? ALARM_NAMES : (["control-down"] as const);
  return {
    name: "firebreak_alarms",
    help: "Alarms that were told and are not over, by the table of alarms",
    samples: known.map((alarm) => [
      { alarm, level: ALARM_TABLE[alarm].level },
      told.filter(({ name }) => name === alarm).length,
    ]),
  };
}

function seenMetrics({ status: { seen } }: StatusView): readonly Metric[] {
  const labels = (generation: number): Labels => ({ generation: String(generation) });
  return [
    one("firebreak_seen_generation_highest", "Highest generation that any edge reported", seen.highest),
    {
      name: "firebreak_seen_generation_share",
      help: "Share of the requests of the last two minutes that each generation answered, 0 to 1",
      samples: seen.generations.map(({ generation, share }) => [labels(generation), share]),
    },
    {
      name: "firebreak_seen_generation_isolates",
      help: "Isolates that reported each generation in the last two minutes",
      samples: seen.generations.map(({ generation, isolates }) => [labels(generation), isolates]),
    },
    one(
      "firebreak_seen_break_glass_share",
      "Share of the requests answered under a break-glass document, 0 to 1",
      seen.breakGlassShare,
    ),
  ];
}

/** What only the control plane knows; left out while it is down, because a zero would be a lie. */
function controlMetrics({ status }: StatusView): readonly Metric[] {
  const { published, products, lastTick } = status;
  const states = ["idle", "building", "settling", "blocked"] as const;
  return [
    one(
      "firebreak_published_generation",
      "Generation of the maps that were published last",
      published.generation,
    ),
    some("firebreak_published_timestamp_seconds", "When they were published", seconds(published.at)),
    one("firebreak_outbox_waiting", "Changes that are not in the published maps yet", published.waiting),
    some("firebreak_outbox_oldest_seconds", "Age of the oldest of these changes", published.oldestSeconds),
    {
      name: "firebreak_publisher_state",
      help: "1 for the state the publisher is in",
      samples: states.map((state) => [{ state }, state === published.state ? 1 : 0]),
    },
    some("firebreak_last_tick_timestamp_seconds", "Time of the last tick", seconds(lastTick)),
    {
      name: "firebreak_version_accounts",
      help: "Accounts whose home is this version",
      samples: products.flatMap(({ name, versions }) =>
        Object.entries(versions).map(([version, accounts]): Sample => [{ product: name, version }, accounts]),
      ),
    },
    {
      name: "firebreak_product_info",
      help: "1; the labels say what is stable, default (unknown accounts) and standby",
      samples: products.map((product) => [
        {
          product: product.name,
          stable: product.stable ?? "",
          default: product.default ?? "",
          standby: product.standby ?? "",
        },
        1,
      ]),
    },
  ];
}

function one(name: string, help: string, value: number): Metric {
  return { name, help, samples: [[NO_LABELS, value]] };
}

/** A metric that has no sample while its value is not known. */
function some(name: string, help: string, value: number | null): Metric {
  return { name, help, samples: value === null ? [] : [[NO_LABELS, value]] };
}

function seconds(instant: string | null): number | null {
  return instant === null ? null : Date.parse(instant) / 1000;
}

function formatMetric({ name, help, type, samples }: Metric): string {
  const lines = samples.map(
    ([labels, value, suffix = ""]) => `${name}${suffix}${formatLabels(labels)} ${value}\n`,
  );
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type ?? "gauge"}\n${lines.join("")}`;
}

function formatLabels(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
