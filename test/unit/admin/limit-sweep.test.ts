/**
 * What a token limited to one product may do about another, operation by operation on the real control plane, in which
 * everything belongs to other products. From a list of its own: an operation without a place in it must be refused.
 */
import { beforeAll, describe, it } from "vitest";
import { ROLES, type Role } from "../../../src/contracts/env.ts";
import { buildAdmin, type TestAdmin } from "../../support/admin-builders.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { must, type World } from "../../support/control-world.ts";
import {
  address,
  bodyOf,
  readDocument,
  routesOf,
  SAMPLES,
  type Route,
} from "../../support/documented-api.ts";
import { PLAN, prepareRollouts } from "../../support/rollout-world.ts";

/** Reading what all products share, which a limit does not bear on (permissions.ts). */
const SHARED = new Set(
  `products.list accounts.list accounts.get assignments.list events.list events.dead.list accounts.history.list
   accounts.traffic.get windows.list windows.get freezes.list freezes.get rollouts.list rollouts.get rollouts.input.get
   rollouts.plan rollouts.plan.get rollouts.left-behind.list rollouts.gates.get rollouts.grid.get rollouts.impact.list
   rollouts.signals.list rollouts.rollback.preview explain halt.get audit.list status alarms.list traffic failed-requests.list metrics openapi
   ready`.split(/\s+/),
);
/** Oneself. */
const OWN = new Set(["whoami", "sessions.create", "sessions.end"]);
/** In this world all about kiln and fogbugz; the token is for neither. */
const SAMPLE = { ...SAMPLES, version: "2", from: "1", id: "autumn", name: "nights" };

let world: World;
let at: TestAdmin;
beforeAll(async () => {
  world = await prepareRollouts(createMemoryDb(), { accounts: ["acme", "account-0"] });
  await must(world, "rollout.create", { id: "autumn", input: PLAN });
  await must(world, "rollout.create", { id: "2026-11-autumn", input: { ...PLAN, id: "2026-11-autumn" } });
  await must(world, "rollout.create", { id: "2026-10-autumn", input: { ...PLAN, id: "2026-10-autumn" } });
  at = buildAdmin({ real: world.control, kv: world.kv.values });
  at.clock.nowMs = world.clock.now;
}, 60_000);

async function limited(role: Role, products: readonly string[]): Promise<string> {
  const name = `the-${role}-${products.join("-")}`;
  const made = await at.call("/api/v1/tokens", { method: "POST", json: { name, role, products } });
  return ((await made.json()) as { token: string }).token;
}

const routes = routesOf(await readDocument(buildAdmin()));
/** The plan of the example has an id of its own. */
const addressOf = (route: Route): string =>
  address(route, route.of.operationId === "rollouts.put" ? { ...SAMPLE, id: SAMPLES["id"] ?? "" } : SAMPLE);

/** Everything that stands in the tables, but who signed in, was refused, or was given this test's tokens. */
function everything(): string {
  const names = world.db.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
  const apart = new Set(["audit", "counters", "sessions", "tokens", "refused", "meta", "observed"]);
  const audit = world.db.rows(
    "SELECT action, target FROM audit WHERE action NOT GLOB 'refused.*' AND action NOT GLOB 'session.*' AND action <> 'token.create'",
  );
  const tables = names
    .map(({ name }) => String(name))
    .filter((name) => !apart.has(name))
    .map((name) => [name, world.db.rows(`SELECT * FROM "${name}"`)]);
  return JSON.stringify([audit, tables], (_key, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
}

describe("a token for another product", { timeout: 60_000 }, () => {
  it.for(ROLES)("as %s changes nothing, and reads only what all share", async (role, { expect }) => {
    const token = await limited(role, ["nosuch"]);
    const before = everything();
    const reached: string[] = [];
    for (const route of routes) {
      const { operationId } = route.of;
      const answer = await at.call(addressOf(route), { method: route.method, token, ...bodyOf(route) });
      const text = await answer.text();
      if (OWN.has(operationId)) continue;
      if (answer.status === 403)
        expect(JSON.parse(text)).toMatchObject({ type: "urn:firebreak:problem:forbidden" });
      else reached.push(operationId);
    }
    expect(reached.filter((id) => !SHARED.has(id))).toEqual([]);
    if (role === "admin") expect(reached.toSorted()).toEqual([...SHARED].toSorted());
    expect(everything()).toBe(before);
  });

  it("is shown no product but its own in the list", async ({ expect }) => {
    const list = await at.call("/api/v1/products", { token: await limited("viewer", ["kiln"]) });
    const { items } = (await list.json()) as { items: { name: string }[] };
    expect(items.map(({ name }) => name)).toEqual(["kiln"]);
  });

  it("gets nothing by what another token got: neither a cursor nor an Idempotency-Key opens more", async ({
    expect,
  }) => {
    const [wide, narrow] = [
      await limited("operator", ["kiln", "fogbugz"]),
      await limited("operator", ["fogbugz"]),
    ];
    const paged = routes.filter(({ of }) => of.parameters?.some(({ name }) => name === "cursor"));
    for (const route of paged.filter(({ of }) => !SHARED.has(of.operationId))) {
      const next = `${addressOf(route)}?cursor=1`;
      expect([
        next,
        (await at.call(next, { token: await limited("admin", ["nosuch", "other"]) })).status,
      ]).toEqual([next, 403]);
    }
    expect(paged.length).toBeGreaterThan(5);

    const sent = {
      method: "PUT",
      json: { mode: "page", message: "m", until: null, reason: "r" },
      headers: { "idempotency-key": "the-same" },
    };
    const first = await at.call("/api/v1/accounts/acme/hold", { ...sent, token: wide });
    expect(first.status).toBe(200);
    const replayed = await at.call("/api/v1/accounts/acme/hold", { ...sent, token: narrow });
    expect([replayed.status, await replayed.text()]).toEqual([
      403,
      expect.not.stringContaining("Europe/Paris"),
    ]);
    expect((await at.call("/api/v1/accounts/acme/hold", { ...sent, token: wide })).status).toBe(200);
  });
});
