/** The Durable Objects as they are deployed: RPC, real SQLite, real KV, real alarms; eviction and restart. */
import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { afterAll, describe, it } from "vitest";
import type { ControlPort } from "../../../src/contracts/control.ts";
import { TELEMETRY_SCHEMA, type EdgeReport, type SeenIsolate } from "../../../src/contracts/telemetry.ts";
import { contextOf, readMaps, valueOf, VERSION, versionFor } from "../../support/control-world.ts";

const stub = env.CONTROL.getByName("object-test");
// Every method of the object can be called on its stub by name; the types of RPC cannot say so for generic ones.
const control = stub as unknown as ControlPort;

async function readKv(): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  const { keys } = await env.MAPS.list();
  for (const { name } of keys) values.set(name, (await env.MAPS.get(name)) ?? "");
  return values;
}

/** Runs alarms until nothing waits. */
async function settle(): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    await runDurableObjectAlarm(stub);
    const { published } = valueOf(await control.query("status", { seen: [] }));
    if (published.state === "idle" && published.waiting === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("the publisher never comes to rest");
}

describe("ControlPlane", () => {
  afterAll(async () => {
    for (const { name } of (await env.MAPS.list()).keys) await env.MAPS.delete(name);
  });

  it("publishes to KV by its alarms, and goes on after an eviction", async ({ expect }) => {
    const input = { domains: ["kiln.example.com"], timeouts: [] };
    valueOf(await control.execute("product.put", { product: "kiln", input }, contextOf()));
    const origin = "https://kiln-1.origins.example.net";
    valueOf(
      await control.execute(
        "version.put",
        { product: "kiln", version: "1", input: { ...VERSION, origin } },
        contextOf(),
      ),
    );
    const zone = { timeZone: "Europe/Paris", cohort: "general" };
    valueOf(await control.execute("account.put", { account: "acme", input: zone }, contextOf()));
    await settle();
    expect(versionFor(readMaps(await readKv()), "kiln", "acme")).toBe("1");

    valueOf(await control.execute("account.put", { account: "beta", input: zone }, contextOf()));
    await evictDurableObject(stub);
    await settle();
    const maps = readMaps(await readKv());
    expect(maps.root.accounts).toBe(2);
    expect(maps.find("beta")).not.toBeNull();
  }, 30_000);

  it("takes an import of 20,000 accounts through RPC", async ({ expect }) => {
    valueOf(
      await control.importBegin(
        { id: "big", mode: "import", dryRun: false, expectRemoved: null },
        contextOf().actor,
      ),
    );
    for (let at = 0; at < 20_000; at += 2000) {
      const lines = Array.from({ length: 2000 }, (_unused, n) => ({
        line: at + n + 1,
        account: { account: `account-${at + n}`, timeZone: "Asia/Tokyo", cohort: "general" },
      }));
      valueOf(await control.importBatch("big", lines));
    }
    const ended = valueOf(await control.importEnd("big", 0));
    expect(ended.summary).toMatchObject({ added: 20_000, rejected: 0 });
    await settle();
    const maps = readMaps(await readKv());
    expect(maps.root.accounts).toBe(20_002);
    expect(versionFor(maps, "kiln", "account-19999")).toBe("1");
  }, 30_000);

  it("ticks, and answers questions after it", async ({ expect }) => {
    const at = Date.now();
    const report = await control.tick(at);
    expect(report).toMatchObject({ now: at, advanced: true });
    const page = valueOf(
      await control.query("accounts", { limit: 2, prefix: "account-199", deleted: false }),
    );
    expect(page.items.map(({ account }) => account)).toEqual(["account-199", "account-1990"]);
    expect(page.cursor).toBe("account-1990");
  });
});

describe("Meter", () => {
  it("keeps the newest report of each isolate and adds its requests up", async ({ expect }) => {
    const meter = env.METER.getByName("meter-test") as unknown as {
      report(report: EdgeReport): Promise<void>;
      seen(sinceMs: number): Promise<readonly SeenIsolate[]>;
    };
    const report = (sequence: number, generation: number, requests: number): EdgeReport => ({
      schema: TELEMETRY_SCHEMA,
      isolate: "one",
      sequence,
      generation,
      breakGlass: false,
      requests,
      byOutcome: {},
      mapsFaults: {},
      dropped: 0,
    });
    await meter.report(report(1, 5, 10));
    await meter.report(report(2, 6, 7));
    await meter.report(report(1, 5, 10));
    // It tells that the last connection has ended, and answered nobody by the maps it names.
    await meter.report({ ...report(3, 4, 0), open: [] });
    expect(await meter.seen(0)).toMatchObject([{ isolate: "one", generation: 6, requests: 17 }]);
    expect(await meter.seen(Date.now() + 60_000)).toEqual([]);
  });
});
