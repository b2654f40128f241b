/** Break-glass where maps or rows cannot be read, which is what it is for: what counts without them, and what does not. */
import { describe, it } from "vitest";
import { breakGlass } from "../../support/maps-builders.ts";
import { buildEdge, type TestEdge } from "../../support/edge-builders.ts";

const HOST = "acme.kiln.example.com";
const FALLBACK = "https://last.origins.example.net";
const PAGE = { mode: "page", message: null, until: null } as const;
const READ = { mode: "readOnly", message: null, until: null } as const;

const reached = ({ seen }: TestEdge): string[] => seen.map(({ url }) => new URL(url).origin);

describe("an account whose row cannot be read", () => {
  const unreadable = ["acme"];

  it("goes where `accounts` says", async ({ expect }) => {
    const document = breakGlass({ accounts: { acme: { kiln: "2.7.0" } } });
    const edge = buildEdge({ unreadable, breakGlass: document });
    expect((await edge.fetch(HOST)).status).toBe(200);
    expect(reached(edge)).toEqual(["https://kiln-270.origins.example.net"]);
    expect(edge.seen[0]?.headers.get("firebreak")).toContain("account=acme");
  });

  it.for([
    ["other accounts", breakGlass({ accounts: { beta: { kiln: "2.7.0" } } })],
    ["unknown accounts", breakGlass({ default: { kiln: "2.7.0" } })],
    ["a version that the maps do not have", breakGlass({ accounts: { acme: { kiln: "9.9.9" } } })],
  ] as const)("stays unresolved by what is said of %s", async ([, document], { expect }) => {
    const edge = buildEdge({ unreadable, breakGlass: document });
    expect((await edge.fetch(HOST)).status).toBe(503);
    expect([edge.outcomes, edge.seen]).toEqual([["unresolved"], []]);
  });

  it("is held, and reads only where `accounts` says where", async ({ expect }) => {
    const hold = { accounts: { acme: READ }, products: {} };
    const held = buildEdge({ unreadable, breakGlass: breakGlass({ hold }) });
    await held.fetch(HOST, "/", { method: "POST" });
    await held.fetch(HOST);
    expect([held.outcomes, held.seen]).toEqual([["held", "unresolved"], []]);
    const document = breakGlass({ hold, accounts: { acme: { kiln: "2.7.0" } } });
    const placed = buildEdge({ unreadable, breakGlass: document });
    await placed.fetch(HOST, "/", { method: "POST" });
    await placed.fetch(HOST);
    expect([placed.outcomes, placed.seen.length]).toEqual([["held", "forwarded"], 1]);
  });
});

describe("a product whose maps were never read", () => {
  const config = { fallback: { kiln: { domains: ["kiln.example.com"], origin: FALLBACK } } };

  it.for([
    ["held", { accounts: {}, products: { kiln: PAGE } }, "GET", 503],
    ["held for the account", { accounts: { acme: PAGE }, products: {} }, "GET", 503],
    ["read-only", { accounts: {}, products: { kiln: READ } }, "POST", 503],
    ["read-only, and reads,", { accounts: {}, products: { kiln: READ } }, "GET", 200],
    ["held for another account", { accounts: { beta: PAGE }, products: {} }, "POST", 200],
  ] as const)("and that is %s goes to its fallback only where it may", async (one, { expect }) => {
    const [, hold, method, status] = one;
    const edge = buildEdge({ root: null, config, breakGlass: breakGlass({ hold }) });
    expect((await edge.fetch(HOST, "/", { method })).status).toBe(status);
    expect(reached(edge)).toEqual(status === 200 ? [FALLBACK] : []);
    expect(edge.outcomes).toEqual([status === 200 ? "forwarded" : "held"]);
  });
});
