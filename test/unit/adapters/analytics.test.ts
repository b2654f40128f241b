/** What reaches Analytics Engine: the columns that README.md promises, within the platform's limits, and nobody's name. */
import { describe, it } from "vitest";
import {
  ANALYTICS_BOUNDS_MS,
  createAnalytics,
  MAX_VERSIONS,
  type AnalyticsPoint,
} from "../../../src/adapters/analytics.ts";
import { createRequestCounts, type ObservedRequest } from "../../../src/adapters/request-counts.ts";
import { LATENCY_BOUNDS_MS } from "../../../src/contracts/observation.ts";
import { TELEMETRY_SCHEMA, type EdgeReport } from "../../../src/contracts/telemetry.ts";
import { observed } from "../../support/observation-builders.ts";

const REPORT: EdgeReport = {
  schema: TELEMETRY_SCHEMA,
  isolate: "i1",
  sequence: 1,
  generation: 9,
  breakGlass: true,
  requests: 0,
  byOutcome: {},
  mapsFaults: {},
  dropped: 0,
};

function write(requests: readonly Partial<ObservedRequest>[], report: Partial<EdgeReport> = {}) {
  const points: AnalyticsPoint[] = [];
  const counts = createRequestCounts({ meters: 4, home: 0 });
  for (const request of requests) counts.add(observed(request));
  createAnalytics({
    dataset: { writeDataPoint: (point) => void points.push(point) },
    location: "FRA",
    router: "upload-1",
    onFault: (error) => {
      throw error;
    },
  })({ ...REPORT, ...report }, counts.take());
  return points.toSorted((a, b) => (a.indexes.join() < b.indexes.join() ? -1 : 1));
}

/** The latency columns with so many requests in each of those named. */
function latency(columns: Readonly<Record<number, number>>): number[] {
  return Array.from({ length: ANALYTICS_BOUNDS_MS.length + 1 }, (_, column) => columns[column] ?? 0);
}

describe("createAnalytics", () => {
  it("writes one point for each product, version and class, whatever the accounts and generations", ({
    expect,
  }) => {
    const points = write([
      { account: "acme", latencyMs: 3, generation: 7 },
      { account: "globex", latencyMs: 11, generation: 8 },
      { account: "initech", latencyMs: 20, status: 503 },
      { account: "initech", end: "failed", status: 0 },
      { account: "initech", end: "gone", status: 0 },
      { version: "2", class: "unknown", account: null, latencyMs: 200_000 },
    ]);
    expect(points).toEqual([
      {
        indexes: ["kiln/1"],
        blobs: ["version", "FRA", "upload-1", "kiln", "1", "known", ""],
        doubles: [4, 1, 1, 1, 8, 1, ...latency({ 0: 1, 1: 2 })],
      },
      {
        indexes: ["kiln/2"],
        blobs: ["version", "FRA", "upload-1", "kiln", "2", "unknown", ""],
        doubles: [1, 0, 0, 0, 7, 1, ...latency({ 13: 1 })],
      },
    ]);
    expect(JSON.stringify(points)).not.toMatch(/acme|globex|initech/);
  });

  it("writes one point for each outcome and each fault of maps", ({ expect }) => {
    const points = write([], { byOutcome: { health: 5, unresolved: 1 }, mapsFaults: { checksum: 2 } });
    expect(
      points.map(({ indexes, blobs, doubles }) => [...indexes, blobs[6], ...doubles.slice(0, 6)]),
    ).toEqual([
      ["edge", "health", 5, 0, 0, 0, 9, 1],
      ["edge", "unresolved", 1, 0, 0, 0, 9, 1],
      ["maps", "checksum", 2, 0, 0, 0, 9, 1],
    ]);
  });

  it("writes nothing of a flush without counts", ({ expect }) => {
    expect(write([])).toEqual([]);
  });

  it("stays within half an invocation's points, and loses no request doing so", ({ expect }) => {
    const versions = Array.from({ length: 200 }, (_, at) => ({ version: `${"v".repeat(60)}${at}` }));
    const points = write(
      versions.map((version) => ({ ...version, product: "p".repeat(32) })),
      { byOutcome: { forwarded: 200 } },
    );
    expect(points.map(({ blobs }) => blobs[0] ?? "").filter((kind) => kind === "edge")).toHaveLength(1);
    expect(points.length).toBe(1 + MAX_VERSIONS + 1);
    expect(points.length).toBeLessThanOrEqual(125);
    const sum = points.reduce((total, { doubles }) => total + (doubles[0] ?? 0), 0);
    expect(sum).toBe(200 + 200);
    for (const { indexes, blobs, doubles } of points) {
      expect(indexes.map((index) => Buffer.byteLength(index) <= 96)).toEqual([true]);
      expect(blobs.length).toBeLessThanOrEqual(20);
      expect(Buffer.byteLength(blobs.join(""))).toBeLessThan(16 * 1024);
      expect(doubles).toHaveLength(20);
    }
  });

  it("has columns that end where a bucket of the edges ends", ({ expect }) => {
    for (const bound of ANALYTICS_BOUNDS_MS) expect(LATENCY_BOUNDS_MS).toContain(bound);
  });

  it("tells of a dataset that throws, and throws nothing", ({ expect }) => {
    const faults: unknown[] = [];
    const broken = createAnalytics({
      dataset: {
        writeDataPoint: () => {
          throw new Error("no");
        },
      },
      location: "",
      router: "",
      onFault: (error) => void faults.push(error),
    });
    broken({ ...REPORT, byOutcome: { health: 1 } }, { parts: [], uncounted: 0 });
    expect(faults).toEqual([new Error("no")]);
  });
});
