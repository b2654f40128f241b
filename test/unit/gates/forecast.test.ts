import { describe, it } from "vitest";
import type { ForecastInput } from "../../../src/core/gates/forecast.ts";
import {
  neededToFail,
  neededToPass,
  reachAfter,
  wouldFail,
  wouldPass,
} from "../../../src/core/gates/forecast.ts";
import { judgeGate } from "../../../src/core/gates/verdict.ts";
import { alike, gateInput, policyOf, sideOf } from "../../support/gate-builders.ts";

const FORECAST: ForecastInput = {
  policy: policyOf(),
  tests: 1,
  power: 80,
  traffic: {
    movedAccounts: 160,
    notMovedAccounts: 240,
    requestsPerAccountMinute: 0.1,
    errorRate: 0.01,
    rateSpread: 0,
    sizeSpread: 1,
  },
};

function withTraffic(changes: Partial<ForecastInput["traffic"]>): ForecastInput {
  return { ...FORECAST, traffic: { ...FORECAST.traffic, ...changes } };
}

describe("reachAfter", () => {
  it("gives the worked example", ({ expect }) => {
    const reach = reachAfter(FORECAST, 600);
    expect(reach).toMatchObject({
      minutes: 600,
      movedRequests: 9600,
      notMovedRequests: 14_400,
      passes: true,
    });
    expect(reach.failsFromPercent).toBeCloseTo(1.683, 3);
    expect(neededToFail(FORECAST, 2)).toEqual({ minutes: 295, movedRequests: 4720, movedAccounts: 160 });
  });

  it("sees nothing below the minimum, and smaller increases with more time", ({ expect }) => {
    expect(reachAfter(FORECAST, 10)).toMatchObject({ failsFromPercent: null, passes: false });
    const seen = [60, 240, 1440, 10_080].map(
      (minutes) => reachAfter(FORECAST, minutes).failsFromPercent ?? 0,
    );
    expect(seen.toSorted((a, b) => b - a)).toEqual(seen);
    expect(seen.at(-1)).toBeGreaterThan(1);
  });

  it("agrees with the gate about accounts that fail as foreseen", ({ expect }) => {
    const minutes = 1000;
    const seen = reachAfter({ ...FORECAST, power: 50 }, minutes).failsFromPercent ?? 0;
    // A hundred requests each; accounts as different as chance makes them.
    const verdictAt = (percent: number): string => {
      const rate = 0.01 + percent / 100;
      const moved = sideOf(
        Array.from({ length: 160 }, (_, index) => ({
          requests: 100,
          failures: Math.floor((index + 1) * 100 * rate) - Math.floor(index * 100 * rate),
          pastShare: 0.01,
        })),
      );
      return judgeGate(gateInput({ moved, notMoved: sideOf(alike(240, 100, 0.01)) })).verdict;
    };
    expect(verdictAt(seen * 1.05)).toBe("fail");
    expect(verdictAt(seen * 0.95)).not.toBe("fail");
  });
});

describe("neededToFail and neededToPass", () => {
  it("never see what the plan tolerates, and never anything with too few accounts", ({ expect }) => {
    expect(neededToFail(FORECAST, 1)).toBeNull();
    expect(neededToFail(withTraffic({ movedAccounts: 19 }), 50)).toBeNull();
    expect(neededToPass(withTraffic({ movedAccounts: 19 }))).toBeNull();
  });

  it("is the first minute at which it would be seen", ({ expect }) => {
    const fail = neededToFail(FORECAST, 2)?.minutes ?? 0;
    expect([wouldFail(FORECAST, fail - 1, 2), wouldFail(FORECAST, fail, 2)]).toEqual([false, true]);
    const pass = neededToPass(FORECAST)?.minutes ?? 0;
    expect([wouldPass(FORECAST, pass - 1), wouldPass(FORECAST, pass)]).toEqual([false, true]);
  });

  it("take longer with more power, more tests, and less of a difference", ({ expect }) => {
    const minutes = (input: ForecastInput, percent = 2): number =>
      neededToFail(input, percent)?.minutes ?? Infinity;
    expect(minutes({ ...FORECAST, power: 95 })).toBeGreaterThan(minutes(FORECAST));
    expect(minutes({ ...FORECAST, tests: 6 })).toBeGreaterThan(minutes(FORECAST));
    expect(minutes(FORECAST, 1.5)).toBeGreaterThan(minutes(FORECAST));
  });

  it("may take forever where accounts differ too much for their number", ({ expect }) => {
    const few = withTraffic({ movedAccounts: 20, notMovedAccounts: 20, rateSpread: 3, sizeSpread: 2 });
    expect(neededToFail(few, 1.5)).toBeNull();
    expect(neededToPass(few)).toBeNull();
  });
});
