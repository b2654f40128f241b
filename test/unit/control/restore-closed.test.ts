/** What a restore of an older export must not open again: tokens, what is granted by name, and the halt. */
import { createHash } from "node:crypto";
import { describe, it } from "vitest";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addProducts,
  contextOf,
  createWorld,
  must,
  valueOf,
  type World,
} from "../../support/control-world.ts";
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
