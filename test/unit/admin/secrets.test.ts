/** What is handed out once: tokens of the API and testers' overrides. */
import { describe, it } from "vitest";
import { createOverrideVerifier } from "../../../src/adapters/override-token.ts";
import { IssuedTokenSchema, OverrideSchema } from "../../../src/contracts/api/operations.ts";
import { findOverrideToken, stripOverrideCookie } from "../../../src/edge/override.ts";
import { buildAdmin, CONFIG, NOW_MS, sha256 } from "../../support/admin-builders.ts";

const TOKEN = { name: "deploy-pipeline", role: "deployer" };
const OVERRIDE = { product: "kiln", account: "acme", version: "2.9.0", minutes: 30, reason: "try" };

describe("tokens", () => {
  it("shows a new token once and gives the control plane its hash alone", async ({ expect }) => {
    const at = buildAdmin();
    const response = await at.call("/api/v1/tokens", { method: "POST", json: TOKEN });
    const { token } = IssuedTokenSchema.parse(await response.json());
    expect(response.status).toBe(201);
    expect(token).toMatch(/^fb_[A-Za-z0-9_-]{43}$/);
    expect(at.control.calls[0]).toMatchObject({ name: "token.create", input: { sha256: sha256(token) } });
    expect(JSON.stringify([at.control.calls, at.log])).not.toContain(token);
  });

  it("makes another one each time, whatever the Idempotency-Key", async ({ expect }) => {
    const at = buildAdmin();
    const make = async (): Promise<string> =>
      IssuedTokenSchema.parse(
        await (
          await at.call("/api/v1/tokens", {
            method: "POST",
            json: TOKEN,
            headers: { "idempotency-key": "k" },
          })
        ).json(),
      ).token;
    expect(await make()).not.toBe(await make());
    expect(at.control.calls.map(({ context }) => context?.idempotencyKey)).toEqual([null, null]);
  });

  it.for([
    ["boot-viewer", "ADMIN_TOKENS"],
    ["e367826f93b8d711.access", "Cloudflare Access"],
  ] as const)(
    "gives none the name %s, which the audit could not tell it from",
    async ([name, why], { expect }) => {
      const at = buildAdmin();
      const response = await at.call("/api/v1/tokens", { method: "POST", json: { ...TOKEN, name } });
      expect([response.status, await response.text()]).toEqual([409, expect.stringContaining(why)]);
      expect(at.control.calls).toEqual([]);
    },
  );

  it("says of one of ADMIN_TOKENS that it ends there and not here", async ({ expect }) => {
    const at = buildAdmin();
    at.control.state.refusal = { problem: "not-found", detail: "there is no token boot-viewer" };
    const revoke = async (name: string): Promise<[number, string]> => {
      const response = await at.call(`/api/v1/tokens/${name}?reason=leaked`, { method: "DELETE" });
      return [response.status, await response.text()];
    };
    expect(await revoke("boot-viewer")).toEqual([
      409,
      expect.stringContaining("boot-viewer is one of the secret ADMIN_TOKENS"),
    ]);
    expect((await revoke("ci"))[0]).toBe(404);
  });

  it("shows no token when the control plane refuses", async ({ expect }) => {
    const at = buildAdmin();
    at.control.state.refusal = { problem: "conflict", detail: "The name is taken." };
    const response = await at.call("/api/v1/tokens", { method: "POST", json: TOKEN });
    expect([response.status, await response.text()]).toEqual([409, expect.not.stringContaining("fb_")]);
  });
});

describe("overrides", () => {
  it("signs a token that the edge takes, for exactly what was asked", async ({ expect }) => {
    const at = buildAdmin();
    const response = await at.call("/api/v1/overrides", { method: "POST", json: OVERRIDE });
    const issued = OverrideSchema.parse(await response.json());
    expect(response.status).toBe(201);
    const verified = await createOverrideVerifier(CONFIG.overrideKeys).verify(issued.token, NOW_MS);
    expect(verified).toMatchObject({
      ok: true,
      value: { product: "kiln", account: "acme", version: "2.9.0", expires: NOW_MS + 30 * 60_000 },
    });
    expect(issued.expires).toBe(new Date(NOW_MS + 30 * 60_000).toISOString());
    expect(at.log.join("\n")).not.toContain(issued.token);
  });

  it("says how to send it in the words that the edge reads", async ({ expect }) => {
    const at = buildAdmin();
    const issued = OverrideSchema.parse(
      await (await at.call("/api/v1/overrides", { method: "POST", json: OVERRIDE })).json(),
    );
    const [name = "", token] = issued.header.split(": ");
    const pair = issued.cookie.split(";")[0] ?? "";
    expect(token).toBe(issued.token);
    expect(stripOverrideCookie(pair)).toBeNull();
    const values = { [name.toLowerCase()]: token } as never;
    expect(findOverrideToken({ values } as never)).toBe(issued.token);
    expect(issued.cookie).toContain("Secure; HttpOnly");
  });

  it("asks the control plane for each, whatever the Idempotency-Key, so that each is in the audit", async ({
    expect,
  }) => {
    const at = buildAdmin();
    const sent = { method: "POST", json: OVERRIDE, headers: { "idempotency-key": "k" } };
    for (let n = 0; n < 2; n += 1) expect((await at.call("/api/v1/overrides", sent)).status).toBe(201);
    expect(at.control.calls.map(({ name, context }) => [name, context?.idempotencyKey])).toEqual([
      ["override.issued", null],
      ["override.issued", null],
    ]);
  });

  it("signs nothing that the control plane refuses", async ({ expect }) => {
    const at = buildAdmin();
    at.control.state.refusal = { problem: "not-found", detail: "There is no version 2.9.0." };
    expect((await at.call("/api/v1/overrides", { method: "POST", json: OVERRIDE })).status).toBe(404);
  });

  it("says what is missing when there is no key, and asks for nothing", async ({ expect }) => {
    const at = buildAdmin({ config: { overrideKeys: [] } });
    const response = await at.call("/api/v1/overrides", { method: "POST", json: OVERRIDE });
    expect([response.status, await response.text()]).toEqual([501, expect.stringContaining("OVERRIDE_KEYS")]);
    expect(at.control.calls).toEqual([]);
  });

  it("revokes all, from a time on", async ({ expect }) => {
    const response = await buildAdmin().call("/api/v1/overrides/revoke", {
      method: "POST",
      json: { reason: "leaked" },
    });
    expect(await response.json()).toEqual({ before: "2026-11-28T22:05:00.000Z" });
  });
});
