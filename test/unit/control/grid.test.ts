/** Waves × groups over the real control plane: what it says of a draft, of a running rollout, and what ticks then do. */
import { describe, it } from "vitest";
import type { RolloutGrid } from "../../../src/contracts/api/rollout-grid.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { must, valueOf, type World } from "../../support/control-world.ts";
import {
  ACCOUNTS,
  at,
  FRIDAY,
  MINUTE,
  PLAN,
  prepareRollouts,
  tick,
  ZONES,
} from "../../support/rollout-world.ts";

const id = "autumn";
const SOME = ACCOUNTS.slice(0, 150);
const FRIDAY_NIGHT = at("2026-11-27T16:40:00Z");

async function prepare(): Promise<World> {
  const world = await prepareRollouts(createMemoryDb(), { accounts: SOME });
  await must(world, "rollout.create", { id, input: PLAN });
  return world;
}

async function ask(world: World, before: string | null = null): Promise<RolloutGrid> {
  return valueOf(await world.control.query("rollout.grid", { id, before }));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

describe("the grid of a rollout", { timeout: 30_000 }, () => {
  it("shows a draft as it would go if it were started now", async ({ expect }) => {
    const grid = await ask(await prepare(), "2026-11-27T18:00:00Z");
    expect(grid.rows.map(({ zone }) => zone).toSorted()).toEqual(ZONES.toSorted());
    expect(sum(grid.rows.map(({ accounts }) => accounts))).toBe(SOME.length);
    expect(sum(grid.rows.map(({ moved }) => moved))).toBe(0);
    const kolkata = grid.rows.find(({ zone }) => zone === "Asia/Kolkata");
    expect(kolkata?.cohorts).toEqual(["general", "internal"]);
    // Fridays from 22:00 of the zone.
    expect(kolkata?.waves[1]?.first).toEqual({
      local: "2026-11-27T22:00:00+05:30",
      utc: "2026-11-27T16:30:00Z",
    });
    expect(sum(grid.hours.map(({ accounts }) => accounts))).toBeGreaterThan(SOME.length - 10);
    // In Paris and New York it is not night by then.
    expect(grid.notReached?.zones).toEqual(expect.arrayContaining(["America/New_York", "Europe/Paris"]));
    expect(grid.wayBack).toEqual({ accounts: 0, oneWay: [] });
  });

  it("counts what has moved, and tells only what is ahead", async ({ expect }) => {
    const world = await prepare();
    await must(world, "rollout.start", { id, input: { again: false } });
    await tick(world, FRIDAY + MINUTE);
    for (let minute = 0; minute < 10; minute += 1) await tick(world, FRIDAY_NIGHT + minute * MINUTE);
    const view = valueOf(await world.control.query("rollout", { id }));
    const grid = await ask(world, "2026-12-24T00:00:00Z");
    expect(view.moved).toBeGreaterThan(0);
    expect(sum(grid.rows.map(({ moved }) => moved))).toBe(view.moved);
    for (const [wave, { accounts, moved }] of view.waves.entries()) {
      expect(sum(grid.rows.map((row) => row.waves[wave]?.accounts ?? 0))).toBe(accounts);
      expect(sum(grid.rows.map((row) => row.waves[wave]?.moved ?? 0))).toBe(moved);
    }
    expect(grid.rows.map(({ waves }) => waves[0]?.first)).toEqual([null, null, null]);
    expect(Math.min(...grid.hours.map(({ from }) => Date.parse(from)))).toBeGreaterThanOrEqual(
      FRIDAY_NIGHT - 60 * MINUTE,
    );
    expect(grid.notReached).toEqual({ before: "2026-12-24T00:00:00.000Z", accounts: 0, zones: [] });
    expect(grid.wayBack.accounts).toBe(view.moved);
  });

  it("tells who went back, and nothing ahead of a rollout that is over", async ({ expect }) => {
    const world = await prepare();
    await must(world, "rollout.start", { id, input: { again: false } });
    await tick(world, FRIDAY + MINUTE);
    const { moved } = valueOf(await world.control.query("rollout", { id }));
    await must(world, "rollout.rollback", { id, input: { confirmed: false, reason: "slow" } });
    for (let minute = 2; minute < 6; minute += 1) await tick(world, FRIDAY + minute * MINUTE);
    const grid = await ask(world);
    expect(sum(grid.rows.map(({ waves }) => waves[0]?.back ?? 0))).toBe(moved);
    expect([grid.hours, grid.endAt, grid.wayBack.accounts]).toEqual([[], null, 0]);
  });

  it("refuses what is not there", async ({ expect }) => {
    const world = await prepare();
    expect(await world.control.query("rollout.grid", { id: "nothing", before: null })).toMatchObject({
      ok: false,
      error: { problem: "not-found" },
    });
  });
});
