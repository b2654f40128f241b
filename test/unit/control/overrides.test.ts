/**
 * Revoking all overrides on the real control plane, with signers and a control plane whose clocks differ or go back: what
 * was issued before is revoked for edges that read the next maps, and what is issued after counts.
 */
import { beforeEach, describe, it } from "vitest";
import { createOverrideVerifier, issueOverride } from "../../../src/adapters/override-token.ts";
import { checkOverride } from "../../../src/edge/override.ts";
import { OVERRIDE_KEY } from "../../support/edge-builders.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addProducts,
  contextOf,
  createWorld,
  must,
  readMaps,
  refusalOf,
  settle,
  type World,
} from "../../support/control-world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const WHAT = { product: "kiln", account: "acme", version: "1", minutes: 60, reason: "look" };

let world: World;
beforeEach(async () => {
  world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  await settle(world);
});

/** As the admin surface issues one, at its own clock. */
async function issue(signedAt: number): Promise<string> {
  const { issuedAt } = await must(world, "override.issued", { input: WHAT, signedAt });
  const claims = { product: "kiln", account: "acme", version: "1", seconds: 3600, jti: "j" };
  const issued = await issueOverride([OVERRIDE_KEY], claims, issuedAt ?? signedAt);
  if (!issued.ok) throw new Error(issued.error);
  return issued.value.token;
}

/** What an edge makes of it once it has read what is published. */
async function verdict(token: string, nowMs: number): Promise<string> {
  await settle(world);
  const { root } = readMaps(world.kv.values);
  const subject = { root, overrideEpoch: root.overrideEpoch, product: "kiln", slug: "acme" };
  const overrides = createOverrideVerifier([OVERRIDE_KEY]);
  return (await checkOverride(token, subject, { overrides, nowMs })).status;
}

const revoke = () => must(world, "override.revoke-all", { reason: "leaked" });

describe("revoking all overrides", () => {
  it("reaches those of a signer whose clock is ahead, also when their time comes", async ({ expect }) => {
    const ahead = world.clock.now + 50_000;
    const token = await issue(ahead);
    expect(await verdict(token, ahead)).toBe("active");
    await revoke();
    expect(await verdict(token, ahead)).toBe("revoked");
    expect(await verdict(token, ahead + 30 * MINUTE)).toBe("revoked");
  });

  it("reaches those of before its own clock went back by an hour", async ({ expect }) => {
    await world.control.tick(world.clock.now);
    const token = await issue(world.clock.now);
    world.clock.now -= HOUR;
    await revoke();
    expect(await verdict(token, world.clock.now + HOUR)).toBe("revoked");
    // Until the clock is there again a new one would count nowhere, and whoever asks for it is told.
    const asked = { input: WHAT, signedAt: world.clock.now };
    const refused = await world.control.execute("override.issued", asked, contextOf("deployer"));
    expect(refusalOf(refused).detail).toMatch(/revoked up to/);
    world.clock.now += HOUR;
    expect(await verdict(await issue(world.clock.now), world.clock.now)).toBe("active");
  });

  it("leaves those that come after it, also of a signer whose clock is behind", async ({ expect }) => {
    await revoke();
    expect(await verdict(await issue(world.clock.now), world.clock.now)).toBe("active");
    expect(await verdict(await issue(world.clock.now - 5 * MINUTE), world.clock.now)).toBe("active");
  });

  it("refuses a signer whose clock is further ahead than edges let count, and says so", async ({
    expect,
  }) => {
    const asked = { input: WHAT, signedAt: world.clock.now + 5 * MINUTE };
    const refused = await world.control.execute("override.issued", asked, contextOf("deployer"));
    expect(refusalOf(refused).detail).toMatch(/300 seconds ahead/);
    const { before } = await revoke();
    expect(before).toBeLessThan(world.clock.now + MINUTE);
  });
});
