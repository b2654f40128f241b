/** Accounts whose data lies between two versions, because an undo was never confirmed: nobody serves, moves or touches them. */
import { beforeEach, describe, it, vi } from "vitest";
import type { RolloutInput } from "../../../src/contracts/api/rollouts.ts";
import type { HookCall } from "../../../src/contracts/move-data.ts";
import { settlingFor } from "../../../src/contracts/settling.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  contextOf,
  decide,
  must,
  readMaps,
  refusalOf,
  valueOf,
  VERSION,
  type World,
} from "../../support/control-world.ts";
import { HOUR, prepareRollouts, quiet } from "../../support/rollout-world.ts";

vi.setConfig({ testTimeout: 120_000 });

const STUCK = "account-3";
const ORIGIN = "https://kiln-2.origins.example.net";
const HOOKS = {
  kind: "perAccount" as const,
  prepare: `${ORIGIN}/prepare`,
  verify: `${ORIGIN}/verify`,
  undo: `${ORIGIN}/undo`,
  timeoutSeconds: 5,
  concurrency: 10,
};
const DAY = 24 * HOUR;
const ALARM_EVERY_MS = 5000;
const ALARMS_A_TICK = 12;
const MOST_TICKS = 60;

let world: World;
let calls: HookCall[];
/** What the stuck account's hooks cannot do. */
let broken: readonly HookCall["step"][];

beforeEach(async () => {
  calls = [];
  broken = ["verify", "undo"];
  world = await prepareRollouts(createMemoryDb(), {
    accounts: Array.from({ length: 12 }, (_unused, n) => `account-${n}`),
    settling: settlingFor(20_000),
    sendHook: async (call) => {
      if (call.body.accounts[0] !== STUCK) return { kind: "done" };
      calls.push(call);
      return broken.includes(call.step) ? { kind: "failed", why: "no" } : { kind: "done" };
    },
  });
  const input = {
    ...VERSION,
    reversible: true,
    origin: ORIGIN,
    mixed: "never" as const,
    migration: HOOKS,
  };
  await must(world, "version.put", { product: "kiln", version: "2", input });
  await quiet(world);
});

/** A minute in which the control plane wakes as often as hooks want. */
async function pass(): Promise<void> {
  for (let n = 0; n < ALARMS_A_TICK; n += 1) {
    world.clock.now += ALARM_EVERY_MS;
    await world.control.alarm();
    await world.control.idle();
  }
  await world.control.tick(world.clock.now);
  await world.control.idle();
}

async function runUntil(id: string, phase: string): Promise<void> {
  const bake = { minutes: 1, requests: 0, workdays: 0 };
  const waves = [{ name: "all", cohorts: ["*"], percent: 100, bake }];
  const plan: RolloutInput = { id, targets: { kiln: "2" }, waves };
  await must(world, "rollout.create", { id, input: plan });
  await must(world, "rollout.start", { id, input: { again: false } });
  for (let n = 0; n < MOST_TICKS; n += 1) {
    if (valueOf(await world.control.query("rollout", { id })).phase === phase) return;
    await pass();
  }
  throw new Error(`rollout ${id} does not come to ${phase}`);
}

const served = (slug = STUCK): string => decide(readMaps(world.kv.values), "kiln", slug);

describe("an account whose undo is not confirmed", () => {
  it("is left behind by later rollouts, so that the late undo undoes nothing of theirs", async ({
    expect,
  }) => {
    await runUntil("first", "completed");
    expect(served()).toMatch(/^held/);
    await runUntil("second", "completed");
    expect(new Set(calls.map(({ body }) => body.rollout))).toEqual(new Set(["first"]));
    const query = { id: "second", cursor: null, limit: 20 };
    const left = valueOf(await world.control.query("rollout.left-behind", query)).items;
    expect(left.find(({ account }) => account === STUCK)).toMatchObject({
      reason: "stuck",
      detail: expect.stringContaining("rollout first has yet to undo"),
    });
    broken = [];
    for (let n = 0; n < 4; n += 1) await pass();
    expect(served()).toBe("1 by home");
    await runUntil("third", "completed");
    expect(served()).toBe("2 by home");
  });

  it("cannot be pinned or put in quarantine until then", async ({ expect }) => {
    await runUntil("first", "completed");
    const input = { version: "1", reason: "t", expires: null };
    const pin = { account: STUCK, product: "kiln", input };
    expect(refusalOf(await world.control.execute("account.pin.set", pin, contextOf())).detail).toContain(
      "lies between two versions: rollout first asks its undo hook",
    );
  });

  it("gets the page also where an operator holds it read-only, and after they lift that", async ({
    expect,
  }) => {
    const hold = (mode: "readOnly" | "page") => ({
      account: STUCK,
      input: { mode, message: null, until: null, reason: "audit" },
    });
    const modeOf = (): string | undefined => readMaps(world.kv.values).find(STUCK)?.hold?.mode;
    await must(world, "account.hold.set", hold("readOnly"));
    await quiet(world);
    expect(modeOf()).toBe("readOnly");
    await runUntil("first", "completed");
    expect(modeOf()).toBe("page");
    const again = await world.control.execute("account.hold.set", hold("readOnly"), contextOf());
    expect(refusalOf(again).detail).toContain("only a page may hold it now");
    await must(world, "account.hold.lift", { account: STUCK, reason: "audit over" });
    await pass();
    expect(modeOf()).toBe("page");
    broken = [];
    for (let n = 0; n < 4; n += 1) await pass();
    expect(served()).toBe("1 by home");
  });

  it("goes back to being read-only where an operator said so, once the undo is confirmed", async ({
    expect,
  }) => {
    const input = { mode: "readOnly" as const, message: null, until: null, reason: "audit" };
    await must(world, "account.hold.set", { account: STUCK, input });
    await quiet(world);
    await runUntil("first", "completed");
    broken = [];
    for (let n = 0; n < 4; n += 1) await pass();
    expect(readMaps(world.kv.values).find(STUCK)?.hold?.mode).toBe("readOnly");
  });

  it("is told of by an alarm, the rollout ended or not, until the undo is confirmed or it is deleted", async ({
    expect,
  }) => {
    const told = async (): Promise<readonly string[]> =>
      valueOf(await world.control.query("alarms", {}))
        .filter(({ name }) => name === "undo-unconfirmed")
        .map(({ subject, words, firstCommand }) => `${subject}: ${words.split(": ")[1]}; ${firstCommand}`);
    await runUntil("first", "completed");
    expect(await told()).toEqual([`first: ${STUCK}; firebreak rollout left-behind first`]);
    await must(world, "account.delete", { account: STUCK, reason: "left" });
    expect(await told()).toEqual([]);
    await must(world, "account.undelete", { account: STUCK, input: { reason: "by mistake" } });
    expect(await told()).toHaveLength(1);
    broken = [];
    for (let n = 0; n < 4; n += 1) await pass();
    expect(await told()).toEqual([]);
  });

  it("keeps its slug when it is deleted, so that nobody else is undone under its name", async ({
    expect,
  }) => {
    await runUntil("first", "completed");
    await must(world, "account.delete", { account: STUCK, reason: "left" });
    const add = { account: STUCK, input: { timeZone: "Europe/Paris", cohort: "general" } };
    const ageDays = async (days: number): Promise<void> => {
      world.clock.now += days * DAY;
      await pass();
    };
    await ageDays(91);
    const refused = await world.control.execute("account.put", add, contextOf());
    expect(refusalOf(refused).detail).toContain(`${STUCK} was deleted`);
    broken = [];
    await ageDays(1);
    await pass();
    await must(world, "account.put", add);
    const asked = calls.length;
    await ageDays(1);
    expect(calls).toHaveLength(asked);
    await must(world, "account.pin.set", {
      account: STUCK,
      product: "kiln",
      input: { version: "1", reason: "t", expires: null },
    });
  });
});
