/** Pictures of what a gate has seen: their curves and axes, their words for those who do not see them, their table. */
import { html } from "hono/html";
import { describe, it } from "vitest";
import type { GatePointView, RolloutGatesView } from "../../../src/contracts/api/gates.ts";
import { GatePlots } from "../../../src/dashboard/parts/gate-plots.tsx";
import {
  affectedSeries,
  endAbove,
  increaseSeries,
  latencySeries,
  rateSeries,
  thin,
} from "../../../src/dashboard/parts/gate-series.ts";

const at = (minute: number): string => `2026-11-23T10:${String(minute).padStart(2, "0")}:00Z`;

function point(minute: number, changes: Partial<GatePointView> = {}): GatePointView {
  return {
    at: at(minute),
    verdict: "inconclusive",
    accountsMoved: 40,
    moved: { accounts: 30, requests: 1000, failures: 30, rate: 0.03 },
    notMoved: { requests: 4000, failures: 40, rate: 0.01 },
    increase: { estimate: 0.02, lower: 0.005, upper: 0.035 },
    p95Ms: { moved: 240, notMoved: 120 },
    ...changes,
  };
}

const QUIET = point(0, {
  moved: { accounts: 0, requests: 0, failures: 0, rate: 0 },
  increase: null,
  p95Ms: { moved: null, notMoved: null },
});

function gates(points: readonly GatePointView[], wave = 0): RolloutGatesView {
  const name = `wave-${wave}`;
  const waves = [{ wave, name, product: "kiln", verdict: null, points: [...points] }];
  return { waves, signals: [], putBack: [] };
}

const draw = async (view: RolloutGatesView): Promise<string> =>
  (await html`${GatePlots({ gates: view })}`).toString();
const countOf = (text: string, part: string): number => text.split(part).length - 1;

describe("series of a gate", () => {
  it("ends its axes at round numbers with room above", ({ expect }) => {
    expect([0, 2.36, 199, 0.94, 0.97, 9.9].map(endAbove)).toEqual([0, 2.5, 250, 1, 1.5, 15]);
  });

  it("shows no rate where nothing was asked", ({ expect }) => {
    const { curves, to } = rateSeries([QUIET, point(1)]);
    expect(curves.map(({ samples }) => samples.map(({ value }) => value))).toEqual([
      [1, 1],
      [null, 3],
    ]);
    expect(to).toBe(4);
  });

  it("follows the newest bounds, and lets the wide ones of the beginning run out of the picture", ({
    expect,
  }) => {
    const wide = point(1, { increase: { estimate: 0.01, lower: -0.6, upper: 0.7 } });
    const { band, level, from, to } = increaseSeries([QUIET, wide, point(2)], 0.01);
    expect(band.map(({ range }) => range?.map(Math.round) ?? null)).toEqual([null, [-60, 70], [1, 4]]);
    expect([level, from, to]).toEqual([1, -1.5, 4]);
  });

  it("has latency where a window was full, and both numbers of accounts", ({ expect }) => {
    expect(latencySeries([QUIET, point(1)]).curves[1]?.samples.map(({ value }) => value)).toEqual([
      null,
      240,
    ]);
    expect(affectedSeries([point(1)]).curves.map(({ samples }) => samples[0]?.value)).toEqual([30, 40]);
  });

  it("thins a long list, and keeps its ends", ({ expect }) => {
    const list = Array.from({ length: 1524 }, (_, index) => index);
    const thinned = thin(list, 240);
    expect([thinned.length, thinned[0], thinned.at(-1)]).toEqual([240, 0, 1523]);
    expect(thin([1, 2], 240)).toEqual([1, 2]);
  });
});

describe("GatePlots", () => {
  it("names and describes each picture by elements that are there, each once", async ({ expect }) => {
    const text = await draw(gates([point(0), point(1)]));
    const ids = [...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    const named = [...text.matchAll(/aria-(?:labelledby|describedby)="([^"]*)"/g)].map(([, id]) => id);
    expect(named).toHaveLength(8);
    expect(new Set(ids)).toEqual(new Set(named));
    expect(new Set(ids).size).toBe(ids.length);
    expect(text).toContain("Solid: moved accounts, 3 % of 1,000. Dashed: not moved ones, 1 % of 4,000.");
    expect(text).toContain("shaded: +0.5 to +3.5");
  });

  it("breaks curves and the band where nothing was known", async ({ expect }) => {
    const gap = (minute: number): GatePointView => ({ ...QUIET, at: at(minute) });
    const text = await draw(gates([point(0), point(1), gap(2), point(3), point(4)]));
    expect(countOf(text, '<polygon class="band"')).toBe(2);
    expect(countOf(await draw(gates([point(0), point(1)])), '<polygon class="band"')).toBe(1);
    expect(text).not.toContain("NaN");
  });

  it("has the numbers as a table, with words for what is left out", async ({ expect }) => {
    const many = Array.from({ length: 50 }, (_, minute) => point(minute));
    expect(countOf(await draw(gates(many)), "<tr")).toBe(1 + 24);
    expect(await draw(gates(many))).toContain("24 of 50 looks");
    expect(await draw(gates(many.slice(0, 3)))).toContain("Every look");
  });

  it("shows the last wave alone, nothing before the first look, and no picture of one look", async ({
    expect,
  }) => {
    const [first, last] = [gates([point(0), point(1)]), gates([point(2), point(3)], 1)];
    const text = await draw({ ...first, waves: [...first.waves, ...last.waves] });
    expect([text.includes("wave-0"), text.includes("wave-1")]).toEqual([false, true]);
    expect(GatePlots({ gates: { waves: [], signals: [], putBack: [] } })).toBeNull();
    const once = await draw(gates([point(0)]));
    expect([once.includes("<svg"), once.includes("second look")]).toEqual([false, true]);
  });
});
