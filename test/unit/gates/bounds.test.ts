/** The sequential bounds against a table made by another route: `test/vectors/gate-vectors.py`. */
import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import type { SideMoments } from "../../../src/contracts/gate.ts";
import {
  boundMultiplier,
  boundsOf,
  sideVariance,
  tunedInformation,
  withLoss,
} from "../../../src/core/gates/bounds.ts";
import { errorNumbers } from "../../../src/core/gates/error-rate.ts";
import { policyOf, sideOf } from "../../support/gate-builders.ts";

type Row = readonly [requests: number, failures: number, pastShare: number];
interface Case {
  readonly name: string;
  readonly errorIncreasePercent: number;
  readonly alpha: number;
  readonly tests: number;
  readonly flushes: number;
  readonly lost: number;
  readonly moved: readonly Row[];
  readonly notMoved: readonly Row[];
  readonly against: string;
  readonly estimate: number;
  readonly standardError: number;
  readonly information: number;
  readonly multiplier: number;
  readonly lower: number;
  readonly upper: number;
  readonly mixtureTimesAlpha: number;
}

const text = readFileSync(`${import.meta.dirname}/../../vectors/gate-bounds.json`, "utf8");
const CASES = JSON.parse(text) as readonly Case[];
const DIGITS = 6;

function side(rows: readonly Row[]): SideMoments {
  return sideOf(rows.map(([requests, failures, pastShare]) => ({ requests, failures, pastShare })));
}

describe("errorNumbers", () => {
  it("is held to at least twenty cases", ({ expect }) => {
    expect(CASES.length).toBeGreaterThanOrEqual(20);
  });

  for (const row of CASES) {
    it(`gives the bounds of the table: ${row.name}`, ({ expect }) => {
      const { errorIncreasePercent, alpha, tests, flushes, lost } = row;
      const numbers = errorNumbers({
        policy: policyOf({ errorIncreasePercent, alpha, minAccounts: 1, minRequests: 1 }),
        tests,
        past: "own",
        moved: side(row.moved),
        notMoved: side(row.notMoved),
        synthetic: { requests: 0, failures: 0 },
        measurement: { newestMs: 0, flushes, lost, staleShare: 0 },
      });
      expect(numbers.against).toBe(row.against);
      expect(numbers.increase?.estimate).toBeCloseTo(row.estimate, DIGITS);
      expect(numbers.increase?.standardError).toBeCloseTo(row.standardError, DIGITS);
      expect(numbers.increase?.multiplier).toBeCloseTo(row.multiplier, DIGITS);
      expect(numbers.increase?.lower).toBeCloseTo(row.lower, DIGITS);
      expect(numbers.increase?.upper).toBeCloseTo(row.upper, DIGITS);
    });
  }
});

describe("boundMultiplier", () => {
  it("is where the mixture has reached 1/alpha, and not far beyond", ({ expect }) => {
    for (const { information, alpha, tests, multiplier, mixtureTimesAlpha } of CASES) {
      expect(boundMultiplier(information, alpha / tests)).toBeCloseTo(multiplier, DIGITS);
      expect(mixtureTimesAlpha).toBeGreaterThanOrEqual(1);
      expect(mixtureTimesAlpha).toBeLessThan(1.6);
    }
  });

  it("gives the worked example", ({ expect }) => {
    expect(boundMultiplier(8, 0.05)).toBeCloseTo(2.7797, 4);
  });

  it("is without bound before there is any information", ({ expect }) => {
    expect(boundMultiplier(0, 0.05)).toBe(Infinity);
    expect(boundMultiplier(Number.NaN, 0.05)).toBe(Infinity);
  });

  it("is smallest near the time it is tuned to", ({ expect }) => {
    const tuned = tunedInformation(0.05);
    const width = (u: number): number => boundMultiplier(u, 0.05) / Math.sqrt(u);
    expect(tuned).toBeCloseTo(7.132, 3);
    // Relative to the best mixture for each time, as only then it is a question of tuning.
    const best = (u: number): number => boundMultiplier(tuned, 0.05) / Math.sqrt(u);
    expect(width(tuned) / best(tuned)).toBeCloseTo(1, 9);
    expect(width(tuned * 100) / best(tuned * 100)).toBeGreaterThan(1.05);
    expect(width(tuned / 100) / best(tuned / 100)).toBeGreaterThan(1.5);
  });
});

describe("boundsOf", () => {
  it("gives the worked example", ({ expect }) => {
    const bounds = boundsOf({ estimate: 0.02, standardError: 1 / 300 }, { tolerance: 0.01, alpha: 0.05 });
    expect(bounds.lower).toBeCloseTo(0.02 - 0.009261, 6);
    expect(bounds.upper).toBeCloseTo(0.02 + 0.009261, 6);
  });

  it("knows nothing without a variance", ({ expect }) => {
    const bounds = boundsOf({ estimate: 0.02, standardError: Infinity }, { tolerance: 0.01, alpha: 0.05 });
    expect([bounds.lower, bounds.upper]).toEqual([-Infinity, Infinity]);
  });
});

describe("sideVariance", () => {
  it("gives the worked example", ({ expect }) => {
    const moments = sideOf([
      { requests: 100, failures: 3, pastShare: 0 },
      { requests: 100, failures: 1, pastShare: 0 },
    ]);
    expect(sideVariance(moments, 0.02)).toBeCloseTo(0.0001, 12);
  });

  it("is unknown for one account, however many requests it sent", ({ expect }) => {
    const moments = sideOf([{ requests: 1_000_000, failures: 10_000, pastShare: 0 }]);
    expect(sideVariance(moments, 0.01)).toBe(Infinity);
  });

  it("is never nothing, because nothing failed", ({ expect }) => {
    const moments = sideOf(Array.from({ length: 30 }, () => ({ requests: 10, failures: 0, pastShare: 0 })));
    expect(sideVariance(moments, 0.01)).toBeCloseTo((0.01 * 0.99) / 300, 12);
  });
});

describe("withLoss", () => {
  it("gives the worked example", ({ expect }) => {
    const bounds = { estimate: 0.95, lower: 0.9, upper: 1, standardError: 0.01, multiplier: 5 };
    const { lower, upper } = withLoss(bounds, 0.06);
    expect(lower).toBeCloseTo(0.786, 9);
    expect(upper).toBeCloseTo(1, 9);
  });
});
