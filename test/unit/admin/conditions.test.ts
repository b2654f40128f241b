/**
 * A condition is checked or refused, never passed over: every change of the API, on the real control plane, with an If-Match
 * of a revision that nothing has. The changes come from the document, so a new one is among them.
 */
import { beforeAll, describe, it } from "vitest";
import { buildAdmin, type TestAdmin } from "../../support/admin-builders.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { must, type World } from "../../support/control-world.ts";
import { address, bodyOf, readDocument, routesOf, SAMPLES } from "../../support/documented-api.ts";
import { PLAN, prepareRollouts } from "../../support/rollout-world.ts";

const STALE = { "if-match": '"987654"' };
const SAMPLE = { ...SAMPLES, version: "2", from: "1", id: "autumn", name: "nights" };
/** Streams say for themselves what a repeat does, and take no conditions. */
const STREAMS = new Set(["accounts.import", "restore"]);

const changes = routesOf(await readDocument(buildAdmin())).filter(
  ({ method, of }) => method !== "GET" && !STREAMS.has(of.operationId),
);

let world: World;
let at: TestAdmin;
beforeAll(async () => {
  world = await prepareRollouts(createMemoryDb(), { accounts: ["acme", "account-0"] });
  at = buildAdmin({ real: world.control, kv: world.kv.values });
  at.clock.nowMs = world.clock.now;
  await must(world, "rollout.create", { id: "autumn", input: PLAN });
  const put = async (path: string, json: unknown, method = "PUT"): Promise<void> => {
    const answer = await at.call(`/api/v1${path}`, { method, json });
    if (answer.status >= 300) throw new Error(`${path}: ${await answer.text()}`);
  };
  const span = { from: "2030-01-01", to: "2030-01-02", zone: "UTC", reason: "r" };
  await put("/freezes/nights", span);
  await put("/webhooks/nights", { url: "https://hooks.example.net/x", events: ["*"] });
  await put("/tokens", { name: "nights", role: "viewer" }, "POST");
  await put("/access/alice@example.com", { role: "viewer" });
}, 60_000);

describe("If-Match", { timeout: 60_000 }, () => {
  it.for(changes)("of another revision lets $method $path change nothing", async (route, { expect }) => {
    const audit = (): unknown => world.db.rows("SELECT max(seq) AS last FROM audit");
    const before = audit();
    const { headers, ...body } = bodyOf(route);
    const answer = await at.call(address(route, SAMPLE), {
      method: route.method,
      headers: { ...headers, ...STALE },
      ...body,
    });
    const text = await answer.text();
    const isDocumented = route.of.parameters?.some(({ name }) => name.toLowerCase() === "if-match");
    if (isDocumented !== true)
      expect([answer.status, text]).toEqual([400, expect.stringContaining("header.if-match")]);
    else
      expect([[400, 404, 409].includes(answer.status), answer.status, text]).toEqual([
        true,
        expect.any(Number),
        text,
      ]);
    expect(audit()).toEqual(before);
  });

  it("is documented and checked for most, so that the above can fail", async ({ expect }) => {
    const stale = await Promise.all(
      changes.map(async (route) => {
        const { headers, ...body } = bodyOf(route);
        const sent = { method: route.method, headers: { ...headers, ...STALE }, ...body };
        return (await (await at.call(address(route, SAMPLE), sent)).text()).includes("stale-revision");
      }),
    );
    expect(stale.filter(Boolean).length).toBeGreaterThan(30);
  });
});
