/** The admin API inside workerd, with a fake control plane: streams, hashes and validation as the real runtime does them. */
import { describe, it } from "vitest";
import { ok } from "../../src/contracts/result.ts";
import { buildAdmin, readDocuments } from "../support/admin-builders.ts";
import { added } from "../support/fake-control.ts";

const HEADERS = { "content-type": "application/x-ndjson" };
const LINES = 100_000;

const ZONES = ["Europe/Paris", "America/New_York", "Asia/Kolkata", "US/Pacific", "Australia/Lord_Howe"];

function lineOf(n: number): string {
  const domains = n % 20 === 0 ? [{ host: `code.account-${n}.example`, product: "kiln" }] : [];
  return JSON.stringify({
    account: `account-${n}`,
    timeZone: ZONES[n % ZONES.length],
    cohort: "general",
    labels: { plan: "team" },
    cell: "eu1",
    domains,
  });
}

/** A body made while it is read. */
function streamOf(count: number): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let n = 0;
  return new ReadableStream({
    pull(controller) {
      if (n >= count) return controller.close();
      const end = Math.min(count, n + 1000);
      let text = "";
      while (n < end) text += `${lineOf(n++)}\n`;
      controller.enqueue(encoder.encode(text));
    },
  });
}

describe("the admin API in workerd", () => {
  it("takes a streamed import of 100,000 lines whole", { timeout: 60_000 }, async ({ expect }) => {
    const at = buildAdmin();
    at.control.state.batch = async (_id, lines) => {
      at.control.calls.length = 0;
      return ok(added(lines.length));
    };
    const response = await at.call("/api/v1/accounts/import", {
      method: "POST",
      body: streamOf(LINES),
      headers: HEADERS,
    });
    const events = await readDocuments(response);
    expect(events.findLast((event) => (event as { event: string }).event === "progress")).toMatchObject({
      lines: LINES,
      added: LINES,
    });
    expect(events).not.toContainEqual(expect.objectContaining({ event: "rejected" }));
  });

  it("authenticates, validates and answers as on any other runtime", async ({ expect }) => {
    const at = buildAdmin();
    expect((await at.call("/api/v1/products", { token: "unknown" })).status).toBe(401);
    expect((await at.call("/api/v1/products", { token: at.issue({ role: "viewer" }) })).status).toBe(200);
    const refused = await at.call("/api/v1/halt", { method: "PUT", json: { on: "yes" } });
    expect([refused.status, ((await refused.json()) as { errors: unknown[] }).errors.length]).toEqual([
      400, 2,
    ]);
    expect((await at.call("/api/v1/openapi.json", { token: null })).status).toBe(200);
  });

  it("stops an import when the client goes away", async ({ expect }) => {
    const at = buildAdmin();
    const cancelled = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode("{\n")),
      cancel: () => cancelled.resolve(),
    });
    const reader = (
      await at.call("/api/v1/accounts/import", { method: "POST", body, headers: HEADERS })
    ).body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await cancelled.promise;
    expect(at.control.calls.map(({ name }) => name)).not.toContain("importEnd");
  });
});
