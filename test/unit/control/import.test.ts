/** Imports and syncs: bad lines, repeated batches, what a sync may remove, domains that change hands, dry runs. */
import { describe, it } from "vitest";
import type { ImportLine } from "../../../src/contracts/api/accounts.ts";
import type { BatchDone, ImportBegin, ImportEnded } from "../../../src/contracts/import-port.ts";
import type { Refusal } from "../../../src/contracts/problems.ts";
import type { Result } from "../../../src/contracts/result.ts";
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

const ZONE = { timeZone: "Europe/Paris", cohort: "general" };

async function start(): Promise<World> {
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  return world;
}

function lines(count: number, more: Partial<ImportLine> = {}): ImportLine[] {
  return Array.from({ length: count }, (_unused, n) => ({ account: `account-${n}`, ...ZONE, ...more }));
}

interface Run {
  readonly batches: BatchDone[];
  readonly ended: Result<ImportEnded, Refusal>;
}

async function load(
  world: World,
  accounts: readonly ImportLine[],
  begin: Partial<ImportBegin> = {},
): Promise<Run> {
  const id = begin.id ?? `import-${Math.random()}`;
  valueOf(
    await world.control.importBegin(
      { mode: "import", dryRun: false, expectRemoved: null, ...begin, id },
      contextOf().actor,
    ),
  );
  const batches: BatchDone[] = [];
  for (let at = 0; at < accounts.length; at += 2000) {
    const batch = accounts.slice(at, at + 2000).map((account, n) => ({ line: at + n + 1, account }));
    batches.push(valueOf(await world.control.importBatch(id, batch)));
  }
  return { batches, ended: await world.control.importEnd(id, 0) };
}

async function count(world: World): Promise<number> {
  return valueOf(await world.control.query("status", { seen: [] })).accounts;
}

describe("import", () => {
  it("takes 20,000 accounts, and one change afterwards writes one shard, the root and its copy", async ({
    expect,
  }) => {
    const world = await start();
    const { ended } = await load(world, lines(20_000));
    expect(valueOf(ended).summary).toMatchObject({ lines: 20_000, added: 20_000, rejected: 0 });
    await settle(world);
    const maps = readMaps(world.kv.values);
    expect(maps.root.accounts).toBe(20_000);
    expect(maps.shards.length).toBe(16);
    const before = world.kv.writes().length;
    await load(world, [{ account: "account-77", ...ZONE, cohort: "early" }]);
    await settle(world);
    const writes = world.kv
      .writes()
      .slice(before)
      .map((key) => key.replace(/[0-9a-f]{32}$|\d+$/, "…"));
    expect(writes).toEqual(["shard/…", "root/…", "root"]);
  });

  it("writes nothing when nothing is different, or nothing that maps show", async ({ expect }) => {
    const world = await start();
    await load(world, lines(50));
    await settle(world);
    const before = world.kv.operations.length;
    expect(valueOf((await load(world, lines(50))).ended).summary).toMatchObject({
      unchanged: 50,
      added: 0,
      changed: 0,
    });
    expect(valueOf((await load(world, lines(50, { labels: { plan: "gold" } }))).ended).summary.changed).toBe(
      50,
    );
    await settle(world);
    expect(world.kv.operations.length).toBe(before);
  });

  it("keeps good lines and says what is wrong with each bad one", async ({ expect }) => {
    const world = await start();
    const { batches, ended } = await load(world, [
      { account: "good", ...ZONE },
      { account: "xn--bad", ...ZONE },
      { account: "nowhere", ...ZONE, timeZone: "Mars/Olympus" },
      { account: "good", ...ZONE, cohort: "early" },
      { account: "stranger", ...ZONE, products: ["nothing"] },
    ]);
    expect(batches[0]?.rejected.map(({ line, reason }) => `${line} ${reason}`)).toEqual([
      "1 good comes again on line 4, which wins",
      expect.stringContaining("2 "),
      expect.stringContaining('3 "Mars/Olympus"'),
      expect.stringContaining("5 there is no product nothing"),
    ]);
    expect(valueOf(ended).summary).toMatchObject({ lines: 5, rejected: 4, added: 1 });
    expect(valueOf(await world.control.query("account", { account: "good" })).cohort).toBe("early");
  });

  it("answers a repeated batch as before and takes no line twice", async ({ expect }) => {
    const world = await start();
    const begin = { id: "same", mode: "import" as const, dryRun: false, expectRemoved: null };
    valueOf(await world.control.importBegin(begin, contextOf().actor));
    const batch = lines(3).map((account, n) => ({ line: n + 1, account }));
    const first = valueOf(await world.control.importBatch("same", batch));
    valueOf(await world.control.importBegin(begin, contextOf().actor));
    expect(valueOf(await world.control.importBatch("same", batch))).toEqual(first);
    const overlapping = lines(5).map((account, n) => ({ line: n + 1, account }));
    expect(valueOf(await world.control.importBatch("same", overlapping)).counts.added).toBe(2);
    const ended = valueOf(await world.control.importEnd("same", 0));
    expect(ended.summary).toMatchObject({ lines: 5, added: 5 });
    expect(valueOf(await world.control.importEnd("same", 0))).toEqual(ended);
    const { items } = valueOf(
      await world.control.query("audit", { cursor: null, limit: 10, target: "import/same", actor: null }),
    );
    expect(items).toHaveLength(1);
    expect(items[0]?.detail).toMatchObject({ added: 5, digest: ended.summary.digest });
  });

  it("has one digest for one file, however it was batched", async ({ expect }) => {
    const digests: string[] = [];
    for (const size of [1, 3, 10]) {
      const world = await start();
      valueOf(
        await world.control.importBegin(
          { id: "x", mode: "import", dryRun: false, expectRemoved: null },
          contextOf().actor,
        ),
      );
      const numbered = lines(10).map((account, n) => ({ line: n + 1, account }));
      for (let at = 0; at < 10; at += size)
        valueOf(await world.control.importBatch("x", numbered.slice(at, at + size)));
      digests.push(valueOf(await world.control.importEnd("x", 0)).summary.digest);
    }
    expect(new Set(digests).size).toBe(1);
  });

  it("never touches pins, holds, quarantine or deferral", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "account-0");
    const input = { version: "2", reason: "asked" };
    await must(world, "account.pin.set", {
      account: "account-0",
      product: "kiln",
      input: { ...input, expires: null },
    });
    await must(world, "account.quarantine.set", { account: "account-0", product: "fogbugz", input });
    await must(world, "account.hold.set", {
      account: "account-0",
      input: { mode: "page", message: null, until: null, reason: "x" },
    });
    const until = new Date(world.clock.now + 86_400_000).toISOString();
    await must(world, "account.deferral.set", {
      account: "account-0",
      input: { until, reason: "year end", owner: "ann" },
    });
    const before = valueOf(await world.control.query("account", { account: "account-0" }));
    valueOf((await load(world, lines(1, { cohort: "early" }), { mode: "sync" })).ended);
    valueOf((await load(world, [], { mode: "sync", expectRemoved: 1 })).ended);
    const after = valueOf(await world.control.query("account", { account: "account-0" }));
    expect(after.cohort).toBe("early");
    for (const field of ["pins", "quarantine", "hold", "deferral", "homes"] as const)
      expect(after[field]).toEqual(before[field]);
  });

  it("waits with building while a stream runs, but not for ever", async ({ expect }) => {
    const world = await start();
    await settle(world);
    valueOf(
      await world.control.importBegin(
        { id: "slow", mode: "import", dryRun: false, expectRemoved: null },
        contextOf().actor,
      ),
    );
    const before = world.kv.writes().length;
    for (let n = 0; n < 100; n++) {
      valueOf(
        await world.control.importBatch("slow", [
          { line: n + 1, account: { account: `slow-${n}`, ...ZONE } },
        ]),
      );
      world.clock.now += 1000;
      await world.control.alarm();
    }
    expect(world.kv.writes().length).toBe(before);
    for (let n = 100; n < 300; n++) {
      valueOf(
        await world.control.importBatch("slow", [
          { line: n + 1, account: { account: `slow-${n}`, ...ZONE } },
        ]),
      );
      world.clock.now += 1000;
      await world.control.alarm();
    }
    expect(readMaps(world.kv.values).root.accounts).toBeGreaterThan(0);
  });
});

describe("sync", () => {
  it("refuses to remove 30 % and changes nothing then; takes it with the number", async ({ expect }) => {
    const world = await start();
    await load(world, lines(1000));
    const rest = lines(700, { cohort: "early" });
    const refused = refusalOf((await load(world, rest, { id: "s", mode: "sync" })).ended);
    expect(refused).toMatchObject({
      problem: "removes-too-many",
      extensions: { missing: 300, held: 1000, allowed: 50 },
    });
    expect(refused.detail).toContain("?expectRemoved=300 (on the command line: --expect-removed 300)");
    expect(await count(world)).toBe(1000);
    expect(valueOf(await world.control.query("account", { account: "account-1" })).cohort).toBe("general");
    expect(refusalOf((await load(world, rest, { mode: "sync", expectRemoved: 299 })).ended).problem).toBe(
      "removes-too-many",
    );
    const ended = valueOf((await load(world, rest, { id: "s", mode: "sync", expectRemoved: 300 })).ended);
    expect(ended.summary).toMatchObject({ removed: 300, changed: 700, added: 0 });
    expect(ended.removed).toHaveLength(300);
    await settle(world);
    expect(readMaps(world.kv.values).root).toMatchObject({ accounts: 700, removed: { accounts: 300 } });
  });

  it("refuses to take a product from everybody, and says that it would; takes it with the number", async ({
    expect,
  }) => {
    const world = await start();
    await load(world, lines(100));
    const without = lines(100, { products: ["fogbugz"] });
    const refused = refusalOf((await load(world, without, { id: "p", mode: "sync" })).ended);
    expect(refused).toMatchObject({
      problem: "removes-too-many",
      detail: expect.stringContaining("lacks a product that 100 of 100 accounts have"),
      extensions: { missing: 0, losing_product: 100, held: 100, allowed: 10 },
    });
    expect(valueOf(await world.control.query("account", { account: "account-1" })).homes).toHaveProperty(
      "kiln",
    );
    const both = refusalOf((await load(world, without.slice(40), { mode: "sync", expectRemoved: 99 })).ended);
    expect(both.detail).toContain("lacks 40 of 100 accounts, and a product that 60 of 100 accounts have");
    const ended = valueOf((await load(world, without, { id: "p", mode: "sync", expectRemoved: 100 })).ended);
    expect(ended.summary).toMatchObject({ removed: 0, changed: 100 });
  });

  it("lets a few lose a product, and says nothing of lines that leave products out", async ({ expect }) => {
    const world = await start();
    await load(world, lines(100));
    const file = lines(100, { cohort: "early" }).map((line, n) =>
      n < 10 ? { ...line, products: ["kiln"] } : line,
    );
    expect(valueOf((await load(world, file, { mode: "sync" })).ended).summary.changed).toBe(100);
  });

  it("takes the allowed loss without asking, unless lines could not be read", async ({ expect }) => {
    const world = await start();
    await load(world, lines(1000));
    const begin = { id: "u", mode: "sync" as const, dryRun: false, expectRemoved: null };
    valueOf(await world.control.importBegin(begin, contextOf().actor));
    valueOf(
      await world.control.importBatch(
        "u",
        lines(999).map((account, n) => ({ line: n + 1, account })),
      ),
    );
    expect(refusalOf(await world.control.importEnd("u", 1)).detail).toContain("could not be read");
    expect(valueOf(await world.control.importEnd("u", 0)).summary.removed).toBe(1);
  });

  it("does not take an account for missing because its line is wrong", async ({ expect }) => {
    const world = await start();
    await load(world, lines(3));
    const wrong = lines(3).map((line, n) => (n === 1 ? { ...line, timeZone: "Mars/Olympus" } : line));
    const { batches, ended } = await load(world, wrong, { mode: "sync" });
    expect(batches[0]?.rejected).toHaveLength(1);
    expect(valueOf(ended).summary).toMatchObject({ removed: 0, rejected: 1, unchanged: 2 });
  });

  it("keeps the first of two lines of one account, across batches too", async ({ expect }) => {
    const world = await start();
    valueOf(
      await world.control.importBegin(
        { id: "d", mode: "sync", dryRun: false, expectRemoved: null },
        contextOf().actor,
      ),
    );
    valueOf(await world.control.importBatch("d", [{ line: 1, account: { account: "a", ...ZONE } }]));
    const later = valueOf(
      await world.control.importBatch("d", [
        { line: 2, account: { account: "a", ...ZONE, cohort: "early" } },
      ]),
    );
    expect(later.rejected).toEqual([
      { line: 2, account: "a", reason: "a is on line 1 already, which counts" },
    ]);
    valueOf(await world.control.importEnd("d", 0));
    expect(valueOf(await world.control.query("account", { account: "a" })).cohort).toBe("general");
  });

  it("lets a custom domain change hands whatever the order of lines", async ({ expect }) => {
    const world = await start();
    const domains = [{ host: "code.test", product: "kiln" }];
    await addAccount(world, "zed", { domains });
    await addAccount(world, "abe");
    const swapped = [
      { account: "abe", ...ZONE, domains },
      { account: "zed", ...ZONE, domains: [] },
    ];
    expect(valueOf((await load(world, swapped, { mode: "sync" })).ended).summary.rejected).toBe(0);
    await settle(world);
    const maps = readMaps(world.kv.values);
    expect(maps.find("code.test")?.slug).toBe("abe");
    expect(maps.root.domains).toBe(1);
  });

  it("changes nothing in a dry run and shows what it would do", async ({ expect }) => {
    const world = await start();
    await load(world, lines(20));
    const before = world.db.rows("SELECT * FROM accounts");
    const file = [...lines(19, { cohort: "early" }), { account: "new", ...ZONE }];
    const { batches, ended } = await load(world, file, { mode: "sync", dryRun: true, expectRemoved: 1 });
    expect(batches[0]?.diff.at(0)).toEqual({ account: "account-0", change: "changed", fields: ["cohort"] });
    expect(batches[0]?.diff.at(-1)).toMatchObject({ account: "new", change: "added" });
    expect(valueOf(ended)).toMatchObject({
      removed: ["account-19"],
      summary: { dryRun: true, added: 1, changed: 19, removed: 1 },
    });
    expect(world.db.rows("SELECT * FROM accounts")).toEqual(before);
  });
});
