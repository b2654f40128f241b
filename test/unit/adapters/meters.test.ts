/** Reports of one isolate go to one meter; what is seen comes from all of them. */
import { describe, it } from "vitest";
import { createMeters, METERS, SEEN_MS, type MeterStub } from "../../../src/adapters/meters.ts";
import { TELEMETRY_SCHEMA, type EdgeReport } from "../../../src/contracts/telemetry.ts";
import { observationReport } from "../../support/observation-builders.ts";

const NOW = 1_000_000;

function report(isolate: string): EdgeReport {
  return {
    schema: TELEMETRY_SCHEMA,
    isolate,
    sequence: 1,
    generation: 7,
    breakGlass: false,
    requests: 3,
    byOutcome: {},
    mapsFaults: {},
    dropped: 0,
  };
}

const NOBODY = { known: 0, unknown: 0 };
const NOTHING_TAKEN = {
  reports: 0,
  requests: 0,
  droppedReports: 0,
  droppedRequests: 0,
  droppedRequestsLastHour: 0,
};

function recordingMeters(): { calls: string[]; meter: (name: string) => MeterStub } {
  const calls: string[] = [];
  return {
    calls,
    meter: (name) => ({
      report: async ({ isolate }) => void calls.push(`${name} ${isolate}`),
      observe: async ({ isolate }) => void calls.push(`${name} ${isolate}`),
      totals: async () => ({ intake: NOTHING_TAKEN, series: [] }),
      tick: async ({ clockMs }) => {
        calls.push(`${name} tick ${clockMs}`);
        return [];
      },
      hurt: async () => [],
      lately: async () => ({ versions: [], known: { lately: NOBODY, yesterday: NOBODY } }),
      accountLately: async () => [],
      seen: async (sinceMs) => [
        { isolate: `${name}@${sinceMs}`, generation: 7, breakGlass: false, requests: 1, reportedAt: NOW },
      ],
    }),
  };
}

describe("meters", () => {
  it("send the reports of one isolate always to the same meter", async ({ expect }) => {
    const { calls, meter } = recordingMeters();
    const meters = createMeters({ meter, nowMs: () => NOW });
    await meters.send(report("a"));
    await meters.send(report("a"));
    expect(new Set(calls).size).toBe(1);
  });

  it("spread many isolates over all meters", async ({ expect }) => {
    const { calls, meter } = recordingMeters();
    const meters = createMeters({ meter, nowMs: () => NOW });
    for (let number = 0; number < 64; number++) await meters.send(report(`isolate-${number}`));
    expect(new Set(calls.map((call) => call.split(" ")[0])).size).toBe(METERS);
  });

  it("ask every meter for what was seen in the last two minutes", async ({ expect }) => {
    const meters = createMeters({ meter: recordingMeters().meter, nowMs: () => NOW });
    const seen = await meters.seen();
    expect(seen.map(({ isolate }) => isolate)).toEqual(
      Array.from({ length: METERS }, (_, number) => `meter-${number}@${NOW - SEEN_MS}`),
    );
  });

  it("reject a report when no meter is bound, so that it is counted as dropped", async ({ expect }) => {
    const meters = createMeters({ meter: () => null, nowMs: () => NOW });
    await expect(meters.send(report("a"))).rejects.toThrow("no METER binding");
    await expect(meters.seen()).resolves.toEqual([]);
  });

  it("send counts to the meter that is named", async ({ expect }) => {
    const { calls, meter } = recordingMeters();
    const meters = createMeters({ meter, nowMs: () => NOW });
    await meters.observe(2, observationReport());
    expect(calls).toEqual(["meter-2 i1"]);
    expect(await meters.totals()).toHaveLength(METERS);
  });

  it("hand a tick to every meter, and go on without those that fail or hang", async ({ expect }) => {
    const { calls, meter } = recordingMeters();
    const broken = (name: string): MeterStub | null => {
      const stub = meter(name);
      if (stub === null) return null;
      if (name === "meter-1") return { ...stub, tick: () => Promise.reject(new Error("down")) };
      return name === "meter-2" ? { ...stub, tick: () => new Promise(() => undefined) } : stub;
    };
    const meters = createMeters({ meter: broken, nowMs: () => NOW, tickDeadlineMs: 20 });
    const gathered = await meters.tick({ clockMs: 5, marks: [], asks: [] });
    expect(gathered).toEqual({ atMs: 5, missingMeters: 2, answers: {} });
    expect(calls).toEqual(["meter-0 tick 5", "meter-3 tick 5"]);
  });

  it("say that nothing is measured where no meter is bound", async ({ expect }) => {
    const meters = createMeters({ meter: () => null, nowMs: () => NOW });
    expect(await meters.tick({ clockMs: 5, marks: [], asks: [] })).toBeNull();
    expect(await meters.totals()).toEqual([]);
    await expect(meters.observe(0, observationReport())).rejects.toThrow("no METER binding");
  });
});
