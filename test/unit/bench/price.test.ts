/** What the benchmark makes of its numbers: dollars and a plot. */
import { describe, it } from "vitest";
import { drawGrowth } from "../../../scripts/bench/plot.ts";
import { priceOf } from "../../../scripts/bench/price.ts";

describe("priceOf", () => {
  it("reckons a million requests from processor time, KV and reports", ({ expect }) => {
    const price = priceOf({ cpuUsPerRequest: 500, kvOpsPerIsolateMinute: 2, requestsPerIsolateSecond: 10 });
    expect(price.cpu).toBeCloseTo(0.01, 6);
    // 1,667 minutes of an isolate, four keys each.
    expect(price.kv).toBeCloseTo(0.003333, 6);
    expect(price.meters).toBeCloseTo(0.0024, 6);
    expect(price.total).toBeCloseTo(0.315733, 6);
  });
});

describe("drawGrowth", () => {
  it("draws a panel for each cost, with its figures and its name as text", ({ expect }) => {
    const points = [
      [1000, 5],
      [1_000_000, 250],
    ] as const;
    const svg = drawGrowth([
      { what: "a <b>", points },
      { what: "c", points },
    ]);
    expect(svg.match(/<polyline/g)).toHaveLength(2);
    expect(svg).toContain("a &lt;b>");
    expect(svg).toContain(">1,000,000<");
    expect(svg).toContain(">250<");
  });
});
