/** The admin API against the real control plane, over RPC in workerd: one way through everything an operator does first. */
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { createMapsKv } from "../../src/adapters/kv.ts";
import { createAdmin } from "../../src/admin/app.ts";
import type { ControlPort } from "../../src/contracts/control.ts";
import {
  buildRequest,
  buildSnapshot,
  CONFIG,
  NOW_MS,
  readDocuments,
  type CallInit,
} from "../support/admin-builders.ts";

const NDJSON = { "content-type": "application/x-ndjson" };
const lineOf = (account: string, cohort = "early"): string =>
  JSON.stringify({ account, timeZone: "Europe/Paris", cohort });

/** An admin of one isolate on the object of this name. */
function connect(name: string): (path: string, init?: CallInit) => Promise<Response> {
  const snapshot = buildSnapshot();
  const admin = createAdmin({
    config: CONFIG,
    control: env.CONTROL.getByName(name) as unknown as ControlPort,
    meters: {
      seen: async () => [],
      hurt: async () => [],
      lately: async () => [],
      accountLately: async () => [],
      totals: async () => [],
      failed: async () => [],
      fleet: () => Promise.reject(new Error("no meters")),
    },
    maps: {
      current: () => snapshot,
      renew: async () => snapshot,
      row: () => ({ kind: "absent" }),
      generation: () => 42,
      isWaking: () => false,
      ageMs: () => 0,
    },
    kv: createMapsKv(env.MAPS),
    access: null,
    router: null,
    isTooMany: async () => false,
    clock: { nowMs: () => NOW_MS, random: () => 0, sleep: () => new Promise(() => undefined) },
    logger: { line: () => undefined },
    notes: { note: () => undefined },
    requestId: () => "r",
  });
  return (path, init = {}) => admin(buildRequest(path, init), { waitUntil: () => undefined });
}

async function seed(call: ReturnType<typeof connect>): Promise<number[]> {
  const at = "/api/v1/products/kiln";
  const reason = "first";
  const steps: [string, CallInit][] = [
    [at, { method: "PUT", json: { domains: ["kiln.example.com"] } }],
    [`${at}/versions/2.8.0`, { method: "PUT", json: { origin: "https://kiln-280.origins.example.net" } }],
    [`${at}/versions/2.8.0/state`, { method: "POST", json: { state: "live", reason } }],
    [`${at}/stable`, { method: "POST", json: { version: "2.8.0", reason } }],
    [`${at}/default`, { method: "POST", json: { version: "2.8.0", reason, force: true } }],
  ];
  const statuses: number[] = [];
  for (const [path, init] of steps) statuses.push((await call(path, init)).status);
  return statuses;
}

describe("the admin API on the real control plane", () => {
  // The first call starts the object cold, which takes seconds on a machine that does other things.
  it(
    "sets up a product, takes accounts in, and says what was done",
    { timeout: 30_000 },
    async ({ expect }) => {
      const call = connect("admin-smoke");
      expect(await seed(call)).toEqual([200, 200, 200, 200, 200]);

      const body = [lineOf("acme"), "{", lineOf("globex", "general"), ""].join("\n");
      const events = await readDocuments(
        await call("/api/v1/accounts/import?id=first", { method: "POST", body, headers: NDJSON }),
      );
      expect(events).toEqual([
        expect.objectContaining({ event: "rejected", line: 2 }),
        expect.objectContaining({ event: "progress", lines: 3, added: 2 }),
        { event: "done", summary: expect.objectContaining({ id: "first", added: 2, rejected: 1 }) },
      ]);

      const account = await call("/api/v1/accounts/acme");
      expect(await account.json()).toMatchObject({ account: "acme", homes: { kiln: "2.8.0" } });
      const stale = await call("/api/v1/accounts/acme/hold", {
        method: "PUT",
        json: { reason: "x" },
        headers: { "if-match": '"99"' },
      });
      expect(stale.status).toBe(409);
      const current = { "if-match": account.headers.get("etag") ?? "" };
      expect(
        (await call("/api/v1/accounts/acme/hold", { method: "PUT", json: { reason: "x" }, headers: current }))
          .status,
      ).toBe(200);
      expect(await (await call("/api/v1/status")).json()).toMatchObject({ accounts: 2 });
      const audit: { items: { action: string }[] } = await (await call("/api/v1/audit")).json();
      expect(audit.items.map(({ action }) => action)).toContain("account.hold.set");
    },
  );

  it("lets a new token in at once, and not after it was revoked", async ({ expect }) => {
    const call = connect("admin-tokens");
    const created: { token: string } = await (
      await call("/api/v1/tokens", { method: "POST", json: { name: "ci", role: "viewer" } })
    ).json();
    const asIt = async (path: string, init: CallInit = {}): Promise<number> =>
      (await call(path, { ...init, token: created.token })).status;
    expect(await asIt("/api/v1/halt")).toBe(200);
    expect(await asIt("/api/v1/halt", { method: "PUT", json: { on: true, reason: "x" } })).toBe(403);
    expect((await call("/api/v1/tokens/ci?reason=done", { method: "DELETE" })).status).toBe(200);
    expect(await asIt("/api/v1/halt")).toBe(401);
  });

  it("exports everything, and restores it into an empty control plane above every generation", async ({
    expect,
  }) => {
    const call = connect("admin-export");
    await seed(call);
    await (
      await call("/api/v1/accounts/import", { method: "POST", body: lineOf("acme"), headers: NDJSON })
    ).text();
    const exported = await (await call("/api/v1/export")).arrayBuffer();

    const other = connect("admin-restored");
    const events = await readDocuments(
      await other("/api/v1/restore?reason=drill", { method: "POST", body: exported, headers: NDJSON }),
    );
    expect(events.at(-1)).toMatchObject({ event: "done" });
    expect((events.at(-1) as { generation: number }).generation).toBeGreaterThan(42);
    expect(await (await other("/api/v1/accounts/acme")).json()).toMatchObject({ homes: { kiln: "2.8.0" } });
  });
});
