/**
 * What goes on behind a rollout when its parts come in another order than usual: an end before its probes were sent, an
 * alarm whose own tick is too old, a tick that is told after a command it came before.
 */
import { describe, it } from "vitest";
import { findAuditBreak } from "../../../src/control/store/audit.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { must, valueOf, type World } from "../../support/control-world.ts";
import {
  ACCOUNTS,
  FRIDAY,
  HOUR,
  MINUTE,
  PLAN,
  prepareRollouts,
  quiet,
  tick,
} from "../../support/rollout-world.ts";

/** A rollout whose staff has moved. */
async function begun(): Promise<World> {
  const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS.slice(0, 40) });
  await must(world, "rollout.create", { id: "autumn", input: PLAN });
  await must(world, "rollout.start", { id: "autumn", input: { again: false } });
  await quiet(world);
  await tick(world, FRIDAY + HOUR);
  return world;
}

const back = { reason: "test", confirmed: true };

describe("a rollout that ends before its probes were sent", () => {
  it("leaves nothing behind that an alarm would be for", async ({ expect }) => {
    const world = await begun();
    await must(world, "rollout.rollback", { id: "autumn", input: back });
    // No alarm came in between: the object was evicted, or is about to be.
    world.clock.now += 2 * MINUTE;
    await world.control.tick(world.clock.now);
    expect(valueOf(await world.control.query("rollout", { id: "autumn" })).phase).toBe("rolled-back");
    await quiet(world);
    expect(world.wakeUp.at).toBeGreaterThan(world.clock.now);
  });
});

describe("an alarm after cron has gone silent", () => {
  it("carries on although its own tick is older than the object's clock", async ({ expect }) => {
    const world = await begun();
    // The clock was driven ahead of the wall, as the local run does; then nobody ticks.
    await world.control.tick(world.clock.now + 24 * HOUR);
    await quiet(world);
    await must(world, "rollout.stop", { id: "autumn", input: { reason: "test" } });
    world.clock.now += 10 * MINUTE;
    await world.control.alarm();
    await world.control.idle();
    expect(world.db.rows("SELECT homes FROM rollouts")).toEqual([{ homes: "written" }]);
  });
});

describe("the audit", () => {
  it("does not run backwards when a tick comes after a later command", async ({ expect }) => {
    const world = await begun();
    const { now } = world.clock;
    const input = { version: "1", reason: "test", expires: new Date(now + 10_000).toISOString() };
    await must(world, "account.pin.set", { account: "account-3", product: "kiln", input });
    world.clock.now += 30_000;
    await must(world, "halt.set", { input: { on: true, reason: "test" } });
    const { happened } = await world.control.tick(now + 20_000);
    expect(happened.join()).toContain("account-3");
    const times = world.db.rows("SELECT at FROM audit ORDER BY seq").map(({ at }) => Number(at));
    expect(times).toEqual(times.toSorted((left, right) => left - right));
  });
});

describe("the audit of a command", () => {
  it("says who wanted it before what came of it, in one unbroken chain", async ({ expect }) => {
    const world = await begun();
    await must(world, "rollout.rollback", { id: "autumn", input: back });
    const entries = world.db.rows(
      "SELECT actor, action FROM audit WHERE target = 'rollout/autumn' ORDER BY seq",
    );
    const told = entries.map(({ actor, action }) => `${String(actor)}: ${String(action)}`);
    const start = told.indexOf("the-admin: rollout.start");
    expect(told[start - 1]).toBe("the-admin: rollout.create");
    expect(told[start + 1]).toMatch(/^rollout: /);
    const asked = told.indexOf("the-admin: rollout.rollback");
    expect(told.slice(asked + 1)).toContain("rollout: rollout.phase");
    expect(findAuditBreak(world.db)).toBeNull();
  });
});

describe("the outbox", () => {
  it("forgets what has been out for a day, and nothing that waits", async ({ expect }) => {
    const world = await begun();
    const rows = (where = "1"): number => world.db.rows(`SELECT 1 FROM outbox WHERE ${where}`).length;
    expect(rows()).toBeGreaterThan(0);
    world.clock.now += 25 * HOUR;
    world.kv.failure = new Error("KV is down");
    await must(world, "account.put", {
      account: "new",
      input: { timeZone: "Europe/Paris", cohort: "general" },
    });
    const waiting = rows("done_at IS NULL");
    await world.control.tick(world.clock.now);
    expect([rows(), rows("done_at IS NULL")]).toEqual([waiting, waiting]);
  });
});
