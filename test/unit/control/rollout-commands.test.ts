/** What people tell a running rollout, over the real control plane: a yes, a waiver, late accounts, a stepped way back. */
import { describe, it, vi } from "vitest";
import type { RolloutInput, RolloutView } from "../../../src/contracts/api/rollouts.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  contextOf,
  must,
  readMaps,
  refusalOf,
  valueOf,
  versionFor,
  type World,
} from "../../support/control-world.ts";
import { FRIDAY, HOUR, MINUTE, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

vi.setConfig({ testTimeout: 60_000 });

const ACCOUNTS = Array.from({ length: 60 }, (_unused, n) => `account-${n}`);
const BAKE = { minutes: 60, requests: 0, workdays: 0 };
const LONG = { minutes: 3000, requests: 0, workdays: 0 };
const id = "autumn";

async function started(waves: RolloutInput["waves"], more: Partial<RolloutInput> = {}): Promise<World> {
  const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS });
  await must(world, "rollout.create", {
    id,
    input: { id, targets: { kiln: "2", fogbugz: "2" }, waves, ...more },
  });
  await must(world, "rollout.start", { id, input: { again: false } });
  await quiet(world);
  await tick(world, FRIDAY + MINUTE);
  return world;
}

const show = async (world: World): Promise<RolloutView> =>
  valueOf(await world.control.query("rollout", { id }));
const moved = (world: World): number => {
  const maps = readMaps(world.kv.values);
  return ACCOUNTS.filter((slug) => versionFor(maps, "kiln", slug) === "2").length;
};
const entries = async (world: World, action: string): Promise<readonly { detail: unknown }[]> => {
  const question = { cursor: null, limit: 200, target: `rollout/${id}`, actor: null };
  return valueOf(await world.control.query("audit", question)).items.filter((item) => item.action === action);
};

describe("an approval", () => {
  const WAVES: RolloutInput["waves"] = [
    { name: "staff", cohorts: ["internal"], percent: 100 },
    { name: "half", cohorts: ["*"], percent: 50, approve: "before", bake: BAKE },
    { name: "rest", cohorts: ["*"], percent: 100, approve: "before", bake: BAKE },
  ];

  it("says how many accounts it moves, and a double click approves one wave", async ({ expect }) => {
    const world = await started(WAVES);
    expect(await show(world)).toMatchObject({
      phase: "awaiting-approval",
      wave: 1,
      reason: 'Wave 1 "half" waits for approval: it moves 24 accounts',
    });
    const click = { id, input: { wave: 1 } };
    const [first, second] = await Promise.all([
      must(world, "rollout.approve", click),
      must(world, "rollout.approve", click),
    ]);
    expect(second.revision).toBe(first.revision);
    await quiet(world);
    await tick(world, FRIDAY + 2 * MINUTE);
    expect(moved(world)).toBe(30);
    const told = await entries(world, "rollout.approve");
    expect(told).toHaveLength(1);
    expect(told[0]?.detail).toMatchObject({ happened: ['wave "half" (24 accounts) approved by the-admin'] });

    // The click that comes late finds the next wave waiting, and does not approve it.
    await tick(world, FRIDAY + 2 * HOUR);
    expect(await show(world)).toMatchObject({ phase: "awaiting-approval", wave: 2 });
    await must(world, "rollout.approve", click);
    await tick(world, FRIDAY + 3 * HOUR);
    expect(await show(world)).toMatchObject({ phase: "awaiting-approval", wave: 2 });
    expect(moved(world)).toBe(30);
  });

  it("is refused for a wave that is not at hand, and for a revision that has passed", async ({ expect }) => {
    const world = await started(WAVES);
    const ahead = await world.control.execute("rollout.approve", { id, input: { wave: 2 } }, contextOf());
    expect(refusalOf(ahead).detail).toBe("wave 1 is at hand, not wave 2");
    const { revision } = await show(world);
    const stale = contextOf("operator", { ifMatch: revision - 1 });
    const late = await world.control.execute("rollout.approve", { id, input: { wave: 1 } }, stale);
    expect(refusalOf(late).problem).toBe("stale-revision");
    expect(moved(world)).toBe(6);
  });
});

describe("a gate that cannot tell", () => {
  const GATE: RolloutInput["gate"] = {
    errorIncreasePercent: 1,
    alpha: 0.05,
    minAccounts: 20,
    onFail: "pause",
    onInconclusive: "hold",
    mustHave: [],
  };

  it("holds the wave until somebody waives it by name, which goes for this wave alone", async ({
    expect,
  }) => {
    const waves: RolloutInput["waves"] = [
      { name: "staff", cohorts: ["internal"], percent: 100, bake: BAKE },
      { name: "rest", cohorts: ["*"], percent: 100, bake: BAKE },
    ];
    const world = await started(waves, { gate: GATE });
    await tick(world, FRIDAY + 2 * HOUR);
    expect(await show(world)).toMatchObject({ phase: "baking", cause: "gate", wave: 0 });
    const other = await world.control.execute(
      "rollout.waive-gate",
      { id, input: { wave: 1, reason: "r" } },
      contextOf(),
    );
    expect(refusalOf(other).detail).toBe("wave 0 is at hand, not wave 1");
    await must(world, "rollout.waive-gate", { id, input: { wave: 0, reason: "staff sleeps" } });
    await must(world, "rollout.waive-gate", { id, input: { wave: 0, reason: "again" } });
    expect(await entries(world, "rollout.waive-gate")).toHaveLength(1);
    await quiet(world);
    await tick(world, FRIDAY + 2 * HOUR + MINUTE);
    expect(moved(world)).toBe(60);
    await tick(world, FRIDAY + 5 * HOUR);
    expect(await show(world)).toMatchObject({ phase: "baking", cause: "gate", wave: 1 });
  });
});

describe("accounts that became eligible late", () => {
  it("are taken into the wave at hand by adopt, once, and by nothing else", async ({ expect }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS });
    const until = new Date(FRIDAY + HOUR).toISOString();
    for (const account of ["account-1", "account-2"])
      await must(world, "account.deferral.set", { account, input: { until, reason: "r", owner: "o" } });
    const waves: RolloutInput["waves"] = [{ name: "all", cohorts: ["*"], percent: 100, bake: LONG }];
    const input = { id, targets: { kiln: "2", fogbugz: "2" }, waves };
    await must(world, "rollout.create", { id, input });
    await must(world, "rollout.start", { id, input: { again: false } });
    await quiet(world);
    await tick(world, FRIDAY + 2 * HOUR);
    expect(moved(world)).toBe(58);
    expect((await show(world)).leftBehind).toMatchObject([{ reason: "late", accounts: 2 }]);
    await must(world, "rollout.adopt", { id, from: id });
    await quiet(world);
    await tick(world, FRIDAY + 2 * HOUR + MINUTE);
    expect(moved(world)).toBe(60);
    const { revision } = await show(world);
    await must(world, "rollout.adopt", { id, from: id });
    expect((await show(world)).revision).toBe(revision);
    expect(await entries(world, "rollout.adopt")).toHaveLength(1);
  });
});

describe("a rollback in steps", () => {
  it("takes accounts back at its pace, whatever window or freeze holds, and never forward", async ({
    expect,
  }) => {
    const world = await started([{ name: "all", cohorts: ["*"], percent: 100, bake: LONG }]);
    expect(moved(world)).toBe(60);
    const freeze = { from: "2026-11-27", to: "2026-11-30", zone: "UTC", scope: {}, reason: "shop" };
    await must(world, "freeze.put", { name: "shop", input: freeze });
    await must(world, "rollout.rollback", {
      id,
      input: { confirmed: false, reason: "r", percentPerMinute: 10 },
    });
    await quiet(world);
    const counts = [moved(world)];
    for (let minute = 2; minute <= 20 && (await show(world)).phase === "rolling-back"; minute += 1) {
      await tick(world, FRIDAY + minute * MINUTE);
      counts.push(moved(world));
    }
    expect(counts.at(-1)).toBe(0);
    expect(counts.length).toBeGreaterThanOrEqual(9);
    for (const [at, count] of counts.entries())
      if (at > 0) expect((counts[at - 1] ?? 0) - count).toBeLessThanOrEqual(14);
    expect([...counts].sort((a, b) => b - a)).toEqual(counts);
    expect((await show(world)).phase).toBe("rolled-back");
  });

  it("down to a wave keeps what that wave moved, and goes on only with a word", async ({ expect }) => {
    const world = await started([
      { name: "staff", cohorts: ["internal"], percent: 100 },
      { name: "half", cohorts: ["*"], percent: 50 },
      { name: "rest", cohorts: ["*"], percent: 100, bake: LONG },
    ]);
    expect(moved(world)).toBe(60);
    await must(world, "rollout.rollback", { id, input: { confirmed: false, reason: "r", toWave: 1 } });
    await quiet(world);
    await tick(world, FRIDAY + 3 * MINUTE);
    expect(moved(world)).toBe(30);
    expect(await show(world)).toMatchObject({ phase: "paused", cause: "rollback" });
    await must(world, "rollout.resume", { id, input: { again: false } });
    await quiet(world);
    await tick(world, FRIDAY + 4 * MINUTE);
    expect(moved(world)).toBe(30);
    await must(world, "rollout.pause", { id, input: { reason: "r" } });
    await must(world, "rollout.resume", { id, input: { again: true } });
    await quiet(world);
    await tick(world, FRIDAY + 5 * MINUTE);
    expect(moved(world)).toBe(60);
  });
});
