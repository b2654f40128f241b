/**
 * What a tick of a running rollout asks of the database: its cost may depend on groups, never on accounts. And what a
 * tick that comes twice, or too old, does: nothing.
 */
import { describe, it } from "vitest";
import type { Db } from "../../../src/control/db.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { must, readMaps, valueOf } from "../../support/control-world.ts";
import { ACCOUNTS, FRIDAY, HOUR, MINUTE, PLAN, prepareRollouts, quiet } from "../../support/rollout-world.ts";

/** The same database, with the statements that went through it. */
function listening(db: Db): { readonly db: Db; readonly heard: string[] } {
  const heard: string[] = [];
  const hear = (sql: string): string => {
    heard.push(sql);
    return sql;
  };
  return {
    heard,
    db: {
      rows: (sql, ...params) => db.rows(hear(sql), ...params),
      raw: (sql, ...params) => db.raw(hear(sql), ...params),
      run: (sql, ...params) => db.run(hear(sql), ...params),
      transaction: (body) => db.transaction(body),
    },
  };
}

/** Tombstones whose time is over are looked for by their index, and who is told of in alarms is asked for one by one. */
const isTombstones = (sql: string): boolean => /deleted_at (?:<= \?|IS NOT NULL)/.test(sql);

describe("a tick of a running rollout", () => {
  it("moves accounts without reading one, and once", async ({ expect }) => {
    const { db, heard } = listening(createMemoryDb());
    const world = await prepareRollouts(db, { accounts: ACCOUNTS.slice(0, 100) });
    const waves = [{ name: "all", cohorts: ["*"], percent: 100, percentPerMinute: 1 }];
    await must(world, "rollout.create", { id: "autumn", input: { ...PLAN, waves } });
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await quiet(world);
    const moved = async (): Promise<number> =>
      valueOf(await world.control.query("rollout", { id: "autumn" })).moved;
    await world.control.tick(FRIDAY + HOUR);
    const before = await moved();
    heard.length = 0;
    const { happened } = await world.control.tick(FRIDAY + HOUR + 10 * MINUTE);
    const asked = heard.filter((sql) => /(?:FROM|JOIN|UPDATE|INTO) accounts\b/.test(sql));
    expect(happened.join()).toContain("moved");
    expect(asked.filter((sql) => !isTombstones(sql))).toEqual([]);
    const after = await moved();
    expect(after).toBeGreaterThan(before);
    expect((await world.control.tick(FRIDAY + HOUR + 10 * MINUTE)).happened).toEqual([]);
    expect((await world.control.tick(FRIDAY + HOUR)).advanced).toBe(false);
    expect(await moved()).toBe(after);
    await quiet(world);
    const thresholds = new Set(readMaps(world.kv.values).root.rollouts[0]?.moved);
    // 1 % at once, and 1 % for every minute of 70.
    expect(thresholds).toEqual(new Set([7100]));
  });
});
