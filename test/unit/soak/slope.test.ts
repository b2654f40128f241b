/** The slope of memory and its interval: a line is found, a sawtooth is no trend, and noise is covered as often as it says. */
import { describe, it } from "vitest";
import type { Sample } from "../../../scripts/local/memory.ts";
import { isGrowth, slopeOf } from "../../../scripts/soak/slope.ts";

const HOUR_MS = 3_600_000;
const SAMPLES = 150;

function series(value: (hours: number, index: number) => number): Sample[] {
  return Array.from({ length: SAMPLES }, (_, index) => {
    const hours = index / SAMPLES;
    return { atMs: hours * HOUR_MS, value: value(hours, index) };
  });
}

/** Mulberry32, so that every run draws the same. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe("slopeOf", () => {
  it("is the line itself where there is nothing else", ({ expect }) => {
    const slope = slopeOf(series((hours) => 20 + 3 * hours));
    expect(slope?.perHour).toBeCloseTo(3, 6);
    expect(slope?.low).toBeCloseTo(3, 6);
    expect(slope === null ? null : isGrowth(slope)).toBe(true);
  });

  it("takes a sawtooth that comes to rest for no growth", ({ expect }) => {
    const slope = slopeOf(series((_, index) => 20 + (index % 17)));
    expect(slope === null ? null : isGrowth(slope)).toBe(false);
  });

  it("finds half a megabyte an hour under a megabyte of noise", ({ expect }) => {
    const random = createRandom(7);
    const slope = slopeOf(series((hours) => 20 + 0.5 * hours + 0.5 * random()));
    expect(slope === null ? null : isGrowth(slope)).toBe(true);
  });

  it("covers zero in about 95 of 100 runs without growth, also where neighbours are alike", ({ expect }) => {
    const random = createRandom(1);
    let covered = 0;
    const runs = 1000;
    for (let run = 0; run < runs; run += 1) {
      let drift = 0;
      const slope = slopeOf(series(() => (drift = 0.5 * drift + random() - 0.5)));
      if (slope !== null && slope.low <= 0 && slope.high >= 0) covered += 1;
    }
    expect(covered / runs).toBeGreaterThan(0.92);
    expect(covered / runs).toBeLessThan(0.98);
  });

  it("needs a dozen samples", ({ expect }) => {
    expect(slopeOf(series(() => 1).slice(0, 11))).toBeNull();
    expect(slopeOf(series(() => 1).slice(0, 12))).not.toBeNull();
  });
});
