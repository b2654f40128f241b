/** Traffic of late: from reports of edges through the meters' tables to what the API answers. */
import { describe, it } from "vitest";
import { findAccountTraffic, findTraffic, trafficOf } from "../../../src/admin/traffic.ts";
import { createMemoryMeters } from "../../support/memory-meters.ts";
import { observationReport, series } from "../../support/observation-builders.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const NOW = 100 * DAY;

async function reported(): Promise<ReturnType<typeof createMemoryMeters>> {
  const memory = createMemoryMeters(() => NOW);
  const { meters } = memory;
  let sequence = 0;
  const report = async (atMs: number, ...list: Parameters<typeof series>[]): Promise<void> => {
    await meters.tick({ clockMs: atMs, marks: [], asks: [] });
    sequence += 1;
    await meters.observe(0, observationReport({ sequence, series: list.map((of) => series(...of)) }));
  };
  await report(NOW - DAY, [{ acme: [100, 1] }]);
  await report(NOW - 90 * MINUTE, [{ acme: [50, 0] }]);
  await report(NOW, [{ acme: [10, 5], other: [20, 0] }], [{ acme: [10, 0] }, { version: "2" }]);
  await meters.tick({ clockMs: NOW, marks: [], asks: [] });
  return memory;
}

describe("traffic of late", () => {
  it("gives versions their share, failures and time, of the last minutes alone", async ({ expect }) => {
    const { meters } = await reported();
    const found = await findTraffic(meters);
    expect(found).toMatchObject({
      ok: true,
      value: {
        minutes: 15,
        items: [
          { product: "kiln", version: "1", requests: 30, share: 0.75, failures: 5, rate: 5 / 30 },
          { product: "kiln", version: "2", requests: 10, share: 0.25, failures: 0, rate: 0 },
        ],
      },
    });
    const [first] = found.ok ? found.value.items : [];
    expect(first?.p95Ms).toBeGreaterThan(10);
    expect(first?.p95Ms).toBeLessThanOrEqual(15);
  });

  it("adds meters up, and does not take nothing for a share", ({ expect }) => {
    const one = {
      versions: [],
      known: { lately: { known: 3, unknown: 1 }, yesterday: { known: 0, unknown: 0 } },
    };
    expect(trafficOf([one, one]).known).toEqual({ now: 0.75, yesterday: null });
  });

  it("holds an account against its own past on each version", async ({ expect }) => {
    const { meters } = await reported();
    expect(await findAccountTraffic(meters, "acme")).toMatchObject({
      ok: true,
      value: {
        items: [
          {
            version: "1",
            lately: { requests: 10, failures: 5, rate: 0.5 },
            before: { requests: 150, failures: 1 },
          },
          { version: "2", lately: { requests: 10, failures: 0 }, before: { requests: 0, rate: 0 } },
        ],
      },
    });
    expect(await findAccountTraffic(meters, "nobody")).toMatchObject({ ok: true, value: { items: [] } });
  });

  it("says that it does not know when a meter does not answer", async ({ expect }) => {
    const silent = async (): Promise<never> => {
      throw new Error("gone");
    };
    const found = await findTraffic({ lately: silent, accountLately: silent });
    expect(found).toMatchObject({ ok: false, error: { problem: "control-unavailable" } });
  });
});
