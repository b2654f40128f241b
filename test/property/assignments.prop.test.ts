/**
 * Assignments since any generation are the difference between what the maps of then and of now answer: random histories of
 * rollouts and operators, every published root read back from KV as an edge reads it, and compared account by account.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import type { Assignment, AssignmentPage, AssignmentQuery } from "../../src/contracts/handover-port.ts";
import type { CommandInputs, CommandName } from "../../src/contracts/control.ts";
import { createMemoryDb } from "../support/control-db.ts";
import { contextOf, readMaps, settle, valueOf, type World } from "../support/control-world.ts";
import { at, MINUTE, PLAN, prepareRollouts, quiet, tick } from "../support/rollout-world.ts";
import { decideVersion } from "../../src/core/decide-version.ts";

const ACCOUNTS = Array.from({ length: 30 }, (_unused, n) => `account-${n}`);
const WATCHED = [...ACCOUNTS, "newcomer-0", "newcomer-1"];
const PRODUCTS = ["fogbugz", "kiln"];
/** Friday 20:58 in Paris: soon after the window of Kolkata, right before that of Paris. */
const NIGHT = at("2026-11-27T20:58:00Z");
const reason = "test";

type Step = (world: World) => Promise<unknown>;

const tryOut =
  <K extends CommandName>(name: K, input: CommandInputs[K]): Step =>
  (world) =>
    world.control.execute(name, input, contextOf());

const account = fc.constantFrom(...ACCOUNTS.slice(0, 8), "newcomer-0", "newcomer-1");
const product = fc.constantFrom(...PRODUCTS);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(1, 1, 2, 5, 30, 240).map(
      (minutes): Step =>
        (world) =>
          tick(world, Math.max(world.clock.now, NIGHT) + minutes * MINUTE),
    ),
  },
  fc
    .tuple(account, product, fc.constantFrom("1", "2"))
    .map(([who, of, version]) =>
      tryOut("account.pin.set", { account: who, product: of, input: { version, reason, expires: null } }),
    ),
  fc
    .tuple(account, product)
    .map(([who, of]) => tryOut("account.pin.lift", { account: who, product: of, reason })),
  account.map((who) =>
    tryOut("account.hold.set", { account: who, input: { mode: "page", message: null, until: null, reason } }),
  ),
  account.map((who) => tryOut("account.delete", { account: who, reason })),
  account.map((who) => tryOut("account.undelete", { account: who, input: { reason } })),
  account.map((who) =>
    tryOut("account.put", { account: who, input: { timeZone: "Europe/Paris", cohort: "general" } }),
  ),
  fc.constant(tryOut("rollout.stop", { id: "autumn", input: { reason } })),
  fc
    .constantFrom<CommandInputs["rollout.rollback"]["input"]>(
      { reason, confirmed: true },
      { reason, confirmed: true, where: { cohort: "internal" } },
    )
    .map((input) => tryOut("rollout.rollback", { id: "autumn", input })),
);

/** `account product` → version, as edges answered by the maps of a generation. */
type Answers = ReadonlyMap<string, string | null>;

function answersOf(world: World, generation: number): Answers {
  const maps = readMaps(world.kv.values, `root/${generation}`);
  const root = {
    ...maps.root,
    rollouts: maps.root.rollouts.map((rollout) => ({ ...rollout, held: [] })),
  };
  return new Map(
    WATCHED.flatMap((slug) =>
      PRODUCTS.map((of) => {
        const row = maps.find(slug);
        if (row === null || row.homes[of] === undefined) return [`${slug} ${of}`, null] as const;
        const asked = {
          root,
          breakGlass: null,
          product: of,
          slug,
          row: { ...row, hold: null },
          override: null,
        };
        const decision = decideVersion(asked);
        return [`${slug} ${of}`, decision.kind === "forward" ? decision.version : null] as const;
      }),
    ),
  );
}

async function assignments(world: World, since: number, limit: number): Promise<readonly Assignment[]> {
  const items: Assignment[] = [];
  for (let cursor: string | null = null; ;) {
    const query: AssignmentQuery = { since, products: null, version: null, cursor, limit };
    const page: AssignmentPage = valueOf(await world.control.query("assignments", query));
    items.push(...page.items);
    ({ cursor } = page);
    if (cursor === null) return items;
  }
}

function generations(world: World): readonly number[] {
  return world.db
    .rows("SELECT generation FROM history_roots ORDER BY generation")
    .map((row) => Number(row["generation"]));
}

function expected(history: ReadonlyMap<number, Answers>, since: number): readonly Assignment[] {
  const all = [...history.keys()];
  const last = history.get(all.at(-1) ?? 0) ?? new Map<string, string | null>();
  return [...last].flatMap(([key, to]) => {
    const from = history.get(since)?.get(key) ?? null;
    if (from === to) return [];
    const [slug = "", of = ""] = key.split(" ");
    const differs = all.findLastIndex((generation) => history.get(generation)?.get(key) !== to);
    return [{ account: slug, product: of, from, to, generation: all[differs + 1] ?? 0 }];
  });
}

const byName = (a: Assignment, b: Assignment): number =>
  `${a.account} ${a.product}` < `${b.account} ${b.product}` ? -1 : 1;

describe("assignments since a generation", () => {
  it("are the difference between the maps of then and of now, whatever happened between", async ({
    expect,
  }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 3, maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        async (steps, limit) => {
          const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS });
          await world.control.execute("rollout.create", { id: PLAN.id, input: PLAN }, contextOf());
          await world.control.execute("rollout.start", { id: PLAN.id, input: { again: false } }, contextOf());
          await quiet(world);
          for (const run of steps) {
            await run(world);
            await settle(world);
            await quiet(world);
          }
          const history = new Map(generations(world).map((one) => [one, answersOf(world, one)]));
          for (const since of history.keys()) {
            const told = await assignments(world, since, limit);
            expect([...told].sort(byName)).toEqual([...expected(history, since)].sort(byName));
          }
        },
      ),
      { numRuns: 15 },
    );
  }, 30_000);
});
