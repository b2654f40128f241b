/** Traps between the tables and KV, each found by attacking the publisher: what it must write, and what must not stop it. */
import { describe, it, vi } from "vitest";
import { buildPiece } from "../../../src/control/publisher/build.ts";
import { encodeChecked } from "../../../src/control/publisher/compose.ts";
import { openRootRoom } from "../../../src/control/publisher/root-room.ts";
import { writeCounter } from "../../../src/control/store/meta.ts";
import { checkSuccession } from "../../../src/core/maps/succession.ts";
import { shardOf } from "../../../src/core/maps/key-hash.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  contextOf,
  createWorld,
  must,
  readMaps,
  refusalOf,
  settle,
  valueOf,
  VERSION,
  type World,
} from "../../support/control-world.ts";
import { MINUTE, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

vi.setConfig({ testTimeout: 60_000 });

const SLUGS = ["acme", "beta", "gamma", "delta", "omega"] as const;

/** Five accounts in two shards, so that a batch can be half built; an account of each. */
async function publishTwoShards(world: World): Promise<readonly [string, string]> {
  await addProducts(world);
  for (const slug of SLUGS) await addAccount(world, slug);
  writeCounter(world.db, "accounts", 2500);
  buildPiece(world.db, 0);
  writeCounter(world.db, "accounts", SLUGS.length);
  await settle(world);
  const [first, last] = [0, 1].map((shard) => SLUGS.find((slug) => shardOf(slug, 2) === shard));
  if (first === undefined || last === undefined) throw new Error("one of the two shards is empty");
  return [first, last];
}

describe("publisher", () => {
  it("writes a shard that was given up before it was written, when it is wanted after all", async ({
    expect,
  }) => {
    const world = createWorld({ db: createMemoryDb() });
    const [first, last] = await publishTwoShards(world);
    await addAccount(world, first, { cohort: "early" });
    await addAccount(world, last, { cohort: "early" });
    expect(buildPiece(world.db, 1)).toBe(false);
    // The shard just built is not written: the account changes once more before the batch is closed, and later back.
    await addAccount(world, first, { cohort: "internal" });
    await settle(world);
    await addAccount(world, first, { cohort: "early" });
    await settle(world);
    const maps = readMaps(world.kv.values);
    expect(maps.find(first)?.group).toBe(maps.find(last)?.group);
  });

  it.for(["acme", "10.0.0.7"])(
    "is spared the custom domain %s, which no Host could find",
    async (host, { expect }) => {
      const world = createWorld({ db: createMemoryDb() });
      await addProducts(world);
      await addAccount(world, "acme");
      const input = {
        timeZone: "Europe/Paris",
        cohort: "general",
        domains: [{ host, product: "kiln" }],
      };
      const answer = await world.control.execute("account.put", { account: "other", input }, contextOf());
      expect(refusalOf(answer).problem).toBe("invalid");
      await settle(world);
      expect(readMaps(world.kv.values).root.accounts).toBe(1);
    },
  );

  it("lets the shards go on while urgent accounts make the root too large", async ({ expect }) => {
    const world = createWorld({ db: createMemoryDb() });
    await addProducts(world);
    for (let n = 0; n < 150; n++) await addAccount(world, `account-${n}`);
    const timeouts = Array.from({ length: 15 }, (_, n) => ({
      prefix: `/${n}${"x".repeat(3000)}`,
      seconds: 60,
    }));
    await must(world, "product.put", { product: "kiln", input: { domains: ["kiln.example.com"], timeouts } });
    await settle(world);
    const hold = { mode: "page", message: "y".repeat(100), until: null, reason: "test" } as const;
    for (let n = 0; n < 150; n++)
      await must(world, "account.hold.set", { account: `account-${n}`, input: hold });
    await settle(world);
    expect(readMaps(world.kv.values).find("account-149")?.hold?.mode).toBe("page");
  });

  it("does not wait longer when the clock is put back while a batch settles", async ({ expect }) => {
    const world = createWorld({ db: createMemoryDb() });
    await addProducts(world);
    await addAccount(world, "acme");
    await world.control.alarm();
    world.clock.now -= 3_600_000;
    await world.control.alarm();
    await settle(world);
    expect(readMaps(world.kv.values).root.accounts).toBe(1);
  });

  it("publishes without a standby that is in no maps, in place of nothing", async ({ expect }) => {
    const world = createWorld({ db: createMemoryDb() });
    await addProducts(world);
    await settle(world);
    world.db.run("UPDATE versions SET state = 'retired' WHERE product = 'kiln' AND name = '2'");
    world.db.run("UPDATE products SET standby = '2' WHERE name = 'kiln'");
    await addAccount(world, "acme");
    await settle(world);
    const { root } = readMaps(world.kv.values);
    expect(root.accounts).toBe(1);
    expect(root.products["kiln"]).toMatchObject({ default: "1", standby: null });
  });

  it("publishes on when the clock was put back behind the last root", async ({ expect }) => {
    const world = createWorld({ db: createMemoryDb() });
    await addProducts(world);
    await settle(world);
    const before = readMaps(world.kv.values).root.generation;
    world.clock.now -= 3_600_000;
    await addAccount(world, "acme");
    await settle(world);
    const { root } = readMaps(world.kv.values);
    expect(root).toMatchObject({ accounts: 1 });
    expect(root.generation).toBeGreaterThan(before);
    // And from then on once a second again.
    const writes = world.kv.writes().filter((key) => key === "root").length;
    for (const name of ["bolt", "crag"]) await addAccount(world, name);
    await settle(world);
    expect(world.kv.writes().filter((key) => key === "root").length - writes).toBeLessThanOrEqual(2);
  });

  it("replaces somebody's larger maps, once their root is deleted, by what edges that hold them accept", async ({
    expect,
  }) => {
    const before = createWorld({ db: createMemoryDb() });
    await addProducts(before);
    for (let n = 0; n < 100; n++) await addAccount(before, `account-${n}`);
    await settle(before);
    const held = readMaps(before.kv.values).root;

    const { kv, clock } = before;
    const after = createWorld({ db: createMemoryDb(), kv, clock });
    await addProducts(after);
    await addAccount(after, "acme");
    await after.control.alarm();
    expect(readMaps(kv.values).root).toEqual(held);
    kv.values.delete("root");
    clock.now += 120_000;
    await after.control.alarm();
    await settle(after);
    const { root } = readMaps(kv.values);
    expect(root.accounts).toBe(1);
    expect(checkSuccession(held, root)).toBeNull();
  });

  it("counts as meant what a restore takes from a root that may be out although its end was not noted", async ({
    expect,
  }) => {
    const world = createWorld({ db: createMemoryDb() });
    await addProducts(world);
    await addAccount(world, "acme");
    await settle(world);
    const lines: string[] = [];
    for (let cursor: string | null = null; ;) {
      const page = await world.control.exportPage(cursor);
      lines.push(...page.lines);
      cursor = page.cursor;
      if (cursor === null) break;
    }
    for (let n = 0; n < 100; n++) await addAccount(world, `account-${n}`);
    await world.control.alarm();
    // The root lands, and the process dies before it is noted.
    world.clock.now += 120_000;
    const puts = world.kv.operations.length + 3;
    world.kv.die = { at: puts, applied: true };
    void world.control.alarm();
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    const { kv, clock, db } = world;
    kv.die = null;
    const held = readMaps(kv.values).root;
    expect(held.accounts).toBe(101);

    const again = createWorld({ db, kv, clock });
    const { actor } = contextOf();
    valueOf(await again.control.restoreBegin(actor, "test"));
    valueOf(await again.control.restoreLines(lines));
    valueOf(await again.control.restoreEnd(0));
    await settle(again);
    const { root } = readMaps(kv.values);
    expect([root.accounts, checkSuccession(held, root)]).toEqual([1, null]);
  });
});

describe("rollouts over nearly as many groups as there may be", () => {
  const GROUPS = 1990;
  const PRODUCTS = ["kiln", "fogbugz", "forge"];

  async function prepare(): Promise<World> {
    const world = await prepareRollouts(createMemoryDb(), { accounts: ["account-0"] });
    const product = "forge";
    await must(world, "product.put", { product, input: { domains: ["forge.example.com"], timeouts: [] } });
    for (const version of ["1", "2"]) {
      const origin = `https://forge-${version}.origins.example.net`;
      await must(world, "version.put", { product, version, input: { ...VERSION, reversible: true, origin } });
    }
    await must(world, "version.state.set", {
      product,
      version: "2",
      input: { state: "candidate", reason: "t" },
    });
    const input = { presets: [], syntheticAccount: "account-0", syntheticByCell: {}, cells: [], own: [] };
    await must(world, "preflight.settings.set", { product, input });
    const { actor } = contextOf();
    const begin = { id: "cohorts", mode: "import", dryRun: false, expectRemoved: null } as const;
    valueOf(await world.control.importBegin(begin, actor));
    const lines = Array.from({ length: GROUPS - 1 }, (_unused, n) => ({
      line: n + 1,
      account: { account: `account-${n + 1}`, timeZone: "UTC", cohort: `c${n}` },
    }));
    valueOf(await world.control.importBatch("cohorts", lines));
    valueOf(await world.control.importEnd("cohorts", 0));
    await settle(world);
    for (const id of PRODUCTS) {
      const waves = [
        { name: "all", cohorts: ["*"], percent: 100, bake: { minutes: 6000, requests: 0, workdays: 0 } },
      ];
      await must(world, "rollout.create", { id, input: { id, targets: { [id]: "2" }, waves } });
    }
    return world;
  }

  it("are refused when everybody moved would not fit into the root, so that a halt always goes out", async ({
    expect,
  }) => {
    const world = await prepare();
    const planned = async (id: string): Promise<readonly string[]> => {
      const question = { id, before: null, at: null, label: null };
      const { problems } = valueOf(await world.control.query("rollout.plan", question));
      return problems.map(({ message }) => message);
    };
    const start = { input: { again: false } };
    expect(await planned("kiln")).toEqual([]);
    await must(world, "rollout.start", { id: "kiln", ...start });
    await must(world, "rollout.start", { id: "fogbugz", ...start });
    const third = refusalOf(
      await world.control.execute("rollout.start", { id: "forge", ...start }, contextOf()),
    );
    expect(third.problem).toBe("conflict");
    // One account was there before forge, so forge does not move it.
    expect(third.detail).toMatch(/^the maps have no room for rollout forge over 1,989 move groups: /);
    expect(third.detail).toContain(
      "end another rollout first (fogbugz, kiln), or use fewer distinct cohorts, zones, windows or cells",
    );
    expect(await planned("forge")).toEqual([expect.stringContaining("no room for rollout forge over 1,989")]);

    await quiet(world);
    for (let minute = 1; minute <= 3; minute += 1) await tick(world, world.clock.now + MINUTE);
    const { root } = readMaps(world.kv.values);
    expect(root.rollouts.map(({ moved }) => moved.filter((below) => below === 10_000).length)).toEqual([
      GROUPS,
      GROUPS,
    ]);
    await must(world, "halt.set", { input: { on: true, reason: "stop" } });
    await settle(world);
    expect(readMaps(world.kv.values).root.halt).toBe(true);

    // What was left free is for groups that are cut now; a number that both know already takes nothing.
    const room = openRootRoom(world.db);
    const more = Array.from({ length: 1000 }, (_unused, n) => GROUPS + n);
    const fitting = room.countFitting(more);
    expect(fitting).toBeGreaterThan(200);
    expect(fitting).toBeLessThan(1000);
    expect(more.filter((number) => room.take(number))).toHaveLength(fitting);
    expect([room.take(0), room.take(GROUPS + 999)]).toEqual([true, false]);

    // Where a root is too large all the same, what is said names what takes the room.
    const [running] = root.rollouts;
    if (running === undefined) throw new Error("two rollouts are in the maps");
    const rollouts = PRODUCTS.map((id) => ({ ...running, id, targets: { [id]: "2" }, held: running.moved }));
    const told = encodeChecked({ ...root, rollouts }, null);
    expect(told.ok ? "" : told.error).toMatch(
      /bytes, at most 65536: \d+ of them are thresholds of rollouts, so end one of these: kiln, fogbugz, forge$/,
    );
  });
});
