/** Refused attempts in the audit: all of them counted, and few entries however many there are. */
import { describe, it } from "vitest";
import type { RefusedAttempts } from "../../../src/contracts/refused.ts";
import { findAuditBreak } from "../../../src/control/store/audit.ts";
import { MAX_REFUSED_KEYS, MAX_TOLD_AN_HOUR } from "../../../src/control/store/refused.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { createWorld, START, valueOf, type World } from "../../support/control-world.ts";

const MINUTE = 60_000;

function attempt(changes: Partial<RefusedAttempts> = {}): RefusedAttempts {
  return {
    kind: "token",
    source: "192.0.2.1",
    who: null,
    operation: "halt.set",
    count: 1,
    lastMs: START,
    ...changes,
  };
}

async function told({ control }: World) {
  const page = valueOf(await control.query("audit", { cursor: null, limit: 500, target: null, actor: null }));
  return page.items.filter(({ action }) => action.startsWith("refused.")).toReversed();
}

describe("refused attempts", () => {
  it("are in the audit at once, with who, from where, and what was tried", async ({ expect }) => {
    const world = createWorld({ db: createMemoryDb() });
    await world.control.noteRefused([
      attempt(),
      attempt({ kind: "forbidden", who: { name: "eva", role: "viewer" }, operation: "export" }),
    ]);
    const items = (await told(world)).map(({ actor, role, action, target, detail }) => [
      actor,
      role,
      action,
      target,
      detail["operation"],
      detail["count"],
    ]);
    expect(items).toEqual([
      ["eva", "viewer", "refused.forbidden", "source/192.0.2.1", "export", 1],
      ["anonymous", "nobody", "refused.token", "source/192.0.2.1", "halt.set", 1],
    ]);
    expect(findAuditBreak(world.db)).toBeNull();
  });

  it("become one entry a minute with their number, told by the tick when nothing more comes", async ({
    expect,
  }) => {
    const world = createWorld({ db: createMemoryDb() });
    await world.control.noteRefused([attempt({ count: 3 })]);
    for (let n = 0; n < 20; n += 1) await world.control.noteRefused([attempt({ count: 100 })]);
    expect((await told(world)).map(({ detail }) => detail["count"])).toEqual([3]);
    world.clock.now += MINUTE;
    await world.control.tick(world.clock.now);
    expect((await told(world)).map(({ detail }) => detail["count"])).toEqual([3, 2000]);
    world.clock.now += MINUTE;
    await world.control.tick(world.clock.now);
    expect(await told(world)).toHaveLength(2);
  });

  it("cannot fill the database from many addresses, and none goes uncounted", async ({ expect }) => {
    const world = createWorld({ db: createMemoryDb() });
    let sent = 0;
    for (let round = 0; round < 100; round += 1) {
      const batch = Array.from({ length: 40 }, (_unused, n) =>
        attempt({ source: `2001:db8::${round}:${n}` }),
      );
      await world.control.noteRefused(batch);
      sent += batch.length;
      world.clock.now += 10_000;
    }
    // Known people are told of all the same.
    await world.control.noteRefused([attempt({ kind: "forbidden", who: { name: "eva", role: "viewer" } })]);
    const items = await told(world);
    expect(items.length).toBeLessThanOrEqual(MAX_TOLD_AN_HOUR + 1);
    expect(items.at(-1)?.actor).toBe("eva");
    const [held] = world.db.rows(
      "SELECT count(*) AS keys, sum(count) AS waiting FROM refused WHERE who = ''",
    );
    expect(Number(held?.["keys"])).toBeLessThanOrEqual(MAX_REFUSED_KEYS + 1);
    const counted = items
      .filter(({ actor }) => actor === "anonymous")
      .reduce((sum, { detail }) => sum + Number(detail["count"]), 0);
    expect(counted + Number(held?.["waiting"])).toBe(sent);
    // Hours later all of it has been told, and the table is empty again.
    for (let hour = 0; hour < 8; hour += 1) {
      world.clock.now += 60 * MINUTE;
      await world.control.tick(world.clock.now);
    }
    expect(world.db.rows("SELECT 1 FROM refused")).toEqual([]);
  });

  it("take nothing that is not of the closed list, and cut what is long", async ({ expect }) => {
    const world = createWorld({ db: createMemoryDb() });
    await world.control.noteRefused([
      attempt({ kind: "made-up" as never }),
      attempt({ source: "x".repeat(5000), operation: "y".repeat(5000) }),
    ]);
    const [only, ...more] = await told(world);
    expect([more.length, only?.target.length]).toEqual([0, "source/".length + 200]);
  });
});
