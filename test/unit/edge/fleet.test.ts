/** Products that today's fleet serves: who gets there, what comes first all the same, and what is compared. */
import { describe, it } from "vitest";
import type { RootFleet } from "../../../src/contracts/fleet.ts";
import { FLEET_SCHEMA, type RootProduct } from "../../../src/contracts/maps.ts";
import { breakGlass } from "../../support/maps-builders.ts";
import {
  buildEdge,
  buildProduct,
  buildRoot,
  buildRow,
  type EdgeOptions,
  type TestEdge,
} from "../../support/edge-builders.ts";

const FLEET = "https://fleet.origins.example.net";
const PASS: RootFleet = { mode: "pass-through", origin: FLEET, versionHeader: null, run: "kiln/1" };
const COMPARE: RootFleet = { ...PASS, mode: "compare", versionHeader: "X-Version" };
const KNOWN = "acme.kiln.example.com";
const READ = { mode: "readOnly", message: null, until: null } as const;
const HELD = { accounts: {}, products: { kiln: READ } };
const PAGE = { mode: "page", message: null, until: null } as const;

function served(fleet: RootFleet, changes: Partial<RootProduct> = {}, rest: EdgeOptions = {}): EdgeOptions {
  const fogbugz = buildProduct({ domains: ["fogbugz.example.com"] });
  const kiln = buildProduct({ fleet, ...changes });
  return { root: buildRoot({ schema: FLEET_SCHEMA, products: { kiln, fogbugz } }), ...rest };
}

const reached = ({ seen }: TestEdge): string[] => seen.map(({ url }) => new URL(url).origin);

describe("a product in pass-through", () => {
  it.for([
    [KNOWN, "acme"],
    ["ghost.kiln.example.com", null],
    ["kiln.example.com", null],
  ] as const)("goes to today's fleet for %s", async ([host, account], { expect }) => {
    const edge = buildEdge(served(PASS));
    const response = await edge.fetch(host, "/a?b=c");
    expect([response.status, edge.seen[0]?.url]).toEqual([200, `${FLEET}:443/a?b=c`]);
    expect(edge.seen[0]?.headers.get("x-forwarded-host")).toBe(host);
    const header = edge.seen[0]?.headers.get("firebreak");
    expect(header?.includes("account=acme")).toBe(account !== null);
    expect(header).not.toContain("version");
    // No version of ours is held to account for it.
    expect([edge.observed, edge.compared, edge.mirrored]).toEqual([[], [], []]);
  });

  it("goes there for an account that cannot be looked up, and whatever its version's assets are", async ({
    expect,
  }) => {
    const versions = { "2.8.0": { origin: FLEET, state: "live" as const, assets: ["/assets/"] } };
    const edge = buildEdge(served(PASS, { versions }, { unreadable: ["acme"] }));
    await edge.fetch(KNOWN, "/assets/app.js");
    await edge.fetch(KNOWN, "/");
    expect(reached(edge)).toEqual([FLEET, FLEET]);
  });

  it("leaves health checks and other products alone", async ({ expect }) => {
    const edge = buildEdge(served(PASS));
    expect((await edge.fetch(null, "/", { method: "OPTIONS" })).status).toBe(204);
    expect((await edge.fetch("elsewhere.example", "/", { method: "OPTIONS" })).status).toBe(204);
    expect(edge.seen).toEqual([]);
    await edge.fetch("acme.fogbugz.example.com");
    expect(reached(edge)).toEqual(["https://kiln-280.origins.example.net"]);
  });

  it("keeps holds of accounts and of the product", async ({ expect }) => {
    const account = buildEdge(served(PASS, {}, { rows: [buildRow("acme", { hold: PAGE })] }));
    expect((await account.fetch(KNOWN)).status).toBe(503);
    const product = buildEdge(served(PASS, { hold: PAGE }));
    expect((await product.fetch("ghost.kiln.example.com")).status).toBe(503);
    const unread = buildEdge(served(PASS, { hold: PAGE }, { unreadable: ["acme"] }));
    expect((await unread.fetch(KNOWN)).status).toBe(503);
    expect([account.seen, product.seen, unread.seen]).toEqual([[], [], []]);
  });

  it.for([
    ["of an account", served(PASS, {}, { rows: [buildRow("acme", { hold: READ })] })],
    [
      "of an account whose version is not in the maps",
      served(PASS, {}, { rows: [buildRow("acme", { hold: READ, homes: { kiln: "9.9.9" } })] }),
    ],
    ["of the product", served(PASS, { hold: READ })],
    ["of the product, of a row that cannot be read", served(PASS, { hold: READ }, { unreadable: ["acme"] })],
    ["by break-glass", served(PASS, {}, { breakGlass: breakGlass({ hold: HELD }) })],
    [
      "by break-glass, of a row that cannot be read",
      served(PASS, {}, { breakGlass: breakGlass({ hold: HELD }), unreadable: ["acme"] }),
    ],
  ] as const)("answers the reads of a read-only hold %s", async ([, options], { expect }) => {
    const edge = buildEdge(options);
    expect((await edge.fetch(KNOWN)).status).toBe(200);
    expect((await edge.fetch(KNOWN, "/", { method: "POST" })).status).toBe(503);
    expect(reached(edge)).toEqual([FLEET]);
  });

  it("leaves the reads of a read-only hold to the version that break-glass names", async ({ expect }) => {
    const document = breakGlass({ hold: HELD, accounts: { acme: { kiln: "2.7.0" } } });
    const edge = buildEdge(served(PASS, {}, { breakGlass: document }));
    await edge.fetch(KNOWN);
    expect(reached(edge)).toEqual(["https://kiln-270.origins.example.net"]);
  });

  it("does not take an account that cannot be looked up for an unknown one of break-glass", async ({
    expect,
  }) => {
    const document = breakGlass({ default: { kiln: "2.7.0" } });
    const edge = buildEdge(served(PASS, {}, { breakGlass: document, unreadable: ["acme"] }));
    await edge.fetch(KNOWN);
    expect(reached(edge)).toEqual([FLEET]);
  });

  it("does what break-glass says", async ({ expect }) => {
    const document = breakGlass({ accounts: { acme: { kiln: "2.7.0" } }, default: { kiln: "2.9.0" } });
    const edge = buildEdge(
      served(PASS, {}, { breakGlass: document, rows: [buildRow("acme"), buildRow("beta")] }),
    );
    for (const host of [KNOWN, "ghost.kiln.example.com", "beta.kiln.example.com"]) await edge.fetch(host);
    expect(reached(edge)).toEqual([
      "https://kiln-270.origins.example.net",
      "https://kiln-290.origins.example.net",
      FLEET,
    ]);
  });

  it("is 502 when the fleet may not be reached or cannot be, and never a version", async ({ expect }) => {
    const foreign = buildEdge(served({ ...PASS, origin: "https://evil.example" }));
    expect((await foreign.fetch(KNOWN)).status).toBe(502);
    const down = buildEdge(
      served(PASS, { standby: "2.7.0" }, { origin: () => Promise.reject(new Error("connection refused")) }),
    );
    expect((await down.fetch("ghost.kiln.example.com")).status).toBe(502);
    expect(new Set(reached(down))).toEqual(new Set([FLEET]));
  });
});

describe("a product in compare", () => {
  const answering = (version: string | null): NonNullable<EdgeOptions["origin"]> => {
    const headers = version === null ? {} : { "X-Version": version };
    return () => new Response("fleet", { headers });
  };

  it.for([
    ["2.9.0", { outcome: "agree", ours: "2.9.0", theirs: "2.9.0" }],
    ["2.8.0", { outcome: "differ", ours: "2.9.0", theirs: "2.8.0" }],
    [null, { outcome: "unnamed", ours: "2.9.0", theirs: null }],
    [" ", { outcome: "unnamed", ours: "2.9.0", theirs: null }],
    ["x".repeat(500), { outcome: "differ", ours: "2.9.0", theirs: "x".repeat(64) }],
  ] as const)(
    "holds the decision against %s and passes the fleet's answer on",
    async ([version, compared], { expect }) => {
      const edge = buildEdge(served(COMPARE, {}, { origin: answering(version) }));
      const response = await edge.fetch(KNOWN);
      expect([await response.text(), reached(edge)]).toEqual(["fleet", [FLEET]]);
      expect(edge.compared).toEqual([{ product: "kiln", run: "kiln/1", account: "acme", compared }]);
    },
  );

  it("says so when nothing could be decided", async ({ expect }) => {
    const rows = [buildRow("acme", { homes: { kiln: "9.9.9" } })];
    const edge = buildEdge(served(COMPARE, {}, { rows, unreadable: ["lost"], origin: answering("2.8.0") }));
    for (const host of [KNOWN, "lost.kiln.example.com"]) await edge.fetch(host);
    expect(edge.compared.map(({ compared }) => compared.outcome)).toEqual(["undecided", "undecided"]);
  });

  it("compares the reads of a read-only hold", async ({ expect }) => {
    const edge = buildEdge(served(COMPARE, { hold: READ }, { origin: answering("2.8.0") }));
    await edge.fetch(KNOWN);
    expect(edge.compared.map(({ compared }) => compared)).toEqual([
      { outcome: "differ", ours: "2.9.0", theirs: "2.8.0" },
    ]);
  });

  it("compares nothing that the fleet did not answer, and nothing that came first", async ({ expect }) => {
    const down = buildEdge(served(COMPARE, {}, { origin: () => Promise.reject(new Error("refused")) }));
    await down.fetch(KNOWN);
    const held = buildEdge(served(COMPARE, { hold: PAGE }, { origin: answering("2.8.0") }));
    await held.fetch(KNOWN);
    expect([down.compared, held.compared]).toEqual([[], []]);
  });
});
