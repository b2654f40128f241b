/** Counts of an isolate: what each end of a request adds to, how they are split, and that they stay bounded and exact. */
import { describe, it } from "vitest";
import {
  createRequestCounts,
  MAX_SERIES,
  type RequestCounts,
  type TakenCounts,
} from "../../../src/adapters/request-counts.ts";
import { accountHash, isSampled } from "../../../src/core/observation/account-hash.ts";
import { latencyBucket } from "../../../src/core/observation/latency.ts";
import { observed } from "../../support/observation-builders.ts";

const METERS = 4;

function build(maxAccounts?: number): RequestCounts {
  return createRequestCounts({
    meters: METERS,
    home: 3,
    ...(maxAccounts === undefined ? {} : { maxAccounts }),
  });
}

function accountsOf({ parts }: TakenCounts): Map<string, readonly [number, number]> {
  const found = new Map<string, readonly [number, number]>();
  for (const { series } of parts) {
    for (const { accounts, counts } of series) {
      for (const [index, account] of accounts.entries()) {
        found.set(account, [counts[index * 2] ?? 0, counts[index * 2 + 1] ?? 0]);
      }
    }
  }
  return found;
}

describe("createRequestCounts", () => {
  it("counts answers, errors, failures and clients that left", ({ expect }) => {
    const counts = build();
    for (const status of [200, 404, 500, 599]) counts.add(observed({ status }));
    counts.add(observed({ end: "failed", status: 0 }));
    counts.add(observed({ end: "gone", status: 499 }));
    const { parts, uncounted } = counts.take();
    expect(uncounted).toBe(0);
    expect(parts).toMatchObject([
      {
        requests: 6,
        series: [
          {
            product: "kiln",
            version: "1",
            class: "known",
            generation: 7,
            total: { requests: 5, errors: 2, failures: 1, gone: 1 },
            accounts: ["acme"],
            counts: [5, 3],
          },
        ],
      },
    ]);
    const latency = parts[0]?.series[0]?.latency ?? [];
    expect(latency[latencyBucket(12)]).toBe(4);
    expect(latency.reduce((sum, n) => sum + n, 0)).toBe(4);
  });

  it("gives what it took once", ({ expect }) => {
    const counts = build();
    counts.add(observed());
    expect(counts.take().parts).toHaveLength(1);
    expect(counts.take()).toEqual({ parts: [], uncounted: 0 });
  });

  it("keeps versions, classes, products and generations apart", ({ expect }) => {
    const counts = build();
    counts.add(observed());
    counts.add(observed({ version: "2" }));
    counts.add(observed({ product: "fogbugz" }));
    counts.add(observed({ generation: 8 }));
    counts.add(observed({ class: "unknown", account: null }));
    const series = counts.take().parts.flatMap((part) => part.series);
    expect(
      series.map((one) => [one.product, one.version, one.class, one.generation, one.total.requests]),
    ).toEqual(
      expect.arrayContaining([
        ["kiln", "1", "known", 7, 1],
        ["kiln", "2", "known", 7, 1],
        ["fogbugz", "1", "known", 7, 1],
        ["kiln", "1", "known", 8, 1],
        ["kiln", "1", "unknown", 7, 1],
      ]),
    );
    expect(series).toHaveLength(5);
  });

  it("sends an account always to one meter, and what has none to the isolate's own", ({ expect }) => {
    const counts = build();
    for (let number = 0; number < 200; number++) {
      counts.add(observed({ account: `a-${number}` }));
      counts.add(observed({ account: `a-${number}`, version: "2", generation: 9 }));
    }
    counts.add(observed({ class: "unknown", account: null, version: "3" }));
    const { parts } = counts.take();
    expect(parts.map(({ meter }) => meter)).toEqual([0, 1, 2, 3]);
    for (const { meter, series } of parts) {
      for (const { accounts } of series)
        expect(accounts.map((account) => accountHash(account) % METERS)).toEqual(accounts.map(() => meter));
    }
    const homes = parts.filter(({ series }) => series.some(({ version }) => version === "3"));
    expect(homes.map(({ meter }) => meter)).toEqual([3]);
  });

  it("keeps only a sample of too many accounts, the same on every isolate, and all of the sums", ({
    expect,
  }) => {
    const one = build(64);
    const other = build(64);
    const names = Array.from({ length: 1000 }, (_, number) => `a-${number}`);
    for (const account of names) one.add(observed({ account, status: 500 }));
    for (const account of names.toReversed()) other.add(observed({ account }));
    const taken = one.take();
    const kept = accountsOf(taken);
    expect(kept.size).toBeGreaterThan(16);
    expect(kept.size).toBeLessThanOrEqual(64);
    expect(new Set(accountsOf(other.take()).keys())).toEqual(new Set(kept.keys()));
    expect([...kept.values()]).toEqual([...kept.keys()].map(() => [1, 1]));
    const totals = taken.parts.flatMap(({ series }) => series.map(({ total }) => total));
    expect(totals.reduce((sum, { requests }) => sum + requests, 0)).toBe(1000);
    expect(totals.reduce((sum, { errors }) => sum + errors, 0)).toBe(1000);
  });

  it("draws samples that lie in each other, so that isolates under different load agree", ({ expect }) => {
    const hashes = Array.from({ length: 2000 }, (_, number) => accountHash(`a-${number}`));
    for (const level of [1, 2, 3, 4]) {
      const kept = hashes.filter((hash) => isSampled(hash, level));
      expect(kept.every((hash) => isSampled(hash, level - 1))).toBe(true);
      expect(kept.length / 2000).toBeCloseTo(1 / 2 ** level, 1);
    }
  });

  it("takes everybody again when fewer come", ({ expect }) => {
    const counts = build(64);
    for (let number = 0; number < 300; number++) counts.add(observed({ account: `a-${number}` }));
    counts.take();
    const few = Array.from({ length: 10 }, (_, number) => `b-${number}`);
    for (let flush = 0; flush < 8; flush++) {
      for (const account of few) counts.add(observed({ account }));
      if (accountsOf(counts.take()).size === few.length && flush > 0) return;
    }
    expect.unreachable("the sample never grew again");
  });

  it("counts what it has no room for as not counted", ({ expect }) => {
    const counts = build();
    for (let generation = 0; generation < MAX_SERIES + 10; generation++) counts.add(observed({ generation }));
    const { parts, uncounted } = counts.take();
    expect(uncounted).toBe(10);
    expect(parts.reduce((sum, part) => sum + part.requests, 0)).toBe(MAX_SERIES);
  });
});
