/** Reports of one isolate go to one meter; what is seen comes from all of them. */
import { describe, it } from "vitest";
import { createMeters, METERS, SEEN_MS, type MeterStub } from "../../../src/adapters/meters.ts";
import { TELEMETRY_SCHEMA, type EdgeReport } from "../../../src/contracts/telemetry.ts";

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

function recordingMeters(): { calls: string[]; meter: (name: string) => MeterStub } {
  const calls: string[] = [];
  return {
    calls,
    meter: (name) => ({
      report: async ({ isolate }) => void calls.push(`${name} ${isolate}`),
      seen: async (sinceMs) => [
        { isolate: `${name}@${sinceMs}`, generation: 7, breakGlass: false, requests: 1, reportedAt: NOW },
      ],
    }),
  };
}

describe("meters", () => {
  it("send the reports of one isolate always to the same meter", async ({ expect }) => {
    const { calls, meter } = recordingMeters();
    const meters = createMeters(meter, () => NOW);
    await meters.send(report("a"));
    await meters.send(report("a"));
    expect(new Set(calls).size).toBe(1);
  });

  it("spread many isolates over all meters", async ({ expect }) => {
    const { calls, meter } = recordingMeters();
    const meters = createMeters(meter, () => NOW);
    for (let number = 0; number < 64; number++) await meters.send(report(`isolate-${number}`));
    expect(new Set(calls.map((call) => call.split(" ")[0])).size).toBe(METERS);
  });

  it("ask every meter for what was seen in the last two minutes", async ({ expect }) => {
    const meters = createMeters(recordingMeters().meter, () => NOW);
    const seen = await meters.seen();
    expect(seen.map(({ isolate }) => isolate)).toEqual(
      Array.from({ length: METERS }, (_, number) => `meter-${number}@${NOW - SEEN_MS}`),
    );
  });

  it("reject a report when no meter is bound, so that it is counted as dropped", async ({ expect }) => {
    const meters = createMeters(
      () => null,
      () => NOW,
    );
    await expect(meters.send(report("a"))).rejects.toThrow("no METER binding");
    await expect(meters.seen()).resolves.toEqual([]);
  });
});
