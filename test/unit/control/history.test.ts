/** How the history of published maps is kept: through growth, restores and upgrades, and made shorter after a year. */
import { describe, it } from "vitest";
import { HISTORY_KEPT_MS } from "../../../src/contracts/limits.ts";
import type { PastMaps } from "../../../src/contracts/history-port.ts";
import { HISTORY_SCHEMA } from "../../../src/control/schema-history.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  contextOf,
  createWorld,
  must,
  readMaps,
  settle,
  valueOf,
  type World,
} from "../../support/control-world.ts";

const DAY_MS = 86_400_000;

async function start(): Promise<World> {
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  await addAccount(world, "acme");
  await settle(world);
  return world;
}

async function pin(world: World, account: string, version: string): Promise<void> {
  const input = { version, reason: "t", expires: null };
  await must(world, "account.pin.set", { account, product: "kiln", input });
  await settle(world);
}

const generationOf = (world: World): number => readMaps(world.kv.values).root.generation;

async function mapsAt(world: World, generation: number, key: string): Promise<PastMaps | null> {
  const found = await world.control.query("history.maps", { generation, key });
  return found.ok ? found.value : null;
}

async function whys(world: World, account: string): Promise<readonly string[]> {
  const query = { account, product: "kiln", cursor: null, limit: 100 };
  return valueOf(await world.control.query("account.history", query)).items.map(({ why }) => why);
}

function countRows(world: World, table: string): number {
  return Number(world.db.rows(`SELECT count(*) AS n FROM ${table}`)[0]?.["n"]);
}

describe("the history of rows", () => {
  it("tells an account that was not there, that came and that is gone for good", async ({ expect }) => {
    const world = await start();
    const before = generationOf(world);
    await addAccount(world, "beta", { domains: [{ host: "code.beta.example", product: "kiln" }] });
    await settle(world);
    const during = generationOf(world);
    await must(world, "account.delete", { account: "beta", reason: "over" });
    await settle(world);
    world.clock.now += 91 * DAY_MS;
    await world.control.tick(world.clock.now);
    await settle(world);
    const after = generationOf(world);
    const found = await Promise.all(
      [before, during, after].flatMap((generation) =>
        ["beta", "code.beta.example"].map(
          async (key) => (await mapsAt(world, generation, key))?.row?.homes ?? null,
        ),
      ),
    );
    const homes = { kiln: "1" };
    expect(found).toEqual([null, null, { kiln: "1", fogbugz: "1" }, homes, null, null]);
    expect(await whys(world, "beta")).toEqual(["removed", "created"]);
  });

  it("goes on when the number of shards grows", async ({ expect }) => {
    const world = await start();
    await pin(world, "acme", "2");
    const small = generationOf(world);
    const lines = Array.from({ length: 2100 }, (_unused, n) => ({
      line: n + 1,
      account: { account: `account-${n}`, timeZone: "Europe/Paris", cohort: "general" },
    }));
    const begin = { id: "i", mode: "import", dryRun: false, expectRemoved: null } as const;
    valueOf(await world.control.importBegin(begin, contextOf().actor));
    for (const from of [0, 2000]) {
      const batch = lines.slice(from, from + 2000).map(({ line, account }) => ({
        line,
        account: { labels: {}, cell: null, window: null, domains: [], ...account },
      }));
      valueOf(await world.control.importBatch("i", batch));
    }
    valueOf(await world.control.importEnd("i", 0));
    await settle(world);
    const large = generationOf(world);
    expect(readMaps(world.kv.values).shards.length).toBeGreaterThan(1);
    await must(world, "account.pin.lift", { account: "acme", product: "kiln", reason: "t" });
    await settle(world);
    const pins = async (generation: number): Promise<unknown> =>
      (await mapsAt(world, generation, "acme"))?.row?.pins;
    expect([await pins(small), await pins(large), await pins(generationOf(world))]).toEqual([
      { kiln: "2" },
      { kiln: "2" },
      null,
    ]);
    expect((await mapsAt(world, small, "account-7"))?.row).toBeNull();
    expect((await mapsAt(world, large, "account-7"))?.row?.homes["kiln"]).toBe("1");
  });

  it("writes no row for a build that changes nothing", async ({ expect }) => {
    const world = await start();
    await pin(world, "acme", "2");
    const rows = countRows(world, "history_shards");
    await must(world, "halt.set", { input: { on: true, reason: "t" } });
    await settle(world);
    expect(countRows(world, "history_shards")).toBe(rows);
  });

  it("knows every row after an upgrade from a release that kept none", async ({ expect }) => {
    const world = await start();
    await pin(world, "acme", "2");
    for (const table of ["values", "roots", "thresholds", "shards", "now", "break_glass"])
      world.db.run(`DROP TABLE history_${table}`);
    for (const statement of HISTORY_SCHEMA) world.db.run(statement);
    const before = generationOf(world);
    // The copy in KV answers for what was published before; the record begins with the next root.
    expect(await mapsAt(world, before, "acme")).toBeNull();
    const writes = world.kv.writes().length;
    await settle(world);
    const again = createWorld({ db: world.db, kv: world.kv, clock: world.clock });
    await again.control.alarm();
    await settle(again);
    expect(again.kv.writes().slice(writes)).toEqual([]);
    await must(again, "halt.set", { input: { on: true, reason: "t" } });
    await settle(again);
    expect((await mapsAt(again, generationOf(again), "acme"))?.row?.pins).toEqual({ kiln: "2" });
  });

  it("goes on through a restore, whose changes are told like any other", async ({ expect }) => {
    const world = await start();
    const lines: string[] = [];
    for (let cursor: string | null = null; ;) {
      const page = await world.control.exportPage(cursor);
      lines.push(...page.lines);
      cursor = page.cursor;
      if (cursor === null) break;
    }
    await pin(world, "acme", "2");
    const pinned = generationOf(world);
    valueOf(await world.control.restoreBegin(contextOf().actor, "drill"));
    valueOf(await world.control.restoreLines(lines));
    valueOf(await world.control.restoreEnd(pinned + 10));
    await settle(world);
    expect((await mapsAt(world, pinned, "acme"))?.row?.pins).toEqual({ kiln: "2" });
    expect((await mapsAt(world, generationOf(world), "acme"))?.row?.pins).toBeNull();
    expect(await whys(world, "acme")).toEqual(["unpin", "pin", "recorded"]);
  });
});

describe("history older than it is kept for", () => {
  it("is folded into what was true then, and nothing later loses its ground", async ({ expect }) => {
    const world = await start();
    const first = generationOf(world);
    await addAccount(world, "beta");
    await settle(world);
    await pin(world, "acme", "2");
    const old = generationOf(world);
    world.clock.now += HISTORY_KEPT_MS + DAY_MS;
    await world.control.tick(world.clock.now);
    await pin(world, "beta", "2");
    world.clock.now += DAY_MS / 2;
    await world.control.tick(world.clock.now);
    expect(await mapsAt(world, first, "acme")).toBeNull();
    // The one that was out then, and the two of the new pin: at once, and when its shard has it.
    expect(countRows(world, "history_roots")).toBe(3);
    expect(countRows(world, "history_shards")).toBe(2);
    expect((await mapsAt(world, old, "acme"))?.row?.pins).toEqual({ kiln: "2" });
    expect((await mapsAt(world, old, "beta"))?.row?.pins).toBeNull();
    expect((await mapsAt(world, generationOf(world), "beta"))?.row?.pins).toEqual({ kiln: "2" });
    expect((await mapsAt(world, old, "nobody"))?.row).toBeNull();
    expect(await whys(world, "acme")).toEqual(["recorded"]);
  });
});
