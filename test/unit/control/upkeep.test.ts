/** What happens apart from commands: ticks, collection, migrations, exports and restores, the meter. */
import { describe, it, vi } from "vitest";
import { KEPT_ROOTS } from "../../../src/contracts/limits.ts";
import type { EdgeReport } from "../../../src/contracts/telemetry.ts";
import { migrate, MIGRATIONS } from "../../../src/control/migrations.ts";
import { findAuditBreak } from "../../../src/control/store/audit.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  contextOf,
  createFakeKv,
  createWorld,
  must,
  readMaps,
  refusalOf,
  settle,
  valueOf,
  versionFor,
  type World,
} from "../../support/control-world.ts";
import { readExport, restore } from "../../support/transfer.ts";

// Hundreds of roots are published before the first is dropped.
vi.setConfig({ testTimeout: 60_000 });

const DAY_MS = 86_400_000;
const ADMIN = contextOf().actor;

async function start(): Promise<World> {
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  await addAccount(world, "acme");
  await settle(world);
  return world;
}

describe("tick", () => {
  it("does nothing when it is older than the clock, or comes twice", async ({ expect }) => {
    const world = await start();
    const expires = new Date(world.clock.now + DAY_MS).toISOString();
    await must(world, "account.pin.set", {
      account: "acme",
      product: "kiln",
      input: { version: "2", reason: "x", expires },
    });
    const at = world.clock.now + 2 * DAY_MS;
    expect((await world.control.tick(at)).happened).toHaveLength(1);
    const before = world.db.rows("SELECT * FROM accounts");
    expect(await world.control.tick(at)).toMatchObject({ advanced: false, happened: [], now: at });
    expect(await world.control.tick(at - DAY_MS)).toMatchObject({ advanced: false, now: at });
    expect(world.db.rows("SELECT * FROM accounts")).toEqual(before);
  });

  it("folds missed ticks into one: the end is the same", async ({ expect }) => {
    const run = async (times: readonly number[]): Promise<unknown> => {
      const world = await start();
      const expires = new Date(world.clock.now + DAY_MS).toISOString();
      await must(world, "account.pin.set", {
        account: "acme",
        product: "kiln",
        input: { version: "2", reason: "x", expires },
      });
      for (const days of times) await world.control.tick(world.clock.now + days * DAY_MS);
      await settle(world);
      return [
        versionFor(readMaps(world.kv.values), "kiln", "acme"),
        world.db.rows("SELECT account FROM pins"),
      ];
    };
    expect(await run([1, 2, 3, 4])).toEqual(await run([4]));
  });

  it("comes from the alarm when cron has gone silent", async ({ expect }) => {
    const world = await start();
    await world.control.tick(world.clock.now);
    const due = world.wakeUp.at ?? 0;
    expect(due - world.clock.now).toBe(180_000);
    world.clock.now = due;
    await world.control.alarm();
    expect(valueOf(await world.control.query("status", { seen: [] })).lastTick).toBe(
      new Date(due).toISOString(),
    );
  });
});

describe("collection", () => {
  it("drops old roots and what only they named, and never what a kept root names", async ({ expect }) => {
    const world = await start();
    const cells = ["a1", "b2", "c3", "d4", "e5"];
    for (let round = 0; round < KEPT_ROOTS + 40; round++) {
      await addAccount(world, "acme", { cell: `${cells[round % 5]}-${Math.floor(round / 7)}` });
      await settle(world);
      if (round % 20 !== 0) continue;
      world.clock.now += DAY_MS;
      await world.control.tick(world.clock.now);
      for (const key of world.kv.values.keys()) if (key.startsWith("root")) readMaps(world.kv.values, key);
    }
    for (let week = 0; week < 6; week++) {
      world.clock.now += 8 * DAY_MS;
      await world.control.tick(world.clock.now);
    }
    const roots = [...world.kv.values.keys()].filter((key) => key.startsWith("root/"));
    expect(roots).toHaveLength(KEPT_ROOTS);
    for (const key of roots) readMaps(world.kv.values, key);
    const named = new Set(
      roots.flatMap((key) => readMaps(world.kv.values, key).shards.map((hash) => `shard/${hash}`)),
    );
    const there = [...world.kv.values.keys()].filter((key) => key.startsWith("shard/"));
    expect(new Set(there)).toEqual(named);
  });

  it("keeps the root that break-glass holds, for as long as it does", async ({ expect }) => {
    const world = await start();
    await world.control.tick(world.clock.now);
    const held = readMaps(world.kv.values).root.generation;
    world.clock.now += 6 * DAY_MS;
    await world.control.tick(world.clock.now);
    const expires = new Date(world.clock.now + 5 * DAY_MS).toISOString();
    world.kv.values.set("break-glass", JSON.stringify({ reason: "bad maps", expires, holdGeneration: held }));
    for (let n = 0; n < KEPT_ROOTS + 10; n += 1) {
      await must(world, "halt.set", { input: { on: n % 2 === 0, reason: `${n}` } });
      world.clock.now += 2000;
      await settle(world);
    }
    const tickAfter = async (days: number): Promise<void> => {
      world.clock.now += days * DAY_MS;
      await world.control.tick(world.clock.now);
    };
    await tickAfter(2);
    expect(world.kv.values.has(`root/${held - 1}`)).toBe(false);
    expect(world.kv.values.has(`root/${held}`)).toBe(true);
    await tickAfter(4);
    expect(world.kv.values.has(`root/${held}`)).toBe(false);
  });

  it("keeps an object for a week after the last root that named it was dropped", async ({ expect }) => {
    const world = await start();
    const old = readMaps(world.kv.values).shards[0] ?? "";
    await addAccount(world, "acme", { cell: "eu1" });
    await settle(world);
    for (let flips = 0; flips <= KEPT_ROOTS; flips++) {
      await must(world, "halt.set", { input: { on: flips % 2 === 0, reason: "x" } });
      await settle(world);
    }
    world.clock.now += 8 * DAY_MS;
    expect((await world.control.tick(world.clock.now)).happened.join()).toContain("old roots");
    expect(world.kv.values.has(`shard/${old}`)).toBe(true);
    world.clock.now += 6 * DAY_MS;
    await world.control.tick(world.clock.now);
    expect(world.kv.values.has(`shard/${old}`)).toBe(true);
    world.clock.now += 2 * DAY_MS;
    await world.control.tick(world.clock.now);
    expect(world.kv.values.has(`shard/${old}`)).toBe(false);
    // The same rows again: the object is needed, is not there, and is put again.
    await addAccount(world, "acme", { cell: null });
    await settle(world);
    expect(readMaps(world.kv.values).shards).toEqual([old]);
  });

  it("puts an object again that is wanted while it is being deleted", async ({ expect }) => {
    const world = await start();
    const old = readMaps(world.kv.values).shards[0] ?? "";
    await addAccount(world, "acme", { cell: "eu1" });
    await settle(world);
    for (let flips = 0; flips <= KEPT_ROOTS; flips++) {
      await must(world, "halt.set", { input: { on: flips % 2 === 0, reason: "x" } });
      await settle(world);
    }
    world.clock.now += 8 * DAY_MS;
    await world.control.tick(world.clock.now);
    world.clock.now += 8 * DAY_MS;
    const ticking = world.control.tick(world.clock.now);
    await addAccount(world, "acme", { cell: null });
    await Promise.all([ticking, world.control.alarm()]);
    await settle(world);
    expect(readMaps(world.kv.values).shards).toEqual([old]);
  });
});

describe("migrations", () => {
  const later = { id: "999_later", statements: ["CREATE TABLE later (x TEXT)"] };

  it("run once, in order, and only what is missing", ({ expect }) => {
    const db = createMemoryDb();
    migrate(db, MIGRATIONS, "000");
    expect(db.rows("SELECT * FROM migrations")).toEqual([]);
    migrate(db);
    migrate(db);
    migrate(db, [...MIGRATIONS, later]);
    expect(db.rows("SELECT id FROM migrations ORDER BY position").map((row) => row["id"])).toEqual(
      [...MIGRATIONS, later].map(({ id }) => id),
    );
  });

  it("refuse a newer database, another history and an edited migration", ({ expect }) => {
    const newer = createMemoryDb();
    migrate(newer, [...MIGRATIONS, later]);
    expect(() => migrate(newer)).toThrow("does not know");
    expect(() => migrate(newer, [...MIGRATIONS, { ...later, id: "999_other" }])).toThrow("histories differ");
    expect(() => migrate(newer, [...MIGRATIONS, { ...later, statements: ["SELECT 1"] }])).toThrow(
      "was edited",
    );
  });

  it("leave the database as it was when one fails", ({ expect }) => {
    const db = createMemoryDb();
    migrate(db);
    const bad = { id: "999_bad", statements: ["CREATE TABLE half (x TEXT)", "NONSENSE"] };
    expect(() => migrate(db, [...MIGRATIONS, bad])).toThrow();
    expect(db.rows("SELECT name FROM sqlite_master WHERE name = 'half'")).toEqual([]);
    migrate(db);
  });
});

describe("restore", () => {
  it("brings the same maps back under a higher generation and says whom it moves and drops", async ({
    expect,
  }) => {
    const world = await start();
    await addAccount(world, "beta");
    await settle(world);
    const was = readMaps(world.kv.values);
    const lines = await readExport(world);
    await addAccount(world, "later");
    await must(world, "account.pin.set", {
      account: "beta",
      product: "kiln",
      input: { version: "2", reason: "x", expires: null },
    });
    await must(world, "account.pin.lift", { account: "beta", product: "kiln", reason: "x" });
    await settle(world);
    const between = readMaps(world.kv.values).root.generation;
    const writes = world.kv.writes().length;
    const generation = await restore(world, lines, between + 50);
    await settle(world);
    const is = readMaps(world.kv.values);
    expect(is.shards).toEqual(was.shards);
    expect(generation).toBe(between + 51);
    expect(is.root.generation).toBe(generation);
    expect(world.kv.writes().slice(writes)).toEqual([`root/${generation}`, "root"]);
    const { items } = valueOf(
      await world.control.query("audit", { cursor: null, limit: 1, target: null, actor: null }),
    );
    expect(items[0]).toMatchObject({ action: "restore", detail: { accountsMoved: 1, accountsDropped: 1 } });
    expect(findAuditBreak(world.db)).toBeNull();
  });

  it("may drop most accounts, because it is meant, and readers are told so", async ({ expect }) => {
    const world = await start();
    const lines = await readExport(world);
    for (let n = 0; n < 300; n++) await addAccount(world, `account-${n}`);
    await settle(world);
    await restore(world, lines);
    await settle(world);
    expect(readMaps(world.kv.values).root).toMatchObject({ accounts: 1, removed: { accounts: 300 } });
  });

  it("follows the maps in KV when the control plane had lost everything", async ({ expect }) => {
    const lost = await start();
    const lines = await readExport(lost);
    await must(lost, "halt.set", { input: { on: true, reason: "x" } });
    await settle(lost);
    const { generation } = readMaps(lost.kv.values).root;
    const fresh = createWorld({ db: createMemoryDb(), kv: createFakeKv(lost.kv.values), clock: lost.clock });
    await restore(fresh, lines);
    await settle(fresh);
    expect(readMaps(fresh.kv.values).root).toMatchObject({ generation: generation + 1, halt: false });
  });

  it("is one at a time and for admins", async ({ expect }) => {
    const world = await start();
    expect(refusalOf(await world.control.restoreBegin(contextOf("operator").actor, "x")).problem).toBe(
      "forbidden",
    );
    valueOf(await world.control.restoreBegin(ADMIN, "first"));
    expect(refusalOf(await world.control.restoreBegin(ADMIN, "second")).problem).toBe("conflict");
    world.clock.now += 60_001;
    valueOf(await world.control.restoreBegin(ADMIN, "second"));
    expect(refusalOf(await world.control.restoreEnd(0)).detail).toContain("cut off");
    expect(refusalOf(await world.control.restoreEnd(0)).problem).toBe("conflict");
  });

  it("takes an export of one moment, whatever happens while it is fetched", async ({ expect }) => {
    const world = await start();
    const first = await world.control.exportPage(null);
    await addAccount(world, "later");
    const lines = [...first.lines];
    for (let { cursor } = first; cursor !== null;) {
      const page = await world.control.exportPage(cursor);
      lines.push(...page.lines);
      cursor = page.cursor;
    }
    await restore(createWorld({ db: createMemoryDb() }), lines);
    expect(lines.some((line) => line.includes('"later"'))).toBe(false);
  });
});

describe("status", () => {
  it("shows published against seen as shares of traffic", async ({ expect }) => {
    const world = await start();
    const isolate = (name: string, generation: number, requests: number): EdgeSeen => ({
      isolate: name,
      generation,
      breakGlass: generation === 1,
      requests,
      reportedAt: world.clock.now,
    });
    const seen = [isolate("a", 2, 75), isolate("b", 1, 20), isolate("c", 1, 5)];
    const old = { ...isolate("d", 9, 1000), reportedAt: world.clock.now - 200_000 };
    const status = valueOf(await world.control.query("status", { seen: [...seen, old] }));
    expect(status.seen).toEqual({
      generations: [
        { generation: 2, share: 0.75, isolates: 1 },
        { generation: 1, share: 0.25, isolates: 2 },
      ],
      highest: 2,
      breakGlassShare: 0.25,
      breakGlassIsolates: 2,
    });
    expect(status.products[1]).toMatchObject({ name: "kiln", stable: "1", versions: { "1": 1, "2": 0 } });
  });

  it("warns of an origin that is no longer allowed, and of break-glass it cannot read", async ({
    expect,
  }) => {
    const world = await start();
    world.kv.values.set("break-glass", "not json");
    const strict = createWorld({
      db: world.db,
      kv: world.kv,
      clock: world.clock,
      config: { originAllow: [] },
    });
    const { warnings } = valueOf(await strict.control.query("status", { seen: [] }));
    expect(warnings.join()).toContain("break-glass");
    expect(warnings.join()).toContain("kiln 1 cannot be reached");
  });
});

type EdgeSeen = Pick<EdgeReport, "isolate" | "generation" | "breakGlass" | "requests"> & {
  reportedAt: number;
};
