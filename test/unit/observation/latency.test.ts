/** Classes of latency: the first bound that is not below a time. */
import { describe, it } from "vitest";
import { LATENCY_BOUNDS_MS, LATENCY_BUCKETS } from "../../../src/contracts/observation.ts";
import { emptyLatency, latencyBucket } from "../../../src/core/observation/latency.ts";

describe("latencyBucket", () => {
  it.for([
    [-5, 0],
    [0, 0],
    [1, 0],
    [1.2, 1],
    [4, 3],
    [1000, 20],
    [1001, 21],
    [100_000, 36],
    [100_001, 37],
    [Infinity, 37],
  ] as const)("puts %d ms into class %i", ([ms, bucket], { expect }) => {
    expect(latencyBucket(ms)).toBe(bucket);
  });

  it("puts what takes twice as long three classes on, from 200 ms to 8 s", ({ expect }) => {
    for (let ms = 201; ms <= 4000; ms += 1) expect(latencyBucket(2 * ms) - latencyBucket(ms)).toBe(3);
  });

  it("puts each bound into its own class, and has one class more", ({ expect }) => {
    expect(LATENCY_BOUNDS_MS.map((bound) => latencyBucket(bound))).toEqual([...LATENCY_BOUNDS_MS.keys()]);
    expect(emptyLatency()).toHaveLength(LATENCY_BUCKETS);
  });
});
