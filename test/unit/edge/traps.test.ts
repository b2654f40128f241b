/** Traps of the edge, each found by attacking it: headers that vanish or leak, base domains that disagree. */
import { describe, it } from "vitest";
import { buildEdge, buildProduct, buildRoot } from "../../support/edge-builders.ts";

const HOST = "acme.kiln.example.com";

describe("headers for the origin", () => {
  it("are all there when Connection names them with the very values they would get", async ({ expect }) => {
    const edge = buildEdge({ config: { trustedProxy: { kind: "hops", hops: 1 } } });
    await edge.fetch(HOST, "/", {
      headers: {
        Connection: "X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, CDN-Loop, Firebreak",
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "https",
      },
    });
    const seen = edge.seen[0]?.headers;
    expect([seen?.get("x-forwarded-for"), seen?.get("x-forwarded-proto")]).toEqual(["192.0.2.1", "https"]);
  });

  it.for([
    "a=1, __Host-firebreak-override=TOKEN",
    "a=1; __Host-firebreak-override=TOKEN, b=2",
    "a=1;__Host-firebreak-override = TOKEN",
    "__Host-firebreak-override=TOKEN; __Host-firebreak-override=TOKEN",
    '__Host-firebreak-override="TOKEN"; b=2',
  ])("hold no override token of the cookie %s", async (cookie, { expect }) => {
    const edge = buildEdge();
    await edge.fetch(HOST, "/", { headers: { Cookie: cookie } });
    expect(edge.seen[0]?.headers.get("cookie") ?? "").not.toContain("TOKEN");
  });
});

describe("a base domain that the maps give to another product than the deployment does", () => {
  it("belongs to the product of the maps", async ({ expect }) => {
    const root = buildRoot({
      products: {
        fogbugz: buildProduct({ domains: ["kiln.example.com"] }),
        kiln: buildProduct({ domains: [] }),
      },
    });
    const edge = buildEdge({ root, rows: [] });
    await edge.fetch(HOST);
    expect(edge.seen[0]?.headers.get("firebreak") ?? "nothing").toContain("product=fogbugz");
  });
});
