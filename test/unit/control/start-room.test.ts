/**
 * An isolate has 128 MB, and a million account rows are several times that: whoever reads all accounts, or what is kept of
 * them, must never have more than a page of it at a time.
 */
import { describe, it } from "vitest";
import type { RolloutInput } from "../../../src/contracts/api/rollouts.ts";
import type { Db } from "../../../src/control/db.ts";
import { viewRollback } from "../../../src/control/rollouts/going-back.ts";
import { loadRollout } from "../../../src/control/store/rollouts.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { contextOf, must, valueOf, VERSION, type World } from "../../support/control-world.ts";
import { FRIDAY, MINUTE, PLAN, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

const ACCOUNTS = 5000;
const MOST_ROWS = 2000;
const EVERYBODY: RolloutInput["waves"] = [
  { name: "all", cohorts: ["*"], percent: 100, bake: { minutes: 3, requests: 0, workdays: 0 } },
];

/** Keeps the largest answer that was given as a whole. */
function watchRows(db: Db): { readonly db: Db; readonly most: () => number; readonly reset: () => void } {
  let most = 0;
  const note = <Row>(found: readonly Row[]): readonly Row[] => {
    most = Math.max(most, found.length);
    return found;
  };
  return {
    db: {
      ...db,
      rows: (...asked) => note(db.rows(...asked)),
      raw: (...asked) => note(db.raw(...asked)),
    },
    most: () => most,
    reset: () => void (most = 0),
  };
}

async function prepare(db: Db): Promise<World> {
  const world = await prepareRollouts(db, { accounts: [] });
  const id = "many";
  const begin = { id, mode: "import" as const, dryRun: false, expectRemoved: null };
  valueOf(await world.control.importBegin(begin, contextOf().actor));
  const lines = Array.from({ length: ACCOUNTS }, (_, n) => ({
    line: n + 1,
    account: {
      account: `account-${n}`,
      timeZone: "America/New_York",
      cohort: n % 10 === 0 ? "internal" : "general",
      labels: n % 4 === 0 ? { tier: "gold" } : {},
    },
  }));
  for (let from = 0; from < ACCOUNTS; from += 1000)
    valueOf(await world.control.importBatch(id, lines.slice(from, from + 1000)));
  valueOf(await world.control.importEnd(id, 0));
  await quiet(world);
  return world;
}

async function begin(world: World, input: RolloutInput): Promise<void> {
  await must(world, "rollout.create", { id: input.id, input });
  await must(world, "rollout.start", { id: input.id, input: { again: false } });
  await quiet(world);
}

async function ticks(world: World, from: number, until: number): Promise<void> {
  for (let minute = from; minute < until; minute += 1) await tick(world, FRIDAY + minute * MINUTE);
}

const plan = async (world: World, id: string) =>
  valueOf(await world.control.query("rollout.plan", { id, before: null, at: null, label: null }));

describe("a rollout of many accounts", () => {
  it("is planned, started and asked to go back by label with a page of them in memory", async ({
    expect,
  }) => {
    const watched = watchRows(createMemoryDb());
    const world = await prepare(watched.db);
    await must(world, "rollout.create", { id: "autumn", input: PLAN });
    watched.reset();
    const planned = await plan(world, "autumn");
    const started = await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await quiet(world);
    await tick(world, FRIDAY + MINUTE);
    const input = { where: { labels: { tier: "gold" } }, reason: "slow", confirmed: true };
    const back = valueOf(await world.control.query("rollout.rollback.preview", { id: "autumn", input }));
    expect(watched.most()).toBeLessThanOrEqual(MOST_ROWS);
    expect(back.accounts).toBeGreaterThan(0);
    expect(started.accounts).toBe(ACCOUNTS);
    expect(planned.waves.reduce((sum, { accounts }) => sum + accounts, 0)).toBe(ACCOUNTS);
  }, 60_000);

  it("leaves behind whom another one has just moved back, with a page of them in memory", async ({
    expect,
  }) => {
    const watched = watchRows(createMemoryDb());
    const world = await prepare(watched.db);
    await begin(world, { ...PLAN, waves: EVERYBODY });
    await ticks(world, 1, 2);
    await must(world, "rollout.rollback", { id: PLAN.id, input: { reason: "slow", confirmed: true } });
    await ticks(world, 3, 20);
    expect(world.db.rows("SELECT count(*) AS n FROM account_backs")).toEqual([{ n: ACCOUNTS }]);
    await must(world, "rollout.create", { id: "winter", input: { ...PLAN, id: "winter" } });
    watched.reset();
    await plan(world, "winter");
    expect(watched.most()).toBeLessThanOrEqual(MOST_ROWS);
    const started = await must(world, "rollout.start", { id: "winter", input: { again: false } });
    expect([started.accounts, started.leftBehind]).toEqual([
      0,
      [expect.objectContaining({ reason: "flapping", accounts: ACCOUNTS })],
    ]);
    const page = { id: "winter", cursor: null, limit: 3 };
    const left = valueOf(await world.control.query("rollout.left-behind", page));
    expect(left.items).toEqual([
      expect.objectContaining({ account: "account-0", detail: expect.stringMatching(/moved back once/) }),
      expect.objectContaining({ account: "account-1" }),
      expect.objectContaining({ account: "account-10" }),
    ]);
  }, 60_000);

  it("is asked to go back, where versions go together, with a page of replaced homes in memory", async ({
    expect,
  }) => {
    const watched = watchRows(createMemoryDb());
    const seen: number[] = [];
    // Homes are written and the rollout goes on for a moment only, so it is looked at within its own work.
    const transaction: Db["transaction"] = (body) => {
      const value = watched.db.transaction(body);
      const record = loadRollout(watched.db, PLAN.id);
      if (record?.homes === "written" && record.state.phase !== "completed") {
        watched.reset();
        const input = { reason: "slow", confirmed: true };
        valueOf(viewRollback(watched.db, { id: PLAN.id, input }, record.state.clockMs));
        seen.push(watched.most());
      }
      return value;
    };
    const world = await prepare({ ...watched.db, transaction });
    const input = { ...VERSION, origin: "https://fogbugz-2.origins.example.net", requires: { kiln: ["2"] } };
    await must(world, "version.put", { product: "fogbugz", version: "2", input });
    await begin(world, { ...PLAN, targets: { kiln: "2" }, waves: EVERYBODY });
    await ticks(world, 1, 20);
    expect(seen.length).toBeGreaterThan(0);
    expect(Math.max(...seen)).toBeLessThanOrEqual(MOST_ROWS);
  }, 60_000);
});
