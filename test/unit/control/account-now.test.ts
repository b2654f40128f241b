/** One account as support sees it while rollouts run: the version it is really on, why, and what comes next. */
import { describe, it, vi } from "vitest";
import type { Account } from "../../../src/contracts/api/accounts.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { decide, must, readMaps, valueOf, type World } from "../../support/control-world.ts";
import { at, FRIDAY, HOUR, MINUTE, PLAN, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

vi.setConfig({ testTimeout: 60_000 });

const ACCOUNTS = Array.from({ length: 60 }, (_unused, n) => `account-${n}`);

const show = async (world: World, account: string): Promise<Account> =>
  valueOf(await world.control.query("account", { account }));

async function agrees(world: World): Promise<string[]> {
  const maps = readMaps(world.kv.values);
  const wrong: string[] = [];
  for (const account of ACCOUNTS.filter((_, n) => n % 3 !== 2)) {
    const { now } = await show(world, account);
    for (const product of ["kiln", "fogbugz"]) {
      const told = `${now?.[product]?.version} by ${now?.[product]?.reason}`;
      const served = decide(maps, product, account);
      if (told !== served) wrong.push(`${account} ${product}: told ${told}, served ${served}`);
    }
  }
  return wrong;
}

describe("an account's view", () => {
  it("shows what it is served, why, and the next move, at every step of a rollout", async ({ expect }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS });
    expect((await show(world, "account-1")).now?.["kiln"]).toEqual({
      version: "1",
      reason: "home",
      rollout: null,
      replaced: null,
      next: null,
      stays: null,
    });
    const pin = { version: "1", reason: "r", expires: null };
    await must(world, "account.pin.set", { account: "account-7", product: "kiln", input: pin });
    await must(world, "rollout.create", { id: "autumn", input: PLAN });
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await quiet(world);
    await must(world, "account.quarantine.set", {
      account: "account-10",
      product: "fogbugz",
      input: { version: "1", reason: "search" },
    });
    await quiet(world);
    await tick(world, FRIDAY + MINUTE);
    expect(await agrees(world)).toEqual([]);

    const staff = (await show(world, "account-0")).now;
    expect(staff?.["kiln"]).toMatchObject({ version: "2", reason: "rollout", rollout: "autumn", next: null });
    const waits = (await show(world, "account-1")).now?.["kiln"];
    expect(waits).toMatchObject({ version: "1", reason: "home", stays: null });
    expect(waits?.next).toMatchObject({ rollout: "autumn", to: "2" });
    expect(["forty", "rest"]).toContain(waits?.next?.wave);
    expect(waits?.next?.local).toMatch(/^2026-(?:11|12)-\d\dT(?:22|23|00|01):\d\d:00-05:00$/);
    expect(Date.parse(waits?.next?.local ?? "")).toBe(Date.parse(waits?.next?.utc ?? ""));
    const pinned = (await show(world, "account-7")).now?.["kiln"];
    expect(pinned).toMatchObject({ version: "1", reason: "pin", next: null });
    expect(pinned?.stays).toContain("it is pinned");
    expect((await show(world, "account-0")).homes["kiln"]).toBe("1");

    for (let now = FRIDAY + 8 * HOUR; now < at("2026-11-29T12:00:00Z"); now += 6 * HOUR) {
      await tick(world, now);
      expect(await agrees(world)).toEqual([]);
    }
  });

  it("is told of one account alone, not in lists", async ({ expect }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS });
    const list = valueOf(await world.control.query("accounts", { limit: 3, deleted: false }));
    expect(list.items.map(({ now }) => now)).toEqual([undefined, undefined, undefined]);
  });
});
