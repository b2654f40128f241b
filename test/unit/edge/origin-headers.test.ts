/** Headers for the origin: what is dropped, replaced and set, and whom the edge believes about the client. */
import { createHmac } from "node:crypto";
import { parseDictionary, serializeDictionary } from "structured-headers";
import { describe, it } from "vitest";
import type { TrustedProxy } from "../../../src/contracts/env.ts";
import { extendLoop, hasOwnLoop } from "../../../src/edge/cdn-loop.ts";
import { createFirebreakHeader } from "../../../src/core/firebreak-header.ts";
import { connectionNames } from "../../../src/edge/inbound-headers.ts";
import { stripOverrideCookie } from "../../../src/edge/override.ts";
import { buildEdge, NOW_MS, ORIGIN_KEY, type TestEdge } from "../../support/edge-builders.ts";

const HOST = "acme.kiln.example.com";

async function headersAtOrigin(
  headers: HeadersInit,
  trustedProxy: TrustedProxy = { kind: "none" },
  { host = HOST, target = "/", method = "GET" } = {},
): Promise<Headers> {
  const edge = buildEdge({ config: { trustedProxy } });
  const response = await edge.fetch(host, target, { method, headers });
  const seen = edge.seen[0];
  if (seen === undefined) throw new Error(`not forwarded: ${response.status}`);
  return seen.headers;
}

describe("dropped headers", () => {
  it.for([
    "Firebreak",
    "Firebreak-Account",
    "Firebreak_Account",
    "FIREBREAK-REQUEST-ID",
    "Firebreak-Override",
    "Forwarded",
    "X-Forwarded-Port",
    "X_Forwarded_Host",
    "X-Forwarded_For",
    "X-Forwarded-Prefix",
    "X_Forwarded-Proto",
    "X-Original-Host",
    "X_Original_Host",
    "X-Real-IP",
    "X_Real_IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Connection",
    "Keep-Alive",
    "TE",
    "Trailer",
    "Proxy-Connection",
    "Proxy-Authorization",
    "Upgrade",
    "Expect",
    "Transfer_Encoding",
    "CDN_Loop",
    "Cf-Access-Authenticated-User-Email",
    "CF_Access_Client_Secret",
  ])("include %s", async (name, { expect }) => {
    const seen = await headersAtOrigin({ [name]: "evil", "X-Other": "kept" });
    expect([...seen.values()].join()).not.toContain("evil");
    expect(seen.get("x-other")).toBe("kept");
  });

  it.for([
    "X-Account",
    "Cf-Access-Jwt-Assertion",
    "Cf-Ipcountry",
    "Firebreaker",
    "X-Forward",
    "X-Request-Id",
    "Cookie",
    "Authorization",
    "Range",
    "Accept-Encoding",
  ])("do not include %s", async (name, { expect }) => {
    expect((await headersAtOrigin({ [name]: "mine" })).get(name)).toBe("mine");
  });

  it("include those named in Connection, but none of ours", async ({ expect }) => {
    const seen = await headersAtOrigin({
      Connection: "X-Account, close, CDN-Loop, X-Forwarded-Host, Firebreak, not a name, ,",
      "X-Account": "evil",
      "CDN-Loop": "other",
    });
    expect(seen.has("x-account")).toBe(false);
    expect(seen.get("cdn-loop")).toBe("other, firebreak");
    expect(seen.get("x-forwarded-host")).toBe(HOST);
    expect(seen.get("firebreak")).toContain("account=acme");
    expect(connectionNames(" X-A ,close, b c, upgrade")).toEqual(["x-a"]);
  });

  it("keep the upgrade to a WebSocket", async ({ expect }) => {
    const headers = { Connection: "Upgrade", Upgrade: "WebSocket", "Sec-WebSocket-Key": "k" };
    const seen = await headersAtOrigin(headers);
    expect(seen.get("upgrade")).toBe("WebSocket");
    expect((await headersAtOrigin(headers, { kind: "none" }, { method: "POST" })).has("upgrade")).toBe(false);
  });
});

describe("the client", () => {
  const claims = {
    "X-Forwarded-For": "6.6.6.6, 192.0.2.1, 192.0.2.2",
    "X-Forwarded-Proto": "http, https",
    "CF-Connecting-IP": "198.51.100.1",
  };

  it.for([
    [{ kind: "none" }, null, "http"],
    [{ kind: "hops", hops: 1 }, "192.0.2.2", "https"],
    [{ kind: "hops", hops: 2 }, "192.0.2.1", "https"],
    [{ kind: "hops", hops: 4 }, null, "https"],
    [{ kind: "cloudflare" }, "198.51.100.1", "http"],
  ] as const)("is believed from %j as %s over %s", async ([trusted, address, scheme], { expect }) => {
    const target = trusted.kind === "cloudflare" ? `http://${HOST}/` : "/";
    const seen = await headersAtOrigin(claims, trusted, { target });
    expect(seen.get("x-forwarded-for")).toBe(address);
    expect(seen.get("x-forwarded-proto")).toBe(scheme);
    expect(seen.get("cf-connecting-ip")).toBe(trusted.kind === "cloudflare" ? "198.51.100.1" : null);
  });

  // On a front socket whoever writes the whole address as target may write any scheme; on Cloudflare the platform wrote it.
  it.for([
    [{ kind: "none" }, "https", {}, "http"],
    [{ kind: "none" }, "https", { "X-Forwarded-Proto": "https" }, "http"],
    [{ kind: "hops", hops: 1 }, "https", {}, "http"],
    [{ kind: "hops", hops: 1 }, "https", { "X-Forwarded-Proto": "wss" }, "http"],
    [{ kind: "hops", hops: 1 }, "http", { "X-Forwarded-Proto": "https" }, "https"],
    [{ kind: "cloudflare" }, "https", { "X-Forwarded-Proto": "http" }, "https"],
    [{ kind: "cloudflare" }, "http", {}, "http"],
  ] as const)(
    "came, for %j with a target of %s and %j, over %s",
    async ([trusted, named, headers, scheme], { expect }) => {
      const seen = await headersAtOrigin(headers, trusted, { target: `${named}://${HOST}/` });
      expect(seen.get("x-forwarded-proto")).toBe(scheme);
    },
  );

  it.for([
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["192.0.2.1:5555", "192.0.2.1"],
    ["2001:db8::2", "2001:db8::2"],
    ["unknown", null],
    ["1.2.3.4\tx", null],
  ] as const)("is read from %j as %s", async ([value, address], { expect }) => {
    const seen = await headersAtOrigin({ "X-Forwarded-For": value }, { kind: "hops", hops: 1 });
    expect(seen.get("x-forwarded-for")).toBe(address);
  });

  it("keeps the port it named, in the canonical host", async ({ expect }) => {
    const seen = await headersAtOrigin({}, { kind: "none" }, { host: "ACME.kiln.example.com.:8443" });
    expect(seen.get("x-forwarded-host")).toBe("acme.kiln.example.com:8443");
  });

  it.for([
    [{ kind: "cloudflare" }, { "CF-Ray": "8f00-FRA", "X-Request-Id": "x" }, "8f00-FRA"],
    [{ kind: "hops", hops: 1 }, { "CF-Ray": "8f00-FRA", "X-Request-Id": "lb.1_2-3" }, "lb.1_2-3"],
    [{ kind: "hops", hops: 1 }, { "X-Request-Id": 'bad"id' }, "id-1"],
    [{ kind: "hops", hops: 1 }, { "X-Request-Id": "a".repeat(129) }, "id-1"],
    [{ kind: "none" }, { "CF-Ray": "spoof", "X-Request-Id": "spoof" }, "id-1"],
  ] as const)("of %j with %j has the request id %s", async ([trusted, headers, id], { expect }) => {
    const seen = await headersAtOrigin(headers, trusted);
    expect(seen.get("firebreak")).toContain(`request="${id}"`);
  });
});

describe("CDN-Loop", () => {
  it.for([
    ["firebreak", true],
    ["Other, FIREBREAK ; a=b", true],
    ['other; x="a, firebreak"', false],
    ['other; x="a\\", firebreak"', false],
    ["firebreaker, my.firebreak", false],
    ['"unclosed, firebreak', true],
    ['firebreak, "unclosed', true],
    ['a; x="b, firebreak", "unclosed, other', false],
    ['"unclosed, other', false],
    ['"', false],
    ["", false],
  ] as const)("%j holds our own id: %s", ([value, expected], { expect }) => {
    expect(hasOwnLoop(value)).toBe(expected);
  });

  it("keeps what came, parsable or not, and adds ours", ({ expect }) => {
    expect(extendLoop(undefined)).toBe("firebreak");
    expect(extendLoop(";;??, a")).toBe(";;??, a, firebreak");
    expect(extendLoop('a; b="c, d"')).toBe('a; b="c, d", firebreak');
  });

  // Behind a quote that nobody closed it would be a part of a string, also once a later hop closes that.
  it.for(['"', 'a, "b', '"a\\"', 'a="b", "'])(
    "puts ours in front of the unclosed quote in %j",
    (value, { expect }) => {
      expect(extendLoop(value)).toBe(`firebreak, ${value}`);
      expect(hasOwnLoop(extendLoop(value))).toBe(true);
      expect(hasOwnLoop(`${extendLoop(value)}, other; x="y"`)).toBe(true);
    },
  );

  it("ends a circle after one pass, whatever quotes it began with", async ({ expect }) => {
    for (const value of ["other", '"', '"a, b', 'other; x="']) {
      const edge: TestEdge = buildEdge({
        origin: ({ headers }) =>
          edge.seen.length > 3 ? new Response("round") : edge.fetch(HOST, "/", { headers }),
      });
      const response = await edge.fetch(HOST, "/", { headers: { "CDN-Loop": value } });
      expect([value, response.status, edge.seen.length]).toEqual([value, 508, 1]);
    }
  });

  it("answers a request that came through here before with 508", async ({ expect }) => {
    const edge = buildEdge();
    const response = await edge.fetch(HOST, "/", { headers: { "CDN-Loop": "a, firebreak" } });
    expect(response.status).toBe(508);
    expect(edge.outcomes).toEqual(["loop"]);
    expect(edge.seen).toEqual([]);
  });
});

describe("the Firebreak header", () => {
  const facts = { product: "kiln", account: "acme", version: "2.9.0", host: HOST, requestId: "r-1" };

  it("is an RFC 9651 dictionary", ({ expect }) => {
    const write = createFirebreakHeader(null);
    const text = write(facts, NOW_MS);
    expect(text).toBe('product=kiln, account=acme, version="2.9.0", request="r-1"');
    expect(serializeDictionary(parseDictionary(text))).toBe(text);
  });

  it("quotes a slug that begins with a digit and leaves out an unknown account", ({ expect }) => {
    const write = createFirebreakHeader(null);
    const digits = parseDictionary(write({ ...facts, account: "3m", product: "7z" }, NOW_MS));
    expect([digits.get("account")?.[0], digits.get("product")?.[0]]).toEqual(["3m", "7z"]);
    expect(parseDictionary(write({ ...facts, account: null }, NOW_MS)).has("account")).toBe(false);
  });

  it("is signed over minute, host, account and version, the same within the minute", async ({ expect }) => {
    const write = createFirebreakHeader(ORIGIN_KEY);
    const text = write(facts, NOW_MS);
    const members = parseDictionary(text);
    const minute = NOW_MS / 60_000;
    expect(members.get("time")?.[0]).toBe(minute);
    expect(members.get("key")?.[0]).toBe("o1");
    const signature = members.get("signature")?.[0];
    const key = await crypto.subtle.importKey(
      "raw",
      new TextEncoder().encode(ORIGIN_KEY.secret),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["verify"],
    );
    const message = new TextEncoder().encode(`${minute}\n${HOST}\nacme\n2.9.0`);
    expect(signature).toBeInstanceOf(ArrayBuffer);
    expect(await crypto.subtle.verify("HMAC", key, signature as ArrayBuffer, message)).toBe(true);
    expect(write(facts, NOW_MS + 59_999)).toBe(text);
    expect(write(facts, NOW_MS + 60_000)).not.toBe(text);
    for (const other of [{ host: "b" }, { account: "b" }, { account: null }, { version: "2.8.0" }]) {
      const changed = parseDictionary(write({ ...facts, ...other }, NOW_MS)).get("signature")?.[0];
      expect(Buffer.from(changed as ArrayBuffer).toString("hex")).not.toBe(
        Buffer.from(signature as ArrayBuffer).toString("hex"),
      );
    }
  });

  it("is signed rightly for more hosts than are remembered, and for versions that take turns", ({
    expect,
  }) => {
    const write = createFirebreakHeader(ORIGIN_KEY);
    const signed = (text: string): string =>
      Buffer.from(parseDictionary(text).get("signature")?.[0] as ArrayBuffer).toString("base64");
    const expected = (host: string, version: string): string =>
      createHmac("sha256", ORIGIN_KEY.secret)
        .update(`${NOW_MS / 60_000}\n${host}\nacme\n${version}`)
        .digest("base64");
    for (let number = 0; number < 9000; number++) write({ ...facts, host: `a${number}.example` }, NOW_MS);
    for (const host of ["a0.example", "a8999.example", `${"long-".repeat(40)}.example`]) {
      for (const version of ["2.9.0", "2.8.0", "2.9.0"]) {
        expect(signed(write({ ...facts, host, version }, NOW_MS))).toBe(expected(host, version));
      }
    }
  });
});

describe("stripOverrideCookie", () => {
  const ours = "__Host-firebreak-override=a.b.c";

  it.for([
    [ours, null],
    [`${ours}; a=1`, "a=1"],
    [`a=1; ${ours}`, "a=1"],
    [`a=1; ${ours}; b="x y";c`, 'a=1; b="x y";c'],
    [`${ours}; a=1; ${ours}`, "a=1"],
    [`x${ours}; a=${ours}`, `x${ours}; a=${ours}`],
  ] as const)("turns %j into %j", ([cookie, expected], { expect }) => {
    expect(stripOverrideCookie(cookie)).toBe(expected);
  });
});
