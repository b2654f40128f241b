/** Status, metrics and readiness: what they say when all is well, and when parts of it are not. */
import { describe, it } from "vitest";
import { summariseSeen } from "../../../src/admin/status.ts";
import { ALARM_NAMES } from "../../../src/contracts/alarms.ts";
import { AlarmListSchema } from "../../../src/contracts/api/alarms.ts";
import { StatusSchema } from "../../../src/contracts/api/status.ts";
import { LATENCY_BUCKETS, type SeriesTotal, type Tally } from "../../../src/contracts/observation.ts";
import type { SeenIsolate } from "../../../src/contracts/telemetry.ts";
import { buildAdmin, buildReplacingRoot, buildSnapshot, NOW_MS } from "../../support/admin-builders.ts";

const isolate = (generation: number, requests: number, breakGlass = false): SeenIsolate => ({
  isolate: `i-${generation}-${requests}`,
  generation,
  breakGlass,
  requests,
  reportedAt: NOW_MS,
});
const down = async (): Promise<never> => {
  throw new Error("meters down");
};

describe("summariseSeen", () => {
  it("shares the requests out among generations, newest first", ({ expect }) => {
    const seen = summariseSeen([isolate(41, 25), isolate(42, 50, true), isolate(42, 25)]);
    expect(seen).toEqual({
      generations: [
        { generation: 42, share: 0.75, isolates: 2 },
        { generation: 41, share: 0.25, isolates: 1 },
      ],
      highest: 42,
      breakGlassShare: 0.5,
      breakGlassIsolates: 1,
    });
  });

  it("divides by nothing when nothing was served", ({ expect }) => {
    expect(summariseSeen([])).toEqual({
      generations: [],
      highest: 0,
      breakGlassShare: 0,
      breakGlassIsolates: 0,
    });
    expect(summariseSeen([isolate(42, 0)])).toMatchObject({
      generations: [{ share: 0, isolates: 1 }],
      breakGlassShare: 0,
    });
  });
});

describe("status", () => {
  it("asks the control plane with what the meters saw", async ({ expect }) => {
    const seen = [isolate(42, 10)];
    const at = buildAdmin({ seen: async () => seen });
    expect((await at.call("/api/v1/status")).status).toBe(200);
    expect(at.control.calls).toContainEqual({ name: "status", input: { seen }, context: null });
  });

  it("says what this node knows, with warnings, when the control plane is down", async ({ expect }) => {
    const at = buildAdmin({
      seen: async () => [isolate(41, 10)],
      snapshot: buildSnapshot({
        source: "cache",
        root: buildReplacingRoot([{ from: "2.8.0", to: "2.9.0", salt: "s", below: 1250 }]),
      }),
    });
    at.control.state.down = true;
    const status = StatusSchema.parse(await (await at.call("/api/v1/status")).json());
    expect(status).toMatchObject({
      accounts: 3,
      published: { generation: 42, state: "blocked" },
      seen: { highest: 41 },
      products: [{ name: "kiln", stable: "2.8.0", default: "2.8.0" }],
    });
    expect(status.rollouts).toEqual([]);
    expect(status.replacements).toEqual([
      { product: "kiln", from: "2.8.0", to: "2.9.0", percent: 12.5, phase: null, reason: null },
    ]);
    expect(status.warnings).toEqual([
      expect.stringContaining("control plane"),
      expect.stringContaining("cache"),
    ]);
    const since = new Date(at.clock.nowMs).toISOString();
    const down = expect.objectContaining({
      name: "control-down",
      level: "page",
      firstCommand: "npx wrangler tail",
      since,
    });
    expect(status.alarms).toEqual([down]);
    // An hour later it is no news of this moment.
    at.clock.nowMs += 3_600_000;
    const later = StatusSchema.parse(await (await at.call("/api/v1/status")).json());
    expect(later.alarms).toEqual([down]);
    expect(later.warnings[0]).toContain(`since ${since}`);
    const list = AlarmListSchema.parse(await (await at.call("/api/v1/alarms")).json());
    expect(list.items).toEqual([down]);
    expect(list.table.map(({ name }) => name)).toEqual(ALARM_NAMES);
  });

  it("says so when the meters are down, and when everything is", async ({ expect }) => {
    const at = buildAdmin({
      seen: down,
      snapshot: buildSnapshot({ source: "fallback", root: null, generation: 0 }),
    });
    expect(StatusSchema.parse(await (await at.call("/api/v1/status")).json()).warnings).toEqual([
      expect.stringContaining("meters"),
    ]);
    at.control.state.down = true;
    expect(StatusSchema.parse(await (await at.call("/api/v1/status")).json()).warnings).toHaveLength(3);
  });
});

describe("metrics", () => {
  const SAMPLE = /^[a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? -?[0-9.e+-]+$/;

  it("is well-formed exposition text: HELP and TYPE before samples, each metric once", async ({ expect }) => {
    const response = await buildAdmin().call("/api/v1/metrics");
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const lines = (await response.text()).trimEnd().split("\n");
    const samples = lines.filter((line) => !line.startsWith("#"));
    expect(samples.filter((line) => !SAMPLE.test(line))).toEqual([]);
    const typed = lines.filter((line) => line.startsWith("# TYPE")).map((line) => line.split(" ")[2]);
    expect(new Set(typed).size).toBe(typed.length);
    expect(samples.every((line) => typed.includes(/^[a-z_]+/.exec(line)?.[0]))).toBe(true);
    expect(samples).toEqual(
      expect.arrayContaining([
        "firebreak_published_generation 42",
        'firebreak_version_accounts{product="kiln",version="2.8.0"} 3',
        "firebreak_outbox_waiting 0",
        "firebreak_halted 0",
        'firebreak_alarms{alarm="no-tick",level="page"} 0',
      ]),
    );
  });

  it("leaves out what only the control plane knows while it is down", async ({ expect }) => {
    const at = buildAdmin();
    at.control.state.down = true;
    const text = await (await at.call("/api/v1/metrics")).text();
    expect(text).toContain("firebreak_control_up 0\n");
    expect(text).toContain("firebreak_node_maps_generation 42\n");
    expect(text).not.toContain("firebreak_outbox_waiting");
    expect(text.match(/^firebreak_alarms.*$/gm)).toEqual([
      'firebreak_alarms{alarm="control-down",level="page"} 1',
    ]);
  });
});

describe("metrics of requests", () => {
  const totals = async () => [
    {
      intake: { reports: 3, requests: 12, droppedReports: 1, droppedRequests: 4, droppedRequestsLastHour: 4 },
      series: [
        totalOf("2", "known", { requests: 10, errors: 2, failures: 1, gone: 3 }, [4, 5, 0]),
        totalOf("2", "unknown", { requests: 2, errors: 0, failures: 0, gone: 0 }, [0, 1, 1]),
      ],
    },
    {
      intake: { reports: 1, requests: 5, droppedReports: 0, droppedRequests: 0, droppedRequestsLastHour: 0 },
      edges: { outcomes: { forwarded: 5, unresolved: 1 }, faults: { checksum: 2 } },
      series: [totalOf("2", "known", { requests: 5, errors: 1, failures: 0, gone: 0 }, [5])],
    },
  ];

  function totalOf(
    version: string,
    name: "known" | "unknown",
    total: Tally,
    latency: readonly number[],
  ): SeriesTotal {
    const padded = Array.from({ length: LATENCY_BUCKETS }, (_, bucket) => latency[bucket] ?? 0);
    return { product: "kiln", version, class: name, total, latency: padded };
  }

  it("adds meters up, by product, version and class, with no label for accounts", async ({ expect }) => {
    const text = await (await buildAdmin({ totals }).call("/api/v1/metrics")).text();
    const lines = text.split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        "# TYPE firebreak_requests_total counter",
        'firebreak_requests_total{product="kiln",version="2",class="known"} 15',
        'firebreak_requests_total{product="kiln",version="2",class="unknown"} 2',
        'firebreak_request_errors_total{product="kiln",version="2",class="known"} 3',
        'firebreak_request_failures_total{product="kiln",version="2",class="known"} 1',
        'firebreak_clients_gone_total{product="kiln",version="2",class="known"} 3',
        "# TYPE firebreak_request_duration_seconds histogram",
        'firebreak_request_duration_seconds_bucket{product="kiln",version="2",le="0.001"} 9',
        'firebreak_request_duration_seconds_bucket{product="kiln",version="2",le="0.002"} 15',
        'firebreak_request_duration_seconds_bucket{product="kiln",version="2",le="+Inf"} 16',
        'firebreak_request_duration_seconds_count{product="kiln",version="2"} 16',
        "firebreak_counted_requests_total 17",
        'firebreak_edge_requests_total{outcome="unresolved"} 1',
        'firebreak_edge_maps_faults_total{fault="checksum"} 2',
        "firebreak_dropped_requests_total 4",
      ]),
    );
    expect(text).not.toContain("account=");
  });

  it("leaves them out while the meters are down: a zero would be a lie", async ({ expect }) => {
    const text = await (await buildAdmin({ totals: down }).call("/api/v1/metrics")).text();
    expect(text).not.toContain("firebreak_requests_total");
    expect(text).not.toContain("firebreak_dropped_requests_total");
  });

  it("shows in status what was counted and lost, and warns of what was lost lately", async ({ expect }) => {
    const status = StatusSchema.parse(await (await buildAdmin({ totals }).call("/api/v1/status")).json());
    expect(status.counting).toEqual({
      requests: 17,
      droppedReports: 1,
      droppedRequests: 4,
      droppedRequestsLastHour: 4,
    });
    expect(status.warnings).toEqual([expect.stringContaining("Counts of 4 requests")]);
    const unknown = StatusSchema.parse(
      await (await buildAdmin({ totals: down }).call("/api/v1/status")).json(),
    );
    expect(unknown.counting).toBeNull();
  });
});

describe("readyz", () => {
  const ready = async (at: ReturnType<typeof buildAdmin>): Promise<[number, Record<string, string>]> => {
    const response = await at.call("/readyz", { token: null });
    return [response.status, await response.json()];
  };

  it("says in words that all is well, to anybody, and that it is not for load balancers", async ({
    expect,
  }) => {
    const [status, words] = await ready(buildAdmin({ seen: async () => [isolate(42, 1)] }));
    expect(status).toBe(200);
    expect(words).toMatchObject({
      ready: "yes",
      maps: "published",
      age: "fresh",
      generation: "current",
      control: "reachable",
      breakGlass: "none",
    });
    expect(words["note"]).toContain("load balancer");
  });

  it("is degraded, and still 200, when the control plane is down", async ({ expect }) => {
    const at = buildAdmin({ seen: down });
    at.control.state.down = true;
    expect(await ready(at)).toMatchObject([
      200,
      { ready: "degraded", control: "unreachable", generation: "unknown" },
    ]);
  });

  it("is degraded when this node is behind or its maps are old", async ({ expect }) => {
    expect(await ready(buildAdmin({ seen: async () => [isolate(60, 1)] }))).toMatchObject([
      200,
      { ready: "degraded", generation: "behind" },
    ]);
    expect(await ready(buildAdmin({ ageMs: 500_000 }))).toMatchObject([
      200,
      { ready: "degraded", age: "old" },
    ]);
  });

  it("is 503 without any maps", async ({ expect }) => {
    const snapshot = buildSnapshot({ source: "fallback", root: null, generation: 0 });
    expect(await ready(buildAdmin({ snapshot }))).toMatchObject([503, { ready: "no", maps: "compiled-in" }]);
  });

  it("asks the control plane at most once in five seconds, and names nothing", async ({ expect }) => {
    const at = buildAdmin();
    const [, words] = await ready(at);
    await ready(at);
    expect(at.control.calls).toHaveLength(1);
    at.clock.nowMs += 5000;
    await ready(at);
    expect(at.control.calls).toHaveLength(2);
    expect(JSON.stringify(words)).not.toMatch(/kiln|example|\d{2}/);
  });
});
