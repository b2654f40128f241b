/** What `explain` says of a product that today's fleet serves: where the request goes, and where it would go if it were active. */
import { describe, it } from "vitest";
import type { RootFleet } from "../../../src/contracts/fleet.ts";
import { FLEET_SCHEMA, type RootProduct } from "../../../src/contracts/maps.ts";
import { buildAdmin, buildSnapshot } from "../../support/admin-builders.ts";
import { buildProduct, buildRoot, buildRow } from "../../support/edge-builders.ts";

const FLEET: RootFleet = {
  mode: "compare",
  origin: "https://fleet.origins.example.net",
  versionHeader: "X-Version",
  run: "kiln/1",
};

async function explain(host: string, changes: Partial<RootProduct> = {}): Promise<Record<string, unknown>> {
  const products = { kiln: buildProduct({ fleet: FLEET, ...changes }) };
  const root = buildRoot({ schema: FLEET_SCHEMA, products });
  const at = buildAdmin({
    snapshot: buildSnapshot({ root }),
    rows: { acme: { kind: "row", row: buildRow("acme"), stale: false }, lost: { kind: "unresolved" } },
  });
  const answer = await at.call(`/api/v1/explain?host=${host}`);
  return (await answer.json()) as Record<string, unknown>;
}

describe("explain of a product that today's fleet serves", () => {
  it.for([
    ["acme", "acme", /account acme .*today's fleet at https:\/\/fleet.* in compare .*kiln 2\.9\.0, by home/],
    ["ghost", null, /no known account .*today's fleet.*kiln 2\.8\.0, by default/],
    ["lost", null, /today's fleet.*the maps have no version for it now/],
  ] as const)("says of %s who answers, and what was decided", async ([slug, account, says], { expect }) => {
    const found = await explain(`${slug}.kiln.example.com`);
    expect(found).toMatchObject({ account, version: null, origin: FLEET.origin, reason: "compare" });
    expect(found["sentence"]).toMatch(says);
  });

  it("says that the fleet answers what a read-only hold lets through", async ({ expect }) => {
    const hold = { mode: "readOnly", message: null, until: null } as const;
    for (const slug of ["acme", "lost"]) {
      const found = await explain(`${slug}.kiln.example.com`, { hold });
      expect(found).toMatchObject({ reason: "hold", version: null, origin: FLEET.origin });
      expect(found["sentence"]).toMatch(/held \(read-only, by hold\); safe methods go to https:\/\/fleet/);
    }
  });

  it("says that a hold comes first", async ({ expect }) => {
    const hold = { mode: "page", message: null, until: null } as const;
    expect(await explain("acme.kiln.example.com", { hold })).toMatchObject({ reason: "hold", version: null });
  });
});
