/** Assignments: refusals, filters, pages, and a number of shards that grows. What they say is in the property test. */
import { describe, it } from "vitest";
import type { AssignmentQuery } from "../../../src/contracts/handover-port.ts";
import { HISTORY_SCHEMA } from "../../../src/control/schema-history.ts";
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
  type World,
} from "../../support/control-world.ts";

async function start(): Promise<World> {
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  for (const account of ["acme", "beta", "gamma"]) await addAccount(world, account);
  await settle(world);
  return world;
}

async function pin(world: World, account: string, product: string): Promise<void> {
  const input = { version: "2", reason: "t", expires: null };
  await must(world, "account.pin.set", { account, product, input });
  await settle(world);
}

const generationOf = (world: World): number => readMaps(world.kv.values).root.generation;
const ask = (since: number, more: Partial<AssignmentQuery> = {}): AssignmentQuery => ({
  since,
  products: null,
  version: null,
  cursor: null,
  limit: 100,
  ...more,
});

async function importMany(world: World, count: number): Promise<void> {
  const begin = { id: "i", mode: "import", dryRun: false, expectRemoved: null } as const;
  valueOf(await world.control.importBegin(begin, contextOf().actor));
  const lines = Array.from({ length: count }, (_unused, n) => ({
    line: n + 1,
    account: {
      account: `account-${n}`,
      timeZone: "Europe/Paris",
      cohort: "general",
      labels: {},
      cell: null,
      window: null,
      domains: [],
    },
  }));
  for (let from = 0; from < count; from += 2000)
    valueOf(await world.control.importBatch("i", lines.slice(from, from + 2000)));
  valueOf(await world.control.importEnd("i", 0));
  await settle(world);
}

describe("assignments", () => {
  it("tells each account once, of the products and the version that were asked for", async ({ expect }) => {
    const world = await start();
    const since = generationOf(world);
    await pin(world, "acme", "kiln");
    await pin(world, "acme", "fogbugz");
    await pin(world, "beta", "kiln");
    const whole = valueOf(await world.control.query("assignments", ask(since)));
    const moved = { from: "1", to: "2" };
    // A pin goes out at once, and then once more in its shard.
    expect(whole.items).toEqual([
      { account: "acme", product: "fogbugz", ...moved, generation: since + 3 },
      { account: "acme", product: "kiln", ...moved, generation: since + 1 },
      { account: "beta", product: "kiln", ...moved, generation: since + 5 },
    ]);
    expect(whole).toMatchObject({ since, generation: generationOf(world), cursor: null });
    const kiln = valueOf(await world.control.query("assignments", ask(since, { products: ["kiln"] })));
    expect(kiln.items.map(({ account }) => account)).toEqual(["acme", "beta"]);
    const nobody = valueOf(await world.control.query("assignments", ask(since, { version: "3" })));
    expect(nobody.items).toEqual([]);
    const page = valueOf(await world.control.query("assignments", ask(since, { limit: 2 })));
    expect([page.items.length, page.cursor === null]).toEqual([2, false]);
    // What happens between two pages is told by the next question, not by half of this one.
    await pin(world, "gamma", "kiln");
    const rest = valueOf(await world.control.query("assignments", ask(since, { cursor: page.cursor })));
    expect(rest.items.map(({ account }) => account)).toEqual(["beta"]);
    expect(rest.generation).toBe(page.generation);
  });

  it("goes on where the number of shards grew in between", async ({ expect }) => {
    const world = await start();
    const since = generationOf(world);
    await pin(world, "acme", "kiln");
    await importMany(world, 2100);
    expect(readMaps(world.kv.values).shards.length).toBeGreaterThan(1);
    await pin(world, "account-7", "kiln");
    const accounts = new Map<string, string | null>();
    for (let cursor: string | null = null; ;) {
      const query: AssignmentQuery = ask(since, { products: ["kiln"], cursor, limit: 1000 });
      const page = await world.control.query("assignments", query);
      for (const item of valueOf(page).items) accounts.set(item.account, `${item.from} ${item.to}`);
      cursor = valueOf(page).cursor;
      if (cursor === null) break;
    }
    expect([
      accounts.size,
      accounts.get("acme"),
      accounts.get("account-7"),
      accounts.get("account-8"),
    ]).toEqual([2101, "1 2", "null 2", "null 1"]);
  });

  it("says where the record begins, and what the newest generation is", async ({ expect }) => {
    const world = await start();
    const newest = generationOf(world);
    const early = refusalOf(await world.control.query("assignments", ask(0)));
    expect(early).toMatchObject({
      problem: "not-found",
      extensions: { earliest_generation: 1, generation: newest },
    });
    const late = refusalOf(await world.control.query("assignments", ask(newest + 1)));
    expect([late.problem, late.detail]).toEqual([
      "invalid",
      `generation ${newest + 1} is not published yet; the newest is ${newest}`,
    ]);
    for (const cursor of ["x", "1.2", "999999.1.0.", "1.3.0.", "1.1.5."]) {
      const refused = refusalOf(await world.control.query("assignments", ask(newest, { cursor })));
      expect(refused.detail).toContain("cursor");
    }
  });

  it("does not answer for what was published before the record was kept", async ({ expect }) => {
    const world = await start();
    for (const table of ["values", "roots", "thresholds", "shards", "now", "break_glass"])
      world.db.run(`DROP TABLE history_${table}`);
    for (const statement of HISTORY_SCHEMA) world.db.run(statement);
    const refused = refusalOf(await world.control.query("assignments", ask(generationOf(world))));
    expect(refused.extensions).toMatchObject({ earliest_generation: null });
  });
});
