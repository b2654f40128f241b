/** The line of accounts moved over time: its points from what the API says of each wave. */
import { describe, it } from "vitest";
import type { WaveView } from "../../../src/contracts/api/rollouts.ts";
import { movedPoints, plannedPoints } from "../../../src/dashboard/parts/rollout-plot.tsx";
import { buildRollback } from "../../support/rollout-views.ts";

const at = (minute: number): string => `2026-11-23T10:${String(minute).padStart(2, "0")}:00Z`;
const ms = (minute: number): number => Date.parse(at(minute));

function wave(changes: Partial<WaveView>): WaveView {
  return {
    name: "staff",
    accounts: 0,
    moved: 0,
    progress: 0,
    verdict: null,
    requests: null,
    threshold: 0,
    approved: null,
    firstMoveAt: null,
    shiftedAt: null,
    bakedAt: null,
    ...changes,
  };
}

function points(
  seen: Parameters<typeof movedPoints>[0],
): readonly (readonly [minute: number, accounts: number])[] {
  return movedPoints(seen).map(({ atMs, accounts }) => [(atMs - ms(0)) / 60_000, accounts]);
}

const STAFF = wave({ accounts: 10, moved: 10, firstMoveAt: at(2), shiftedAt: at(3) });

describe("movedPoints", () => {
  it("has none before the start", ({ expect }) => {
    expect(points({ startedAt: null, clock: at(9), waves: [STAFF], rollback: null, moved: 0 })).toEqual([]);
  });

  it("climbs wave by wave up to the rollout's clock", ({ expect }) => {
    const half = wave({ accounts: 40, moved: 20, firstMoveAt: at(6) });
    const seen = { startedAt: at(0), clock: at(9), waves: [STAFF, half, wave({ accounts: 50 })], moved: 30 };
    expect(points({ ...seen, rollback: null })).toEqual([
      [0, 0],
      [2, 0],
      [3, 10],
      [6, 10],
      [9, 30],
    ]);
  });

  it("falls from where a rollback was asked for", ({ expect }) => {
    const back = wave({ accounts: 40, moved: 0, firstMoveAt: at(4), shiftedAt: at(5) });
    const rollback = buildRollback({ at: at(7), by: "eva" });
    const seen = { startedAt: at(0), clock: at(9), waves: [STAFF, back], rollback, moved: 10 };
    expect(points(seen).slice(-3)).toEqual([
      [5, 50],
      [7, 50],
      [9, 10],
    ]);
  });
});

describe("plannedPoints", () => {
  it("ends where a wave would never end", ({ expect }) => {
    const planned = { accounts: 10, startAt: at(2), shiftedAt: at(3) };
    const waves = [planned, { ...planned, startAt: at(5), shiftedAt: null }, planned];
    expect(
      plannedPoints({ at: at(0), waves }).map(({ atMs, accounts }) => [(atMs - ms(0)) / 60_000, accounts]),
    ).toEqual([
      [0, 0],
      [2, 0],
      [3, 10],
      [5, 10],
    ]);
  });
});
