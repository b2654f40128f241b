/** Plans over the real control plane: what a freeze would change, by wave, zone and label, and who cannot go back. */
import { describe, it } from "vitest";
import { RolloutInputSchema } from "../../../src/contracts/api/rollouts.ts";
import type { RolloutPlanView, RolloutQueryInputs } from "../../../src/contracts/rollout-port.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { must, valueOf, VERSION, type World } from "../../support/control-world.ts";
import { prepareRollouts } from "../../support/rollout-world.ts";

const ACCOUNTS = Array.from({ length: 60 }, (_unused, n) => `account-${n}`);
const PLAN = RolloutInputSchema.parse({
  id: "autumn",
  targets: { kiln: "2", fogbugz: "2" },
  waves: [
    { name: "staff", cohorts: ["internal"], percent: 100 },
    { name: "rest", cohorts: ["*"], percent: 100, window: "nights" },
  ],
  default: {
    move: true,
    afterDays: 1,
    window: [{ days: ["mon", "tue", "wed", "thu"], from: "10:00", to: "15:00", zone: "America/New_York" }],
    bake: { minutes: 60, requests: 0 },
  },
});

async function prepare(): Promise<World> {
  const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS });
  for (const [n, account] of ACCOUNTS.entries()) {
    if (n % 3 !== 0) continue;
    await must(world, "account.put", {
      account,
      input: {
        timeZone: "Europe/Paris",
        cohort: n % 10 === 0 ? "internal" : "general",
        labels: { tier: "gold" },
      },
    });
  }
  return world;
}

type Asked = Partial<Pick<RolloutQueryInputs["rollout.plan"], "before" | "at" | "label" | "withFreeze">>;

async function plan(world: World, asked: Asked): Promise<RolloutPlanView> {
  const question = { input: PLAN, before: null, at: null, label: null, ...asked };
  return valueOf(await world.control.query("rollout.plan", question));
}

describe("a plan with a freeze that is not there yet", () => {
  it("says what the freeze would change, wave by wave and to the end, and keeps none", async ({ expect }) => {
    const world = await prepare();
    const before = "2026-11-29T12:00:00Z";
    const withFreeze = { from: "2026-11-27", to: "2026-11-30", zone: "account", scope: {}, reason: "shop" };
    const told = await plan(world, { before, withFreeze });
    expect(told.notReached?.accounts).toBe(0);
    expect(told.waves.map(({ shiftedAt }) => shiftedAt?.slice(0, 10))).toEqual(["2026-11-27", "2026-11-28"]);
    expect(told.whatIf).toMatchObject({
      freeze: { from: "2026-11-27", to: "2026-11-30" },
      waves: [{ name: "staff" }, { name: "rest" }],
      notReached: { accounts: 60 },
    });
    const later = told.whatIf?.waves.map(({ shiftedAt }) => shiftedAt?.slice(0, 10));
    expect(later).toEqual(["2026-12-01", "2026-12-05"]);
    expect(Date.parse(told.whatIf?.endAt ?? "")).toBeGreaterThan(Date.parse(told.endAt ?? ""));
    expect(told.whatIf?.defaults.map(({ at }) => at.slice(0, 10))).toEqual(["2026-12-07", "2026-12-07"]);
    expect(valueOf(await world.control.query("freezes", {}))).toEqual([]);
    await must(world, "freeze.put", { name: "shop", input: withFreeze });
    const kept = await plan(world, { before });
    expect(kept.endAt).toBe(told.whatIf?.endAt);
    expect(kept.waves.map(({ shiftedAt }) => shiftedAt)).toEqual(
      told.whatIf?.waves.map(({ shiftedAt }) => shiftedAt),
    );
    expect(kept.whatIf).toBeNull();
  });

  it("holds labelled accounts alone when it names a label", async ({ expect }) => {
    const world = await prepare();
    const scope = { labels: { tier: "gold" } };
    const withFreeze = { from: "2026-11-27", to: "2026-12-10", zone: "UTC", scope, reason: "vip" };
    const told = await plan(world, { before: "2026-11-29T12:00:00Z", withFreeze });
    // Four of the staff carry no label; the first wave waits for the other two, and everybody after them.
    expect(told.whatIf?.notReached?.accounts).toBe(56);
    expect(told.whatIf?.waves.map(({ accounts }) => accounts)).toEqual([6, 54]);
  });
});

describe("a plan", () => {
  it("counts accounts by wave, by zone and by the value of a label", async ({ expect }) => {
    const world = await prepare();
    const told = await plan(world, { label: "tier" });
    for (const { accounts, zones, labels } of told.waves) {
      expect(zones.reduce((sum, zone) => sum + zone.accounts, 0)).toBe(accounts);
      expect(Object.values(labels ?? {}).reduce((sum, each) => sum + each, 0)).toBe(accounts);
    }
    expect(told.waves.map(({ labels }) => labels)).toEqual([
      { gold: 2, "": 4 },
      { gold: 18, "": 36 },
    ]);
    expect(told.whatIf).toBeNull();
  });

  it("tells how many of the accounts its waves move", async ({ expect }) => {
    const world = await prepare();
    expect(await plan(world, {})).toMatchObject({ accounts: 60, moves: 60 });
    const waves = [{ name: "staff", cohorts: ["internal"], percent: 100 }];
    const input = RolloutInputSchema.parse({ id: "autumn", targets: { kiln: "2" }, waves });
    const question = { input, before: null, at: null, label: null };
    expect(valueOf(await world.control.query("rollout.plan", question))).toMatchObject({
      accounts: 60,
      moves: 6,
    });
  });

  it("says after which wave accounts cannot go back, also where that ends in between", async ({ expect }) => {
    const world = await prepare();
    const origin = "https://kiln-2.origins.example.net";
    const put = (reversible: boolean | string): Promise<unknown> =>
      must(world, "version.put", {
        product: "kiln",
        version: "2",
        input: { ...VERSION, reversible, origin },
      });
    await put("2026-11-28T00:00:00Z");
    const told = await plan(world, {});
    expect(told.waves.map(({ oneWay }) => oneWay)).toEqual([[], ["kiln 2"]]);
    await put(false);
    expect((await plan(world, {})).waves.map(({ oneWay }) => oneWay)).toEqual([["kiln 2"], ["kiln 2"]]);
  });
});
