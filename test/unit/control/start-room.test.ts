/**
 * An isolate has 128 MB, and a million account rows are several times that: whoever reads all accounts must never have
 * more than a page of them at a time.
 */
import { describe, it } from "vitest";
import type { Db, SqlRow } from "../../../src/control/db.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { contextOf, must, valueOf } from "../../support/control-world.ts";
import { FRIDAY, MINUTE, PLAN, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

const ACCOUNTS = 5000;
const MOST_ROWS = 2000;

/** Keeps the largest answer that was given as a whole. */
function watchRows(db: Db): { readonly db: Db; readonly most: () => number; readonly reset: () => void } {
  let most = 0;
  const rows = (...asked: Parameters<Db["rows"]>): readonly SqlRow[] => {
    const found = db.rows(...asked);
    most = Math.max(most, found.length);
    return found;
  };
  return { db: { ...db, rows }, most: () => most, reset: () => void (most = 0) };
}

describe("a rollout of many accounts", () => {
  it("is planned, started and asked to go back by label with a page of them in memory", async ({
    expect,
  }) => {
    const watched = watchRows(createMemoryDb());
    const world = await prepareRollouts(watched.db, { accounts: [] });
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
    await must(world, "rollout.create", { id: "autumn", input: PLAN });
    watched.reset();
    const planned = valueOf(
      await world.control.query("rollout.plan", { id: "autumn", before: null, at: null, label: null }),
    );
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
});
