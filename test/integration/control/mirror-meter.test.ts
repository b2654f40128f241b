/** The meter object inside workerd: sums of mirrored requests, each report once, asked for by name. */
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import type { MirrorReport } from "../../../src/contracts/mirror.ts";
import { TELEMETRY_SCHEMA, type EdgeReport } from "../../../src/contracts/telemetry.ts";
import { NOTHING_COMPARED } from "../../../src/core/mirror.ts";

interface MirrorMeter {
  report(report: EdgeReport): Promise<void>;
  mirrored(runs: readonly string[]): Promise<readonly MirrorReport[]>;
}

const counted = (run: string, same: number, worse: number): MirrorReport => ({
  ...NOTHING_COMPARED,
  product: "kiln",
  run,
  same,
  worse,
  timed: same,
  defaultMs: 10 * same,
  candidateMs: 12.4,
});

function report(isolate: string, sequence: number, mirrored?: readonly MirrorReport[]): EdgeReport {
  const given = { schema: TELEMETRY_SCHEMA, isolate, sequence, generation: 1, breakGlass: false } as const;
  const counts = { requests: 1, byOutcome: {}, mapsFaults: {}, dropped: 0 };
  return { ...given, ...counts, ...(mirrored === undefined ? {} : { mirrored }) };
}

describe("Meter", () => {
  // The first call to an object loads the whole Worker.
  it(
    "adds up what edges compared, each report once, and tells it by name",
    { timeout: 30_000 },
    async ({ expect }) => {
      const meter = env.METER.getByName("meter-mirror-test") as unknown as MirrorMeter;
      expect(await meter.mirrored(["a"])).toEqual([]);
      await meter.report(report("one", 1, [counted("a", 5, 0), counted("b", 1, 1)]));
      await meter.report(report("one", 1, [counted("a", 5, 0)]));
      await meter.report(report("two", 7, [counted("a", 2, 3)]));
      await meter.report(report("two", 8));
      expect(await meter.mirrored(["a", "nobody's"])).toEqual([{ ...counted("a", 7, 3), candidateMs: 24 }]);
      expect((await meter.mirrored(["b", "a"])).map(({ run }) => run)).toEqual(["a", "b"]);
    },
  );
});
