/** Where a webhook's secret shows: in the answer that makes it, and nowhere else. */
import { describe, it } from "vitest";
import { createWebhookSender } from "../../../src/adapters/webhook-sender.ts";
import { WebhookWithSecretSchema } from "../../../src/contracts/api/webhooks.ts";
import { buildAdmin } from "../../support/admin-builders.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { addProducts, createWorld } from "../../support/control-world.ts";

const URL = "https://hooks.example.net/firebreak";

async function start() {
  const webhooks = createWebhookSender({
    fetch: async () => new Response(),
    nowMs: () => 0,
    key: { kid: "1", secret: "origin-key-origin-key-origin-key" },
  });
  const world = createWorld({ db: createMemoryDb(), webhooks });
  await addProducts(world);
  const at = buildAdmin({ real: world.control, kv: world.kv.values });
  at.clock.nowMs = world.clock.now;
  const send = async (method: string, path: string, body: unknown, key = "k") => {
    const headers = { "content-type": "application/json", "idempotency-key": key };
    const response = await at.call(`/api/v1/webhooks${path}`, {
      method,
      headers,
      body: JSON.stringify(body),
    });
    if (response.status !== 200) throw new Error(await response.text());
    return WebhookWithSecretSchema.parse(await response.json());
  };
  return { world, at, send };
}

describe("the secret of a webhook", () => {
  it("shows when it is made, also to a repeated request, and not when the webhook is changed", async ({
    expect,
  }) => {
    const { at, send } = await start();
    const made = await send("PUT", "/on-call", { url: URL, events: ["*"] });
    expect(made.secret).toMatch(/^whsec_/);
    expect(await send("PUT", "/on-call", { url: URL, events: ["*"] })).toEqual(made);
    const changed = await send("PUT", "/on-call", { url: URL, events: ["halt.set"] }, "k2");
    expect([changed.revision, changed.secret]).toEqual([2, null]);
    const rotated = await send("POST", "/on-call/rotate", { reason: "yearly" }, "k3");
    expect(rotated.secret).toMatch(/^whsec_/);
    expect(rotated.secret).not.toBe(made.secret);
    expect(await (await at.call("/api/v1/webhooks")).text()).not.toContain("whsec_");
  });

  it("is kept in no table", async ({ expect }) => {
    const { world, send } = await start();
    const secrets = [
      (await send("PUT", "/on-call", { url: URL, events: ["*"] })).secret,
      (await send("POST", "/on-call/rotate", { reason: "yearly" }, "k2")).secret,
    ].map((secret) => (secret ?? "").slice("whsec_".length));
    const tables = world.db.rows("SELECT name FROM sqlite_master WHERE type = 'table'");
    const stored = tables.map(({ name }) => JSON.stringify(world.db.rows(`SELECT * FROM "${String(name)}"`)));
    expect(stored.some((text) => text.includes("hooks.example.net"))).toBe(true);
    expect(secrets.every((secret) => secret.length > 40)).toBe(true);
    expect(secrets.filter((secret) => stored.some((text) => text.includes(secret)))).toEqual([]);
  });
});
