/** What a request counts for: its version, class and account, and how it ended; and what counts for no version at all. */
import { describe, it } from "vitest";
import { issueOverride } from "../../../src/adapters/override-token.ts";
import {
  buildEdge,
  buildProduct,
  buildRoot,
  buildRow,
  NOW_MS,
  OVERRIDE_KEY,
} from "../../support/edge-builders.ts";

const HOST = "acme.kiln.example.com";
const refused = () => Promise.reject(new Error("Network connection lost."));

describe("the edge, counting for versions", () => {
  it("counts a known account for the version that the maps gave it, with the time to its headers", async ({
    expect,
  }) => {
    const edge = buildEdge({
      origin: () => {
        edge.advance(34);
        return new Response("bad", { status: 503 });
      },
    });
    await edge.fetch(HOST);
    expect(edge.observed).toEqual([
      {
        product: "kiln",
        version: "2.9.0",
        class: "known",
        account: "acme",
        generation: 7,
        end: "answered",
        status: 503,
        latencyMs: 34,
      },
    ]);
  });

  it.for([["nobody.kiln.example.com"], ["kiln.example.com"]])(
    "counts %s as unknown, for the default, without an account",
    async ([host], { expect }) => {
      const edge = buildEdge();
      await edge.fetch(host ?? "");
      expect(edge.observed).toMatchObject([
        { version: "2.8.0", class: "unknown", account: null, status: 200 },
      ]);
    },
  );

  it("keeps a tester's requests apart from those of a moved account", async ({ expect }) => {
    const claims = { product: "kiln", account: "acme", version: "2.7.0", seconds: 600, jti: "j1" };
    const issued = await issueOverride([OVERRIDE_KEY], claims, NOW_MS);
    if (!issued.ok) throw new Error(issued.error);
    const edge = buildEdge();
    await edge.fetch(HOST, "/", { headers: { "Firebreak-Override": issued.value.token } });
    expect(edge.observed).toMatchObject([{ version: "2.7.0", class: "override", account: null }]);
  });

  it("keeps files below an asset prefix apart from what the account asked", async ({ expect }) => {
    const { versions, ...product } = buildProduct();
    const withAssets = {
      ...versions["2.7.0"],
      origin: "https://old.origins.example.net",
      assets: ["/assets/2.7/"],
    };
    const products = {
      kiln: { ...product, versions: { ...versions, "2.7.0": { ...withAssets, state: "live" as const } } },
    };
    const edge = buildEdge({ root: buildRoot({ products }) });
    await edge.fetch(HOST, "/assets/2.7/app.js");
    expect(edge.observed).toMatchObject([{ version: "2.7.0", class: "asset", account: null }]);
  });

  it("counts an origin that cannot be reached as a failure to answer", async ({ expect }) => {
    const edge = buildEdge({ origin: refused });
    await edge.fetch(HOST);
    expect(edge.observed).toMatchObject([{ version: "2.9.0", account: "acme", end: "failed" }]);
  });

  it("counts an origin that may not be asked against the version it is written down for", async ({
    expect,
  }) => {
    const { versions, ...product } = buildProduct();
    const elsewhere = {
      ...versions,
      "2.9.0": { origin: "https://elsewhere.example", state: "live" as const },
    };
    const edge = buildEdge({ root: buildRoot({ products: { kiln: { ...product, versions: elsewhere } } }) });
    await edge.fetch(HOST);
    expect(edge.observed).toMatchObject([{ version: "2.9.0", end: "failed" }]);
  });

  it("counts a failure for the default and an answer for the standby that took its place", async ({
    expect,
  }) => {
    const edge = buildEdge({
      root: buildRoot({ products: { kiln: buildProduct({ standby: "2.7.0" }) } }),
      origin: ({ url }) => (url.includes("280") ? refused() : new Response("ok")),
    });
    await edge.fetch("nobody.kiln.example.com");
    expect(edge.observed).toMatchObject([
      { version: "2.7.0", class: "unknown", end: "answered", status: 200 },
      { version: "2.8.0", class: "unknown", end: "failed" },
    ]);
  });

  it("does not hold a client that left against the version", async ({ expect }) => {
    const aborted = new AbortController();
    const edge = buildEdge({
      origin: () => {
        aborted.abort();
        return refused();
      },
    });
    await edge.fetch(HOST, "/", { signal: aborted.signal });
    expect(edge.observed).toMatchObject([{ version: "2.9.0", end: "gone" }]);
  });

  it.for([
    ["health", null, { method: "OPTIONS" }],
    ["a refusal", "not a host", {}],
    ["the admin surface", "admin.example.com", {}],
  ] as const)("counts %s for no version", async ([, host, init], { expect }) => {
    const edge = buildEdge();
    await edge.fetch(host, "/", init);
    expect(edge.outcomes).toHaveLength(1);
    expect(edge.observed).toEqual([]);
  });

  it("counts an account that is held or cannot be read for no version", async ({ expect }) => {
    const held = buildEdge({
      rows: [buildRow("acme", { hold: { mode: "page", message: null, until: null } })],
    });
    await held.fetch(HOST);
    const unreadable = buildEdge({ unreadable: ["acme"] });
    await unreadable.fetch(HOST);
    expect([...held.observed, ...unreadable.observed]).toEqual([]);
  });

  it("notes what failed by its request id, and nothing that went as it was meant to", async ({ expect }) => {
    const failing = buildEdge({ origin: () => new Response("bad", { status: 503 }) });
    await failing.fetch(HOST);
    await failing.fetch("nobody.kiln.example.com");
    const down = buildEdge({ origin: refused });
    await down.fetch(HOST, "/", { method: "POST" });
    const unreadable = buildEdge({ unreadable: ["acme"] });
    await unreadable.fetch(HOST);
    const fine = buildEdge();
    await fine.fetch(HOST);
    await fine.fetch("not a host");
    const held = buildEdge({
      rows: [buildRow("acme", { hold: { mode: "page", message: null, until: null } })],
    });
    expect((await held.fetch(HOST)).status).toBe(503);
    const told = [failing, down, unreadable, fine, held].map(({ failed }) =>
      failed.map(({ id, account, version, outcome, why, status }) =>
        [id, account, version, outcome, why, status].join(" "),
      ),
    );
    expect(told).toEqual([
      ["id-1 acme 2.9.0 forwarded home 503", "id-2  2.8.0 forwarded default 503"],
      ["id-1 acme 2.9.0 origin-unreachable connect-failed 502"],
      ["id-1   unresolved row 503"],
      [],
      [],
    ]);
  });

  it("answers all the same when counting throws", async ({ expect }) => {
    const bad = () => {
      throw new Error("counting");
    };
    const telemetry = { count: bad, countOutcome: bad, fault: bad, observe: bad, flushIfDue: bad };
    const edge = buildEdge({ telemetry });
    expect((await edge.fetch(HOST)).status).toBe(200);
  });
});
