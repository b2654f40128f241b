/** Deferrals while a rollout runs: what they hold back, and that their end, by time or by hand, moves nobody by itself. */
import { describe, it, vi } from "vitest";
import type { RolloutInput } from "../../../src/contracts/api/rollouts.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { must, readMaps, valueOf, versionFor, type World } from "../../support/control-world.ts";
import { at, FRIDAY, HOUR, MINUTE, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

vi.setConfig({ testTimeout: 60_000 });

const PLAN: RolloutInput = {
  id: "autumn",
  targets: { kiln: "2", fogbugz: "2" },
  waves: [
    { name: "half", cohorts: ["*"], percent: 100, bake: { minutes: 600, requests: 0, workdays: 0 } },
    { name: "rest", cohorts: ["*"], percent: 100 },
  ],
};

const versionOf = (world: World, slug: string): string => versionFor(readMaps(world.kv.values), "kiln", slug);

async function defer(world: World, account: string, untilMs: number): Promise<void> {
  const until = new Date(untilMs).toISOString();
  await must(world, "account.deferral.set", { account, input: { until, reason: "audit", owner: "jo" } });
  await quiet(world);
}

async function prepare(): Promise<World> {
  const accounts = Array.from({ length: 20 }, (_unused, n) => `account-${n}`);
  return prepareRollouts(createMemoryDb(), { accounts });
}

async function start(world: World): Promise<void> {
  await must(world, "rollout.create", { id: "autumn", input: PLAN });
  await must(world, "rollout.start", { id: "autumn", input: { again: false } });
  await quiet(world);
}

const leftBehind = async (world: World): Promise<unknown> =>
  valueOf(await world.control.query("rollout.left-behind", { id: "autumn", cursor: null, limit: 100 })).items;

describe("a deferral that runs out", () => {
  it("lets the account in like one that is lifted: nobody moves by it, the next wave takes both", async ({
    expect,
  }) => {
    const world = await prepare();
    await defer(world, "account-1", FRIDAY + HOUR);
    await defer(world, "account-2", FRIDAY + 20 * 24 * HOUR);
    await start(world);
    await tick(world, FRIDAY + 10 * MINUTE);
    expect(versionOf(world, "account-3")).toBe("2");
    expect(await leftBehind(world)).toMatchObject([
      { account: "account-1", reason: "deferred" },
      { account: "account-2", reason: "deferred" },
    ]);
    await must(world, "account.deferral.lift", { account: "account-2", reason: "r" });
    const happened = await tick(world, FRIDAY + 2 * HOUR);
    expect(happened).toContain("the deferral of account-1 is over; it is not moved by that");
    for (const account of ["account-1", "account-2"]) {
      expect(versionOf(world, account)).toBe("1");
      expect(valueOf(await world.control.query("account", { account })).deferral).toBeNull();
    }
    expect(await leftBehind(world)).toEqual([]);
    const question = { cursor: null, limit: 5, target: "account/account-1", actor: null };
    expect(valueOf(await world.control.query("audit", question)).items[0]).toMatchObject({
      action: "account.deferral.expired",
      actor: "tick",
      reason: "audit",
      detail: { owner: "jo" },
    });
    await tick(world, FRIDAY + 12 * HOUR);
    await tick(world, FRIDAY + 12 * HOUR + 5 * MINUTE);
    for (const account of ["account-1", "account-2"]) expect(versionOf(world, account)).toBe("2");
  });

  it("is forgotten without a rollout too, and counts for the limit of them all", async ({ expect }) => {
    const world = await prepare();
    await defer(world, "account-1", FRIDAY + HOUR);
    await tick(world, FRIDAY + 2 * HOUR);
    expect(world.db.rows("SELECT account FROM deferrals")).toEqual([]);
    expect(world.db.rows("SELECT last_until FROM deferral_series")).toEqual([{ last_until: FRIDAY + HOUR }]);
  });
});

describe("a deferral of an account that a running rollout has not moved", () => {
  it("holds it back from then on", async ({ expect }) => {
    const world = await prepare();
    await must(world, "rollout.create", {
      id: "autumn",
      input: { ...PLAN, waves: [{ name: "all", cohorts: ["*"], percent: 100, window: "nights" }] },
    });
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await quiet(world);
    await tick(world, FRIDAY + 10 * MINUTE);
    await defer(world, "account-4", at("2026-12-20T00:00:00Z"));
    expect(await leftBehind(world)).toEqual([
      { account: "account-4", reason: "deferred", detail: "until 2026-12-20T00:00:00.000Z" },
    ]);
    for (let now = FRIDAY + HOUR; now < FRIDAY + 30 * HOUR; now += HOUR) await tick(world, now);
    expect(versionOf(world, "account-1")).toBe("2");
    expect(versionOf(world, "account-4")).toBe("1");
  });
});
