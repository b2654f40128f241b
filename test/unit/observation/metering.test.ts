/** A meter's tables: each report counts once or is lost once, hours keep what matters, and answers are exact sums. */
import { describe, it } from "vitest";
import {
  LATENCY_BUCKETS,
  type ObservationAnswer,
  type ObservationAsk,
  type SeriesReport,
} from "../../../src/contracts/observation.ts";
import type { Db } from "../../../src/control/db.ts";
import { createTables, writeNumber } from "../../../src/control/metering/schema.ts";
import { takeReport } from "../../../src/control/metering/take.ts";
import { takeTick } from "../../../src/control/metering/tick.ts";
import { readTotals } from "../../../src/control/metering/totals.ts";
import { addAccount, capFor, NO_MOMENTS, pastShareOf } from "../../../src/core/gates/moments.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { observationAsk, observationReport, series } from "../../support/observation-builders.ts";

const START = Date.parse("2026-11-23T12:00:00Z");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

interface TestMeter {
  readonly db: Db;
  take(...all: readonly SeriesReport[]): void;
  tick(
    clockMs: number,
    asks?: readonly ObservationAsk[],
    marks?: readonly number[],
  ): readonly ObservationAnswer[];
  ask(clockMs: number, ask: Partial<ObservationAsk>, marks?: readonly number[]): ObservationAnswer;
}

function buildMeter(clockMs = START): TestMeter {
  const db = createMemoryDb();
  createTables(db);
  let sequence = 0;
  const tick: TestMeter["tick"] = (at, asks = [], marks = []) => takeTick(db, { clockMs: at, marks, asks });
  tick(clockMs);
  return {
    db,
    take: (...all) => takeReport(db, observationReport({ sequence: ++sequence, series: all }), START),
    tick,
    ask(at, ask, marks = []) {
      const [answer] = tick(at, [observationAsk(ask)], marks);
      if (answer === undefined) throw new Error("no answer");
      return answer;
    },
  };
}

describe("takeReport", () => {
  it("counts a report once, however often it comes", ({ expect }) => {
    const { db } = buildMeter();
    const report = observationReport({ series: [series({ acme: [10, 1] })] });
    for (let times = 0; times < 3; times++) takeReport(db, report, START);
    expect(readTotals(db)).toMatchObject({
      intake: { reports: 1, requests: 10, droppedReports: 0, droppedRequests: 0 },
      series: [{ product: "kiln", version: "1", class: "known", total: { requests: 10, errors: 1 } }],
    });
  });

  it("counts a loss once, and not at all when the report did arrive", ({ expect }) => {
    const { db } = buildMeter();
    takeReport(db, observationReport({ sequence: 1, series: [series({ acme: [10, 0] })] }), START);
    const lost = [
      { sequence: 1, requests: 10 },
      { sequence: 2, requests: 7 },
    ];
    takeReport(db, observationReport({ sequence: 3, lost }), START);
    takeReport(db, observationReport({ sequence: 4, lost }), START);
    expect(readTotals(db).intake).toMatchObject({
      requests: 10,
      droppedReports: 1,
      droppedRequests: 7,
      droppedRequestsLastHour: 7,
    });
  });

  it("refuses a report that comes after it was told to be lost", ({ expect }) => {
    const { db } = buildMeter();
    takeReport(db, observationReport({ sequence: 2, lost: [{ sequence: 1, requests: 10 }] }), START);
    takeReport(db, observationReport({ sequence: 1, series: [series({ acme: [10, 0] })] }), START);
    expect(readTotals(db)).toMatchObject({ intake: { requests: 0, droppedRequests: 10 }, series: [] });
  });

  it("adds to a loss that grew, because two were put together under one number", ({ expect }) => {
    const { db } = buildMeter();
    takeReport(db, observationReport({ sequence: 5, lost: [{ sequence: 1, requests: 10 }] }), START);
    takeReport(db, observationReport({ sequence: 6, lost: [{ sequence: 1, requests: 14 }] }), START);
    expect(readTotals(db).intake).toMatchObject({ droppedReports: 1, droppedRequests: 14 });
  });

  it.for([
    ["another schema", { schema: 2 }],
    ["a negative count", { series: [series({ acme: [-1, 0] })] }],
    ["a count that is no number", { series: [series({ acme: [Number.NaN, 0] })] }],
    ["counts that do not fit the accounts", { series: [series({}, { accounts: ["acme"] })] }],
    ["a short histogram", { series: [series({}, { latency: [1] })] }],
  ] as const)("throws for %s, and takes nothing of it", ([, changes], { expect }) => {
    const { db } = buildMeter();
    const report = { ...observationReport(), ...changes } as Parameters<typeof takeReport>[1];
    expect(() => takeReport(db, report, START)).toThrow(TypeError);
    expect(readTotals(db).intake.reports).toBe(0);
  });
});

describe("createTables", () => {
  it("forgets latencies that were counted in other buckets, and nothing else", ({ expect }) => {
    const meter = buildMeter();
    const latency = Array.from({ length: LATENCY_BUCKETS }, (_, bucket) => (bucket === 3 ? 4 : 0));
    meter.take(series({ acme: [4, 0] }, { latency }));
    const sum = () => readTotals(meter.db).series.map((one) => one.latency.reduce((a, b) => a + b, 0));
    createTables(meter.db);
    expect(sum()).toEqual([4]);
    writeNumber(meter.db, "buckets", LATENCY_BUCKETS - 1);
    createTables(meter.db);
    expect(sum()).toEqual([0]);
    expect(readTotals(meter.db).series.map(({ total }) => total.requests)).toEqual([4]);
    meter.take(series({ acme: [4, 0] }, { latency }));
    createTables(meter.db);
    expect(sum()).toEqual([4]);
  });
});

describe("takeTick", () => {
  it("sums by class and version since a time and a generation", ({ expect }) => {
    const meter = buildMeter();
    meter.take(series({ acme: [100, 5] }, { version: "2", generation: 7 }));
    meter.tick(START + 10 * MINUTE);
    meter.take(series({ acme: [10, 1] }, { version: "2", generation: 8 }));
    meter.take(series({ globex: [20, 2] }, { version: "1", generation: 8 }));
    meter.take(series({ globex: [3, 0] }, { version: "1", generation: 7 }));
    meter.take(
      series(
        {},
        {
          version: "2",
          class: "unknown",
          generation: 8,
          total: { requests: 4, errors: 1, failures: 1, gone: 9 },
        },
      ),
    );
    const answer = meter.ask(START + 10 * MINUTE, { sinceMs: START + 10 * MINUTE, minGeneration: 8 });
    expect(answer.target.known.tally).toEqual({ requests: 10, errors: 1, failures: 0, gone: 0 });
    expect(answer.target.unknown.tally).toEqual({ requests: 4, errors: 1, failures: 1, gone: 9 });
    expect(answer.from.known.tally.requests).toBe(20);
    expect(answer.from.unknown.tally.requests).toBe(0);
    expect(answer.measurement).toEqual({
      newestMs: START + 10 * MINUTE,
      reports: 4,
      lostReports: 0,
      lostRequests: 0,
      takenRequests: 46,
      requests: 37,
      staleRequests: 3,
    });
    const all = meter.ask(START + 10 * MINUTE, { sinceMs: START, minGeneration: 0 });
    expect(all.target.known.tally.requests).toBe(110);
  });

  it("counts what came before the first tick as of that tick", ({ expect }) => {
    const meter = buildMeter(0);
    meter.take(series({ acme: [3, 1] }, { version: "2" }));
    const answer = meter.ask(START, { sinceMs: START });
    expect(answer.target.known.tally.requests).toBe(3);
    expect(answer.moved.requests).toBe(3);
    expect(readTotals(meter.db).series).toHaveLength(1);
  });

  it("stamps with the greatest clock it was ticked with, never an earlier one", ({ expect }) => {
    const meter = buildMeter();
    meter.tick(START + HOUR);
    meter.tick(START);
    meter.take(series({ acme: [1, 0] }));
    expect(meter.ask(START, { from: ["1"], sinceMs: START + HOUR }).from.known.tally.requests).toBe(1);
  });

  it("makes the gates' own moments of accounts against their past", ({ expect }) => {
    const meter = buildMeter();
    meter.take(series({ acme: [200, 20], globex: [200, 0], umbrella: [400, 4] }));
    meter.tick(START + HOUR);
    meter.take(series({ acme: [50, 10], globex: [30, 0] }, { version: "2", generation: 9 }));
    meter.take(series({ umbrella: [60, 1] }, { version: "1", generation: 9 }));
    const accounts = { movedCap: 40, notMovedCap: null, movedPastShare: 0.05, notMovedPastShare: null };
    const answer = meter.ask(START + HOUR, { sinceMs: START + HOUR, minGeneration: 9, accounts });
    const acme = {
      requests: 50,
      failures: 10,
      pastShare: pastShareOf({ requests: 200, failures: 20 }, 0.05),
    };
    const globex = {
      requests: 30,
      failures: 0,
      pastShare: pastShareOf({ requests: 200, failures: 0 }, 0.05),
    };
    expect(answer.moved).toEqual(addAccount(addAccount(NO_MOMENTS, acme, 40), globex, 40));
    const umbrella = {
      requests: 60,
      failures: 1,
      pastShare: pastShareOf({ requests: 400, failures: 4 }, 0.01),
    };
    expect(answer.notMoved).toEqual(addAccount(NO_MOMENTS, umbrella, capFor({ requests: 60, accounts: 1 })));
    expect(answer.movedPast).toEqual({ requests: 400, failures: 20 });
    expect(answer.notMovedPast).toEqual({ requests: 400, failures: 4 });
  });

  it("leaves accounts out where they are not asked for", ({ expect }) => {
    const meter = buildMeter();
    meter.take(series({ acme: [5, 5] }, { version: "2" }));
    const answer = meter.ask(START, { accounts: null });
    expect([answer.moved.accounts, answer.family.size, answer.windows]).toEqual([0, 0, []]);
    expect(answer.target.known.tally.requests).toBe(5);
  });

  it("names the accounts that look worst, in blocks of five minutes that are over", ({ expect }) => {
    const meter = buildMeter();
    for (let block = 0; block < 24; block++) {
      meter.tick(START + block * 5 * MINUTE);
      meter.take(series({ bad: [20, 0], fine: [20, 0], noisy: [20, 4] }));
    }
    const moved = START + 120 * MINUTE;
    for (let minute = 0; minute < 17; minute++) {
      meter.tick(moved + minute * MINUTE);
      meter.take(series({ bad: [10, 10], fine: [10, 0], noisy: [10, 2] }, { version: "2", generation: 9 }));
    }
    const answer = meter.ask(moved + 17 * MINUTE, { sinceMs: moved, minGeneration: 9 });
    expect(answer.family.size).toBe(3);
    expect(answer.family.suspects.map(({ account }) => account)).toEqual(["bad", "noisy"]);
    expect(answer.family.suspects[0]?.now).toEqual({ blocks: 3, shareSum: 3, requests: 150, failures: 150 });
    expect(answer.family.suspects[0]?.past).toEqual({ blocks: 24, shareSum: 0, requests: 480, failures: 0 });
    expect(answer.family.past.blocks).toBe(72);
    expect(answer.family.past.shareSum).toBeCloseTo(24 * 0.2, 9);
  });

  it("keeps an account's past of versions other than the target, and works it out once", ({ expect }) => {
    const meter = buildMeter();
    meter.take(series({ acme: [7, 0] }, { version: "0" }), series({ acme: [9, 9] }, { version: "2" }));
    const since = START + HOUR;
    meter.tick(since);
    meter.take(series({ acme: [1, 0] }, { version: "2", generation: 9 }));
    const ask = { sinceMs: since, minGeneration: 9 };
    expect(meter.ask(since, ask).movedPast).toEqual({ requests: 7, failures: 0 });
    meter.take(series({ acme: [100, 0] }, { version: "1", generation: 9 }));
    expect(meter.ask(since + MINUTE, ask).movedPast).toEqual({ requests: 7, failures: 0 });
    expect(meter.db.rows("SELECT * FROM pasts")).toHaveLength(1);
  });

  it("gives latency by windows of five minutes, for both sides", ({ expect }) => {
    const meter = buildMeter();
    meter.take(series({ acme: [3, 0] }, { version: "2" }));
    meter.tick(START + 6 * MINUTE);
    meter.take(series({ acme: [4, 0] }, { version: "2" }), series({ globex: [5, 0] }));
    const { windows } = meter.ask(START + 7 * MINUTE, { sinceMs: START });
    const sum = (counts: readonly number[]) => counts.reduce((total, n) => total + n, 0);
    expect(
      windows.map(({ startMs, endMs, moved, notMoved }) => [startMs, endMs, sum(moved), sum(notMoved)]),
    ).toEqual([
      [START, START + 5 * MINUTE, 3, 0],
      [START + 5 * MINUTE, START + 8 * MINUTE, 4, 5],
    ]);
  });

  it("answers the same when minutes have become hours, for generations that are marked", ({ expect }) => {
    const meter = buildMeter();
    const marks = [8, 20];
    for (let minute = 0; minute < 90; minute++) {
      meter.tick(START + minute * MINUTE, [], marks);
      const generation = minute < 30 ? 5 : 8 + Math.floor(minute / 10);
      meter.take(
        series({ acme: [10, minute % 2], globex: [2, 0] }, { version: "2", generation }),
        series({ umbrella: [6, 1] }, { version: "1", generation }),
      );
    }
    const ask = { sinceMs: START + 30 * MINUTE, minGeneration: 8 };
    const fresh = meter.ask(START + 90 * MINUTE, ask, marks);
    const folded = meter.ask(START + 9 * HOUR, ask, marks);
    expect(meter.db.rows("SELECT * FROM blocks")).toEqual([]);
    expect(meter.db.rows("SELECT * FROM cells").length).toBeLessThanOrEqual(6);
    expect(fresh.target.known.tally.requests).toBe(60 * 12);
    for (const side of ["target", "from"] as const) expect(folded[side]).toEqual(fresh[side]);
    expect([folded.moved, folded.notMoved]).toEqual([fresh.moved, fresh.notMoved]);
    expect([folded.family.size, folded.family.suspects]).toEqual([fresh.family.size, fresh.family.suspects]);
    expect(folded.measurement).toMatchObject({
      takenRequests: 90 * 18,
      requests: 90 * 18,
      staleRequests: 30 * 18,
    });
  });

  it("forgets accounts after 14 days, and series nobody asked for after 30", ({ expect }) => {
    const meter = buildMeter();
    meter.take(series({ acme: [10, 0] }));
    meter.tick(START + 5 * HOUR);
    expect(meter.db.rows("SELECT * FROM hours")).toHaveLength(1);
    meter.tick(START + 15 * 24 * HOUR);
    for (const table of ["hours", "hour_rows", "cells", "latency", "intake"])
      expect(meter.db.rows(`SELECT * FROM ${table}`)).toEqual([]);
    expect(readTotals(meter.db).series).toHaveLength(1);
    meter.tick(START + 31 * 24 * HOUR);
    expect(readTotals(meter.db).series).toEqual([]);
    expect(readTotals(meter.db).intake.requests).toBe(10);
  });

  it("catches up with a long silence over several ticks", ({ expect }) => {
    const meter = buildMeter();
    for (let hour = 0; hour < 9; hour++) {
      // As a meter that no tick reached: the clock moves on in one leap at the end.
      meter.db.run("UPDATE meta SET value = ? WHERE name = 'clock'", START + hour * HOUR);
      meter.take(series({ acme: [10, 1] }, { version: "2" }));
    }
    const ask = { sinceMs: START, minGeneration: 0 };
    for (const tick of [0, 1, 2]) {
      const answer = meter.ask(START + 20 * HOUR + tick * MINUTE, ask);
      expect(answer.target.known.tally.requests).toBe(90);
      expect(answer.moved.requests).toBe(90);
    }
    expect(meter.db.rows("SELECT * FROM blocks")).toEqual([]);
    expect(meter.db.rows("SELECT * FROM hours")).toHaveLength(9);
  });
});
