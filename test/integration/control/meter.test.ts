/**
 * Meters as they are deployed, on the SQLite of a Durable Object in workerd: sums, once-only, folding, the clock that the
 * control plane's tick hands them, and what remains after an eviction. The rules are told in test/unit/observation.
 */
import { env } from "cloudflare:workers";
import { evictDurableObject } from "cloudflare:test";
import { describe, it } from "vitest";
import type { FailedMeterStub } from "../../../src/adapters/failed-meters.ts";
import { createMeters, METERS, type MeterStub } from "../../../src/adapters/meters.ts";
import { createObservationSender } from "../../../src/adapters/observation-sender.ts";
import { createRequestCounts } from "../../../src/adapters/request-counts.ts";
import type { ControlPort } from "../../../src/contracts/control.ts";
import { TELEMETRY_SCHEMA } from "../../../src/contracts/telemetry.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import { observationAsk, observationReport, observed, series } from "../../support/observation-builders.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.parse("2026-11-23T12:00:00Z");

/** The stub has every method by name; the types of RPC cannot say so. */
const meterOf = (name: string) => env.METER.getByName(name) as unknown as MeterStub;

describe("Meter, keeping failed requests", () => {
  it("finds one by its id after an eviction, and takes a report once", async ({ expect }) => {
    const meter = env.METER.getByName("meter-failed") as unknown as MeterStub & FailedMeterStub;
    const failed = [
      {
        id: "r1",
        product: "kiln",
        account: "acme",
        version: "1",
        outcome: "forwarded",
        why: "home",
        status: 503,
        generation: 7,
      },
    ];
    const report = {
      schema: TELEMETRY_SCHEMA,
      isolate: "i1",
      sequence: 1,
      generation: 7,
      requests: 1,
    } as const;
    const whole = { ...report, breakGlass: false, byOutcome: {}, mapsFaults: {}, dropped: 0, failed };
    await meter.report(whole);
    await evictDurableObject(env.METER.getByName("meter-failed"));
    await meter.report(whole);
    expect(await meter.failed({ id: "r1" })).toMatchObject(failed);
    expect(await meter.failed({ account: "acme" })).toHaveLength(1);
    expect(await meter.failed({ id: "r2" })).toEqual([]);
  });
});

describe("Meter, counting", () => {
  it("takes a report once, also after an eviction, and folds what it took", async ({ expect }) => {
    const stub = env.METER.getByName("meter-fold");
    const meter = meterOf("meter-fold");
    const marks = [8];
    await meter.tick({ clockMs: START, marks, asks: [] });
    for (let minute = 0; minute < 30; minute++) {
      await meter.tick({ clockMs: START + minute * MINUTE, marks, asks: [] });
      const generation = minute < 10 ? 7 : 8 + minute;
      const report = observationReport({
        sequence: minute + 1,
        series: [
          series({ acme: [10, minute % 2], globex: [3, 0] }, { version: "2", generation }),
          series({ umbrella: [5, 1] }, { generation }),
        ],
      });
      await meter.observe(report);
      if (minute === 20) await evictDurableObject(stub);
      await meter.observe(report);
    }
    const ask = observationAsk({ sinceMs: START + 10 * MINUTE, minGeneration: 8 });
    const [fresh] = await meter.tick({ clockMs: START + 30 * MINUTE, marks, asks: [ask] });
    const [folded] = await meter.tick({ clockMs: START + 5 * HOUR, marks, asks: [ask] });
    expect(fresh?.target.known.tally).toMatchObject({ requests: 260, errors: 10 });
    expect(fresh?.moved).toMatchObject({ accounts: 2, requests: 260, failures: 10 });
    expect(fresh?.family.suspects.map(({ account }) => account)).toEqual(["acme"]);
    expect(folded?.target).toEqual(fresh?.target);
    expect(folded?.moved).toEqual(fresh?.moved);
    expect(folded?.measurement).toMatchObject({ requests: 540, staleRequests: 180 });
    expect((await meter.totals()).intake).toMatchObject({ reports: 30, requests: 540, droppedRequests: 0 });
  });

  it("has the clock of the control plane's tick, and gives all of an edge's counts back", async ({
    expect,
  }) => {
    const control = env.CONTROL.getByName("meter-clock") as unknown as ControlPort;
    const at = Date.parse("2027-01-05T08:30:00Z");
    await control.tick(at);
    const meters = createMeters({ meter: meterOf, nowMs: () => at });
    const counts = createRequestCounts({ meters: METERS, home: 2 });
    const sender = createObservationSender({
      isolate: "edge",
      sleep: (ms) => systemClock.sleep(ms),
      send: (meter, report) => meters.observe(meter, report),
    });
    for (let number = 0; number < 10_000; number++) {
      const account = `account-${number % 3000}`;
      counts.add(observed({ account, version: "2", generation: 9, status: number % 100 === 0 ? 500 : 200 }));
    }
    for (let number = 0; number < 50; number++) counts.add(observed({ class: "unknown", account: null }));
    await sender.flush(counts.take());
    const asks = [observationAsk({ sinceMs: at, minGeneration: 9 })];
    const gathered = await meters.tick({ clockMs: 0, marks: [9], asks });
    const answer = gathered?.answers["q"];
    expect(gathered?.missingMeters).toBe(0);
    expect(answer?.target.known.tally).toEqual({ requests: 10_000, errors: 100, failures: 0, gone: 0 });
    expect(answer?.moved).toMatchObject({ accounts: 3000, requests: 10_000, failures: 100 });
    expect(answer?.measurement).toMatchObject({ newestMs: at, requests: 10_050, staleRequests: 50 });
  });
});
