/** The table of request classes, through the whole edge: who answers what, and what is never asked for it. */
import { describe, it } from "vitest";
import { createBrokenEdge } from "../../../src/edge/broken.ts";
import { buildEdge, buildRequest, buildRow, buildRoot, buildProduct } from "../../support/edge-builders.ts";

const CORS = { Origin: "https://app.example.org", "Access-Control-Request-Method": "POST" };

function throwing(what: string): never {
  throw new Error(`${what} was asked`);
}

describe("health", () => {
  const bad = {
    maps: {
      current: () => throwing("maps"),
      renew: () => throwing("maps"),
      row: () => throwing("row"),
      generation: () => throwing("generation"),
      isWaking: () => false,
      ageMs: () => throwing("age"),
    },
    originFetch: () => throwing("origin"),
    admin: () => throwing("admin"),
    telemetry: {
      count: () => throwing("telemetry"),
      countOutcome: () => undefined,
      fault: () => throwing("telemetry"),
      observe: () => throwing("telemetry"),
      flushIfDue: () => throwing("flush"),
    },
  };

  it.for([
    [null, "OPTIONS", "/", 204],
    [null, "GET", "/", 200],
    [null, "HEAD", "/", 200],
    ["", "OPTIONS", "/", 204],
    ["", "GET", "/any", 200],
    ["10.0.0.7", "OPTIONS", "/", 204],
    ["10.0.0.7:8080", "GET", "/", 200],
    ["[::1]", "HEAD", "/", 200],
    ["admin.example.com", "OPTIONS", "/", 204],
    ["shop.example.org", "OPTIONS", "/", 204],
    ["kiln.example.com", "OPTIONS", "/", 204],
    ["acme.kiln.example.com", "OPTIONS", "*", 204],
    ["not a host", "OPTIONS", "*", 204],
  ] as const)(
    "answers Host %j %s %s with %i, with everything behind it down",
    async ([host, method, target, status], { expect }) => {
      const edge = buildEdge(bad);
      const response = await edge.fetch(host, target, { method });
      expect(response.status).toBe(status);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(response.headers.get("allow")).toBe(method === "OPTIONS" ? "GET, HEAD, OPTIONS" : null);
      expect(await response.text()).toBe(method === "GET" ? "ok" : "");
      expect(edge.waited).toEqual([]);
    },
  );

  it("is counted, and sends no report", async ({ expect }) => {
    const edge = buildEdge();
    await edge.fetch(null, "/", { method: "OPTIONS" });
    expect([edge.outcomes, edge.flushes]).toEqual([["health"], []]);
    await edge.fetch("acme.kiln.example.com");
    expect(edge.flushes).toHaveLength(1);
  });

  it("stays health when the counters fail", async ({ expect }) => {
    const telemetry = { ...bad.telemetry, countOutcome: () => throwing("telemetry") };
    const response = await buildEdge({ telemetry }).fetch(null, "/", { method: "OPTIONS" });
    expect(response.status).toBe(204);
  });
});

describe("refusals", () => {
  it.for([
    [null, "POST", "/", 400, "host-required"],
    ["", "PUT", "/", 400, "host-required"],
    ["10.0.0.7", "POST", "/", 421, "misdirected"],
    ["acme.kiln.example.com, b", "GET", "/", 400, "malformed-host"],
    ["acme@kiln.example.com", "OPTIONS", "/", 400, "malformed-host"],
    ["acme_1.kiln.example.com", "GET", "/", 400, "malformed-host"],
    ["acme.kiln.example.com", "GET", "//evil.example/", 400, "malformed-host"],
    ["acme.kiln.example.com", "GET", "http://other.example/", 400, "malformed-host"],
    [null, "GET", "http://acme.kiln.example.com/", 400, "malformed-host"],
    ["acme.kiln.example.com", "GET", `/${"a".repeat(17_000)}`, 414, "target-too-long"],
    ["shop.example.org", "GET", "/", 421, "misdirected"],
    ["shop.example.org", "OPTIONS", "/", 421, "misdirected", CORS],
    ["acme", "GET", "/", 421, "misdirected"],
  ] as const)(
    "answers Host %j %s %s with %i %s",
    async ([host, method, target, status, type, headers], { expect }) => {
      const edge = buildEdge();
      const response = await edge.fetch(host, target, {
        method,
        ...(headers === undefined ? {} : { headers }),
      });
      expect(response.status).toBe(status);
      expect(response.headers.get("content-type")).toBe("application/problem+json");
      const problem: unknown = await response.json();
      expect(problem).toMatchObject({ type: `urn:firebreak:problem:${type}`, status, instance: "id-1" });
      expect(response.headers.get("firebreak-request-id")).toBe("id-1");
      expect(edge.seen).toEqual([]);
      expect(edge.outcomes).toEqual(["refused"]);
    },
  );

  it("takes 128 KiB of headers and refuses one byte more", async ({ expect }) => {
    const name = "x-filler";
    const fits = { [name]: "a".repeat(128 * 1024 - name.length) };
    const tooMany = { [name]: "a".repeat(128 * 1024 - name.length + 1) };
    const edge = buildEdge();
    expect((await edge.fetch("acme.kiln.example.com", "/", { headers: fits })).status).toBe(200);
    expect((await edge.fetch("acme.kiln.example.com", "/", { headers: tooMany })).status).toBe(431);
    expect((await edge.fetch("admin.example.com", "/", { headers: tooMany })).status).toBe(431);
    expect((await edge.fetch(null, "/", { method: "OPTIONS", headers: tooMany })).status).toBe(204);
  });

  it.for([
    ["chunked", 200],
    [" Chunked ", 200],
    ["gzip, chunked", 400],
    ["identity", 400],
  ] as const)("answers Transfer-Encoding %j with %i", async ([encoding, status], { expect }) => {
    const edge = buildEdge();
    const parts = { method: "POST", headers: { "transfer-encoding": encoding } };
    expect((await edge.fetch("acme.kiln.example.com", "/", parts)).status).toBe(status);
  });

  it.for([
    ["9007199254740991", 200, null],
    ["007", 200, null],
    ["9007199254740992", 413, "too-large"],
    ["9007199254740993", 413, "too-large"],
    ["18446744073709551615", 413, "too-large"],
    ["1".repeat(400), 413, "too-large"],
    ["five", 400, "bad-content-length"],
    ["-1", 400, "bad-content-length"],
    ["0x5", 400, "bad-content-length"],
    ["5, 5", 400, "bad-content-length"],
    ["", 400, "bad-content-length"],
  ] as const)("answers Content-Length %j with %i %s", async ([length, status, type], { expect }) => {
    for (const [host, method] of [
      ["acme.kiln.example.com", "POST"],
      ["acme.kiln.example.com", "GET"],
      ["admin.example.com", "PUT"],
    ] as const) {
      const edge = buildEdge();
      const response = await edge.fetch(host, "/", { method, headers: { "Content-Length": length } });
      expect(response.status).toBe(status);
      if (type === null) continue;
      expect(await response.json()).toMatchObject({ type: `urn:firebreak:problem:${type}` });
      expect([edge.seen, edge.outcomes]).toEqual([[], ["refused"]]);
    }
  });

  it("reads no Content-Length beside chunks, and none for health", async ({ expect }) => {
    const edge = buildEdge();
    const headers = { "Content-Length": "9007199254740993" };
    const chunked = { method: "POST", headers: { ...headers, "Transfer-Encoding": "chunked" } };
    expect((await edge.fetch("acme.kiln.example.com", "/", chunked)).status).toBe(200);
    expect((await edge.fetch(null, "/", { method: "OPTIONS", headers })).status).toBe(204);
  });
});

describe("routing", () => {
  const options = {
    rows: [
      buildRow("acme"),
      buildRow("shop.example.org", { slug: "acme", product: "kiln" }),
      buildRow("other", { homes: { fogbugz: "8.0.0" } }),
    ],
    root: buildRoot({
      products: { kiln: buildProduct({ domains: ["kiln.example.com", "kiln.example.io"] }) },
    }),
  };

  it.for([
    ["known account", "acme.kiln.example.com", "GET", "kiln-290"],
    ["known account, OPTIONS", "acme.kiln.example.com", "OPTIONS", "kiln-290"],
    ["case, dot and port", "ACME.Kiln.example.com.:8443", "GET", "kiln-290"],
    ["custom domain", "shop.example.org", "GET", "kiln-290"],
    ["published base domain", "acme.kiln.example.io", "GET", "kiln-290"],
    ["unknown account", "ghost.kiln.example.com", "GET", "kiln-280"],
    ["unknown account, OPTIONS", "ghost.kiln.example.com", "OPTIONS", "kiln-280"],
    ["account without the product", "other.kiln.example.com", "GET", "kiln-280"],
    ["deeper name", "a.acme.kiln.example.com", "GET", "kiln-280"],
    ["punycode", "xn--acme-9na.kiln.example.com", "GET", "kiln-280"],
    ["apex", "kiln.example.com", "GET", "kiln-280"],
  ] as const)("sends a request of %s to its version", async ([, host, method, origin], { expect }) => {
    const edge = buildEdge(options);
    const response = await edge.fetch(host, "/a/../b?q=1", { method });
    expect(response.status).toBe(200);
    expect(edge.seen.map(({ url }) => new URL(url).href)).toEqual([
      `https://${origin}.origins.example.net/b?q=1`,
    ]);
  });

  it("sends a CORS preflight to the application", async ({ expect }) => {
    const edge = buildEdge(options);
    await edge.fetch("kiln.example.com", "/", { method: "OPTIONS", headers: CORS });
    expect(edge.seen).toHaveLength(1);
  });

  it("hands the admin host an absolute URL and the request id", async ({ expect }) => {
    let asked: Request | null = null;
    const edge = buildEdge({
      admin: (request) => {
        asked = request;
        return new Response("admin");
      },
    });
    const response = await edge.fetch("Admin.example.com:8787", "/api/v1/status?x=1", {
      headers: { "Firebreak-Request-Id": "spoof" },
    });
    expect(await response.text()).toBe("admin");
    const { url, headers } = asked as unknown as Request;
    expect(url).toBe("http://admin.example.com:8787/api/v1/status?x=1");
    expect(headers.get("firebreak-request-id")).toBe("id-1");
    expect(edge.outcomes).toEqual(["admin"]);
  });

  it("answers 503 for an account whose row cannot be read, never the default version", async ({ expect }) => {
    const edge = buildEdge({ ...options, unreadable: ["acme", "shop.example.org"] });
    for (const host of ["acme.kiln.example.com", "shop.example.org"]) {
      const response = await edge.fetch(host);
      expect(response.status).toBe(503);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect(edge.seen).toEqual([]);
    expect(edge.outcomes).toEqual(["unresolved", "unresolved"]);
  });

  it("asks the maps nothing for names that can be no account", async ({ expect }) => {
    const edge = buildEdge(options);
    for (const host of ["kiln.example.com", "a.b.kiln.example.com", "acme"]) await edge.fetch(host);
    expect(edge.maps.asked).toEqual([]);
  });

  it("answers 503 without maps, unless the operator chose an origin for that", async ({ expect }) => {
    const without = buildEdge({ root: null });
    expect((await without.fetch("acme.kiln.example.com")).status).toBe(503);
    expect((await without.fetch("shop.example.org")).status).toBe(503);
    const fallback = {
      kiln: { domains: ["kiln.example.com"], origin: "https://all.origins.example.net" },
    };
    const chosen = buildEdge({ root: null, config: { fallback } });
    expect((await chosen.fetch("acme.kiln.example.com")).status).toBe(200);
    expect((await chosen.fetch("shop.example.org")).status).toBe(503);
    expect(chosen.seen.map(({ headers }) => headers.get("firebreak"))).toEqual([
      'product=kiln, request="id-1"',
    ]);
  });
});

describe("the last resort", () => {
  it("answers 500 without the message, logs it once and goes on", async ({ expect }) => {
    const edge = buildEdge({
      maps: {
        current: () => throwing("secret detail"),
        renew: () => throwing("maps"),
        row: () => throwing("row"),
        generation: () => 0,
        isWaking: () => false,
        ageMs: () => 0,
      },
    });
    const response = await edge.fetch("acme.kiln.example.com");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
    expect(edge.outcomes).toEqual(["internal-error"]);
    expect(edge.lines.map(({ event }) => event)).toEqual(["failure"]);
    expect((await edge.fetch(null, "/", { method: "OPTIONS" })).status).toBe(204);
  });
});

describe("createBrokenEdge", () => {
  const lines: string[] = [];
  const edge = createBrokenEdge(["ADMIN_HOST is missing"], {
    logger: { line: (event) => void lines.push(event) },
    requestIds: () => "id",
  });

  it.for([
    [null, "OPTIONS", 204],
    ["acme.kiln.example.com", "OPTIONS", 204],
    [null, "GET", 200],
    ["acme.kiln.example.com", "GET", 503],
    ["a b", "GET", 400],
  ] as const)("answers Host %j %s with %i", async ([host, method, status], { expect }) => {
    const response = await edge(buildRequest(host, "/", { method }));
    expect(response.status).toBe(status);
    expect(await response.text()).not.toContain("ADMIN_HOST");
  });

  it("logs the problems", ({ expect }) => {
    expect(lines).toEqual(["configuration"]);
  });
});
