/** What is told ahead of one account, held against what ticks then do: to the minute, in a world where all goes as planned. */
import { describe, it } from "vitest";
import { RolloutInputSchema } from "../../../src/contracts/api/rollouts.ts";
import type { AheadView } from "../../../src/contracts/history-port.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { must, readMaps, valueOf, versionFor, type World } from "../../support/control-world.ts";
import { at, FRIDAY, HOUR, MINUTE, PLAN, prepareRollouts, tick, ZONES } from "../../support/rollout-world.ts";

const ACCOUNTS = Array.from({ length: 60 }, (_unused, n) => `account-${n}`);
const QUICK = {
  ...PLAN,
  waves: PLAN.waves.map((wave) => ({
    ...wave,
    ...(wave.percentPerMinute === undefined ? {} : { percentPerMinute: 10 }),
  })),
};

async function ask(world: World, account: string | null, rollout: string | null = null): Promise<AheadView> {
  return valueOf(await world.control.query("history.ahead", { product: "kiln", account, rollout }));
}

async function askAll(world: World, rollout: string | null = null): Promise<Map<string, AheadView>> {
  const told = new Map<string, AheadView>();
  for (const account of ACCOUNTS) told.set(account, await ask(world, account, rollout));
  return told;
}

/** Every minute in which something may move in these two nights. */
function minutes(): number[] {
  const all = ["2026-11-27", "2026-11-28"].flatMap((day) =>
    [16.5, 21, 27].flatMap((hour) =>
      Array.from(
        { length: 14 },
        (_unused, minute) => at(`${day}T00:00:00Z`) + hour * HOUR + (minute - 1) * MINUTE,
      ),
    ),
  );
  return [FRIDAY + MINUTE, ...all].sort((a, b) => a - b);
}

/** When each account was first on version 2, and the approval that the plan assumes at once. */
async function live(world: World): Promise<Map<string, number>> {
  const moved = new Map<string, number>();
  for (const now of minutes()) {
    await tick(world, now);
    const { phase } = valueOf(await world.control.query("rollout", { id: "autumn" }));
    if (phase === "awaiting-approval") {
      await must(world, "rollout.approve", { id: "autumn", input: { wave: 2 } });
      await tick(world, now + 1000);
    }
    const maps = readMaps(world.kv.values);
    for (const account of ACCOUNTS)
      if (!moved.has(account) && versionFor(maps, "kiln", account) === "2") moved.set(account, now);
  }
  return moved;
}

async function started(): Promise<World> {
  const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS });
  await must(world, "rollout.create", { id: "autumn", input: QUICK });
  await must(world, "rollout.start", { id: "autumn", input: { again: false } });
  await tick(world, FRIDAY + 1);
  return world;
}

describe("what is told ahead", () => {
  it("is the minute at which ticks then move each account, told while the rollout runs", async ({
    expect,
  }) => {
    const world = await started();
    const told = await askAll(world);
    const moved = await live(world);
    const early = [...told].filter(([, { move }]) => move !== null && move.wave !== "staff");
    expect(early.length).toBeGreaterThan(40);
    for (const [account, { move }] of told) {
      if (move === null) continue;
      expect([account, move.wave, move.atMs]).toEqual([account, move.wave, moved.get(account)]);
    }
    // Whoever is not told to move had moved already: the first wave asks for no window.
    const rest = [...told].filter(([, { move }]) => move === null);
    for (const [, { stays }] of rest) expect(stays).toContain("has moved the account already");
    expect(early.length + rest.length).toBe(ACCOUNTS.length);
  });

  it("lies within what the plan says of the wave and zone, for a draft as for what runs", async ({
    expect,
  }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS });
    await must(world, "rollout.create", { id: "autumn", input: QUICK });
    const plan = valueOf(
      await world.control.query("rollout.plan", { id: "autumn", before: null, at: null, label: null }),
    );
    const counted = new Map<string, number>();
    for (const [account, { move, unless }] of await askAll(world, "autumn")) {
      const wave = plan.waves.find(({ name }) => name === move?.wave);
      const zone = wave?.zones.find((one) => one.zone === move?.zone);
      if (move === null || zone === undefined) throw new Error(`${account} is not in the plan`);
      expect(move.zone).toBe(ZONES[ACCOUNTS.indexOf(account) % ZONES.length]);
      expect(move.atMs).toBeGreaterThanOrEqual(at(zone.first.utc));
      expect(move.atMs).toBeLessThanOrEqual(at(zone.last.utc));
      expect(unless[0]).toContain("is a draft");
      counted.set(wave?.name ?? "", (counted.get(wave?.name ?? "") ?? 0) + 1);
    }
    expect(plan.waves.map(({ name }) => counted.get(name))).toEqual(
      plan.waves.map(({ accounts }) => accounts),
    );
  });

  it("names what stands between now and the move", async ({ expect }) => {
    const world = await started();
    const told = await askAll(world);
    const last = [...told].find(([, { move }]) => move?.wave === "rest");
    expect(last?.[1].unless.join(" ")).toContain('Wave "rest" waits for approval');
    await must(world, "rollout.pause", { id: "autumn", input: { reason: "lunch" } });
    await must(world, "halt.set", { input: { on: true, reason: "look" } });
    const { unless } = await ask(world, last?.[0] ?? "");
    expect(unless.join(" ")).toMatch(/Everything is halted.*is paused \(.*lunch/);
  });

  it("says why an account stays", async ({ expect }) => {
    const world = await started();
    const told = await askAll(world);
    const [first = "", second = ""] = [...told].flatMap(([name, { move }]) => (move === null ? [] : [name]));
    await must(world, "account.pin.set", {
      account: first,
      product: "kiln",
      input: { version: "1", reason: "t", expires: null },
    });
    await must(world, "account.put", { account: "late", input: { timeZone: "UTC", cohort: "general" } });
    expect((await ask(world, first)).stays).toContain("is pinned");
    expect((await ask(world, "late")).stays).toContain("came after it had started");
    expect(await ask(world, null)).toMatchObject({
      move: null,
      stays: "rollout autumn leaves the default where it is",
    });
    await must(world, "rollout.rollback", { id: "autumn", input: { reason: "errors", confirmed: true } });
    expect((await ask(world, second)).stays).toContain("rolled back");
  });

  it("tells the default's minute, and refuses a rollout that is not about the product", async ({
    expect,
  }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS.slice(0, 20) });
    const input = RolloutInputSchema.parse({
      id: "alone",
      targets: { kiln: "2" },
      waves: [{ name: "all", cohorts: ["*"], percent: 100 }],
      default: {
        move: true,
        afterDays: 1,
        window: { days: ["mon", "tue"], from: "10:00", to: "15:00", zone: "America/New_York" },
      },
    });
    await must(world, "rollout.create", { id: "alone", input });
    const { move, unless } = await ask(world, null, "alone");
    expect(move).toMatchObject({ wave: null, to: "2", at: { local: "2026-11-30T10:00:00-05:00" } });
    expect(unless.join(" ")).toContain("every class of request");
    const other = await world.control.query("history.ahead", {
      product: "fogbugz",
      account: null,
      rollout: "alone",
    });
    expect(other.ok ? null : other.error.detail).toContain("is about kiln");
    expect(await ask(world, "account-1")).toMatchObject({ rollout: null, move: null, stays: null });
  });
});
