/** Counters of an isolate: what a report holds, when it is sent, and that nothing about it can hurt a request. */
import { describe, it } from "vitest";
import { createRequestCounts, type TakenCounts } from "../../../src/adapters/request-counts.ts";
import { createTelemetry } from "../../../src/adapters/telemetry.ts";
import type { EdgeReport } from "../../../src/contracts/telemetry.ts";
import { observed } from "../../support/observation-builders.ts";

const never = () => new Promise<void>(() => undefined);

function build(send: (report: EdgeReport) => Promise<void> = async () => undefined, random = 0) {
  const reports: EdgeReport[] = [];
  const work: Promise<unknown>[] = [];
  const flushed: TakenCounts[] = [];
  const timers: (() => void)[] = [];
  const time = { now: 0 };
  const telemetry = createTelemetry({
    isolate: "i1",
    clock: {
      random: () => random,
      nowMs: () => time.now,
      sleep: () => new Promise((resolve) => void timers.push(resolve)),
    },
    counts: createRequestCounts({ meters: 1, home: 0 }),
    observations: { flush: async (taken) => void flushed.push(taken) },
    send(report) {
      reports.push(report);
      return send(report);
    },
  });
  return {
    telemetry,
    reports,
    flushed,
    timers,
    time,
    flush: async (at: number) => {
      time.now = at;
      // Timers wait for ever here; only what is being sent is waited for.
      telemetry.flushIfDue(at, (promise) => void work.push(Promise.race([promise, never()])));
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe("createTelemetry", () => {
  it("sends what was counted since the last report, numbered", async ({ expect }) => {
    const { telemetry, reports, flush } = build();
    await flush(0);
    telemetry.count({ outcome: "forwarded", generation: 7, breakGlass: true, refusedOverride: true });
    telemetry.count({ outcome: "forwarded", generation: 8, breakGlass: false, refusedOverride: false });
    telemetry.countOutcome("health");
    telemetry.fault("checksum");
    await flush(10_000);
    await flush(20_000);
    expect(reports).toEqual([
      {
        schema: 1,
        isolate: "i1",
        sequence: 1,
        generation: 8,
        breakGlass: false,
        requests: 3,
        byOutcome: { forwarded: 2, health: 1 },
        mapsFaults: { checksum: 1 },
        dropped: 0,
        refusedOverrides: 1,
      },
      {
        schema: 1,
        isolate: "i1",
        sequence: 2,
        generation: 8,
        breakGlass: false,
        requests: 0,
        byOutcome: {},
        mapsFaults: {},
        dropped: 0,
      },
    ]);
  });

  it("sends at once when it is told to, and nothing twice", async ({ expect }) => {
    const { telemetry, reports, flushed, flush } = build();
    await flush(0);
    telemetry.count({ outcome: "forwarded", generation: 7, breakGlass: false, refusedOverride: false });
    telemetry.observe(observed());
    await telemetry.flush();
    await flush(10_000);
    expect(reports.map(({ sequence, requests }) => [sequence, requests])).toEqual([
      [1, 1],
      [2, 0],
    ]);
    expect(flushed.map(({ parts }) => parts.reduce((sum, part) => sum + part.requests, 0))).toEqual([1, 0]);
  });

  it.for([
    [0, 10_000],
    [0.999, 14_995],
  ] as const)("waits ten seconds and, at random %d, until %d", async ([random, due], { expect }) => {
    const { reports, flush } = build(undefined, random);
    for (const at of [0, 5000, 9999, due - 1]) await flush(at);
    expect(reports).toEqual([]);
    await flush(due);
    expect(reports).toHaveLength(1);
  });

  it("counts the reports that were lost, and rejects nothing", async ({ expect }) => {
    let fails = 2;
    const { reports, flush } = build(() =>
      fails-- > 0 ? Promise.reject(new Error("down")) : Promise.resolve(),
    );
    for (const at of [0, 10_000, 20_000, 30_000, 40_000]) await flush(at);
    expect(reports.map(({ sequence, dropped }) => [sequence, dropped])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 0],
    ]);
  });

  it("survives a sender that throws at once", async ({ expect }) => {
    const { flush, reports } = build(() => {
      throw new Error("broken");
    });
    await flush(0);
    await flush(10_000);
    await flush(20_000);
    expect(reports.at(-1)?.dropped).toBe(1);
  });

  it("flushes what was counted by account with it", async ({ expect }) => {
    const { telemetry, flushed, flush } = build();
    await flush(0);
    telemetry.observe(observed());
    await flush(10_000);
    await flush(20_000);
    expect(flushed.map(({ parts }) => parts.length)).toEqual([1, 0]);
  });

  it("leaves one timer behind for each flush, which sends the counts of an isolate nobody asks any more", async ({
    expect,
  }) => {
    const { telemetry, reports, flushed, timers, time, flush } = build();
    for (const at of [0, 100, 200]) await flush(at);
    telemetry.observe(observed());
    expect(timers).toHaveLength(1);
    time.now = 10_001;
    timers[0]?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(reports).toHaveLength(1);
    expect(flushed[0]?.parts).toHaveLength(1);
    await flush(10_100);
    expect(reports).toHaveLength(1);
    expect(timers).toHaveLength(2);
  });

  it("does nothing by a timer when a request has flushed already", async ({ expect }) => {
    const { reports, timers, flush } = build();
    await flush(0);
    await flush(10_000);
    timers[0]?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(reports).toHaveLength(1);
  });
});
