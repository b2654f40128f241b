/**
 * The one rule that everything else serves: nobody changes version who was not named. Random histories of everything
 * operators and systems of record do, published after every step; before and after, every account of the published maps
 * is decided as an edge decides it, tombstones and custom domains too. And after every step the maps are whole.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import type { ImportLine } from "../../src/contracts/api/accounts.ts";
import { findAuditBreak } from "../../src/control/store/audit.ts";
import { createMemoryDb } from "../support/control-db.ts";
import {
  addProducts,
  addLiveVersion,
  contextOf,
  createWorld,
  readMaps,
  refusalOf,
  settle,
  valueOf,
  versionFor,
  type ReadMaps,
  type World,
} from "../support/control-world.ts";

const PRODUCTS = ["kiln", "fogbugz"];
const SLUGS = ["a", "b", "c", "d", "e", "f", "constructor"];
const HOSTS = ["one.test", "two.test"];
const ADMIN = contextOf("admin").actor;

const slug = fc.constantFrom(...SLUGS);
const product = fc.constantFrom(...PRODUCTS);
const version = fc.constantFrom("1", "2", "3");
const line: fc.Arbitrary<ImportLine> = fc.record(
  {
    account: slug,
    timeZone: fc.constantFrom("Europe/Paris", "America/New_York", "Nowhere/Land"),
    cohort: fc.constantFrom("early", "general"),
    cell: fc.option(fc.constantFrom("eu1", "us1")),
    products: fc.constantFrom(["kiln"], ["kiln", "fogbugz"]),
    domains: fc.array(fc.record({ host: fc.constantFrom(...HOSTS), product: fc.constant("kiln") }), {
      maxLength: 2,
    }),
    homes: fc.dictionary(product, version, { maxKeys: 1 }),
  },
  { requiredKeys: ["account", "timeZone", "cohort"] },
);

/** One step: does something, and says which accounts it named (so that they may change). */
type Step = (world: World) => Promise<readonly string[]>;

const put = line.map(({ account, ...input }): Step => async (world) => {
  await world.control.execute("account.put", { account, input }, contextOf());
  return [];
});
const remove = slug.map((account): Step => async (world) => {
  await world.control.execute("account.delete", { account, reason: "left" }, contextOf());
  return [];
});
const bringBack = slug.map((account): Step => async (world) => {
  await world.control.execute("account.undelete", { account, input: { reason: "wrong one" } }, contextOf());
  return [];
});
const pin = fc
  .tuple(slug, product, version, fc.option(fc.integer({ min: 1, max: 200 })))
  .map(([account, name, to, hours]): Step => async (world) => {
    const expires = hours === null ? null : new Date(world.clock.now + hours * 3_600_000).toISOString();
    const input = { version: to, reason: "asked", expires };
    await world.control.execute("account.pin.set", { account, product: name, input }, contextOf());
    return [account];
  });
const quarantine = fc.tuple(slug, product, version).map(([account, name, to]): Step => async (world) => {
  const input = { version: to, reason: "sick" };
  await world.control.execute("account.quarantine.set", { account, product: name, input }, contextOf());
  return [account];
});
const lift = fc
  .tuple(slug, product, fc.constantFrom("account.pin.lift" as const, "account.quarantine.lift" as const))
  .map(([account, name, command]): Step => async (world) => {
    await world.control.execute(command, { account, product: name, reason: "well" }, contextOf());
    return [];
  });
const stable = fc.tuple(product, version).map(([name, to]): Step => async (world) => {
  await world.control.execute(
    "product.stable.set",
    { product: name, input: { version: to, reason: "new" } },
    contextOf(),
  );
  return [];
});
const state = fc
  .tuple(product, version, fc.constantFrom("live" as const, "draining" as const, "retired" as const))
  .map(([name, of, to]): Step => async (world) => {
    const input = { state: to, reason: "tidy" };
    await world.control.execute("version.state.set", { product: name, version: of, input }, contextOf());
    return [];
  });
const tick = fc.integer({ min: 1, max: 40 * 24 }).map((hours): Step => async (world) => {
  world.clock.now += hours * 3_600_000;
  await world.control.tick(world.clock.now);
  return [];
});
let imports = 0;
const bulk = fc
  .tuple(
    fc.constantFrom("import" as const, "sync" as const),
    fc.array(line, { maxLength: 9 }),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([mode, lines, dryRun, expected]): Step => async (world) => {
    const id = `import-${imports++}`;
    const expectRemoved = expected ? 10 : null;
    valueOf(await world.control.importBegin({ id, mode, dryRun, expectRemoved }, ADMIN));
    const numbered = lines.map((account, at) => ({ line: at + 1, account }));
    valueOf(await world.control.importBatch(id, numbered));
    valueOf(await world.control.importBatch(id, numbered));
    await world.control.importEnd(id, 0);
    return [];
  });
const restore: fc.Arbitrary<Step> = fc.constant(async (world) => {
  const lines: string[] = [];
  for (let cursor: string | null = null; ;) {
    const page = await world.control.exportPage(cursor);
    lines.push(...page.lines);
    cursor = page.cursor;
    if (cursor === null) break;
  }
  valueOf(await world.control.restoreBegin(ADMIN, "drill"));
  valueOf(await world.control.restoreLines(lines));
  valueOf(await world.control.restoreEnd(0));
  return [];
});

const step = fc.oneof(
  { weight: 6, arbitrary: put },
  { weight: 2, arbitrary: remove },
  { weight: 2, arbitrary: bringBack },
  { weight: 4, arbitrary: pin },
  { weight: 3, arbitrary: quarantine },
  { weight: 4, arbitrary: lift },
  { weight: 2, arbitrary: stable },
  { weight: 3, arbitrary: state },
  { weight: 3, arbitrary: tick },
  { weight: 4, arbitrary: bulk },
  { weight: 1, arbitrary: restore },
);

/** Every key that names an account, with the products it has, and the version of each. */
function versions(maps: ReadMaps): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  for (const row of maps.rows()) {
    for (const name of row.product === null ? Object.keys(row.homes) : [row.product]) {
      all.set(`${row.key} ${name} of ${row.slug}`, versionFor(maps, name, row.key));
    }
  }
  return all;
}

/** Accounts and custom domains that are no tombstones', counted row by row. */
function countLiving({ db }: World): readonly [accounts: number, domains: number] {
  const [row = []] = db.raw(
    `SELECT count(*), (SELECT count(*) FROM custom_domains JOIN accounts ON slug = account WHERE deleted_at IS NULL)
     FROM accounts WHERE deleted_at IS NULL`,
  );
  return [Number(row[0]), Number(row[1])];
}

async function start(): Promise<World> {
  const world = createWorld({ db: createMemoryDb(), config: { flipDelayMs: 1000 } });
  await addProducts(world);
  for (const name of PRODUCTS) await addLiveVersion(world, name, "3");
  await settle(world);
  return world;
}

describe("published maps over random histories", () => {
  it("change nobody's version who was not named, and are whole after every step", async ({ expect }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (history) => {
        const world = await start();
        let before = versions(readMaps(world.kv.values));
        for (const act of history) {
          const named = await act(world);
          await settle(world);
          const maps = readMaps(world.kv.values);
          const after = versions(maps);
          for (const [key, was] of before) {
            const is = after.get(key);
            if (is === undefined || named.some((account) => key.endsWith(` of ${account}`))) continue;
            if (is !== was) throw new Error(`${key} went from ${was} to ${is}`);
            if (is === "unresolved:") throw new Error(`${key} is unresolved`);
          }
          before = after;
        }
        expect(findAuditBreak(world.db)).toBeNull();
        const status = valueOf(await world.control.query("status", { seen: [] }));
        expect(status.published).toMatchObject({ state: "idle", waiting: 0, problem: null });
        const { accounts, domains } = readMaps(world.kv.values).root;
        expect({ accounts: status.accounts, domains: status.domains }).toEqual({ accounts, domains });
        expect([accounts, domains]).toEqual(countLiving(world));
      }),
      { numRuns: 200 },
    );
  }, 240_000);

  it("come out the same from an export restored elsewhere, under a higher generation", async ({ expect }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 2, maxLength: 8 }),
        fc.integer({ min: 0, max: 500 }),
        async (history, seen) => {
          const world = await start();
          for (const act of history) await act(world);
          await settle(world);
          const lines: string[] = [];
          for (let cursor: string | null = null; ;) {
            const page = await world.control.exportPage(cursor);
            lines.push(...page.lines);
            cursor = page.cursor;
            if (cursor === null) break;
          }
          const other = createWorld({ db: createMemoryDb(), clock: world.clock });
          valueOf(await other.control.restoreBegin(ADMIN, "drill"));
          for (const text of lines) valueOf(await other.control.restoreLines([text]));
          valueOf(await other.control.restoreEnd(seen));
          await settle(other);
          const [was, is] = [readMaps(world.kv.values), readMaps(other.kv.values)];
          expect(is.shards).toEqual(was.shards);
          expect(is.root.generation).toBeGreaterThan(Math.max(was.root.generation, seen));
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);

  it("are untouched by an export that was cut or edited anywhere", async ({ expect }) => {
    const world = await start();
    await world.control.execute(
      "account.put",
      { account: "a", input: { timeZone: "Europe/Paris", cohort: "early" } },
      contextOf(),
    );
    const lines: string[] = [];
    for (let cursor: string | null = null; ;) {
      const page = await world.control.exportPage(cursor);
      lines.push(...page.lines);
      cursor = page.cursor;
      if (cursor === null) break;
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(lines.length - 1), fc.boolean(), async (at, cut) => {
        const broken = cut
          ? lines.slice(0, at)
          : lines.with(at, (lines[at] ?? "").replace(/[0-9a-f](?=[^0-9a-f]*$)/, "~"));
        valueOf(await world.control.restoreBegin(ADMIN, "drill"));
        const taken = await world.control.restoreLines(broken);
        const ended = taken.ok ? await world.control.restoreEnd(0) : taken;
        expect(refusalOf<unknown>(ended).problem).toMatch(/invalid/);
        expect(valueOf(await world.control.query("account", { account: "a" })).cohort).toBe("early");
        expect(findAuditBreak(world.db)).toBeNull();
      }),
      { numRuns: 100 },
    );
  });
});
