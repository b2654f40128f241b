/**
 * Moves that carry data over the real control plane: held, called, left behind, switched, and back; a control plane that
 * dies on the way; what may not be done to an account meanwhile.
 */
import { describe, it, vi } from "vitest";
import type { RolloutInput, RolloutView } from "../../../src/contracts/api/rollouts.ts";
import type { HookAnswer, HookCall } from "../../../src/contracts/move-data.ts";
import { settlingFor } from "../../../src/contracts/settling.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  contextOf,
  createWorld,
  decide,
  must,
  readMaps,
  refusalOf,
  valueOf,
  VERSION,
  versionFor,
  type World,
} from "../../support/control-world.ts";
import { healthy, MINUTE, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

vi.setConfig({ testTimeout: 60_000 });

const ACCOUNTS = Array.from({ length: 60 }, (_unused, n) => `account-${n}`);
const HOOKS = {
  kind: "perAccount" as const,
  prepare: "https://kiln-2.origins.example.net/prepare",
  verify: "https://kiln-2.origins.example.net/verify",
  undo: "https://kiln-2.origins.example.net/undo",
  timeoutSeconds: 5,
  concurrency: 10,
};
const PLAN: RolloutInput = {
  id: "schema",
  targets: { kiln: "2" },
  waves: [{ name: "all", cohorts: ["*"], percent: 100, bake: { minutes: 600, requests: 0, workdays: 0 } }],
};
const SETTLING = settlingFor(20_000);

type Hook = (call: HookCall) => HookAnswer;
const done: Hook = () => ({ kind: "done" });

interface Hooked {
  readonly world: World;
  readonly calls: HookCall[];
  hook: Hook;
}

async function prepare(
  change: Partial<typeof VERSION> = { mixed: "never", migration: HOOKS },
): Promise<Hooked> {
  const hooked: { world: World | null; calls: HookCall[]; hook: Hook } = {
    world: null,
    calls: [],
    hook: done,
  };
  const world = await prepareRollouts(createMemoryDb(), {
    accounts: ACCOUNTS,
    settling: SETTLING,
    sendHook: async (call) => {
      hooked.calls.push(call);
      return hooked.hook(call);
    },
  });
  const origin = "https://kiln-2.origins.example.net";
  await must(world, "version.put", {
    product: "kiln",
    version: "2",
    input: { ...VERSION, reversible: true, origin, ...change },
  });
  await quiet(world);
  return Object.assign(hooked, { world });
}

async function start(world: World): Promise<void> {
  await must(world, "rollout.create", { id: PLAN.id, input: PLAN });
  await must(world, "rollout.start", { id: PLAN.id, input: { again: false } });
}

async function show(world: World): Promise<RolloutView> {
  return valueOf(await world.control.query("rollout", { id: PLAN.id }));
}

/** Minutes until the rollout bakes, or has had its time. */
async function minutes(
  world: World,
  most: number,
  until: (view: RolloutView) => boolean,
): Promise<RolloutView> {
  for (let minute = 0; minute < most; minute += 1) {
    await tick(world, world.clock.now + MINUTE);
    const view = await show(world);
    if (until(view)) return view;
  }
  return show(world);
}

/** Seconds, with alarms alone but for a tick a minute, until an account is answered so. */
async function seconds(world: World, until: (decision: string) => boolean): Promise<void> {
  for (let second = 0; second < 600; second += 1) {
    world.clock.now += 1000;
    await world.control.alarm();
    await world.control.idle();
    if (second % 60 === 0) await world.control.tick(world.clock.now);
    if (until(decide(readMaps(world.kv.values), "kiln", "account-5"))) return;
  }
  throw new Error("it never was");
}

const bakes = ({ phase }: RolloutView): boolean => phase === "baking" || phase === "paused";
const served = (world: World, version: string): readonly string[] => {
  const maps = readMaps(world.kv.values);
  return ACCOUNTS.filter((slug) => versionFor(maps, "kiln", slug) === version);
};

describe("a replacement beside a move that carries data", () => {
  it("goes on with cron alone, and makes no root of every alarm", async ({ expect }) => {
    const { world } = await prepare();
    const input = {
      ...VERSION,
      reversible: true,
      mixed: "ok" as const,
      origin: "https://kiln-1-1.origins.example.net",
    };
    await must(world, "version.put", { product: "fogbugz", version: "1.1", input });
    const state = { state: "candidate" as const, reason: "hotfix" };
    await must(world, "version.state.set", { product: "fogbugz", version: "1.1", input: state });
    const ramp = { steps: [100], bakeMinutes: 1, throughFreezes: false, percentPerMinute: 10 };
    const replace = { ...ramp, to: "1.1", reason: "hotfix" };
    await must(world, "replacement.start", { product: "fogbugz", from: "1", input: replace });
    await tick(world, world.clock.now + MINUTE);
    await must(world, "rollout.create", { id: "schema", input: PLAN });
    await must(world, "rollout.start", { id: "schema", input: { again: false } });
    const pass = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second += 1) {
        world.clock.now += 1000;
        await world.control.alarm();
        await world.control.idle();
      }
    };
    const causes = (): unknown =>
      world.db.rows("SELECT json_extract(state, '$.cause') AS cause FROM rollouts");
    await pass(5);
    expect(causes()).toEqual([{ cause: "hold" }]);
    const below = (): number =>
      readMaps(world.kv.values).root.products["fogbugz"]?.replacements[0]?.below ?? 0;
    const before = below();
    expect(before).toBeGreaterThan(0);
    await pass(20);
    expect(causes()).toEqual([{ cause: "hold" }]);
    expect(below()).toBe(before);
    await tick(world, world.clock.now + MINUTE);
    expect(below()).toBeGreaterThan(before);
  });
});

describe("a move that carries data", () => {
  it("moves whom the hooks can, leaves the others behind with why, and calls each once", async ({
    expect,
  }) => {
    const hooked = await prepare();
    const bad = new Map([
      ["account-7", "prepare"],
      ["account-8", "verify"],
      ["account-9", "silent"],
    ]);
    hooked.hook = ({ step, body }) => {
      const how = bad.get(body.accounts[0] ?? "");
      if (step === "prepare" && how === "silent") return { kind: "silent", why: "did not answer in time" };
      return how === step ? { kind: "failed", why: `cannot ${step}` } : { kind: "done" };
    };
    const { world } = hooked;
    await start(world);
    const view = await minutes(world, 20, bakes);
    expect([view.phase, view.moved]).toEqual(["baking", 57]);
    expect([...served(world, "1")].sort()).toEqual([...bad.keys()]);
    const left = valueOf(
      await world.control.query("rollout.left-behind", { id: "schema", cursor: null, limit: 10 }),
    );
    expect(left.items).toEqual([
      { account: "account-7", reason: "migration", detail: "kiln prepare failed: cannot prepare" },
      { account: "account-8", reason: "migration", detail: "kiln verify failed: cannot verify" },
      { account: "account-9", reason: "migration", detail: "kiln prepare did not answer in time" },
    ]);
    const undone = hooked.calls.filter(({ step }) => step === "undo").map(({ body }) => body.accounts[0]);
    expect(undone.filter((slug) => slug !== undefined).sort()).toEqual([...bad.keys()]);
    const keys = hooked.calls.filter(({ attempt }) => attempt === 1).map(({ body }) => body.key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(hooked.calls.filter(({ attempt }) => attempt > 1).map(({ body }) => body.accounts[0])).toEqual([
      "account-9",
      "account-9",
    ]);
  });

  it("holds accounts from the maps' own word until the switch is out, with two publishes", async ({
    expect,
  }) => {
    const { world } = await prepare();
    await start(world);
    const seen: string[] = [];
    await seconds(world, (now) => {
      if (now !== seen.at(-1)) seen.push(now);
      return now === "2 by rollout";
    });
    expect(seen).toEqual(["1 by home", "held ", "2 by rollout"]);
  });

  it("goes on after the control plane died in the middle of its calls", async ({ expect }) => {
    const hooked = await prepare();
    let dead = false;
    hooked.hook = ({ body }) => {
      dead ||= body.step === "verify";
      return { kind: "done" };
    };
    const { world } = hooked;
    await start(world);
    for (let round = 0; round < 200 && !dead; round += 1) {
      world.clock.now += 5000;
      await world.control.tick(world.clock.now);
      await quiet(world);
    }
    const again = createWorld({
      db: world.db,
      kv: world.kv,
      clock: world.clock,
      config: { settling: SETTLING },
      preflight: { exchange: healthy, routerHeader: null },
      sendHook: async (call) => {
        hooked.calls.push(call);
        return { kind: "done" };
      },
    });
    const view = await minutes(again, 20, bakes);
    expect([view.phase, view.moved]).toEqual(["baking", 60]);
    expect(served(again, "2")).toHaveLength(60);
  });

  it("refuses to pin an account whose data is on its way", async ({ expect }) => {
    const hooked = await prepare();
    const { world } = hooked;
    await start(world);
    await seconds(world, (now) => now === "held ");
    const input = { version: "1", reason: "t", expires: null };
    const answer = await world.control.execute(
      "account.pin.set",
      { account: "account-5", product: "kiln", input },
      contextOf(),
    );
    expect(refusalOf(answer).detail).toContain("is being moved with its data by rollout schema");
  });

  it("refuses to put an account by hand where its data does not go along", async ({ expect }) => {
    const { world } = await prepare();
    await must(world, "version.state.set", {
      product: "kiln",
      version: "2",
      input: { state: "live", reason: "t" },
    });
    const placed = async (name: "account.pin.set" | "account.quarantine.set", version: string) => {
      const input = { version, reason: "t", expires: null };
      return world.control.execute(name, { account: "account-5", product: "kiln", input }, contextOf());
    };
    for (const name of ["account.pin.set", "account.quarantine.set"] as const)
      expect(refusalOf(await placed(name, "2")).detail).toContain("by a rollout or its rollback alone");
    await start(world);
    await minutes(world, 20, bakes);
    for (const name of ["account.pin.set", "account.quarantine.set"] as const)
      expect(refusalOf(await placed(name, "1")).detail).toContain("kiln 2 migrates the data of accounts");
    // Where it is already it may be kept.
    expect((await placed("account.pin.set", "2")).ok).toBe(true);
  });

  it("refuses an override that would answer an account from data of another version", async ({ expect }) => {
    const { world } = await prepare();
    const issue = async (account: string, version: string) => {
      const input = { product: "kiln", account, version, minutes: 30, reason: "try" };
      return world.control.execute(
        "override.issued",
        { input, signedAt: world.clock.now },
        contextOf("deployer"),
      );
    };
    const words = async (account: string, version: string): Promise<string> =>
      refusalOf(await issue(account, version)).detail;
    expect(await words("account-5", "2")).toBe(
      "kiln 2 migrates the data of accounts and account-5 is on 1: issue the override for a synthetic account of kiln's preflight settings, or for one that is on 2 already",
    );
    expect((await issue("account-5", "1")).ok).toBe(true);
    // Nobody has come yet whose data it could be.
    expect((await issue("newcomer", "2")).ok).toBe(true);
    const probed = { presets: ["alb" as const], syntheticAccount: "account-1", cells: [], own: [] };
    const settings = { ...probed, syntheticByCell: { eu1: "account-2" } };
    await must(world, "preflight.settings.set", { product: "kiln", input: settings });
    for (const synthetic of ["account-1", "account-2"]) expect((await issue(synthetic, "2")).ok).toBe(true);
    await start(world);
    await seconds(world, (now) => now === "held ");
    expect(await words("account-5", "1")).toContain("is being moved with its data by rollout schema");
    await minutes(world, 20, bakes);
    expect((await issue("account-5", "2")).ok).toBe(true);
    expect(await words("account-5", "1")).toContain("for one that is on 1 already");
  });

  it("allows overrides to a version that leaves data as they are", async ({ expect }) => {
    const { world } = await prepare({ mixed: "never" });
    const input = { product: "kiln", account: "account-5", version: "2", minutes: 30, reason: "try" };
    expect(
      (
        await world.control.execute(
          "override.issued",
          { input, signedAt: world.clock.now },
          contextOf("deployer"),
        )
      ).ok,
    ).toBe(true);
  });

  it("holds and calls nobody before its publish has spread, also when the clock is put back under it", async ({
    expect,
  }) => {
    const hooked = await prepare();
    const { world } = hooked;
    await start(world);
    const isAsked = (): boolean => world.db.rows("SELECT 1 FROM data_publishes WHERE at IS NULL").length > 0;
    for (let second = 0; second < 600 && !isAsked(); second += 1) {
      world.clock.now += 1000;
      await world.control.tick(world.clock.now);
    }
    expect(isAsked()).toBe(true);
    world.clock.now -= 60 * MINUTE;
    for (let second = 0; second < 30; second += 1) {
      world.clock.now += 1000;
      await world.control.alarm();
      await world.control.idle();
    }
    expect(decide(readMaps(world.kv.values), "kiln", "account-5")).toBe("1 by home");
    expect(hooked.calls).toEqual([]);
    // When it is there again, what was begun goes on.
    world.clock.now += 60 * MINUTE;
    await seconds(world, (decision) => decision.startsWith("2 by"));
  });

  it("takes everybody back through undo when it is rolled back", async ({ expect }) => {
    const hooked = await prepare();
    const { world } = hooked;
    await start(world);
    await minutes(world, 20, bakes);
    hooked.calls.length = 0;
    await must(world, "rollout.rollback", { id: "schema", input: { reason: "t", confirmed: true } });
    const view = await minutes(world, 30, ({ phase }) => phase === "rolled-back");
    expect(view.phase).toBe("rolled-back");
    expect(hooked.calls.map(({ step }) => step)).toEqual(Array.from({ length: 60 }, () => "undo"));
    expect(served(world, "1")).toHaveLength(60);
  });

  it("holds accounts of versions that must not mix, without any hook", async ({ expect }) => {
    const { world, calls } = await prepare({ mixed: "never" });
    await start(world);
    const view = await minutes(world, 20, bakes);
    expect([view.phase, view.moved, calls]).toEqual(["baking", 60, []]);
  });
});
