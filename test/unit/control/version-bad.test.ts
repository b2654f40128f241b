/** Versions marked bad: never a target again until cleared, whoever asks; and the way of the default back to its standby. */
import { beforeEach, describe, it } from "vitest";
import type { CommandInputs, CommandName } from "../../../src/contracts/control.ts";
import type { Refusal } from "../../../src/contracts/problems.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  contextOf,
  createWorld,
  must,
  refusalOf,
  valueOf,
  type World,
} from "../../support/control-world.ts";

let world: World;
beforeEach(async () => {
  world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
});

const two = { product: "kiln", version: "2" };
const mark = (): Promise<unknown> =>
  must(world, "version.bad.mark", { ...two, input: { reason: "loses mail" } });

async function refused<K extends CommandName>(name: K, input: CommandInputs[K]): Promise<Refusal> {
  return refusalOf(await world.control.execute(name, input, contextOf()));
}

async function lastAudit(): Promise<unknown> {
  const question = { cursor: null, limit: 1, target: "version/kiln/2", actor: null };
  return valueOf(await world.control.query("audit", question)).items[0];
}

describe("version.bad.mark", () => {
  it("says who, when and why, in the version and in the audit, once", async ({ expect }) => {
    const marked = await must(world, "version.bad.mark", { ...two, input: { reason: "loses mail" } });
    expect(marked.bad).toMatchObject({ reason: "loses mail", by: "the-admin" });
    expect(await lastAudit()).toMatchObject({
      action: "version.bad.mark",
      reason: "loses mail",
      detail: { named: { stable: 0, default: 0, standby: 0 } },
    });
    const again = await must(world, "version.bad.mark", { ...two, input: { reason: "loses mail" } });
    expect(again.revision).toBe(marked.revision);
  });

  it("keeps it from being stable, default, a pin, a quarantine, an override or a new home", async ({
    expect,
  }) => {
    await addAccount(world, "acme");
    await mark();
    const reason = "try";
    const deeds = [
      await refused("product.stable.set", { product: "kiln", input: { version: "2", reason } }),
      await refused("product.default.set", { product: "kiln", input: { version: "2", reason, force: true } }),
      await refused("account.pin.set", {
        account: "acme",
        product: "kiln",
        input: { version: "2", reason, expires: null },
      }),
      await refused("account.quarantine.set", {
        account: "acme",
        product: "kiln",
        input: { version: "2", reason },
      }),
      await refused("override.issued", {
        input: { ...two, account: "acme", minutes: 5, reason },
        signedAt: world.clock.now,
      }),
      await refused("account.put", {
        account: "initech",
        input: { timeZone: "Europe/Paris", cohort: "general", homes: { kiln: "2" } },
      }),
    ];
    for (const { detail } of deeds) expect(detail).toContain("kiln 2 is marked bad");
  });

  it("leaves nobody to fail over to it: it is no standby any more, and does not become one", async ({
    expect,
  }) => {
    const reason = "t";
    await must(world, "product.default.set", {
      product: "kiln",
      input: { version: "2", reason, force: true },
    });
    await must(world, "version.bad.mark", { product: "kiln", version: "1", input: { reason } });
    const product = valueOf(await world.control.query("product", { product: "kiln" }));
    expect(product).toMatchObject({ default: "2", standby: null });

    await mark();
    await must(world, "version.bad.clear", { product: "kiln", version: "1", reason });
    const back = { product: "kiln", input: { version: "1", reason, force: true } };
    expect(await must(world, "product.default.set", back)).toMatchObject({ default: "1", standby: null });
  });

  it("survives an edit of the version and goes by being cleared alone", async ({ expect }) => {
    await mark();
    const { origin, ...rest } = valueOf(await world.control.query("version", two));
    const { reversible, mixed, migration, upgradesFrom, requires, notes, assets, events } = rest;
    const input = {
      origin,
      reversible,
      mixed,
      migration,
      upgradesFrom,
      requires,
      notes: `${notes}x`,
      assets,
      events,
    };
    expect((await must(world, "version.put", { ...two, input })).bad).not.toBeNull();
    expect((await must(world, "version.bad.clear", { ...two, reason: "fixed" })).bad).toBeNull();
    expect(await lastAudit()).toMatchObject({
      action: "version.bad.clear",
      reason: "fixed",
      detail: { before: { reason: "loses mail" } },
    });
    expect((await refused("version.bad.clear", { ...two, reason: "fixed" })).problem).toBe("not-found");
    await must(world, "product.stable.set", { product: "kiln", input: { version: "2", reason: "t" } });
  });
});

describe("product.default.revert", () => {
  it("puts the default back on its standby without a preflight, once", async ({ expect }) => {
    const reason = "unknown accounts get 500";
    await must(world, "product.default.set", {
      product: "kiln",
      input: { version: "2", reason: "t", force: true },
    });
    const reverted = await must(world, "product.default.revert", { product: "kiln", input: { reason } });
    expect(reverted).toMatchObject({ default: "1", standby: null });
    const { problem, detail } = await refused("product.default.revert", {
      product: "kiln",
      input: { reason },
    });
    expect([problem, detail]).toEqual([
      "conflict",
      "kiln has no standby, so there is nothing to go back to: move the default to a version by name (on the command line: default promote kiln VERSION)",
    ]);
  });
});
