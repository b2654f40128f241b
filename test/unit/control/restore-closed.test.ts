/**
 * What a restore of an older export must not open again: tokens, what is granted by name, the halt, four eyes, versions
 * marked bad, and what moved accounts then. And that it says whom it moves.
 */
import { createHash } from "node:crypto";
import { describe, it } from "vitest";
import type { RolloutInput } from "../../../src/contracts/api/rollouts.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addProducts,
  contextOf,
  createWorld,
  must,
  readMaps,
  valueOf,
  versionFor,
  type World,
} from "../../support/control-world.ts";
import { FRIDAY, HOUR, MINUTE, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";
import { readExport, restore } from "../../support/transfer.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const ALICE = "alice@example.com";
const GRANT = { role: "admin", products: null, expires: null } as const;

async function issue(world: World, name: string, secret = name): Promise<void> {
  const input = { name, role: "operator", products: null, expires: null } as const;
  await must(world, "token.create", { input, sha256: sha256(secret) });
}

async function createPlane(): Promise<World> {
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  for (const name of ["stolen", "kept"]) await issue(world, name);
  await must(world, "access.grant", { identity: ALICE, input: GRANT });
  await must(world, "access.grant", { identity: "bob@example.com", input: GRANT });
  return world;
}

const openedBy = (world: World, secret: string) => world.control.authenticate(sha256(secret));

describe("a restore of an older export", () => {
  it("leaves revoked what was revoked since, and its name taken", async ({ expect }) => {
    const world = await createPlane();
    const lines = await readExport(world);
    await issue(world, "later");
    for (const name of ["stolen", "later"]) await must(world, "token.revoke", { name, reason: "leaked" });
    await restore(world, lines);
    expect(await openedBy(world, "stolen")).toBeNull();
    expect(await openedBy(world, "kept")).toMatchObject({ name: "kept" });
    const again = { name: "later", role: "admin", products: null, expires: null } as const;
    const made = await world.control.execute(
      "token.create",
      { input: again, sha256: sha256("x") },
      contextOf(),
    );
    expect(made).toMatchObject({ ok: false, error: { problem: "conflict" } });
  });

  it("leaves as it is now what was granted or taken away by name since", async ({ expect }) => {
    const world = await createPlane();
    const lines = await readExport(world);
    await must(world, "access.revoke", { identity: ALICE, reason: "left" });
    await must(world, "access.grant", { identity: "bob@example.com", input: { ...GRANT, role: "viewer" } });
    await must(world, "access.grant", { identity: "eve@example.com", input: GRANT });
    await restore(world, lines);
    expect(await world.control.findGranted(ALICE)).toBeNull();
    expect(await world.control.findGranted("bob@example.com")).toMatchObject({ role: "viewer" });
    expect(await world.control.findGranted("eve@example.com")).toMatchObject({ role: "admin" });
  });

  it("leaves a halt on that is on", async ({ expect }) => {
    const world = await createPlane();
    const lines = await readExport(world);
    await must(world, "halt.set", { input: { on: true, reason: "fire" } });
    await restore(world, lines);
    expect(valueOf(await world.control.query("halt", {}))).toMatchObject({ on: true, reason: "fire" });
  });

  it("leaves four eyes on that are on, for products that it brings back", async ({ expect }) => {
    const world = await createPlane();
    const lines = await readExport(world);
    const lone = { domains: ["third.example.org"], timeouts: [] };
    await must(world, "product.put", { product: "third", input: lone });
    for (const product of ["kiln", "third"])
      await must(world, "product.four-eyes.set", { product, input: { on: true, reason: "audit" } });
    await restore(world, lines);
    expect(world.db.rows("SELECT product, reason FROM four_eyes")).toEqual([
      { product: "kiln", reason: "audit" },
    ]);
  });
});

const FLEET = Array.from({ length: 20 }, (_unused, n) => `account-${n}`);
const BAKE = { minutes: 600, requests: 0, workdays: 0 };
const TWO_WAVES: RolloutInput = {
  id: "autumn",
  targets: { kiln: "2" },
  waves: [
    { name: "half", cohorts: ["*"], percent: 50, bake: { ...BAKE, minutes: 30 } },
    { name: "all", cohorts: ["*"], percent: 100, bake: BAKE },
  ],
};

async function startRollout(world: World): Promise<void> {
  await must(world, "rollout.create", { id: "autumn", input: TWO_WAVES });
  await must(world, "rollout.start", { id: "autumn", input: { again: false } });
  await quiet(world);
  await tick(world, FRIDAY + 10 * MINUTE);
}

function onTwo(world: World): number {
  const maps = readMaps(world.kv.values);
  return FLEET.filter((slug) => versionFor(maps, "kiln", slug) === "2").length;
}

const rolloutOf = async (world: World) => valueOf(await world.control.query("rollout", { id: "autumn" }));

/** What the audit says of the restore. */
function toldOf(world: World): unknown {
  const [row] = world.db.rows("SELECT detail FROM audit WHERE action = 'restore' ORDER BY seq DESC LIMIT 1");
  return JSON.parse(String(row?.["detail"]));
}

describe("a restore of an export with a rollout under way", () => {
  it("brings it back paused, keeps what was marked bad since, and moves nobody on", async ({ expect }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: FLEET });
    await startRollout(world);
    const half = onTwo(world);
    const lines = await readExport(world);
    const back = { reason: "loses uploads", confirmed: true, markBad: true };
    await must(world, "rollout.rollback", { id: "autumn", input: back });
    await tick(world, FRIDAY + 15 * MINUTE);
    expect([half > 0, onTwo(world)]).toEqual([true, 0]);
    await restore(world, lines);
    await quiet(world);
    expect(toldOf(world)).toMatchObject({ accountsMoved: half, accountsDropped: 0 });
    expect(await rolloutOf(world)).toMatchObject({
      phase: "paused",
      reason: expect.stringMatching(/a restore brought it back.*resume it, stop it or roll it back/),
    });
    const { bad } = valueOf(await world.control.query("version", { product: "kiln", version: "2" }));
    expect(bad).toMatchObject({ reason: "rollout autumn: loses uploads" });
    for (const minutes of [0, 1, 3]) await tick(world, FRIDAY + 2 * HOUR + minutes * MINUTE);
    expect(onTwo(world)).toBe(half);
    await must(world, "rollout.rollback", { id: "autumn", input: back });
    await tick(world, FRIDAY + 3 * HOUR);
    expect([(await rolloutOf(world)).phase, onTwo(world)]).toEqual(["rolled-back", 0]);
  });

  it("leaves a rollback that was under way to its end", async ({ expect }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: FLEET });
    await startRollout(world);
    const back = { reason: "x", confirmed: true, markBad: false };
    await must(world, "rollout.rollback", { id: "autumn", input: back });
    const lines = await readExport(world);
    await must(world, "rollout.stop", { id: "autumn", input: { reason: "x" } });
    await restore(world, lines);
    await quiet(world);
    for (const minutes of [20, 25]) await tick(world, FRIDAY + minutes * MINUTE);
    expect([(await rolloutOf(world)).phase, onTwo(world)]).toEqual(["rolled-back", 0]);
  });
});

describe("the audit of a restore", () => {
  it("counts whom a rollout had moved since the export", async ({ expect }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: FLEET });
    const lines = await readExport(world);
    await startRollout(world);
    const moved = onTwo(world);
    await restore(world, lines);
    await quiet(world);
    expect(onTwo(world)).toBe(0);
    expect(toldOf(world)).toMatchObject({ accountsMoved: moved });
  });

  it("counts neither a pin that keeps an account where it is, nor homes written without a move", async ({
    expect,
  }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: FLEET });
    await startRollout(world);
    const lines = await readExport(world);
    await must(world, "rollout.stop", { id: "autumn", input: { reason: "enough" } });
    for (let minutes = 15; minutes < 60; minutes += 5) await tick(world, FRIDAY + minutes * MINUTE);
    expect((await rolloutOf(world)).phase).toBe("stopped");
    const input = { version: "1", reason: "x", expires: null };
    const still = FLEET.find((slug) => versionFor(readMaps(world.kv.values), "kiln", slug) === "1") ?? "";
    await must(world, "account.pin.set", { account: still, product: "kiln", input });
    await restore(world, lines);
    expect(toldOf(world)).toMatchObject({ accountsMoved: 0 });
  });
});

describe("a restore into another plane", () => {
  it("brings tokens, grants and a halt as the export has them", async ({ expect }) => {
    const world = await createPlane();
    await must(world, "token.revoke", { name: "stolen", reason: "leaked" });
    await must(world, "halt.set", { input: { on: true, reason: "fire" } });
    const fresh = createWorld({ db: createMemoryDb() });
    await must(fresh, "access.grant", { identity: ALICE, input: { ...GRANT, role: "viewer" } });
    await issue(fresh, "kept", "of this plane");
    await must(fresh, "token.revoke", { name: "kept", reason: "x" });
    await restore(fresh, await readExport(world));
    expect([await openedBy(fresh, "stolen"), await openedBy(fresh, "of this plane")]).toEqual([null, null]);
    expect(await openedBy(fresh, "kept")).toMatchObject({ role: "operator" });
    expect(await fresh.control.findGranted(ALICE)).toMatchObject({ role: "admin" });
    expect(valueOf(await fresh.control.query("halt", {}))).toMatchObject({ on: true });
  });
});
