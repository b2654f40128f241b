/**
 * Promises of gates over any input: evidence is a supermartingale wherever it is claimed to be one, sums do not depend on
 * where accounts are held, and a verdict is never `pass` where nothing was measured. Formulas: src/core/gates.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import { logEvidence } from "../../src/core/gates/account-evidence.ts";
import { boundMultiplier } from "../../src/core/gates/bounds.ts";
import { addMoments } from "../../src/core/gates/moments.ts";
import { judgeGate } from "../../src/core/gates/verdict.ts";
import { gateInput, NOW_MS, policyOf, sideOf } from "../support/gate-builders.ts";

const share = fc.double({ min: 0, max: 1, noNaN: true });
const ROUNDING = 1e-9;

const anAccount = fc
  .record({ requests: fc.integer({ min: 0, max: 5000 }), failed: share, pastShare: share })
  .map(({ requests, failed, pastShare }) => ({
    requests,
    failures: Math.round(requests * failed),
    pastShare,
  }));
const accounts = fc.array(anAccount, { maxLength: 60 });

describe("logEvidence", () => {
  it("is expected not to grow while the next share is expected to be the usual one", ({ expect }) => {
    const world = fc.record({
      a: fc.double({ min: 1, max: 2, noNaN: true }),
      b: fc.double({ min: 1, max: 100, noNaN: true }),
      blocks: fc.integer({ min: 0, max: 300 }),
      seen: share,
      low: share,
      high: share,
    });
    fc.assert(
      fc.property(world, ({ a, b, blocks, seen, low, high }) => {
        const shareSum = seen * blocks;
        const usual = { share: a / (a + b), a, b };
        const next = (outcome: number): number => {
          const counts = { requests: 0, failures: 0 };
          const before = logEvidence({ blocks, shareSum, ...counts }, usual);
          const after = logEvidence({ blocks: blocks + 1, shareSum: shareSum + outcome, ...counts }, usual);
          return Math.exp(after - before);
        };
        // A share that takes one of two values around what is expected of the next block.
        const mean = (a + shareSum) / (a + b + blocks);
        const [below, above] = [mean * low, mean + (1 - mean) * high];
        const weight = above > below ? (mean - below) / (above - below) : 0;
        const expected = weight * next(above) + (1 - weight) * next(below);
        expect(expected).toBeLessThanOrEqual(1 + ROUNDING);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("boundMultiplier", () => {
  it("is more than a single look would take, and more for less alpha", ({ expect }) => {
    const information = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
    const alpha = fc.double({ min: 1e-6, max: 0.5, noNaN: true });
    fc.assert(
      fc.property(information, alpha, (u, level) => {
        expect(boundMultiplier(u, level / 2)).toBeGreaterThan(boundMultiplier(u, level));
        if (level <= 0.05) expect(boundMultiplier(u, level)).toBeGreaterThan(1.645);
      }),
    );
  });
});

describe("addMoments", () => {
  it("does not mind the order of adding", ({ expect }) => {
    fc.assert(
      fc.property(accounts, accounts, (one, other) => {
        expect(addMoments(sideOf(one), sideOf(other))).toEqual(addMoments(sideOf(other), sideOf(one)));
      }),
    );
  });
});

describe("judgeGate", () => {
  const measurements = fc.record({
    newestMs: fc.oneof(fc.constant(null), fc.integer({ min: NOW_MS - 600_000, max: NOW_MS })),
    flushes: fc.integer({ min: 0, max: 1000 }),
    lost: fc.integer({ min: 0, max: 1000 }),
    staleShare: share,
  });
  const inputs = fc.record({
    moved: accounts.map(sideOf),
    notMoved: accounts.map(sideOf),
    past: fc.constantFrom("own" as const, "none" as const),
    measurement: measurements,
    tests: fc.integer({ min: 1, max: 50 }),
    reversible: fc.boolean(),
    minAccounts: fc.integer({ min: 1, max: 30 }),
  });

  it("always answers in words and numbers, and never passes what was not measured", ({ expect }) => {
    fc.assert(
      fc.property(inputs, ({ minAccounts, ...changes }) => {
        const verdict = judgeGate(gateInput({ ...changes, policy: policyOf({ minAccounts }) }));
        expect(verdict.sentence).not.toMatch(/NaN|Infinity|undefined/);
        const { moved, measurement } = changes;
        const silent = measurement.newestMs === null || NOW_MS - measurement.newestMs > 180_000;
        if (silent || moved.accounts < minAccounts) expect(verdict.verdict).not.toBe("pass");
        if (moved.failures === 0) expect(verdict.verdict).not.toBe("fail");
        if (verdict.verdict !== "pass") expect(verdict.action).not.toBeNull();
        if (verdict.verdict === "inconclusive") expect(verdict.action).toBe("hold");
      }),
      { numRuns: 2000 },
    );
  });
});
