import { describe, it } from "vitest";
import { createSideCounter } from "../../../scripts/gate-simulation/side-counter.ts";
import { createRandom } from "../../../scripts/gate-simulation/random.ts";
import { effectiveAccounts, failureRate } from "../../../src/core/gates/bounds.ts";
import { addAccount, addMoments, capFor, NO_MOMENTS, pastShareOf } from "../../../src/core/gates/moments.ts";
import { alike, sideOf } from "../../support/gate-builders.ts";

describe("capFor", () => {
  it("gives the worked examples", ({ expect }) => {
    expect(capFor({ requests: 100_000, accounts: 1000 })).toBe(2000);
    expect(capFor({ requests: 1000, accounts: 20 })).toBe(100);
    expect(capFor({ requests: 0, accounts: 0 })).toBe(1);
  });

  it("lets an account with 30 % of the requests weigh less than 3 %", ({ expect }) => {
    const whale = { requests: 30_000, failures: 30_000, pastShare: 0.01 };
    const side = sideOf([whale, ...alike(999, 70, 0)]);
    expect(2000 / side.weight).toBeLessThan(0.03);
    expect(failureRate(side)).toBeLessThan(0.03);
    expect(effectiveAccounts(side)).toBeGreaterThan(500);
  });
});

describe("pastShareOf", () => {
  it("gives the worked example, and the pool's share where there is no past", ({ expect }) => {
    expect(pastShareOf({ requests: 200, failures: 6 }, 0.01)).toBeCloseTo(0.02, 12);
    expect(pastShareOf({ requests: 0, failures: 0 }, 0.01)).toBeCloseTo(0.01, 12);
  });
});

describe("addAccount", () => {
  it("gives the worked example", ({ expect }) => {
    const side = addAccount(NO_MOMENTS, { requests: 400, failures: 8, pastShare: 0.01 }, 100);
    expect(side).toEqual({
      accounts: 1,
      requests: 400,
      failures: 8,
      weight: 100,
      excess: 1,
      weightSquared: 10_000,
      excessSquared: 1,
      weightExcess: 100,
      weightFailures: 2,
    });
  });

  it("takes no notice of an account without requests", ({ expect }) => {
    expect(addAccount(NO_MOMENTS, { requests: 0, failures: 0, pastShare: 0.5 }, 10)).toBe(NO_MOMENTS);
  });
});

describe("addMoments", () => {
  it("gives the same for accounts that are held in two places", ({ expect }) => {
    const accounts = alike(40, 300, 0.03);
    const cap = 200;
    const made = (from: number, to: number): typeof NO_MOMENTS =>
      accounts.slice(from, to).reduce((side, account) => addAccount(side, account, cap), NO_MOMENTS);
    const whole = made(0, 40);
    const halves = addMoments(made(0, 13), made(13, 40));
    for (const key of Object.keys(whole) as (keyof typeof whole)[]) {
      expect(halves[key]).toBeCloseTo(whole[key], 9);
    }
  });
});

describe("createSideCounter", () => {
  it("keeps the sums that core makes account by account, whoever is large at the moment", ({ expect }) => {
    const random = createRandom(7);
    const past = Float64Array.from({ length: 120 }, () => random.uniform() * 0.1);
    const counter = createSideCounter(past);
    for (let request = 0; request < 6000; request += 1) {
      // First a few accounts, then all of them: the cap falls and rises, and accounts pass it both ways.
      const among = request < 2000 ? 6 : past.length;
      const account = Math.floor(random.uniform() ** 3 * among);
      counter.count(account, random.uniform() < 0.1);
      if (request % 37 !== 0) continue;
      const rows = Array.from(past, (pastShare, index) => ({
        requests: counter.requests[index] ?? 0,
        failures: counter.failures[index] ?? 0,
        pastShare,
      }));
      const [kept, made] = [counter.moments(), sideOf(rows)];
      for (const key of Object.keys(made) as (keyof typeof made)[])
        expect(kept[key]).toBeCloseTo(made[key], 6);
    }
  });
});
