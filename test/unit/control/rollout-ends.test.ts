/** What is kept when a rollout ends or goes back: whom it left behind and why, and who was moved back how often. */
import { describe, it, vi } from "vitest";
import type { RolloutInput } from "../../../src/contracts/api/rollouts.ts";
import type { LeftBehindPage } from "../../../src/contracts/rollout-port.ts";
import { canonicalJson } from "../../../src/core/maps/canonical.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { must, readMaps, valueOf, VERSION, versionFor, type World } from "../../support/control-world.ts";
import { FRIDAY, HOUR, MINUTE, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

vi.setConfig({ testTimeout: 60_000 });

const DAY = 24 * HOUR;
const ACCOUNTS = Array.from({ length: 30 }, (_unused, n) => `account-${n}`);

function planOf(
  id: string,
  waves: RolloutInput["waves"],
  targets = { kiln: "2", fogbugz: "2" },
): RolloutInput {
  return { id, targets, waves };
}
const BAKE = { minutes: 600, requests: 0, workdays: 0 };
const ALL: RolloutInput["waves"] = [{ name: "all", cohorts: ["*"], percent: 100, bake: BAKE }];

async function prepare(): Promise<World> {
  return prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS });
}

async function start(world: World, plan: RolloutInput, again = false): Promise<void> {
  await must(world, "rollout.create", { id: plan.id, input: plan });
  await must(world, "rollout.start", { id: plan.id, input: { again } });
  await quiet(world);
  await tick(world, world.clock.now + MINUTE);
}

async function back(world: World, id: string, more: object = {}): Promise<void> {
  await must(world, "rollout.rollback", { id, input: { confirmed: true, reason: "r", ...more } });
  await quiet(world);
  await tick(world, world.clock.now + MINUTE);
}

const page = async (world: World, id: string): Promise<LeftBehindPage["items"]> =>
  valueOf(await world.control.query("rollout.left-behind", { id, cursor: null, limit: 1000 })).items;

async function reasons(world: World, id: string): Promise<Readonly<Record<string, number>>> {
  const counted: Record<string, number> = {};
  for (const { reason } of await page(world, id)) counted[reason] = (counted[reason] ?? 0) + 1;
  const view = valueOf(await world.control.query("rollout", { id }));
  const summed = Object.fromEntries(view.leftBehind.map(({ reason, accounts }) => [reason, accounts]));
  const texts = [counted, summed].map((each) => canonicalJson(each));
  if (texts[0] !== texts[1]) throw new Error(`the list says ${texts[0]}, the rollout ${texts[1]}`);
  return counted;
}

const on = (world: World, slug: string): string => versionFor(readMaps(world.kv.values), "kiln", slug);
const moved = (world: World): number => ACCOUNTS.filter((slug) => on(world, slug) === "2").length;
const reason = "r";

/** Two products moved, the account pinned to the old version of one of them for a while, and back in no group that moved. */
async function pinnedForAWhile(world: World): Promise<void> {
  await start(world, planOf("autumn", ALL));
  const pin = { version: "1", reason, expires: new Date(world.clock.now + HOUR).toISOString() };
  await must(world, "account.pin.set", { account: "account-1", product: "kiln", input: pin });
  await quiet(world);
  await tick(world, world.clock.now + 2 * HOUR);
}

describe("an account whose pin ended while a rollout went on", () => {
  const both = (world: World): readonly string[] =>
    ["kiln", "fogbugz"].map((product) => versionFor(readMaps(world.kv.values), product, "account-1"));

  it("goes back with both products when everybody does, and is said to", async ({ expect }) => {
    const world = await prepare();
    await pinnedForAWhile(world);
    expect(both(world)).toEqual(["1", "2"]);
    await back(world, "autumn", { markBad: true });
    expect(both(world)).toEqual(["1", "1"]);
    expect(await reasons(world, "autumn")).toEqual({ "rolled-back": 30 });
    expect(moved(world)).toBe(0);
  });

  it("stays where what it is pinned to by then requires the target, and is listed so", async ({ expect }) => {
    const world = await prepare();
    await pinnedForAWhile(world);
    const input = { ...VERSION, origin: "https://kiln-3.origins.example.net", requires: { fogbugz: ["2"] } };
    await must(world, "version.put", { product: "kiln", version: "3", input });
    for (const state of ["candidate", "live"] as const)
      await must(world, "version.state.set", { product: "kiln", version: "3", input: { state, reason } });
    const pin = { version: "3", reason, expires: null };
    await must(world, "account.pin.set", { account: "account-1", product: "kiln", input: pin });
    await back(world, "autumn");
    expect(both(world)).toEqual(["3", "2"]);
    expect(await reasons(world, "autumn")).toEqual({ "rolled-back": 29, kept: 1 });
    expect(await page(world, "autumn")).toContainEqual({
      account: "account-1",
      reason: "kept",
      detail: "kiln 3 requires fogbugz 2, not 1",
    });
  });

  it("keeps what it was moved to when the rollout is stopped", async ({ expect }) => {
    const world = await prepare();
    await pinnedForAWhile(world);
    await must(world, "rollout.stop", { id: "autumn", input: { reason } });
    await quiet(world);
    await tick(world, world.clock.now + HOUR);
    expect(valueOf(await world.control.query("rollout", { id: "autumn" })).phase).toBe("stopped");
    expect(both(world)).toEqual(["1", "2"]);
  });
});

describe("an account pinned to the target of a rollout that went back", () => {
  it("is said to stay there, and is told of while the target is marked bad, also once the pin has ended", async ({
    expect,
  }) => {
    const world = await prepare();
    await start(world, planOf("autumn", ALL, { kiln: "2", fogbugz: "2" }));
    const pin = { version: "2", reason, expires: new Date(world.clock.now + HOUR).toISOString() };
    await must(world, "account.pin.set", { account: "account-1", product: "kiln", input: pin });
    await back(world, "autumn", { markBad: true });
    expect(await reasons(world, "autumn")).toEqual({ "rolled-back": 29, pinned: 1 });
    expect(await page(world, "autumn")).toContainEqual({
      account: "account-1",
      reason: "pinned",
      detail: "kiln stays on 2",
    });
    const alarms = async (): Promise<readonly string[]> =>
      valueOf(await world.control.query("alarms", {})).flatMap(({ name, words }) =>
        name === "bad-in-use" ? [words] : [],
      );
    expect(await alarms()).toEqual([expect.stringContaining("named by 1 of the pins")]);
    await tick(world, world.clock.now + 2 * HOUR);
    // Its end moves nobody, wherever it stood.
    expect(on(world, "account-1")).toBe("2");
    expect(await alarms()).toEqual([
      expect.stringContaining("kiln 2 is marked bad, and is the home of 1 account"),
    ]);
    await must(world, "account.pin.set", {
      account: "account-1",
      product: "kiln",
      input: { ...pin, version: "1", expires: null },
    });
    await must(world, "account.pin.lift", { account: "account-1", product: "kiln", reason });
    await quiet(world);
    expect([on(world, "account-1"), await alarms()]).toEqual(["1", []]);
  });
});

describe("homes of before a rollout", () => {
  it("are remembered while it could be rolled back, and forgotten once it has ended", async ({ expect }) => {
    const remembered = (of: World): readonly unknown[] =>
      of.db.rows("SELECT account FROM rollout_homes ORDER BY account").map((row) => row["account"]);
    const world = await prepare();
    await pinnedForAWhile(world);
    expect(remembered(world)).toEqual(["account-1"]);
    await must(world, "rollout.stop", { id: "autumn", input: { reason } });
    await quiet(world);
    expect(valueOf(await world.control.query("rollout", { id: "autumn" })).phase).toBe("stopped");
    await tick(world, world.clock.now + MINUTE);
    expect(remembered(world)).toEqual([]);
  });
});

describe("whom a rollout left behind", () => {
  it("is told of one that took its course, with what happened in between, and stays told", async ({
    expect,
  }) => {
    const world = await prepare();
    const until = new Date(FRIDAY + 40 * DAY).toISOString();
    await must(world, "account.deferral.set", {
      account: "account-1",
      input: { until, reason, owner: "jo" },
    });
    const pin = { version: "1", reason, expires: null };
    await must(world, "account.pin.set", { account: "account-2", product: "kiln", input: pin });
    await quiet(world);
    await start(world, planOf("autumn", ALL));
    expect(moved(world)).toBe(28);
    await must(world, "account.quarantine.set", {
      account: "account-3",
      product: "kiln",
      input: { version: "1", reason },
    });
    await must(world, "account.put", {
      account: "newcomer",
      input: { timeZone: "Europe/Paris", cohort: "general" },
    });
    await must(world, "account.delete", { account: "account-4", reason });
    await quiet(world);
    await tick(world, FRIDAY + DAY);
    expect(valueOf(await world.control.query("rollout", { id: "autumn" })).phase).toBe("completed");
    const told = [
      { account: "account-1", reason: "deferred", detail: `until ${until}` },
      { account: "account-2", reason: "pinned", detail: "pinned for kiln" },
      { account: "account-3", reason: "quarantined", detail: "kiln stays on 1" },
      { account: "newcomer", reason: "created-later", detail: null },
    ];
    expect(await page(world, "autumn")).toEqual(told);
    await must(world, "account.pin.lift", { account: "account-2", product: "kiln", reason });
    await must(world, "account.delete", { account: "account-1", reason });
    await tick(world, FRIDAY + 2 * DAY);
    expect(await page(world, "autumn")).toEqual(told);
    await reasons(world, "autumn");
  });

  it("counts whoever was deleted at the start and came back as come later", async ({ expect }) => {
    const world = await prepare();
    await must(world, "account.delete", { account: "account-3", reason });
    await start(world, planOf("autumn", ALL));
    await must(world, "account.undelete", { account: "account-3", input: { reason } });
    await quiet(world);
    await tick(world, FRIDAY + DAY);
    const detail = "it was deleted at the start, and undeleted since";
    expect(await page(world, "autumn")).toEqual([{ account: "account-3", reason: "created-later", detail }]);
    expect(await reasons(world, "autumn")).toEqual({ "created-later": 1 });
  });

  it("is told of one that was stopped: who was not reached, until when, and who was deleted", async ({
    expect,
  }) => {
    const world = await prepare();
    const waves: RolloutInput["waves"] = [
      { name: "staff", cohorts: ["internal"], percent: 100 },
      { name: "most", cohorts: ["*"], percent: 90, window: "nights" },
    ];
    await start(world, planOf("autumn", waves));
    await must(world, "account.delete", { account: "account-5", reason });
    await must(world, "rollout.stop", { id: "autumn", input: { reason } });
    await quiet(world);
    await tick(world, FRIDAY + HOUR);
    const counted = await reasons(world, "autumn");
    expect(counted).toEqual({ "not-reached": 26, deleted: 1 });
    const details = new Set((await page(world, "autumn")).map(({ detail }) => detail));
    expect(details).toContain("no wave of the plan takes it");
    expect(details).toContain("its next window opens at 2026-11-27T22:00:00+01:00 (2026-11-27T21:00:00Z)");
  });

  it("is told of one that was stopped before anybody moved, and of one that was rolled back", async ({
    expect,
  }) => {
    const world = await prepare();
    await start(world, planOf("early", [{ name: "all", cohorts: ["*"], percent: 100, window: "nights" }]));
    await must(world, "rollout.stop", { id: "early", input: { reason } });
    await quiet(world);
    expect(await reasons(world, "early")).toEqual({ "not-reached": 30 });

    await start(world, planOf("autumn", [{ name: "third", cohorts: ["*"], percent: 33, bake: BAKE }]));
    const gone = moved(world);
    await back(world, "autumn");
    expect(await reasons(world, "autumn")).toEqual({ "rolled-back": gone, "not-reached": 30 - gone });
    await start(world, planOf("winter", ALL), true);
    expect(await reasons(world, "autumn")).toEqual({ "rolled-back": gone, "not-reached": 30 - gone });
  });

  it("is taken along by a draft that adopts them", async ({ expect }) => {
    const world = await prepare();
    await start(world, planOf("autumn", [{ name: "third", cohorts: ["*"], percent: 33 }]));
    await tick(world, FRIDAY + HOUR);
    const left = await page(world, "autumn");
    expect(left.length).toBe(30 - moved(world));
    const draft = await must(world, "rollout.adopt", { id: "winter", from: "autumn" });
    expect(draft).toMatchObject({ phase: "draft", targets: { kiln: "2", fogbugz: "2" } });
    await must(world, "rollout.start", { id: "winter", input: { again: false } });
    await quiet(world);
    expect(valueOf(await world.control.query("rollout", { id: "winter" })).accounts).toBe(left.length);
  });
});

describe("the flap brake", () => {
  const some: RolloutInput["waves"] = [{ name: "some", cohorts: ["*"], percent: 50, bake: BAKE }];

  it("holds who was moved back within a day, also when another rollout started in between", async ({
    expect,
  }) => {
    const world = await prepare();
    await start(world, planOf("first", some, { kiln: "2" } as never));
    const half = ACCOUNTS.filter((slug) => on(world, slug) === "2");
    expect(half.length).toBeGreaterThan(5);
    await back(world, "first");
    // Regroups every account.
    await must(world, "account.put", {
      account: half[0] ?? "",
      input: { timeZone: "Asia/Tokyo", cohort: "general" },
    });
    await start(
      world,
      planOf("other", [{ name: "one", cohorts: ["*"], percent: 1, approve: "before" }], {
        fogbugz: "2",
      } as never),
    );
    await must(world, "rollout.stop", { id: "other", input: { reason } });
    await quiet(world);
    await start(world, planOf("second", ALL, { kiln: "2" } as never));
    expect(moved(world)).toBe(30 - half.length);
    const flapping = (await page(world, "second")).filter((left) => left.reason === "flapping");
    expect(flapping.map(({ account }) => account)).toEqual([...half].sort());
    expect(flapping[0]?.detail).toMatch(/^moved back once in 30 days, last at 2026-11-27T/);
  });

  it("holds for good who was moved back twice in 30 days, until an operator says again", async ({
    expect,
  }) => {
    const world = await prepare();
    for (const [n, id] of ["first", "second"].entries()) {
      await tick(world, FRIDAY + n * 2 * DAY + HOUR);
      await start(world, planOf(id, ALL));
      expect(moved(world)).toBe(30);
      await back(world, id);
    }
    await tick(world, FRIDAY + 10 * DAY);
    await start(world, planOf("third", ALL));
    expect(moved(world)).toBe(0);
    expect(await reasons(world, "third")).toEqual({ flapping: 30 });
    await tick(world, FRIDAY + 11 * DAY);
    await start(world, planOf("fourth", ALL), true);
    expect(moved(world)).toBe(30);
    await tick(world, FRIDAY + 45 * DAY);
    expect(world.db.rows("SELECT * FROM account_backs")).toEqual([]);
  });

  it("counts who was moved back in part of a rollout that goes on", async ({ expect }) => {
    const world = await prepare();
    await start(world, planOf("autumn", ALL));
    await back(world, "autumn", { where: { cohort: "internal" } });
    await must(world, "rollout.resume", { id: "autumn", input: { again: true } });
    await quiet(world);
    await tick(world, world.clock.now + MINUTE);
    expect(moved(world)).toBe(30);
    expect(world.db.rows("SELECT DISTINCT account FROM account_backs ORDER BY account")).toEqual([
      { account: "account-0" },
      { account: "account-10" },
      { account: "account-20" },
    ]);
  });
});
