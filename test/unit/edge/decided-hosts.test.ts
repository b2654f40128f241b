/** Hosts that were decided lately: as fast as a look-up, and never another answer than without them. */
import { describe, it } from "vitest";
import type { MapsSnapshot, RowLookup } from "../../../src/adapters/maps-reader/types.ts";
import type { AccountRow, Root } from "../../../src/contracts/maps.ts";
import type { RoutedRequest } from "../../../src/core/classify-request.ts";
import { decideVersion } from "../../../src/core/decide-version.ts";
import { createDecidedHosts, type DecidedHost } from "../../../src/edge/decided-hosts.ts";
import {
  buildEdge,
  buildMaps,
  buildConfig,
  buildProduct,
  buildRoot,
  buildRow,
} from "../../support/edge-builders.ts";

const HOST = "acme.kiln.example.com";

/** Maps that a test changes under the edge, as a refresh does. */
function buildChanging(root: Root, rows: readonly AccountRow[] = [buildRow("acme")]) {
  const config = buildConfig();
  let inner = buildMaps(config, { root, rows });
  const asked: string[] = [];
  const reader = {
    current: () => inner.current({ nowMs: 0, waitUntil: () => undefined }),
    renew: () => Promise.resolve(inner.current({ nowMs: 0, waitUntil: () => undefined }) as MapsSnapshot),
    row(snapshot: MapsSnapshot, key: string): RowLookup | Promise<RowLookup> {
      asked.push(key);
      return inner.row(snapshot, key, { nowMs: 0, waitUntil: () => undefined });
    },
    generation: () => inner.generation(),
    isWaking: () => false,
    ageMs: () => 0,
  };
  return {
    asked,
    edge: buildEdge({ maps: reader }),
    change: (next: Parameters<typeof buildMaps>[1]) => void (inner = buildMaps(config, next)),
  };
}

const versionOf = (headers: Headers | undefined): string =>
  /version="([^"]*)"/.exec(headers?.get("firebreak") ?? "")?.[1] ?? "none";

describe("a host that was decided lately", () => {
  it("is looked up once under the same maps, whatever path and method it is asked with", async ({
    expect,
  }) => {
    const { edge, asked } = buildChanging(buildRoot());
    for (const target of ["/", "/a?b=c", "/d"]) await edge.fetch(HOST, target);
    await edge.fetch(HOST, "/e", { method: "POST" });
    expect(asked).toEqual(["acme"]);
    expect(edge.seen.map(({ url }) => new URL(url).pathname)).toEqual(["/", "/a", "/d", "/e"]);
    expect(new Set(edge.seen.map(({ headers }) => versionOf(headers)))).toEqual(new Set(["2.9.0"]));
  });

  it("is decided anew as soon as other maps are served", async ({ expect }) => {
    const { edge, asked, change } = buildChanging(buildRoot());
    await edge.fetch(HOST);
    change({ rows: [buildRow("acme", { homes: { kiln: "2.7.0" } })] });
    await edge.fetch(HOST);
    change({ rows: [buildRow("acme", { homes: { kiln: "2.8.0" } })] });
    await edge.fetch(HOST);
    expect(edge.seen.map(({ headers }) => versionOf(headers))).toEqual(["2.9.0", "2.7.0", "2.8.0"]);
    expect(asked).toHaveLength(3);
  });

  it("is held by a hold that comes, and free again after it", async ({ expect }) => {
    const { edge, change } = buildChanging(buildRoot());
    expect((await edge.fetch(HOST)).status).toBe(200);
    const hold = { mode: "page", message: null, until: null } as const;
    change({ root: buildRoot({ products: { kiln: buildProduct({ hold }) } }) });
    expect((await edge.fetch(HOST)).status).toBe(503);
    expect((await edge.fetch(HOST)).status).toBe(503);
    change({});
    expect((await edge.fetch(HOST)).status).toBe(200);
  });

  it("goes to the default once the maps know it no more, and is not kept then", async ({ expect }) => {
    const { edge, asked, change } = buildChanging(buildRoot());
    await edge.fetch(HOST);
    change({ rows: [] });
    await edge.fetch(HOST);
    await edge.fetch(HOST);
    expect(asked).toEqual(["acme", "acme", "acme"]);
  });

  it("keeps neither the scheme nor the path of an absolute target", async ({ expect }) => {
    const edge = buildEdge({ config: { trustedProxy: { kind: "cloudflare" } } });
    await edge.fetch(HOST, `http://${HOST}/first`);
    await edge.fetch(HOST, "/second");
    await edge.fetch(HOST, `http://${HOST}/third`);
    expect(edge.seen.map(({ headers }) => headers.get("x-forwarded-proto"))).toEqual([
      "http",
      "https",
      "http",
    ]);
    expect(edge.seen.map(({ url }) => new URL(url).pathname)).toEqual(["/first", "/second", "/third"]);
  });

  it("does not make a malformed target or another authority pass", async ({ expect }) => {
    const { edge } = buildChanging(buildRoot());
    await edge.fetch(HOST);
    for (const target of ["//evil.example", "/a#b", "", "*", "https://other.kiln.example.com/", "/a\tb"]) {
      expect((await edge.fetch(HOST, target)).status).toBe(400);
    }
    expect((await edge.fetch(HOST, `/${"a".repeat(20_000)}`)).status).toBe(414);
    expect(edge.seen).toHaveLength(1);
  });

  it("that is a custom domain still answers plain OPTIONS as health", async ({ expect }) => {
    const rows = [buildRow("acme", { key: "shop.acme.example", product: "kiln" })];
    const { edge, asked } = buildChanging(buildRoot(), rows);
    expect((await edge.fetch("shop.acme.example")).status).toBe(200);
    expect((await edge.fetch("shop.acme.example")).status).toBe(200);
    expect(asked).toEqual(["shop.acme.example"]);
    const probe = await edge.fetch("shop.acme.example", "/", { method: "OPTIONS" });
    expect([probe.status, edge.seen.length]).toEqual([204, 2]);
  });

  it("is one spelling: others are parsed for themselves", async ({ expect }) => {
    const { edge } = buildChanging(buildRoot());
    for (const host of [HOST, "ACME.Kiln.Example.com", `${HOST}.`, `${HOST}:8443`]) await edge.fetch(host);
    expect(edge.seen.map(({ headers }) => headers.get("x-forwarded-host"))).toEqual([
      HOST,
      HOST,
      HOST,
      `${HOST}:8443`,
    ]);
    expect((await edge.fetch(`${HOST}, other`)).status).toBe(400);
  });
});

describe("what is kept of a host", () => {
  /** What is kept after a request for HOST that said this of its target. */
  function kept(target: Pick<RoutedRequest, "scheme" | "pathAndQuery">): DecidedHost | null {
    const root = buildRoot();
    const row = buildRow("acme");
    const who = { product: "kiln", slug: "acme", row } as const;
    const reader = buildMaps(buildConfig(), { root, rows: [row] });
    const snapshot = reader.current({ nowMs: 0, waitUntil: () => undefined }) as MapsSnapshot;
    const hosts = createDecidedHosts();
    hosts.serve(snapshot);
    hosts.keep(HOST, {
      found: {
        kind: "route",
        cls: "account",
        product: "kiln",
        slug: "acme",
        name: HOST,
        port: null,
        ...target,
      },
      snapshot,
      subject: { kind: "known-product", ...who, stale: false },
      decision: decideVersion({ root, breakGlass: null, ...who, override: null }),
    });
    return hosts.find({ method: "GET", rawUrl: "/", host: HOST });
  }

  it("is nothing of the path, which is as long as whoever asks likes", ({ expect }) => {
    const decided = kept({ scheme: null, pathAndQuery: `/${"long".repeat(4000)}?secret=1` });
    expect(decided?.found).toEqual({
      kind: "route",
      cls: "account",
      product: "kiln",
      slug: "acme",
      name: HOST,
      port: null,
    });
  });

  it("is nothing at all after an absolute target, for which nothing is looked up either", ({ expect }) => {
    expect(kept({ scheme: "https", pathAndQuery: "/" })).toBeNull();
  });
});
