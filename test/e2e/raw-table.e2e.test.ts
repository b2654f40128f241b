/**
 * The table of request classes (design §3.1) in raw bytes over a front socket: every odd spelling of Host and target has
 * one answer, never a 5xx of ours, and no refused request reaches an origin. What workerd answers before the Worker runs
 * is listed apart: those answers are not ours to choose, and the list says when a new workerd chooses differently.
 */
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Instance } from "../../scripts/local/instance.ts";
import { startTestInstance } from "../support/local-instance.ts";
import { converse, request, sendRaw, type RawAnswer } from "../support/raw-http.ts";

const ACME = "acme.kiln.localhost";
const MAX_TARGET = 16 * 1024;

/** Where an answer comes from: a demo origin, the router, or workerd before the router. */
type By = "origin" | "router" | "workerd";

interface Row {
  readonly why: string;
  readonly bytes: string;
  readonly status: number;
  readonly by: By;
}

const utf8 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
const labels = (...lengths: number[]): string => lengths.map((length) => "a".repeat(length)).join(".");
/** A name under kiln.localhost of exactly this length. */
const underKiln = (length: number): string => {
  const rest = length - ".kiln.localhost".length;
  const full = Math.floor(rest / 64);
  return `${labels(...Array.from({ length: full }, () => 63), rest - full * 64)}.kiln.localhost`;
};

const withHost = (by: By, status: number, hosts: readonly string[]): Row[] =>
  hosts.map((host) => ({
    why: `GET with Host ${JSON.stringify(host.length > 80 ? `${host.slice(0, 40)}… (${host.length})` : host)}`,
    bytes: request("GET / HTTP/1.1", `Host: ${host}`),
    status,
    by,
  }));

const raw = (by: By, status: number, rows: readonly (readonly [why: string, bytes: string])[]): Row[] =>
  rows.map(([why, bytes]) => ({ why, bytes, status, by }));

const ROWS: readonly Row[] = [
  ...withHost("origin", 200, [
    ACME,
    "ACME.Kiln.LOCALHOST",
    `${ACME}.`,
    `${ACME}:80`,
    `${ACME}:`,
    `${ACME}:65535`,
    `${ACME}.:8787`,
    "kiln.localhost",
    "nobody.kiln.localhost",
    "two.labels.kiln.localhost",
    "xn--80ak6aa92e.kiln.localhost",
    "0.kiln.localhost",
    "code.acme.example",
    "CODE.acme.example.:443",
    `${"a".repeat(63)}.kiln.localhost`,
    underKiln(253),
  ]),
  ...withHost("router", 200, [
    "10.0.0.7",
    "10.0.0.7:80",
    "127.0.0.1.",
    "[::1]",
    "[::1]:8787",
    "[::ffff:10.0.0.7]",
    "[2001:DB8::1]",
  ]),
  ...withHost("router", 421, [
    "evil.example",
    "evilkiln.localhost",
    "0x7f.1",
    "127.1",
    "256.0.0.1",
    "1.2.3.4.5",
    "kiln",
    "com",
  ]),
  ...withHost("router", 400, [
    `${ACME}:0`,
    `${ACME}:65536`,
    `${ACME}:99999`,
    `${ACME}:080`,
    `${ACME}:80:80`,
    `${ACME}:1.2`,
    `${ACME}:-1`,
    `${ACME}:a`,
    `${ACME}: 80`,
    `${ACME}..`,
    `.${ACME}`,
    "acme..kiln.localhost",
    ".",
    "..",
    ":80",
    "-acme.kiln.localhost",
    "acme-.kiln.localhost",
    "acme_1.kiln.localhost",
    "_acme.kiln.localhost",
    "acme%2ekiln.localhost",
    "acme%00.kiln.localhost",
    `${ACME}@evil.example`,
    `evil@${ACME}`,
    `user:pass@${ACME}`,
    `${ACME}#x`,
    `evil.example#.${ACME}`,
    `${ACME}?x`,
    `${ACME}/x`,
    `${ACME}\\x`,
    `evil.example\\.${ACME}`,
    `${ACME}, ${ACME}`,
    `${ACME},evil.example`,
    `acme kiln.localhost`,
    `acme\tkiln.localhost`,
    `"${ACME}"`,
    `${ACME};`,
    "*.kiln.localhost",
    `http://${ACME}`,
    utf8("ａｃｍｅ.kiln.localhost"),
    utf8("acme。kiln.localhost"),
    utf8("ac\u00ADme.kiln.localhost"),
    utf8("acmé.kiln.localhost"),
    "acme\xff.kiln.localhost",
    "acme\x01.kiln.localhost",
    "acme\x7f.kiln.localhost",
    "[::1",
    "::1",
    "[::1]x",
    "[::1%25eth0]",
    "[v1.a]",
    "[]",
    "[1:2:3:4:5:6:7:8:9]",
    `${"a".repeat(64)}.kiln.localhost`,
    underKiln(254),
    underKiln(300),
  ]),
  ...raw("router", 400, [
    ["two different Hosts", request("GET / HTTP/1.1", `Host: ${ACME}`, "Host: evil.example")],
    ["two equal Hosts", request("GET / HTTP/1.1", `Host: ${ACME}`, `Host: ${ACME}`)],
    ["POST without Host", request("POST / HTTP/1.0", "Content-Length: 0")],
    ["POST with an empty Host", request("POST / HTTP/1.1", "Host:", "Content-Length: 0")],
    ["DELETE without Host", request("DELETE / HTTP/1.0")],
    [
      "a CORS preflight without Host",
      request("OPTIONS / HTTP/1.0", "Origin: http://a.example", "Access-Control-Request-Method: PUT"),
    ],
    ["OPTIONS with a malformed Host", request("OPTIONS / HTTP/1.1", "Host: a_b.kiln.localhost")],
    ["POST with a malformed Host", request("POST / HTTP/1.1", "Host: a, b", "Content-Length: 0")],
    ["GET *", request("GET * HTTP/1.1", `Host: ${ACME}`)],
    ["a target with two slashes", request("GET //evil.example/x HTTP/1.1", `Host: ${ACME}`)],
    ["a target with two slashes and no Host", request("GET //localhost/x HTTP/1.0")],
    ["a target with slash and backslash", request("GET /\\evil.example/x HTTP/1.1", `Host: ${ACME}`)],
    ["a target without a slash", request("GET x HTTP/1.1", `Host: ${ACME}`)],
    ["an authority as target", request(`GET ${ACME}:80 HTTP/1.1`, `Host: ${ACME}`)],
    ["an absolute target for another host", request("GET http://evil.example/ HTTP/1.1", `Host: ${ACME}`)],
    [
      "another host's absolute target for the admin",
      request("GET http://localhost/ HTTP/1.1", `Host: ${ACME}`),
    ],
    ["an absolute target with userinfo", request(`GET http://u@${ACME}/ HTTP/1.1`, `Host: ${ACME}`)],
    ["an absolute target of another scheme", request(`GET ftp://${ACME}/ HTTP/1.1`, `Host: ${ACME}`)],
    [
      "an absolute target with two slashes in its path",
      request(`GET http://${ACME}//evil HTTP/1.1`, `Host: ${ACME}`),
    ],
    ["an absolute target without Host", request(`GET http://${ACME}/ HTTP/1.0`)],
    [
      "a transfer encoding other than chunked",
      `${request("POST / HTTP/1.1", `Host: ${ACME}`, "Transfer-Encoding: gzip, chunked")}0\r\n\r\n`,
    ],
  ]),
  ...raw("router", 421, [
    ["POST with an IP as Host", request("POST / HTTP/1.1", "Host: 10.0.0.7", "Content-Length: 0")],
    ["POST at a foreign host", request("POST / HTTP/1.1", "Host: evil.example", "Content-Length: 0")],
    [
      "a CORS preflight at a foreign host",
      request(
        "OPTIONS / HTTP/1.1",
        "Host: evil.example",
        "Origin: http://a.example",
        "Access-Control-Request-Method: PUT",
      ),
    ],
    [
      "a foreign Host with every header that some proxy routes by",
      request(
        "GET / HTTP/1.1",
        "Host: evil.example",
        `X-Forwarded-Host: ${ACME}`,
        `Forwarded: host=${ACME}`,
        `X-Original-Host: ${ACME}`,
      ),
    ],
  ]),
  ...raw("router", 411, [
    [
      "a GET with a body in chunks",
      `${request("GET / HTTP/1.1", `Host: ${ACME}`, "Transfer-Encoding: chunked")}2\r\nhi\r\n0\r\n\r\n`,
    ],
  ]),
  ...raw("router", 413, [
    [
      "a length beyond what a stream can have",
      request("POST / HTTP/1.1", `Host: ${ACME}`, "Content-Length: 9007199254740993"),
    ],
  ]),
  ...raw("router", 414, [
    ["a target above 16 KB", request(`GET /${"a".repeat(MAX_TARGET)} HTTP/1.1`, `Host: ${ACME}`)],
  ]),
  ...raw("router", 431, [
    [
      "128 KB of headers",
      request(
        "GET / HTTP/1.1",
        `Host: ${ACME}`,
        ...Array.from({ length: 129 }, (_, n) => `X-${n}: ${"a".repeat(1024)}`),
      ),
    ],
  ]),
  ...raw("router", 204, [
    ["OPTIONS at an IP", request("OPTIONS / HTTP/1.1", "Host: 10.0.0.7")],
    ["OPTIONS * with a malformed Host", request("OPTIONS * HTTP/1.1", "Host: a, b")],
    ["OPTIONS with an absolute target and no Host", request(`OPTIONS http://${ACME}/ HTTP/1.0`)],
  ]),
  ...raw("origin", 200, [
    ["OPTIONS at a known account", request("OPTIONS / HTTP/1.1", `Host: ${ACME}`)],
    ["OPTIONS at an unknown account", request("OPTIONS / HTTP/1.1", "Host: nobody.kiln.localhost")],
    ["POST at the apex", request("POST / HTTP/1.1", "Host: kiln.localhost", "Content-Length: 0")],
    [
      "POST at an unknown account",
      request("POST / HTTP/1.1", "Host: nobody.kiln.localhost", "Content-Length: 2") + "hi",
    ],
    [
      "a CORS preflight at the apex",
      request(
        "OPTIONS / HTTP/1.1",
        "Host: kiln.localhost",
        "Origin: http://a.example",
        "Access-Control-Request-Method: PUT",
      ),
    ],
    ["an absolute target for the same host", request(`GET http://${ACME}/ HTTP/1.1`, `Host: ${ACME}`)],
    [
      "an absolute target in capitals and with a port",
      request("GET HTTP://ACME.kiln.localhost:99/ HTTP/1.1", `Host: ${ACME}`),
    ],
    ["an absolute https target for the same host", request(`GET https://${ACME}/ HTTP/1.1`, `Host: ${ACME}`)],
    ["dot segments", request("GET /a/../../b HTTP/1.1", `Host: ${ACME}`)],
    ["two slashes later in the path", request("GET /a//b HTTP/1.1", `Host: ${ACME}`)],
    ["a target of exactly 16 KB", request(`GET /${"a".repeat(MAX_TARGET - 1)} HTTP/1.1`, `Host: ${ACME}`)],
    ["an admin path at an account", request("GET /api/v1/status HTTP/1.1", `Host: ${ACME}`)],
    [
      "chunked with a length beside it",
      request("POST / HTTP/1.1", `Host: ${ACME}`, "Content-Length: 99", "Transfer-Encoding: chunked") +
        "0\r\n\r\n",
    ],
  ]),
];

/** What never gets as far as the Worker, or not as it was sent. The reason is workerd's HTTP parser unless it says so. */
const BEFORE_THE_WORKER: readonly Row[] = [
  ...raw("workerd", 501, [
    ["an unknown method", request("BREW / HTTP/1.1", `Host: ${ACME}`)],
    ["a method in small letters", request("get / HTTP/1.1", `Host: ${ACME}`)],
  ]),
  ...raw("workerd", 400, [
    ["NUL in Host", request("GET / HTTP/1.1", "Host: acme\x00.kiln.localhost")],
    ["a folded header", request("GET / HTTP/1.1", `Host: ${ACME}`, "X-A: b", " c")],
    ["a space before the colon", request("GET / HTTP/1.1", `Host : ${ACME}`)],
    ["a control byte in the target", request("GET /\x01 HTTP/1.1", `Host: ${ACME}`)],
    ["0xFF in the target", request("GET /\xff HTTP/1.1", `Host: ${ACME}`)],
    ["an absolute target with a bad host", request("GET http://a%2eb/ HTTP/1.1", `Host: ${ACME}`)],
    ["a quote in the query", request('GET /?"x" HTTP/1.1', `Host: ${ACME}`)],
  ]),
  ...raw("origin", 200, [
    // The Host that is empty cannot be seen beside the other: the request is the other's.
    ["an empty Host beside a full one", request("GET / HTTP/1.1", "Host:", `Host: ${ACME}`)],
    // Cut off before the Worker sees the target: what is left is /a.
    ["a fragment in the target", request("GET /a#b HTTP/1.1", `Host: ${ACME}`)],
  ]),
];

describe("raw requests", () => {
  let instance: Instance;

  beforeAll(async () => {
    instance = await startTestInstance({ nodes: 1 });
    // Nothing below is to be explained by a cold start.
    await sendRaw({ port: instance.ports[0] ?? 0, bytes: request("GET / HTTP/1.1", `Host: ${ACME}`) });
  });
  afterAll(async () => {
    await instance?.stop();
  });

  const received = (): number => instance.origins.reduce((sum, origin) => sum + origin.received(), 0);
  const saidBy = (answer: RawAnswer): By => {
    if (answer.header("demo-version") !== null) return "origin";
    const isHealth = answer.header("allow") !== null || answer.body.trim() === "ok";
    return isHealth || answer.header("firebreak-request-id") !== null ? "router" : "workerd";
  };

  it("has a table worth the name", ({ expect }) => {
    expect(ROWS.length).toBeGreaterThan(80);
  });

  it.for([...ROWS, ...BEFORE_THE_WORKER])(
    "gives $status to $why (by $by)",
    async ({ bytes, status, by }, { expect }) => {
      const before = received();
      const answer = await sendRaw({ port: instance.ports[0] ?? 0, bytes });
      expect({ status: answer.status, by: saidBy(answer) }).toEqual({ status, by });
      expect(received() - before).toBe(by === "origin" ? 1 : 0);
    },
  );

  it("answers CONNECT with an error of workerd's, and forwards nothing", async ({ expect }) => {
    const before = received();
    const bytes = request(`CONNECT ${ACME}:80 HTTP/1.1`, `Host: ${ACME}`);
    const answer = await sendRaw({ port: instance.ports[0] ?? 0, bytes });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(received()).toBe(before);
  });

  it("serves a pipelined victim its own answer behind a request whose end is in no doubt", async ({
    expect,
  }) => {
    const refused = request("POST / HTTP/1.1", "Host: evil.example", "Content-Length: 4");
    const victim = request("GET /victim HTTP/1.1", `Host: ${ACME}`, "Connection: close");
    const before = received();
    const text = await converse({ port: instance.ports[0] ?? 0, bytes: `${refused}body${victim}` });
    const [refusal, own, ...more] = text.split(/(?=HTTP\/1\.1 \d{3} )/);
    expect(refusal).toMatch(/^HTTP\/1\.1 421 /);
    expect(own).toMatch(/^HTTP\/1\.1 200 /);
    expect(more).toEqual([]);
    expect(received() - before).toBe(1);
    const seen = instance.origins.flatMap((origin) => origin.recent()).filter(({ url }) => url === "/victim");
    expect(seen.map(({ account }) => account)).toEqual(["acme"]);
  });

  it("ends the connection behind a refused request that is framed twice: nobody's bytes follow", async ({
    expect,
  }) => {
    const attack = `${request("POST / HTTP/1.1", "Host: evil.example", "Content-Length: 4", "Transfer-Encoding: chunked")}0\r\n\r\n`;
    const victim = request("GET /victim HTTP/1.1", `Host: ${ACME}`, "Connection: close");
    const before = received();
    const text = await converse({ port: instance.ports[0] ?? 0, bytes: attack + victim });
    expect(text.split(/(?=HTTP\/1\.1 \d{3} )/)).toEqual([expect.stringMatching(/^HTTP\/1\.1 421 /)]);
    expect(received()).toBe(before);
  });
});
