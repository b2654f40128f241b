/**
 * Attacks on the edge, inside workerd, whose own header and URL rules are part of the answer. One test an attack: the
 * spoofed identity, the confused host, the circle, the stolen token, the account that must not be found out.
 * Attacks that need raw bytes are in test/e2e/edge-wire.e2e.test.ts.
 */
import { parseDictionary, Token } from "structured-headers";
import { describe, it } from "vitest";
import { createLogger } from "../../src/adapters/logger.ts";
import { issueOverride } from "../../src/adapters/override-token.ts";
import { toEdgeRequest } from "../../src/edge/edge-request.ts";
import {
  buildEdge,
  buildProduct,
  buildRequest,
  buildRoot,
  buildRow,
  NOW_MS,
  ORIGIN_KEY,
  OVERRIDE_KEY,
  type TestEdge,
} from "../support/edge-builders.ts";

const HOST = "acme.kiln.example.com";

async function send(edge: TestEdge, host: string, headers: Record<string, string> = {}, rawUrl = "/") {
  const request = toEdgeRequest(new Request(`https://${HOST}/`, { headers }), () => undefined);
  return edge.handle({ ...request, host, rawUrl });
}

describe("identity", () => {
  it("comes from the Host alone, whatever other headers say", async ({ expect }) => {
    const edge = buildEdge({ rows: [buildRow("acme"), buildRow("rich", { homes: { kiln: "2.7.0" } })] });
    await send(edge, HOST, {
      "X-Forwarded-Host": "rich.kiln.example.com",
      X_Forwarded_Host: "rich.kiln.example.com",
      Forwarded: "host=rich.kiln.example.com",
      "X-Original-Host": "rich.kiln.example.com",
      Firebreak: "product=kiln, account=rich",
      "Firebreak-Account": "rich",
      firebreak_account: "rich",
      "MF-Original-URL": "https://rich.kiln.example.com/",
    });
    const [seen] = edge.seen;
    expect(seen?.url).toContain("kiln-290");
    const told = parseDictionary(seen?.headers.get("firebreak") ?? "");
    expect(told.get("account")?.[0]).toEqual(new Token("acme"));
    expect(seen?.headers.get("x-forwarded-host")).toBe(HOST);
    const names = [...(seen?.headers.keys() ?? [])];
    expect(names.filter((name) => /firebreak|forwarded|original-host/i.test(name)).toSorted()).toEqual([
      "firebreak",
      "x-forwarded-host",
      "x-forwarded-proto",
    ]);
  });

  it("cannot be removed by naming our headers in Connection", async ({ expect }) => {
    const edge = buildEdge({ config: { originKey: ORIGIN_KEY } });
    const named = "Firebreak, X-Forwarded-Host, X-Forwarded-Proto, CDN-Loop, Host, Authorization";
    await send(edge, HOST, { Connection: named, Authorization: "mine" });
    const headers = edge.seen[0]?.headers;
    expect(parseDictionary(headers?.get("firebreak") ?? "").has("signature")).toBe(true);
    expect([headers?.get("x-forwarded-host"), headers?.get("cdn-loop")]).toEqual([HOST, "firebreak"]);
    // Declared to be for this hop alone: it goes, as RFC 9110 has it.
    expect(headers?.has("authorization")).toBe(false);
  });

  it.for([
    "acme.kiln.example.com@evil.example",
    "evil.example#.acme.kiln.example.com",
    "evil.example?.acme.kiln.example.com",
    "evil.example\\.acme.kiln.example.com",
    "acme%2ekiln.example.com",
    "ａｃｍｅ.kiln.example.com",
    "acme。kiln.example.com",
    "acme.kiln.example.com, other.kiln.example.com",
    "acme_x.kiln.example.com",
    "acme.kiln.example.com:99999",
    "acme..kiln.example.com",
  ])("is refused for the Host %j, and no origin is asked", async (host, { expect }) => {
    const edge = buildEdge();
    expect((await send(edge, host)).status).toBe(400);
    expect(edge.seen).toEqual([]);
  });

  it.for([
    "//evil.example/",
    "/\\evil.example/",
    "http://evil.example/",
    "http://u@acme.kiln.example.com/",
    "javascript:1",
  ])("is refused for the target %j", async (target, { expect }) => {
    const edge = buildEdge();
    expect((await send(edge, HOST, {}, target)).status).toBe(400);
    expect(edge.seen).toEqual([]);
  });

  it("never lets a path reach another origin or the admin surface", async ({ expect }) => {
    const edge = buildEdge();
    for (const target of [
      "/admin.example.com/x",
      "/..//admin.example.com",
      "/%2e%2e//x",
      "/@evil.example",
      "/:80/x",
    ]) {
      await send(edge, HOST, {}, target);
    }
    expect(new Set(edge.seen.map(({ url }) => new URL(url).host))).toEqual(
      new Set(["kiln-290.origins.example.net"]),
    );
    expect(edge.outcomes).not.toContain("admin");
  });

  it("finds no account by its bare slug or by an inherited name", async ({ expect }) => {
    const edge = buildEdge();
    expect((await send(edge, "acme")).status).toBe(421);
    for (const slug of ["constructor", "tostring", "valueof"]) {
      expect((await send(edge, `${slug}.kiln.example.com`)).status).toBe(200);
    }
    expect(edge.seen.every(({ url }) => url.includes("kiln-280"))).toBe(true);
  });
});

describe("circles", () => {
  it("end after one pass, however our id is written", async ({ expect }) => {
    const first = buildEdge();
    await send(first, HOST);
    const loop = first.seen[0]?.headers.get("cdn-loop") ?? "";
    for (const value of [loop, loop.toUpperCase(), `other;a="x, y", ${loop};v=1`]) {
      const edge = buildEdge();
      expect((await send(edge, HOST, { "CDN-Loop": value })).status).toBe(508);
      expect(edge.seen).toEqual([]);
    }
  });

  it.for(["https://acme.kiln.example.com", "https://kiln.example.com", "https://admin.example.com"])(
    "are refused as origins: %s",
    async (origin, { expect }) => {
      const versions = { "2.8.0": { origin, state: "live" }, "2.9.0": { origin, state: "live" } } as const;
      const edge = buildEdge({ root: buildRoot({ products: { kiln: buildProduct({ versions }) } }) });
      expect((await send(edge, HOST)).status).toBe(502);
      expect(edge.seen).toEqual([]);
    },
  );
});

describe("override tokens", () => {
  async function token(version = "2.7.0"): Promise<string> {
    const request = { product: "kiln", account: "acme", version, seconds: 60, jti: "j" };
    const issued = await issueOverride([OVERRIDE_KEY], request, NOW_MS);
    return issued.ok ? issued.value.token : "";
  }

  it("never reach an origin, a log or a response, good or bad", async ({ expect }) => {
    const edge = buildEdge({ origin: () => Promise.reject(new Error("down")) });
    const good = await token();
    for (const each of [good, `${good}x`]) {
      const response = await send(edge, HOST, {
        "Firebreak-Override": each,
        Cookie: `a=1; __Host-firebreak-override=${each}`,
      });
      expect(JSON.stringify([...response.headers]) + (await response.text())).not.toContain(each);
    }
    const told = JSON.stringify(edge.seen.map(({ url, headers }) => [url, ...headers]));
    expect(told + JSON.stringify(edge.lines)).not.toContain(good.slice(0, 40));
    expect(edge.seen[0]?.headers.get("cookie")).toBe("a=1");
  });

  it("are good for their account and version alone when replayed elsewhere", async ({ expect }) => {
    const stolen = await token();
    for (const host of ["other.kiln.example.com", "kiln.example.com", "shop.example.org"]) {
      const edge = buildEdge({
        rows: [buildRow("other"), buildRow("shop.example.org", { slug: "shop", product: "kiln" })],
      });
      const response = await send(edge, host, { "Firebreak-Override": stolen });
      expect(response.headers.get("firebreak-override-status")).toBe("not-for-this-account");
      expect(edge.seen[0]?.url).not.toContain("kiln-270");
    }
  });

  it("say the same whether the account they are tried on exists or not", async ({ expect }) => {
    const stolen = await token();
    const answers = await Promise.all(
      ["other.kiln.example.com", "ghost.kiln.example.com"].map(async (host) => {
        const edge = buildEdge({ rows: [buildRow("other", { homes: { kiln: "2.8.0" } })] });
        const response = await send(edge, host, { "Firebreak-Override": stolen });
        return [response.status, ...response.headers].flat();
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
  });
});

describe("accounts", () => {
  it("cannot be told from names nobody has, by any answer of ours", async ({ expect }) => {
    const down = { origin: () => Promise.reject(new Error("lost")) };
    for (const options of [{}, down, { config: { originAllow: [] } }]) {
      const answers = await Promise.all(
        [HOST, "ghost.kiln.example.com"].flatMap((host) =>
          ["GET", "HEAD", "OPTIONS", "POST"].map(async (method) => {
            const edge = buildEdge(options);
            const response = await edge.handle(buildRequest(host, "/", { method }));
            return JSON.stringify([response.status, ...response.headers, await response.text()]);
          }),
        ),
      );
      expect(answers.slice(0, 4)).toEqual(answers.slice(4));
    }
  });
});

describe("floods", () => {
  it.for([
    ["malformed", (i: number) => `bad host ${i}`],
    ["foreign", (i: number) => `${i}.example`],
  ] as const)(
    "of %s hosts write a few lines a second, and how many they left out",
    async ([, hostOf], { expect }) => {
      const edge = buildEdge();
      for (let i = 0; i < 500; i++) await send(edge, hostOf(i));
      const written = edge.lines.length;
      expect(written).toBeGreaterThan(0);
      expect(written).toBeLessThanOrEqual(5);
      edge.advance(1000);
      await send(edge, hostOf(500));
      expect(edge.lines.slice(written)).toMatchObject([{ fields: { suppressed: 500 - written } }]);
    },
  );

  it("of unknown hosts, which the default answers, write nothing", async ({ expect }) => {
    const edge = buildEdge();
    for (let i = 0; i < 500; i++) expect((await send(edge, `nobody-${i}.kiln.example.com`)).status).toBe(200);
    expect(edge.lines).toEqual([]);
  });

  it("of headers and targets are refused before anything is looked up", async ({ expect }) => {
    const edge = buildEdge();
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`x-${i}`, "v".repeat(64)]));
    expect((await send(edge, HOST, many)).status).toBe(431);
    expect((await send(edge, HOST, {}, `/${"a".repeat(20_000)}`)).status).toBe(414);
    expect(edge.maps.asked).toEqual([]);
  });

  it("of hostile log content stay one harmless line each", async ({ expect }) => {
    const edge = buildEdge();
    await send(edge, "x\u202e\u0000y", {}, "/\u001b[2J?secret=1");
    const written: string[] = [];
    const logger = createLogger((line) => void written.push(line));
    for (const { event, fields } of edge.lines) logger.line(event, fields);
    expect(written).toHaveLength(1);
    for (const unsafe of ["secret", "\u001b", "\\u001b", "\u202e", "\\u0000"]) {
      expect(written[0]).not.toContain(unsafe);
    }
  });
});
