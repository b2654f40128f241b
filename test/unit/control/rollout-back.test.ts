/** Rollbacks by the control plane: what they say they would do is what they do, and no pair is made that was not declared. */
import { describe, it, vi } from "vitest";
import type { RollbackInput, RolloutInput } from "../../../src/contracts/api/rollouts.ts";
import { MAX_GROUPS } from "../../../src/contracts/limits.ts";
import type { RollbackPreviewView } from "../../../src/contracts/rollout-port.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  contextOf,
  must,
  readMaps,
  refusalOf,
  valueOf,
  VERSION,
  versionFor,
  type World,
} from "../../support/control-world.ts";
import { FRIDAY, HOUR, MINUTE, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

vi.setConfig({ testTimeout: 60_000 });

const ACCOUNTS = Array.from({ length: 60 }, (_unused, n) => `account-${n}`);
const BAKE = { minutes: 600, requests: 0, workdays: 0 };

function planOf(id: string, targets: Record<string, string>): RolloutInput {
  return {
    id,
    targets,
    waves: [
      { name: "staff", cohorts: ["internal"], percent: 100 },
      { name: "half", cohorts: ["*"], percent: 50, bake: BAKE },
      { name: "rest", cohorts: ["*"], percent: 100, approve: "before" },
    ],
  };
}

async function prepare(): Promise<World> {
  const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS });
  for (const [n, account] of ACCOUNTS.entries()) {
    if (n % 4 !== 0) continue;
    await must(world, "account.put", {
      account,
      input: {
        timeZone: "Europe/Paris",
        cohort: n % 10 === 0 ? "internal" : "general",
        labels: { tier: "gold" },
      },
    });
  }
  await quiet(world);
  return world;
}

async function run(world: World, plan: RolloutInput, fromMs: number): Promise<void> {
  await must(world, "rollout.create", { id: plan.id, input: plan });
  await must(world, "rollout.start", { id: plan.id, input: { again: false } });
  await quiet(world);
  for (let minute = 1; minute <= 5; minute += 1) await tick(world, fromMs + minute * MINUTE);
}

const moved = (world: World, product = "kiln"): readonly string[] => {
  const maps = readMaps(world.kv.values);
  return ACCOUNTS.filter((slug) => versionFor(maps, product, slug) === "2");
};

async function preview(
  world: World,
  id: string,
  input: Partial<RollbackInput>,
): Promise<RollbackPreviewView> {
  const asked = { confirmed: false, reason: "r", ...input };
  return valueOf(await world.control.query("rollout.rollback.preview", { id, input: asked }));
}

const SCOPES: readonly (readonly [string, Partial<RollbackInput>])[] = [
  ["everybody", {}],
  ["down to a wave", { toWave: 0 }],
  ["a cohort", { where: { cohort: "internal" } }],
  ["a cell that nobody has", { where: { cell: "eu-1" } }],
  ["a label", { where: { labels: { tier: "gold" } } }],
  ["a label in a cohort", { where: { cohort: "general", labels: { tier: "gold" } } }],
];

describe("a rollback's preview", () => {
  it.for(SCOPES)(
    "counts for %s what the rollback then moves, and moves nobody itself",
    async ([, input], { expect }) => {
      const world = await prepare();
      await run(world, planOf("autumn", { kiln: "2", fogbugz: "2" }), FRIDAY);
      const before = moved(world);
      expect(before.length).toBeGreaterThanOrEqual(30);
      const said = await preview(world, "autumn", input);
      expect(said).toMatchObject({ refused: null, confirm: [], marksBad: [], defaults: [] });
      expect(said.waves.reduce((sum, { accounts }) => sum + accounts, 0)).toBe(said.accounts);
      await quiet(world);
      expect(moved(world)).toEqual(before);

      await must(world, "rollout.rollback", {
        id: "autumn",
        input: { confirmed: false, reason: "r", ...input },
      });
      await quiet(world);
      for (let minute = 6; minute <= 12; minute += 1) await tick(world, FRIDAY + minute * MINUTE);
      const after = moved(world);
      expect(before.length - after.length).toBe(said.accounts);
      expect(after.length).toBe(said.stay);
    },
  );

  it("says what must be confirmed and what it marks bad, and answers for a draft too", async ({ expect }) => {
    const world = await prepare();
    for (const product of ["kiln", "fogbugz"]) {
      const origin = `https://${product}-2.origins.example.net`;
      const input = { ...VERSION, reversible: product === "fogbugz", origin };
      await must(world, "version.put", { product, version: "2", input });
    }
    await must(world, "rollout.create", { id: "later", input: planOf("later", { kiln: "2" }) });
    expect((await preview(world, "later", {})).refused).toContain("later is draft");
    await run(world, planOf("autumn", { kiln: "2", fogbugz: "2" }), FRIDAY);
    expect(await preview(world, "autumn", { markBad: true })).toMatchObject({
      confirm: ["kiln 2 is not declared reversible"],
      refused: null,
      marksBad: ["fogbugz 2", "kiln 2"],
    });
    await must(world, "rollout.rollback", {
      id: "autumn",
      input: { confirmed: true, reason: "loses mail", markBad: true },
    });
    const version = valueOf(await world.control.query("version", { product: "kiln", version: "2" }));
    expect(version.bad).toMatchObject({ reason: "rollout autumn: loses mail", by: "rollout/autumn" });
    await must(world, "version.bad.clear", { product: "fogbugz", version: "2", reason: "r" });
    const create = { id: "again", input: planOf("again", { kiln: "2" }) };
    expect(refusalOf(await world.control.execute("rollout.create", create, contextOf())).detail).toContain(
      "kiln 2 is marked bad",
    );
  });
});

describe("a rollback that is done", () => {
  it("is remembered with whose it was, and that everybody is back", async ({ expect }) => {
    const world = await prepare();
    await run(world, planOf("autumn", { kiln: "2" }), FRIDAY);
    const input = { confirmed: false, reason: "loses mail" };
    await must(world, "rollout.rollback", { id: "autumn", input });
    await quiet(world);
    for (let minute = 6; minute <= 9; minute += 1) await tick(world, FRIDAY + minute * MINUTE);
    const view = valueOf(await world.control.query("rollout", { id: "autumn" }));
    expect(view.phase).toBe("rolled-back");
    expect(view.rollback).toMatchObject({
      by: "the-admin",
      automatic: false,
      reason: "loses mail",
      scope: "all",
      toWave: null,
      stage: "done",
    });
  });
});

describe("two products that go only together", () => {
  it("keeps a rollback from making a pair that is not declared, until the other product went back", async ({
    expect,
  }) => {
    const world = await prepare();
    const origin = "https://fogbugz-2.origins.example.net";
    const input = { ...VERSION, reversible: true, origin, requires: { kiln: ["2"] } };
    await must(world, "version.put", { product: "fogbugz", version: "2", input });
    await run(world, planOf("first", { kiln: "2" }), FRIDAY);
    await run(world, planOf("second", { fogbugz: "2" }), FRIDAY + HOUR);
    const both = moved(world, "fogbugz");
    expect(both.length).toBeGreaterThan(0);
    const said = await preview(world, "first", {});
    expect(said.refused).toMatch(
      /accounts cannot go back: \d+ of them \(account-.*\) would be on versions that do not go together: fogbugz 2 requires kiln 2, not 1/,
    );
    const refusal = refusalOf(
      await world.control.execute(
        "rollout.rollback",
        { id: "first", input: { confirmed: true, reason: "r" } },
        contextOf(),
      ),
    );
    expect(refusal.detail).toBe(said.refused);

    await must(world, "rollout.rollback", { id: "second", input: { confirmed: true, reason: "r" } });
    await tick(world, FRIDAY + 2 * HOUR);
    expect(moved(world, "fogbugz")).toEqual([]);
    await must(world, "rollout.rollback", { id: "first", input: { confirmed: true, reason: "r" } });
    await tick(world, FRIDAY + 2 * HOUR + MINUTE);
    expect(moved(world)).toEqual([]);
  });

  it("keeps a rollout that starts meanwhile from taking accounts that the other is taking back", async ({
    expect,
  }) => {
    const world = await prepare();
    const origin = "https://fogbugz-2.origins.example.net";
    const input = { ...VERSION, reversible: true, origin, requires: { kiln: ["2"] } };
    await must(world, "version.put", { product: "fogbugz", version: "2", input });
    await run(world, planOf("first", { kiln: "2" }), FRIDAY);
    const going = moved(world);
    expect(going.length).toBeGreaterThan(0);
    await must(world, "rollout.rollback", {
      id: "first",
      input: { confirmed: true, reason: "r", percentPerMinute: 0.01 },
    });
    await run(world, planOf("second", { fogbugz: "2" }), FRIDAY + HOUR);
    expect(moved(world)).not.toEqual([]);
    expect(moved(world, "fogbugz")).toEqual([]);
    const left = valueOf(
      await world.control.query("rollout.left-behind", { id: "second", cursor: null, limit: 100 }),
    );
    expect(left.items).toContainEqual({
      account: going[0],
      reason: "incompatible",
      detail: "fogbugz 2 requires kiln 2, not 1",
    });
  });

  it("leaves whoever a pin keeps on one of them where it is, made before the start or meanwhile", async ({
    expect,
  }) => {
    const world = await prepare();
    const origin = "https://fogbugz-2.origins.example.net";
    const input = { ...VERSION, reversible: true, origin, requires: { kiln: ["2"] } };
    await must(world, "version.put", { product: "fogbugz", version: "2", input });
    const pin = async (account: string, version: string): Promise<void> => {
      const pinned = { version, reason: "r", expires: null };
      await must(world, "account.pin.set", { account, product: "kiln", input: pinned });
    };
    await pin("account-1", "1");
    await run(world, planOf("both", { kiln: "2", fogbugz: "2" }), FRIDAY);
    const waiting = ACCOUNTS.filter((slug) => !moved(world).includes(slug) && slug !== "account-1");
    const [meanwhile = "", other = ""] = waiting;
    await pin(meanwhile, "1");
    await quiet(world);
    await tick(world, FRIDAY + 11 * HOUR);
    await must(world, "rollout.approve", { id: "both", input: { wave: 2 } });
    await quiet(world);
    await tick(world, FRIDAY + 11 * HOUR + MINUTE);
    expect(moved(world, "fogbugz")).toContain(other);
    for (const account of ["account-1", meanwhile]) {
      expect(moved(world, "kiln")).not.toContain(account);
      expect(moved(world, "fogbugz")).not.toContain(account);
    }
    const left = valueOf(
      await world.control.query("rollout.left-behind", { id: "both", cursor: null, limit: 100 }),
    );
    expect(new Map(left.items.map(({ account, reason }) => [account, reason]))).toEqual(
      new Map([
        ["account-1", "pinned"],
        [meanwhile, "pinned"],
      ]),
    );
  });
});

/** Groups that others fill, until so many numbers are left. */
const fillGroups = (world: World, left: number): void =>
  world.db.run(
    `WITH RECURSIVE n(id) AS (SELECT (SELECT max(id) + 1 FROM groups) UNION ALL SELECT id + 1 FROM n WHERE id < ?)
     INSERT INTO groups (id, identity, cohort, time_zone, window, cell, accounts)
     SELECT id, 'other ' || id, 'other', 'UTC', NULL, NULL, 1 FROM n`,
    MAX_GROUPS - 1 - left,
  );

describe("a rollback by label when the numbers of groups run short", () => {
  const ASKED = { where: { labels: { tier: "gold" } }, reason: "slow", confirmed: true };
  const goldOn = (world: World, version: string): number => {
    const maps = readMaps(world.kv.values);
    return ACCOUNTS.filter((slug, n) => n % 4 === 0 && versionFor(maps, "kiln", slug) === version).length;
  };

  it("is refused before it begins, and says how else to go back", async ({ expect }) => {
    const world = await prepare();
    await run(world, planOf("autumn", { kiln: "2" }), FRIDAY);
    const before = moved(world);
    fillGroups(world, 1);
    const shown = await preview(world, "autumn", ASKED);
    const refused = await world.control.execute(
      "rollout.rollback",
      { id: "autumn", input: ASKED },
      contextOf(),
    );
    expect(refusalOf(refused)).toEqual({ problem: "conflict", detail: shown.refused });
    expect(shown.refused).toContain("roll back by cohort or cell, or everything");
    await tick(world, FRIDAY + 10 * MINUTE);
    expect(moved(world)).toEqual(before);
    const whole = { ...ASKED, where: { cohort: "internal" } };
    await must(world, "rollout.rollback", { id: "autumn", input: whole });
  });

  it("needs no number for a group in which everybody carries the label", async ({ expect }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: [] });
    for (const [n, account] of ACCOUNTS.entries()) {
      const cohort = n % 4 === 0 ? "internal" : "general";
      const labels = n % 4 === 0 ? { tier: "gold" } : {};
      await must(world, "account.put", { account, input: { timeZone: "Europe/Paris", cohort, labels } });
    }
    await quiet(world);
    await run(world, planOf("autumn", { kiln: "2" }), FRIDAY);
    const before = moved(world);
    expect(goldOn(world, "2")).toBe(15);
    fillGroups(world, 0);
    expect((await preview(world, "autumn", ASKED)).refused).toBeNull();
    await must(world, "rollout.rollback", { id: "autumn", input: ASKED });
    await tick(world, FRIDAY + 10 * MINUTE);
    await tick(world, FRIDAY + 11 * MINUTE);
    expect(goldOn(world, "2")).toBe(0);
    expect(moved(world)).toHaveLength(before.length - 15);
  });
});

describe("an account for which no group is left when its pin ends", () => {
  it("goes back with everybody, though no rollout touches it before", async ({ expect }) => {
    const slugs = ["account-0", "account-1", "account-2"];
    const world = await prepareRollouts(createMemoryDb(), { accounts: slugs });
    const input = { version: "1", reason: "t", expires: null };
    await must(world, "account.pin.set", { account: "account-1", product: "kiln", input });
    for (const product of ["kiln", "fogbugz"]) {
      const waves = [{ name: "all", cohorts: ["*"], percent: 100, bake: BAKE }];
      await run(world, { id: product, targets: { [product]: "2" }, waves }, world.clock.now);
    }
    const on = () => slugs.map((slug) => versionFor(readMaps(world.kv.values), "fogbugz", slug));
    expect(on()).toEqual(["2", "2", "2"]);
    fillGroups(world, 0);
    await must(world, "account.pin.lift", { account: "account-1", product: "kiln", reason: "t" });
    await quiet(world);
    expect(on()).toEqual(["2", "2", "2"]);
    await must(world, "rollout.rollback", { id: "fogbugz", input: { reason: "slow", confirmed: true } });
    for (const minutes of [1, 2, 3]) await tick(world, world.clock.now + minutes * MINUTE);
    expect(on()).toEqual(["1", "1", "1"]);
  });
});

describe("the alarms of a rollback", () => {
  it("say no more that it goes back once that is over, also within one instant", async ({ expect }) => {
    const world = await prepare();
    await run(world, planOf("autumn", { kiln: "2" }), FRIDAY);
    const words = async () =>
      valueOf(await world.control.query("alarms", {}))
        .filter(({ subject }) => subject.includes("autumn"))
        .map((alarm) => alarm.words);
    const input = { where: { cohort: "internal" }, reason: "slow", confirmed: true };
    await must(world, "rollout.rollback", { id: "autumn", input });
    expect((await words()).join()).toContain("roll");
    await quiet(world);
    expect(valueOf(await world.control.query("rollout", { id: "autumn" })).phase).toBe("paused");
    expect((await words()).filter((text) => /roll(ed|ing|s)? it back|being rolled back/.test(text))).toEqual(
      [],
    );
  });
});
