/**
 * The publisher killed at every operation on KV, once with the operation lost and once with it landed, on the object's
 * own SQLite. After each death the maps in KV must be whole and of exactly one generation; after a restart they must
 * come to the same end, with no text of a generation ever changed.
 */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { describe, it } from "vitest";
import { createDb, type Db } from "../../../src/control/db.ts";
import { writeCounter } from "../../../src/control/store/meta.ts";
import {
  addAccount,
  addProducts,
  createFakeClock,
  createFakeKv,
  createWorld,
  must,
  readMaps,
  settle,
  versionFor,
  type FakeKv,
  type World,
} from "../../support/control-world.ts";

const ACCOUNTS = Array.from({ length: 24 }, (_unused, n) => `account-${n}`);
const CHANGED = ["account-3", "account-5", "account-11"];
/** Enough that the index is an object of its own. */
const SHARDS = 128;

/** Operations that the second publish takes: three shards and the index (put, get), copy (put, get), root. */
const POINTS = 11;
/** And the very first: is there a root, one shard, is there break-glass, put it, copy, root. */
const FIRST_POINTS = 8;

async function inObject<T>(name: string, body: (db: Db) => Promise<T>): Promise<T> {
  const stub = env.CONTROL.getByName(`kill-${name}`);
  return runInDurableObject(stub, (_instance, state) => body(createDb(state.storage)));
}

async function prepare(db: Db, shards: number): Promise<World> {
  const world = createWorld({ db });
  await addProducts(world);
  if (shards > 1) writeCounter(db, "shard_count", shards);
  for (const account of ACCOUNTS) await addAccount(world, account);
  if (shards > 1)
    db.run("INSERT OR IGNORE INTO dirty_slots (slot, seq) SELECT value, 1 FROM json_each(?)", allSlots());
  return world;
}

function allSlots(): string {
  return JSON.stringify(Array.from({ length: 16_384 }, (_unused, slot) => slot));
}

/** Three accounts get another cell, which only their shards tell. */
async function change(world: World): Promise<void> {
  for (const account of CHANGED) await addAccount(world, account, { cell: "eu1" });
}

/** Runs alarms until the process dies or all is done. */
async function runUntilDeath(world: World): Promise<void> {
  for (let alarms = 0; alarms < 50; alarms++) {
    if (world.wakeUp.at === null) return;
    world.clock.now = Math.max(world.clock.now, world.wakeUp.at);
    world.wakeUp.at = null;
    // An operation that never answers leaves the alarm hanging; a macrotask later it is clear that it will not end.
    const ended = await Promise.race([
      world.control.alarm().then(() => true),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 5)),
    ]);
    if (!ended) return;
  }
}

function restart(dead: World): World {
  const kv = createFakeKv(dead.kv.values);
  const world = createWorld({ db: dead.db, kv, clock: createFakeClock(dead.clock.now) });
  world.wakeUp.at = dead.clock.now;
  return world;
}

function cells(kv: FakeKv): readonly string[] {
  const maps = readMaps(kv.values);
  return CHANGED.map((account) => maps.find(account)?.cell ?? "none");
}

function texts(kv: FakeKv): ReadonlyMap<string, string> {
  return new Map([...kv.values].filter(([key]) => key.startsWith("root/")));
}

const deaths = (points: number): { at: number; applied: boolean }[] =>
  Array.from({ length: points }, (_unused, n) =>
    [false, true].map((applied) => ({ at: n + 1, applied })),
  ).flat();

describe("publisher, killed", () => {
  it("takes as many operations as there are tests below", async ({ expect }) => {
    await inObject("count", async (db) => {
      const world = await prepare(db, SHARDS);
      await settle(world);
      const before = world.kv.operations.length;
      await change(world);
      await settle(world);
      expect(world.kv.operations.length - before).toBe(POINTS);
    });
    await inObject("count-first", async (db) => {
      const world = await prepare(db, 1);
      await settle(world);
      expect(world.kv.operations.length).toBe(FIRST_POINTS);
    });
  });

  it.for(deaths(POINTS))(
    "leaves whole maps and finishes later (operation $at, landed: $applied)",
    async (death, { expect }) => {
      await inObject(`${death.at}-${death.applied}`, async (db) => {
        const world = await prepare(db, SHARDS);
        await settle(world);
        const { generation } = readMaps(world.kv.values).root;
        await change(world);
        world.kv.die = { at: world.kv.operations.length + death.at, applied: death.applied };
        await runUntilDeath(world);

        const after = readMaps(world.kv.values).root.generation;
        const seen = cells(world.kv);
        expect(seen).toEqual(CHANGED.map(() => (after === generation ? "none" : "eu1")));
        const fixed = texts(world.kv);

        const next = restart(world);
        await settle(next);
        const end = readMaps(next.kv.values);
        expect(cells(next.kv)).toEqual(CHANGED.map(() => "eu1"));
        expect(end.root.generation).toBe(generation + 1);
        expect(ACCOUNTS.map((account) => versionFor(end, "kiln", account))).toEqual(ACCOUNTS.map(() => "1"));
        for (const [key, text] of fixed) expect(next.kv.values.get(key), key).toBe(text);
        expect(next.kv.values.get(`root/${generation + 1}`)).toBe(next.kv.values.get("root"));
      });
    },
  );

  it.for(deaths(FIRST_POINTS))(
    "publishes the first maps all the same (operation $at, landed: $applied)",
    async (death, { expect }) => {
      await inObject(`first-${death.at}-${death.applied}`, async (db) => {
        const world = await prepare(db, 1);
        world.kv.die = death;
        await runUntilDeath(world);
        if (world.kv.values.has("root"))
          expect(readMaps(world.kv.values).root.accounts).toBe(ACCOUNTS.length);
        const next = restart(world);
        await settle(next);
        const maps = readMaps(next.kv.values);
        expect(maps.root).toMatchObject({ generation: 1, accounts: ACCOUNTS.length });
        expect(next.kv.values.get("break-glass")).toBe("{}");
      });
    },
  );

  it("never lets an operator's break-glass be overwritten by a restart", async ({ expect }) => {
    await inObject("break-glass", async (db) => {
      const world = await prepare(db, 1);
      world.kv.values.set("break-glass", '{"reason":"by hand"}');
      await settle(world);
      await must(world, "halt.set", { input: { on: true, reason: "smoke" } });
      const next = restart(world);
      await settle(next);
      expect(next.kv.values.get("break-glass")).toBe('{"reason":"by hand"}');
    });
  });
});
