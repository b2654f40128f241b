import { describe, it } from "vitest";
import { latencyNumbers, quantileMs } from "../../../src/core/gates/latency.ts";

const BOUNDS_MS = [100, 200, Infinity];
const POLICY = { ratio: 1.5, floorMs: 50, minRequests: 100 };

describe("quantileMs", () => {
  it("gives the worked example", ({ expect }) => {
    expect(quantileMs([90, 8, 2], BOUNDS_MS, 0.95)).toBeCloseTo(162.5, 9);
  });

  it("is the least it can be in the open class, and unknown without answers", ({ expect }) => {
    expect(quantileMs([1, 0, 99], BOUNDS_MS, 0.95)).toBe(200);
    expect(quantileMs([0, 0, 0], BOUNDS_MS, 0.95)).toBeNull();
  });

  it("takes no answer from an empty class", ({ expect }) => {
    expect(quantileMs([100, 0, 0], BOUNDS_MS, 1)).toBe(100);
    expect(quantileMs([0, 100, 0], BOUNDS_MS, 0)).toBe(100);
  });
});

describe("latencyNumbers", () => {
  it("knows nothing without windows", ({ expect }) => {
    const none = latencyNumbers({ boundsMs: BOUNDS_MS, windows: [], past: null }, POLICY);
    expect(none).toEqual({ movedP95Ms: null, notMovedP95Ms: null, slowWindows: 0, windows: 0, requests: 0 });
  });

  it("needs both the ratio and the floor", ({ expect }) => {
    const windows = [{ startMs: 0, endMs: 1, moved: [0, 100, 0], notMoved: [100, 0, 0] }];
    const counts = { boundsMs: BOUNDS_MS, windows, past: null };
    expect(latencyNumbers(counts, POLICY).slowWindows).toBe(1);
    expect(latencyNumbers(counts, { ...POLICY, floorMs: 150 }).slowWindows).toBe(0);
    expect(latencyNumbers(counts, { ...POLICY, ratio: 3 }).slowWindows).toBe(0);
  });
});
