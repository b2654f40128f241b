/** What comes while a sync is under way is newer than its file: nobody who was made or taken back since is removed. */
import { describe, it } from "vitest";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  contextOf,
  createWorld,
  must,
  valueOf,
  type World,
} from "../../support/control-world.ts";

const ZONE = { timeZone: "Europe/Paris", cohort: "general" };
const ID = "nightly";
const MINUTE = 60_000;

/** A world with three accounts and a sync whose file has two of them; its end was not asked for yet. */
async function stage(dryRun = false): Promise<World> {
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  for (const account of ["acme", "beta", "gone", "asleep"]) await addAccount(world, account);
  await must(world, "account.delete", { account: "asleep", reason: "left" });
  world.clock.now += MINUTE;
  const begin = { id: ID, mode: "sync" as const, dryRun, expectRemoved: 1 };
  valueOf(await world.control.importBegin(begin, contextOf().actor));
  const lines = ["acme", "beta"].map((account, n) => ({ line: n + 1, account: { account, ...ZONE } }));
  valueOf(await world.control.importBatch(ID, lines));
  return world;
}

async function isThere(world: World, account: string): Promise<boolean> {
  return valueOf(await world.control.query("account", { account })).deleted === null;
}

/** Does something once, the first time that a sync gives others a turn. */
function betweenChunks(world: World, body: () => Promise<void>): void {
  const sleep = world.clock.sleep.bind(world.clock);
  world.clock.sleep = async (ms) => {
    world.clock.sleep = sleep;
    await body();
    await sleep(ms);
  };
}

describe("a sync under way", () => {
  it.for([0, MINUTE])(
    "does not take who was made %i ms after its beginning for missing",
    async (later, { expect }) => {
      const world = await stage();
      world.clock.now += later;
      await addAccount(world, "newco");
      expect(valueOf(await world.control.importEnd(ID, 0)).summary.removed).toBe(1);
      expect([await isThere(world, "newco"), await isThere(world, "gone")]).toEqual([true, false]);
    },
  );

  it("does not count who was made since in a dry run either", async ({ expect }) => {
    const world = await stage(true);
    await addAccount(world, "newco");
    expect(valueOf(await world.control.importEnd(ID, 0)).removed).toEqual(["gone"]);
  });

  it("does not bury who is made between two chunks", async ({ expect }) => {
    const world = await stage();
    betweenChunks(world, () => addAccount(world, "newco"));
    expect(valueOf(await world.control.importEnd(ID, 0)).summary.removed).toBe(1);
    expect(await isThere(world, "newco")).toBe(true);
  });

  it("does not bury who is taken back, be it one that it removed itself", async ({ expect }) => {
    const world = await stage();
    betweenChunks(world, async () => {
      for (const account of ["gone", "asleep"])
        await must(world, "account.undelete", { account, input: { reason: "by mistake" } });
    });
    expect(valueOf(await world.control.importEnd(ID, 0)).summary.removed).toBe(1);
    expect([await isThere(world, "gone"), await isThere(world, "asleep")]).toEqual([true, true]);
  });

  it("that broke off and is taken up hours later removes nobody who came since", async ({ expect }) => {
    const world = await stage();
    betweenChunks(world, () => Promise.reject(new Error("the object was restarted")));
    await expect(world.control.importEnd(ID, 0)).rejects.toThrow("restarted");
    world.clock.now += 180 * MINUTE;
    for (let n = 0; n < 60; n++) await addAccount(world, `new-${n}`);
    expect(valueOf(await world.control.importEnd(ID, 0)).summary.removed).toBe(1);
  });

  it("removes who is missing although it was changed since", async ({ expect }) => {
    const world = await stage();
    world.clock.now += MINUTE;
    const input = { version: "2", reason: "asked", expires: null };
    await must(world, "account.pin.set", { account: "gone", product: "kiln", input });
    valueOf(await world.control.importEnd(ID, 0));
    expect(await isThere(world, "gone")).toBe(false);
  });
});
