/** Who serves a product: what is published, what is refused while it is the fleet, and what is kept. */
import { describe, it } from "vitest";
import type { ModeInput } from "../../../src/contracts/api/fleet.ts";
import { FLEET_SCHEMA, MAPS_SCHEMA } from "../../../src/contracts/maps.ts";
import { decodeRoot, encodeRoot } from "../../../src/core/maps/root-codec.ts";
import { checkRoot } from "../../../src/core/maps/root-limits.ts";
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
import { product, root } from "../../support/maps-builders.ts";
import { ACCOUNTS, PLAN, prepareRollouts } from "../../support/rollout-world.ts";

const FLEET = "https://fleet.origins.example.net";
const PASS: ModeInput = { mode: "pass-through", origin: FLEET, reason: "adoption" };
const COMPARE: ModeInput = { mode: "compare", origin: FLEET, versionHeader: "X-Version", reason: "adoption" };

async function start(): Promise<World> {
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  await addAccount(world, "acme");
  await settle(world);
  return world;
}

const setMode = (world: World, input: ModeInput, product_ = "kiln", key: string | null = null) =>
  world.control.execute(
    "product.mode.set",
    { product: product_, input, known: null },
    contextOf("operator", { idempotencyKey: key }),
  );

describe("product.mode.set", () => {
  it("publishes the fleet under a schema that older edges refuse, and the usual one when it ends", async ({
    expect,
  }) => {
    const world = await start();
    expect(readMaps(world.kv.values).root.schema).toBe(MAPS_SCHEMA);
    expect(valueOf(await setMode(world, COMPARE)).fleet).toMatchObject({ mode: "compare", origin: FLEET });
    await settle(world);
    const { root: published } = readMaps(world.kv.values);
    expect(published.schema).toBe(FLEET_SCHEMA);
    expect(published.products["kiln"]?.fleet).toMatchObject({ mode: "compare", versionHeader: "X-Version" });
    expect(published.products["fogbugz"]?.fleet).toBeUndefined();
    expect(valueOf(await setMode(world, { mode: "active", reason: "done" })).fleet).toBeNull();
    await settle(world);
    expect(readMaps(world.kv.values).root).toMatchObject({ schema: MAPS_SCHEMA, rollouts: [] });
    expect(readMaps(world.kv.values).root.products["kiln"]?.fleet).toBeUndefined();
  });

  it("is told in the history of accounts: when the fleet began to answer them, when it ended, and by whom", async ({
    expect,
  }) => {
    const world = await start();
    for (const input of [COMPARE, PASS, { mode: "active", reason: "adopted" } as const]) {
      valueOf(await setMode(world, input));
      await settle(world);
    }
    const query = { account: "acme", product: null, cursor: null, limit: 10 };
    const { items } = valueOf(await world.control.query("account.history", query));
    expect(items.map(({ product: name, from, to, why, reason }) => [name, from, to, why, reason])).toEqual([
      ["kiln", null, "1", "active", "adopted"],
      ["kiln", "1", null, "fleet", "adoption"],
      ["fogbugz", null, "1", "recorded", null],
      ["kiln", null, "1", "recorded", null],
    ]);
    expect(new Set(items.slice(0, 2).map(({ by }) => by))).toEqual(
      new Set([contextOf("operator").actor.name]),
    );
  });

  it("keeps origin and header from one mode to the next, and begins a comparison of its own", async ({
    expect,
  }) => {
    const world = await start();
    const first = valueOf(await setMode(world, COMPARE)).fleet;
    const second = valueOf(await setMode(world, { mode: "pass-through", reason: "quiet" })).fleet;
    const third = valueOf(await setMode(world, { mode: "compare", reason: "again" })).fleet;
    expect(second).toMatchObject({ mode: "pass-through", origin: FLEET, versionHeader: "X-Version" });
    expect(new Set([first?.run, second?.run, third?.run]).size).toBe(3);
  });

  it.for([
    [{ mode: "pass-through", reason: "x" }, /origin says where today's fleet of kiln is/],
    [{ ...PASS, mode: "compare" }, /compare needs versionHeader/],
    [{ ...PASS, origin: "https://evil.example" }, /ORIGIN_ALLOW/],
    [{ ...PASS, origin: "https://{cell}.origins.example.net" }, /without \{cell\}/],
  ] as const)("refuses %j", async ([input, says], { expect }) => {
    const world = await start();
    expect(refusalOf(await setMode(world, input)).detail).toMatch(says);
  });

  it("takes operators, and not deployers", async ({ expect }) => {
    const world = await start();
    const asked = { product: "kiln", input: PASS, known: null };
    const refused = await world.control.execute("product.mode.set", asked, contextOf("deployer"));
    expect(refusalOf(refused).problem).toBe("forbidden");
  });

  it("tells the audit what was known when a product became active", async ({ expect }) => {
    const world = await start();
    await setMode(world, COMPARE);
    const known = { accounts: 3, compared: 1200 };
    const input: ModeInput = { mode: "active", reason: "three are known" };
    await must(world, "product.mode.set", { product: "kiln", input, known });
    const { items } = valueOf(
      await world.control.query("audit", { cursor: null, limit: 1, target: null, actor: null }),
    );
    expect(items[0]).toMatchObject({
      action: "product.mode.set",
      target: "product/kiln",
      reason: "three are known",
      detail: { before: "compare", mode: "active", known },
    });
  });

  it("answers a repeat with the same key alike, whatever is known by then", async ({ expect }) => {
    const world = await start();
    await setMode(world, COMPARE);
    const input: ModeInput = { mode: "active", reason: "done" };
    const context = contextOf("operator", { idempotencyKey: "once" });
    const first = await world.control.execute(
      "product.mode.set",
      { product: "kiln", input, known: { accounts: 1, compared: 9 } },
      context,
    );
    const again = await world.control.execute(
      "product.mode.set",
      { product: "kiln", input, known: null },
      context,
    );
    expect(valueOf(again)).toEqual(valueOf(first));
  });

  it("is said by status, and survives export and restore", async ({ expect }) => {
    const world = await start();
    await setMode(world, COMPARE);
    const status = valueOf(await world.control.query("status", { seen: [] }));
    expect(status.products.map(({ name, mode }) => [name, mode])).toContainEqual(["kiln", "compare"]);
    expect(status.warnings.join("\n")).toMatch(
      /kiln is in compare since .* today's fleet at https:\/\/fleet/,
    );
    const lines: string[] = [];
    for (let cursor: string | null = null; ;) {
      const page = await world.control.exportPage(cursor);
      lines.push(...page.lines);
      cursor = page.cursor;
      if (cursor === null) break;
    }
    await setMode(world, { mode: "active", reason: "done" });
    valueOf(await world.control.restoreBegin(contextOf().actor, "back"));
    valueOf(await world.control.restoreLines(lines));
    valueOf(await world.control.restoreEnd(0));
    expect(valueOf(await world.control.query("product", { product: "kiln" })).fleet?.mode).toBe("compare");
  });
});

describe("what moves accounts", () => {
  it("cannot begin while today's fleet serves the product, and a mode not while it runs", async ({
    expect,
  }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS.slice(0, 20) });
    await must(world, "rollout.create", { id: PLAN.id, input: PLAN });
    const [name = ""] = Object.keys(PLAN.targets);
    await must(world, "product.mode.set", { product: name, input: PASS, known: null });
    const start_ = () =>
      world.control.execute("rollout.start", { id: PLAN.id, input: { again: false } }, contextOf());
    const { problem, detail } = refusalOf(await start_());
    expect([problem, detail]).toEqual(["conflict", expect.stringContaining(`${name} is in pass-through`)]);
    const active: ModeInput = { mode: "active", reason: "done" };
    await must(world, "product.mode.set", { product: name, input: active, known: null });
    valueOf(await start_());
    expect(refusalOf(await setMode(world, PASS, name)).detail).toMatch(/moves accounts of .* end it first/);
  });
});

describe("a root with a fleet", () => {
  const fleet = { mode: "compare", origin: FLEET, versionHeader: "X-Version", run: "kiln/1" } as const;
  const made = root({ schema: FLEET_SCHEMA, products: { kiln: product("kiln", { fleet }) } });

  it("comes back from its text as it was", ({ expect }) => {
    expect(decodeRoot(encodeRoot(made))).toEqual({ ok: true, value: made });
    expect(checkRoot(made)).toBeNull();
  });

  it("must say so by its schema", ({ expect }) => {
    expect(checkRoot({ ...made, schema: MAPS_SCHEMA })).toMatchObject({ fault: "shape" });
  });

  it.for([
    { ...fleet, mode: "active" },
    { ...fleet, versionHeader: "no header" },
    { ...fleet, origin: 7 },
  ])("is refused with %j", (wrong, { expect }) => {
    const products = { kiln: { ...product("kiln"), fleet: wrong } };
    // What no publisher of ours writes.
    const text = encodeRoot({ ...made, products } as unknown as typeof made);
    expect(decodeRoot(text)).toMatchObject({ ok: false, error: { fault: "shape" } });
  });
});
