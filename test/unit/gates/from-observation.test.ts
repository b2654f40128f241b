import { describe, it } from "vitest";
import type { ByClass, ObservationAnswer } from "../../../src/contracts/observation.ts";
import { LATENCY_BUCKETS } from "../../../src/contracts/observation.ts";
import { lostShareOf } from "../../../src/core/gates/error-rate.ts";
import { gateInputOf, type GateFacts } from "../../../src/core/gates/from-observation.ts";
import { judgeGate } from "../../../src/core/gates/verdict.ts";
import { alike, blocks, failing, NOW_MS, policyOf, sideOf } from "../../support/gate-builders.ts";

const FACTS: GateFacts = {
  nowMs: NOW_MS,
  product: "kiln",
  version: "2.9.0",
  reversible: true,
  policy: policyOf({ latency: null }),
  tests: 1,
  signals: [],
  quarantined: new Set(),
  synthetic: { requests: 0, failures: 0 },
};
const NO_LATENCY = Array.from({ length: LATENCY_BUCKETS }, () => 0);
const NONE = { tally: { requests: 0, errors: 0, failures: 0, gone: 0 }, latency: NO_LATENCY };

const BY_CLASS: ByClass = { known: NONE, unknown: NONE, none: NONE, ip: NONE, asset: NONE, override: NONE };

function answer(changes: Partial<ObservationAnswer> = {}): ObservationAnswer {
  return {
    key: "autumn moved:0 kiln",
    target: BY_CLASS,
    from: BY_CLASS,
    windows: [],
    moved: sideOf(alike(60, 500, 0.01)),
    notMoved: sideOf(alike(90, 500, 0.01)),
    movedPast: { requests: 100_000, failures: 1000 },
    notMovedPast: { requests: 150_000, failures: 1500 },
    family: { size: 60, suspects: [failing("acme", 1), failing("globex", 1)], past: blocks(30_000, 300) },
    measurement: {
      newestMs: NOW_MS - 60_000,
      reports: 1000,
      lostReports: 0,
      lostRequests: 0,
      takenRequests: 75_000,
      requests: 75_000,
      staleRequests: 0,
    },
    ...changes,
  };
}

describe("gateInputOf", () => {
  it("makes an input of which nothing was measured when no meter answered", ({ expect }) => {
    const verdict = judgeGate(gateInputOf(null, FACTS));
    expect(verdict).toMatchObject({ verdict: "inconclusive", cause: "not-measured", planMayAdvance: false });
  });

  it("hands on what the meters made, and leaves out who is in quarantine already", ({ expect }) => {
    const input = gateInputOf(answer(), { ...FACTS, quarantined: new Set(["acme"]) });
    expect(input.past).toBe("own");
    expect(input.accounts.suspects.map(({ account }) => account)).toEqual(["globex"]);
    expect(input.accounts.quarantined).toBe(1);
    expect(judgeGate(input)).toMatchObject({ verdict: "pass", quarantine: [{ account: "globex" }] });
  });

  it("compares with a past only where both sides have one, or nobody else is left", ({ expect }) => {
    const nothing = { requests: 0, failures: 0 };
    expect(gateInputOf(answer({ notMovedPast: nothing }), FACTS).past).toBe("none");
    expect(gateInputOf(answer({ movedPast: nothing }), FACTS).past).toBe("none");
    const last = answer({ notMoved: sideOf([]), notMovedPast: nothing });
    expect(gateInputOf(last, FACTS).past).toBe("own");
  });

  it("does not let a past on one side only hide a difference", ({ expect }) => {
    const moved = sideOf(alike(60, 500, 0.05, 0.05));
    const notMoved = sideOf(alike(90, 500, 0.01, 0));
    const input = gateInputOf(answer({ moved, notMoved, notMovedPast: { requests: 0, failures: 0 } }), FACTS);
    expect(judgeGate(input).verdict).toBe("fail");
  });

  it("counts what was lost by reports or by requests, whichever is worse", ({ expect }) => {
    const measured = { ...answer().measurement, lostReports: 1, lostRequests: 25_000, staleRequests: 7500 };
    const { measurement } = gateInputOf(answer({ measurement: measured }), FACTS);
    expect(measurement).toMatchObject({ flushes: 75_000, lost: 25_000, staleShare: 0.1 });
    const many = { ...answer().measurement, lostReports: 100, lostRequests: 100 };
    expect(gateInputOf(answer({ measurement: many }), FACTS).measurement).toMatchObject({
      flushes: 1000,
      lost: 100,
    });
  });

  it("holds lost requests, which are of all products, against those of all products", ({ expect }) => {
    // One of 1,000 flushes is lost; this product has 1 % of the traffic.
    const small = {
      lostReports: 1,
      reports: 999,
      lostRequests: 1000,
      takenRequests: 999_000,
      requests: 9990,
    };
    const measured = { ...answer().measurement, ...small };
    const input = gateInputOf(answer({ measurement: measured }), FACTS);
    expect(lostShareOf(input.measurement)).toBeCloseTo(0.001);
    expect(judgeGate(input).verdict).toBe("pass");
  });

  it("holds them against this product's alone where an answer does not say what was taken", ({ expect }) => {
    const { takenRequests: _, ...older } = { ...answer().measurement, lostRequests: 25_000 };
    const { measurement } = gateInputOf(answer({ measurement: older }), FACTS);
    expect(measurement).toMatchObject({ flushes: 75_000, lost: 25_000 });
  });
});
