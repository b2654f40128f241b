/** Old tabs: who gets a version's own files, what that origin does not learn, and when the ordinary decision stands. */
import { describe, it } from "vitest";
import type { RootProduct, VersionState } from "../../../src/contracts/maps.ts";
import { buildEdge, buildProduct, buildRoot, type EdgeOptions } from "../../support/edge-builders.ts";

const KNOWN = "acme.kiln.example.com";
const OLD = "https://kiln-270.origins.example.net";
const OWN = "https://kiln-290.origins.example.net";
const FILE = "/assets/2.7.0/app.js";

function declaring(
  assets: readonly string[],
  changes: { state?: VersionState; origin?: string } = {},
): EdgeOptions {
  const product = buildProduct();
  const versions: RootProduct["versions"] = {
    ...product.versions,
    "2.7.0": { origin: changes.origin ?? OLD, state: changes.state ?? "draining", assets },
  };
  return { root: buildRoot({ products: { kiln: { ...product, versions } } }) };
}

async function reached(options: EdgeOptions, target: string, method = "GET", host = KNOWN): Promise<string> {
  const edge = buildEdge(options);
  await edge.fetch(host, target, { method });
  return edge.seen[0]?.url.replace(":443", "") ?? "nobody";
}

describe("a file below a version's asset prefix", () => {
  it.for([KNOWN, "ghost.kiln.example.com", "kiln.example.com"])(
    "goes to that version for %s, query and all",
    async (host, { expect }) => {
      const target = `${FILE}?v=1`;
      expect(await reached(declaring(["/assets/2.7.0/"]), target, "GET", host)).toBe(OLD + target);
      expect(await reached(declaring(["/assets/2.7.0/"]), target, "HEAD", host)).toBe(OLD + target);
    },
  );

  it("reaches it when the account's own row cannot be read", async ({ expect }) => {
    const options = { ...declaring(["/assets/2.7.0/"]), unreadable: ["acme"] };
    expect(await reached(options, FILE)).toBe(OLD + FILE);
  });

  it("tells the origin neither cookies nor any word of who was let in, nor the account", async ({
    expect,
  }) => {
    const edge = buildEdge(declaring(["/assets/2.7.0/"]));
    await edge.fetch(KNOWN, FILE, {
      headers: {
        Cookie: "session=1; __Host-firebreak-override=x",
        Authorization: "Bearer x",
        "Cf-Access-Jwt-Assertion": "a.b.c",
        Accept: "*/*",
      },
    });
    const { headers } = edge.seen[0] ?? {};
    for (const name of ["cookie", "authorization", "cf-access-jwt-assertion"])
      expect([name, headers?.get(name)]).toEqual([name, null]);
    expect(headers?.get("accept")).toBe("*/*");
    expect(headers?.get("firebreak")).toContain('version="2.7.0"');
    expect(headers?.get("firebreak")).not.toContain("acme");
  });

  it("leaves the session alone, which the origin could not see", async ({ expect }) => {
    const headers = new Headers({ "Clear-Site-Data": '"cookies"', "Content-Type": "text/javascript" });
    headers.append("Set-Cookie", "session=stranger; Path=/");
    headers.append("Set-Cookie", "seen=1");
    const edge = buildEdge({
      ...declaring(["/assets/2.7.0/"]),
      origin: () => new Response("js", { status: 203, headers }),
    });
    const asset = await edge.fetch(KNOWN, FILE, { headers: { Cookie: "session=1" } });
    expect([asset.status, await asset.text(), [...asset.headers]]).toEqual([
      203,
      "js",
      [["content-type", "text/javascript"]],
    ]);
    const page = await edge.fetch(KNOWN, "/", { headers: { Cookie: "session=1" } });
    expect(page.headers.getSetCookie()).toEqual(["session=stranger; Path=/", "seen=1"]);
  });

  it("goes to the longest of several prefixes", async ({ expect }) => {
    const options = declaring(["/assets/"]);
    const kiln = options.root?.products["kiln"] ?? buildProduct();
    const versions = {
      ...kiln.versions,
      "2.8.0": {
        origin: "https://b.origins.example.net",
        state: "live" as const,
        assets: ["/assets/2.8.0/"],
      },
    };
    const root = buildRoot({ products: { kiln: { ...kiln, versions } } });
    expect(await reached({ root }, "/assets/2.8.0/a.js")).toBe(
      "https://b.origins.example.net/assets/2.8.0/a.js",
    );
    expect(await reached({ root }, "/assets/2.6.0/a.js")).toBe(`${OLD}/assets/2.6.0/a.js`);
  });
});

describe("the account's own version", () => {
  it.for(["POST", "PUT", "DELETE", "OPTIONS"])("gets %s, whatever the path", async (method, { expect }) => {
    expect(await reached(declaring(["/assets/2.7.0/"]), FILE, method)).toBe(OWN + FILE);
  });

  it.for(["registered", "candidate", "retired"] as const)(
    "gets the file while the version that declared it is %s",
    async (state, { expect }) => {
      expect(await reached(declaring(["/assets/2.7.0/"], { state }), FILE)).toBe(OWN + FILE);
    },
  );

  it.for([
    ["/assets/2.7.0", "the prefix without its end"],
    ["/assets/2.7.01/app.js", "another segment"],
    ["/Assets/2.7.0/app.js", "other letters"],
    ["/assets/2.7.0/../../admin", "dots that lead out"],
    ["/assets/2.7.0/%2e%2e/%2e%2e/admin", "encoded dots that lead out"],
    ["/assets/2.7.0/..%2f..%2fadmin", "an encoded slash"],
    ["/assets/2.7.0/..%5C..%5Cadmin", "an encoded backslash"],
    ["/x?/assets/2.7.0/app.js", "the prefix in a query"],
  ])("gets %s (%s)", async ([target = ""], { expect }) => {
    expect((await reached(declaring(["/assets/2.7.0/"]), target)).startsWith(OWN)).toBe(true);
  });

  it("gets files of a version whose origin needs the account's cell", async ({ expect }) => {
    const options = declaring(["/assets/2.7.0/"], { origin: "https://{cell}.origins.example.net" });
    expect(await reached(options, FILE)).toBe(OWN + FILE);
  });
});
