/** Sessions of people: what they open, and everything that ends them. */
import { describe, it } from "vitest";
import type { Actor } from "../../../src/contracts/control.ts";
import type { Role } from "../../../src/contracts/env.ts";
import { MAX_SIGN_INS } from "../../../src/control/commands/sessions.ts";
import { sha256Hex } from "../../../src/core/sha256.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { contextOf, createWorld, must, START, valueOf, type World } from "../../support/control-world.ts";

const HOUR_MS = 3_600_000;
const SECRET = sha256Hex("fbs_secret");
const TOKEN = sha256Hex("fb_token");

/** A world with a token of its own, and a session begun with it. */
async function start(expires: string | null = null): Promise<World> {
  const world = createWorld({ db: createMemoryDb() });
  const input = { name: "eva", role: "support" as Role, products: ["kiln"], expires };
  await must(world, "token.create", { input, sha256: TOKEN });
  await must(world, "session.create", { sha256: SECRET, token: TOKEN });
  return world;
}

describe("a session", () => {
  it("stands for its token: same name, role and products", async ({ expect }) => {
    const world = await start();
    expect(await world.control.authenticate(SECRET)).toEqual({
      name: "eva",
      role: "support",
      products: ["kiln"],
    });
  });

  it("ends after twelve hours", async ({ expect }) => {
    const world = await start();
    world.clock.now = START + 12 * HOUR_MS - 1;
    expect(await world.control.authenticate(SECRET)).not.toBeNull();
    world.clock.now = START + 12 * HOUR_MS + 1;
    expect(await world.control.authenticate(SECRET)).toBeNull();
  });

  it("ends with its token, revoked or expired", async ({ expect }) => {
    const world = await start();
    await must(world, "token.revoke", { name: "eva", reason: "left" });
    expect(await world.control.authenticate(SECRET)).toBeNull();
    const other = await start("2026-11-23T13:00:00Z");
    other.clock.now = START + HOUR_MS + 1;
    expect(await other.control.authenticate(SECRET)).toBeNull();
  });

  it("ends when it is signed out, and is in the audit from beginning to end", async ({ expect }) => {
    const world = await start();
    expect(await must(world, "session.end", { sha256: SECRET })).toEqual({ ended: true });
    expect(await must(world, "session.end", { sha256: SECRET })).toEqual({ ended: false });
    expect(await world.control.authenticate(SECRET)).toBeNull();
    const { items } = valueOf(
      await world.control.query("audit", { cursor: null, limit: 10, target: null, actor: null }),
    );
    expect(items.map(({ action }) => action)).toEqual(["session.end", "session.create", "token.create"]);
    expect(JSON.stringify(items)).not.toContain(SECRET);
  });

  it("is begun so often in ten minutes and no oftener, ended ones too: the audit holds each", async ({
    expect,
  }) => {
    const world = await start();
    const begin = (n: number, actor: Partial<Actor> = {}) =>
      world.control.execute(
        "session.create",
        { sha256: sha256Hex(`fbs_${n}`), token: TOKEN },
        { ...contextOf(), actor: { ...contextOf().actor, ...actor } },
      );
    const { name } = contextOf().actor;
    for (let n = 1; n < MAX_SIGN_INS; n += 1) {
      expect(await begin(n)).toMatchObject({ ok: true });
      await must(world, "session.end", { sha256: sha256Hex(`fbs_${n}`) });
    }
    expect(await begin(0)).toMatchObject({
      ok: false,
      error: {
        problem: "rate-limited",
        detail: expect.stringContaining(name),
        extensions: { retry_after_seconds: 600 },
      },
    });
    expect(await begin(1, { name: "somebody-else" })).toMatchObject({ ok: true });
    world.clock.now += 600_000;
    expect(await begin(2)).toMatchObject({ ok: true });
  });

  it("cannot begin another one", async ({ expect }) => {
    const world = await start();
    const again = await world.control.execute(
      "session.create",
      { sha256: sha256Hex("fbs_next"), token: SECRET },
      contextOf("support"),
    );
    expect(again).toMatchObject({ ok: false, error: { problem: "forbidden" } });
  });

  it("of a bootstrap token says which, so that the Worker can end it", async ({ expect }) => {
    const world = await start();
    const boot = sha256Hex("boot");
    await must(world, "session.create", { sha256: sha256Hex("fbs_boot"), token: boot });
    expect(await world.control.authenticate(sha256Hex("fbs_boot"))).toMatchObject({
      role: "admin",
      products: null,
      bootstrap: boot,
    });
  });
});
