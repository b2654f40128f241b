/**
 * `product mode` and `product compare` through whole command lines, with meters that have heard what a test says: what an
 * operator sees of today's fleet before a product becomes active, and what is refused until it is meant.
 */
import { afterAll, beforeAll, describe, it } from "vitest";
import type { FleetComparison } from "../../../src/contracts/fleet.ts";
import { buildSnapshot } from "../../support/admin-builders.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { createWorld, settle, type World } from "../../support/control-world.ts";
import { buildProduct, buildRoot, buildRow } from "../../support/edge-builders.ts";
import { startRealAdmin, type RealAdmin } from "../../support/real-admin.ts";

const FLEET = "https://fleet.origins.example.net";
const AT = Date.parse("2026-11-28T22:05:00Z");
const seen = (account: string, theirs: string, requests: number): FleetComparison["accounts"][number] => ({
  account,
  ours: "2.9.0",
  theirs,
  requests,
  lastAt: AT,
});

let world: World;
let api: RealAdmin;
let comparison: FleetComparison | null = null;
const asked: string[] = [];

beforeAll(async () => {
  world = createWorld({ db: createMemoryDb() });
  api = await startRealAdmin(world, {
    fleet: async (run) => {
      asked.push(run);
      if (comparison === null) throw new Error("the meters do not answer");
      return comparison;
    },
    // As the edge of this node has the maps by now: beta was put right since the fleet answered it.
    snapshot: buildSnapshot({ root: buildRoot({ products: { kiln: buildProduct() } }) }),
    rows: {
      acme: { kind: "row", row: buildRow("acme"), stale: false },
      beta: { kind: "row", row: buildRow("beta", { homes: { kiln: "2.8.0" } }), stale: false },
    },
  });
  for (const line of [
    "product put kiln --domain kiln.example.com",
    "version register kiln 2.8.0 --origin https://kiln-2-8-0.origins.example.net",
  ]) {
    const { code, err } = await api.cli(line);
    if (code !== 0) throw new Error(`${line}: ${err}`);
  }
  await settle(world);
});
afterAll(() => api.stop());

describe("product mode", () => {
  it("needs to know where today's fleet is, and for compare how it names its version", async ({ expect }) => {
    const bare = await api.cli('product mode kiln pass-through --reason "x"');
    expect([bare.code, bare.err]).toEqual([1, expect.stringContaining("origin says where today's fleet")]);
    const silent = await api.cli(`product mode kiln compare --origin ${FLEET} --reason "x"`);
    expect([silent.code, silent.err]).toEqual([1, expect.stringContaining("compare needs versionHeader")]);
    const wrong = await api.cli(`product mode kiln compare --version-header "X Version" --reason "x"`);
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("name of a header")]);
  });

  it("says in product, status and audit who serves", async ({ expect }) => {
    const set = await api.cli(
      `product mode kiln compare --origin ${FLEET} --version-header X-Version --reason "adoption begins"`,
    );
    expect([set.code, set.err]).toEqual([0, ""]);
    expect(set.out).toMatch(/^mode\s+compare: today's fleet at https:\/\/fleet.* in X-Version$/m);
    const status = await api.cli("status");
    expect(status.out).toContain("kiln is in compare since");
    expect(status.out).toMatch(/^kiln\s+compare\s+2\.8\.0/m);
    const audit = await api.cli("audit list --limit 1");
    expect(audit.out).toContain("product.mode.set");
  });
});

describe("product compare", () => {
  it("says when the meters do not answer", async ({ expect }) => {
    comparison = null;
    const { code, err } = await api.cli("product compare kiln");
    expect([code, err]).toEqual([1, expect.stringContaining("meters")]);
  });

  it("counts, and lists who would get another version by the maps of now", async ({ expect }) => {
    const accounts = [seen("acme", "2.8.0", 4), seen("beta", "2.8.0", 2), seen("", "2.7.0", 9)];
    comparison = { agree: 99_985, differ: 15, unnamed: 3, undecided: 1, forgotten: 0, accounts };
    const { code, out } = await api.cli("product compare kiln");
    expect(code).toBe(1);
    expect(out).toMatch(/^agree\s+99,985 \(99\.98 %\)$/m);
    expect(out).toMatch(/^accounts that differ now\s+2$/m);
    expect(out).toMatch(/^accounts that did, and do not any more\s+1$/m);
    expect(out).toMatch(/^acme\s+2\.8\.0\s+2\.9\.0\s+4/m);
    expect(out).toMatch(/^\(no known account\)\s+2\.7\.0\s+2\.8\.0\s+9/m);
    expect(out).not.toContain("beta");
  });
});

describe("making it active", () => {
  it("says who would change, and waits for --yes", async ({ expect }) => {
    const line = 'product mode kiln active --reason "begin"';
    const refused = await api.cli(line);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(
      "2 accounts would get another version than the one that the fleet answered",
    );
    expect(refused.err).toMatch(/acme\s+2\.8\.0\s+2\.9\.0/);
    const before = JSON.parse((await api.cli("product show kiln --json")).out) as { fleet: { run: string } };
    expect(asked).toContain(before.fleet.run);
    const done = await api.cli(`${line} --yes`);
    expect(done.code).toBe(0);
    expect(done.out).toMatch(/^mode\s+active$/m);
    const audit: unknown = JSON.parse((await api.cli("audit list --limit 1 --json")).out);
    const known = { accounts: 2, compared: 100_000 };
    expect(audit).toMatchObject({ items: [{ action: "product.mode.set", detail: { known } }] });
  });

  it("is nothing when it is active already", async ({ expect }) => {
    expect((await api.cli('product mode kiln active --reason "again"')).code).toBe(0);
    expect((await api.cli("product compare kiln")).out).toMatch(/^mode\s+active$/m);
  });
});
