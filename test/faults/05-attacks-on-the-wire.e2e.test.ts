/**
 * Experiments 5, 6, 7 and 17 in raw bytes: straight to a node, and through a real HAProxy, with an origin that keeps every
 * byte it gets. Bad hosts never arrive there; headers that claim to be ours arrive as ours alone; a request that parsers
 * disagree about arrives whole or not at all, and whoever comes after it gets an answer of its own; circles end.
 */
import { afterAll, beforeAll, describe, it } from "vitest";
import { startHaProxy, waitForServers, type HaProxy } from "../../scripts/haproxy/haproxy.ts";
import { buildProduct, buildRoot, buildRow } from "../support/edge-builders.ts";
import { startEdgeNode, type EdgeNode } from "../support/edge-node.ts";
import { startHostRelay, type HostRelay } from "../support/host-relay.ts";
import { inForm } from "../support/form.ts";
import { mustSkipHaProxy } from "../support/haproxy.ts";
import { converse, request, sendRaw } from "../support/raw-http.ts";
import { startRecordingOrigin, valuesOf, type RecordingOrigin } from "../support/recording-origin.ts";
import { buildSmuggles } from "../support/smuggling.ts";

const ACME = "acme.kiln.example.com";
const VICTIM = "victim.kiln.example.com";
const ROUNDS = inForm({ short: 1, long: 40 });
/** An attack that leaves a connection waiting is over then. */
const PATIENCE_MS = 700;
const AT_ONCE = 8;

const skip = mustSkipHaProxy();
const WAYS = skip ? (["straight"] as const) : (["straight", "through HAProxy"] as const);
type Way = (typeof WAYS)[number];

let origin: RecordingOrigin;
let node: EdgeNode;
/** Believes HAProxy about addresses, and so gives none to the origin for a request that HAProxy knows nothing of. */
let behind: EdgeNode;
let haproxy: HaProxy | null = null;

const portOf = (way: Way): number => (way === "straight" || haproxy === null ? node.port : haproxy.port);

beforeAll(async () => {
  origin = await startRecordingOrigin();
  const maps = {
    root: buildRoot({
      products: {
        kiln: buildProduct({
          default: "recorded",
          stable: "recorded",
          versions: { recorded: { origin: origin.url, state: "live" } },
        }),
      },
    }),
    rows: ["acme", "victim"].map((name) => buildRow(name, { homes: { kiln: "recorded" } })),
  };
  node = await startEdgeNode(maps);
  if (!skip) {
    behind = await startEdgeNode({ ...maps, config: { trustedProxy: { kind: "hops", hops: 1 } } });
    haproxy = await startHaProxy({ servers: [behind.port], checkEveryMs: 200 });
    await waitForServers(haproxy, (all) => all.every(({ check }) => check === "L7OK"), 10_000);
  }
});

afterAll(async () => {
  await haproxy?.stop();
  await behind?.stop();
  await node?.stop();
  await origin?.stop();
});

async function inBatches<T>(
  all: readonly T[],
  work: (one: T, index: number) => Promise<void>,
): Promise<void> {
  const left = all.entries();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const [index, one] of left) await work(one, index);
    }),
  );
}

const utf8 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

const BAD_HOSTS: readonly string[] = [
  ...[
    "@evil.example",
    "#x",
    "?x",
    "/x",
    "\\x",
    ", evil.example",
    ",evil.example",
    ";",
    "%00",
    "..",
    ":0",
  ].map((tail) => ACME + tail),
  ...[":65536", ":080", ":80:80", ":-1", ":a", ": 80", "\x01", "\x7f", "\xff", " ", "\tx", "\x00x"].map(
    (tail) => `acme${tail}.kiln.example.com`,
  ),
  ...["evil.example#.", "evil.example?.", "evil.example\\.", "evil.example/.", "user:pass@", ".", "-"].map(
    (head) => head + ACME,
  ),
  "acme%2ekiln.example.com",
  "acme%2Ekiln.example.com",
  "acme..kiln.example.com",
  "acme-.kiln.example.com",
  "acme_1.kiln.example.com",
  "*.kiln.example.com",
  `"${ACME}"`,
  `http://${ACME}`,
  "[::1",
  "[]",
  "[v1.a]",
  ...[
    "ａｃｍｅ.kiln.example.com",
    "acme。kiln.example.com",
    "ac\u00ADme.kiln.example.com",
    "acmé.kiln.example.com",
  ].map(utf8),
  `${"a".repeat(64)}.kiln.example.com`,
  `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(63)}.${"e".repeat(30)}.kiln.example.com`,
];

const BAD_REQUESTS: readonly string[] = [
  ...BAD_HOSTS.flatMap((host) => [
    request("GET /bad-host HTTP/1.1", `Host: ${host}`),
    request("POST /bad-host HTTP/1.1", `Host: ${host}`, "Content-Length: 0"),
  ]),
  request("GET /bad-host HTTP/1.1", `Host: ${ACME}`, "Host: evil.example"),
  request("GET /bad-host HTTP/1.1", "Host: evil.example", `Host: ${ACME}`),
  request(`GET http://evil.example/bad-host HTTP/1.1`, `Host: ${ACME}`),
  request(`GET http://${ACME}/bad-host HTTP/1.1`, "Host: evil.example"),
  request(`GET http://u@${ACME}/bad-host HTTP/1.1`, `Host: ${ACME}`),
  request(`GET //${ACME}/bad-host HTTP/1.1`, `Host: ${ACME}`),
  request(`GET /\\${ACME}/bad-host HTTP/1.1`, `Host: ${ACME}`),
  request("GET /bad-host HTTP/1.1"),
  request("POST /bad-host HTTP/1.0", "Content-Length: 0"),
];

describe("bad hosts", () => {
  it.for(WAYS)("never reach an origin, sent %s", { timeout: 120_000 }, async (way, { expect, annotate }) => {
    const before = origin.requests.length;
    const statuses = new Map<number, number>();
    await inBatches(BAD_REQUESTS, async (bytes) => {
      const { status } = await sendRaw({ port: portOf(way), bytes, timeoutMs: 5000 });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    });
    const told = [...statuses].toSorted(([a], [b]) => a - b).map(([status, count]) => `${count} × ${status}`);
    await annotate(
      `${BAD_REQUESTS.length} bad requests ${way}: ${told.join(", ")}; at the origin ${origin.requests.length - before}`,
    );
    expect(origin.requests.slice(before)).toEqual([]);
    expect(origin.pending()).toBe("");
    // 200: health to GET without any Host. Never 5xx, which would count against the router.
    expect([...statuses.keys()].filter((status) => ![200, 400, 421].includes(status))).toEqual([]);
  });
});

describe("headers that claim to be ours", () => {
  const SPOOFS = [
    "X-Forwarded-Host: evil.example",
    "X_Forwarded_Host: evil.example",
    "X-Forwarded-Server: evil.example",
    "Forwarded: for=6.6.6.6;host=evil.example",
    "X-Original-Host: evil.example",
    "X-Account: evil",
    "x_account: evil",
    "X-Version: evil",
    "Firebreak: product=kiln, account=evil, version=evil",
    "Firebreak-Account: evil",
    "FIREBREAK_VERSION: evil",
    "Cf-Access-Jwt-Assertion: evil",
    "Cf-Access-Authenticated-User-Email: evil@example.com",
    "MF-Original-URL: http://evil.example/",
    "MF-Custom-Service: evil",
    "CF-Worker: evil.example",
    "X-HTTP-Method-Override: DELETE",
    "X-Rewrite-URL: /evil",
    "Connection: X-Account, X_Account, X-Version, Firebreak, X-Forwarded-Host, CDN-Loop, Cf-Access-Jwt-Assertion",
  ];

  it.for(WAYS)("arrive as ours or not at all, sent %s", async (way, { expect, annotate }) => {
    const before = origin.requests.length;
    const bytes = request("GET /spoofed HTTP/1.1", `Host: ${ACME}`, ...SPOOFS);
    const { status, body } = await sendRaw({ port: portOf(way), bytes });
    expect([status, body]).toEqual([200, `/spoofed for ${ACME}`]);
    const seen = origin.requests.slice(before);
    expect(seen).toHaveLength(1);
    const [only] = seen;
    if (only === undefined) return;
    expect(valuesOf(only, "x-forwarded-host")).toEqual([ACME]);
    expect(valuesOf(only, "cdn-loop")).toEqual(["firebreak"]);
    expect(valuesOf(only, "x-forwarded-proto")).toEqual(["http"]);
    const [ours = "", ...more] = valuesOf(only, "firebreak");
    expect(more).toEqual([]);
    expect(ours).toMatch(/^product=kiln, account=acme, version="recorded", request="[^"]+"$/);
    // Named in Connection, they were for this hop alone; so nobody can have ours taken away, or keep theirs. What is
    // neither ours nor named is the application's: of Access's words the signed one, which origins can verify.
    const names = only.headers.map(([name]) => name);
    for (const gone of [
      "x-account",
      "x_account",
      "x-version",
      "forwarded",
      "cf-access-jwt-assertion",
      "cf-access-authenticated-user-email",
    ])
      expect(names).not.toContain(gone);
    expect(
      names.filter((name) => /firebreak[-_]|forwarded[-_]server|x_forwarded|original-host/.test(name)),
    ).toEqual([]);
    await annotate(
      `${SPOOFS.length} headers ${way}: routed to acme alone; the origin saw ${names.join(", ")}`,
    );
  });

  it("do not open the admin surface on a tenant's host, or any account on the admin's", async ({
    expect,
  }) => {
    const before = origin.requests.length;
    const claims = [
      "Cf-Access-Authenticated-User-Email: admin@example.com",
      "Cf-Access-Jwt-Assertion: a.b.c",
    ];
    const bytes = request("GET /api/v1/status HTTP/1.1", `Host: ${ACME}`, ...claims);
    expect((await sendRaw({ port: node.port, bytes })).header("x-recorded")).toBe("yes");
    const admin = request(
      "GET / HTTP/1.1",
      "Host: admin.example.com",
      `X-Forwarded-Host: ${ACME}`,
      "X-Account: acme",
    );
    expect((await sendRaw({ port: node.port, bytes: admin })).body).toBe("admin");
    expect(origin.requests.length - before).toBe(1);
  });
});

describe("requests whose end is in doubt", () => {
  it.for(WAYS)(
    "leave every victim its own answer, sent %s",
    { timeout: 120_000 * ROUNDS },
    async (way, { expect, annotate }) => {
      const port = portOf(way);
      const sent = new Set<string>();
      const wrong: string[] = [];
      let victims = 0;
      let pipelinedVictims = 0;
      let reached = 0;
      const ask = async (target: string): Promise<void> => {
        sent.add(target);
        victims += 1;
        const { status, body } = await sendRaw({
          port,
          bytes: request(`GET ${target} HTTP/1.1`, `Host: ${VICTIM}`),
        });
        if (status !== 200 || body !== `${target} for ${VICTIM}`) wrong.push(`${target}: ${status} ${body}`);
      };
      for (let round = 0; round < ROUNDS; round += 1) {
        const before = origin.requests.length;
        const smuggles = buildSmuggles(ACME, (index) => `/inner-${index}`);
        await inBatches(smuggles, async ({ name, bytes }, index) => {
          const own = `/pipelined-${way}-${round}-${index}`.replaceAll(" ", "-");
          sent.add(own);
          const pipelined = request(`GET ${own} HTTP/1.1`, `Host: ${VICTIM}`, "Connection: close");
          const [text] = await Promise.all([
            converse({ port, bytes: bytes + pipelined, timeoutMs: PATIENCE_MS }),
            ask(`/beside-${round}-${index}`.replaceAll(" ", "-")),
          ]);
          // On the attacker's own connection: what answers the victim's target answers the victim's host.
          const answers = text.split(own).slice(1);
          if (answers.some((rest) => !rest.startsWith(` for ${VICTIM}`))) wrong.push(`${name}: ${text}`);
          pipelinedVictims += answers.length;
          await ask(`/after-${round}-${index}`);
        });
        const seen = origin.requests.slice(before);
        reached += seen.filter(({ target }) => target.startsWith("/attack-")).length;
        for (const one of seen) {
          const known = sent.has(one.target) || /^\/(?:attack|inner)-\d+$/.test(one.target);
          if (!known) wrong.push(`nobody asked for ${one.line}`);
          const [host] = valuesOf(one, "x-forwarded-host");
          if (host !== (sent.has(one.target) ? VICTIM : ACME)) wrong.push(`${one.line} for ${String(host)}`);
          // HAProxy names the client in each request that it sees: what has no name it took for a part of another's body.
          const clients = valuesOf(one, "x-forwarded-for");
          if (way !== "straight" && clients.join() !== "127.0.0.1")
            wrong.push(`${one.line} went past HAProxy`);
          const framings = one.headers.filter(([name]) =>
            /^(?:content.length|transfer.encoding)$/.test(name),
          );
          if (framings.length > 1) wrong.push(`${one.line} is framed by ${framings.join("; ")}`);
        }
        for (const target of sent)
          if (seen.filter((one) => one.target === target).length > 1) wrong.push(`${target} came twice`);
      }
      // What broke off inside of a body is no request of anybody's.
      const strays = origin.stray.filter((text) => !text.startsWith("left when it closed"));
      await annotate(
        `${buildSmuggles(ACME, String).length} attacks ${way}, ${ROUNDS} ${ROUNDS === 1 ? "round" : "rounds"}: ${reached} reached the origin, whole; ${victims} victims beside and after, ${pipelinedVictims} behind, ${wrong.length} wrong answers, ${strays.length} strays`,
      );
      expect(wrong).toEqual([]);
      // Some of them are requests like any other: were none to arrive, nothing would be shown.
      expect(reached).toBeGreaterThan(5 * ROUNDS);
      expect(pipelinedVictims).toBeGreaterThan(5 * ROUNDS);
      expect(strays).toEqual([]);
    },
  );
});

describe("circles over a second router", () => {
  it("end after one pass, and other networks' ids are kept", async ({ expect, annotate }) => {
    const relays: HostRelay[] = [];
    const nodes: EdgeNode[] = [];
    try {
      // Each origin is a load balancer that gives its own name to the other router: no rule about origins can see that.
      const [toB, toA] = [await startHostRelay(ACME), await startHostRelay(ACME)];
      relays.push(toB, toA);
      for (const relay of relays) {
        const versions = { next: { origin: relay.url, state: "live" as const } };
        const kiln = buildProduct({ default: "next", stable: "next", versions });
        nodes.push(
          await startEdgeNode({
            root: buildRoot({ products: { kiln } }),
            rows: [buildRow("acme", { homes: { kiln: "next" } })],
          }),
        );
      }
      const [a, b] = nodes;
      if (a === undefined || b === undefined) throw new Error("two routers were started");
      toB.target = b.port;
      toA.target = a.port;
      const bytes = request("GET / HTTP/1.1", `Host: ${ACME}`, "CDN-Loop: fastly, other; a=1");
      const { status } = await sendRaw({ port: a.port, bytes });
      expect(status).toBe(508);
      expect([toB.heads.length, toA.heads.length]).toEqual([1, 0]);
      expect(toB.heads[0]).toMatch(/\r\ncdn-loop: fastly, other; a=1, firebreak\r\n/i);
      expect((await b.report()).outcomes).toEqual(["loop"]);
      toB.target = a.port;
      expect((await sendRaw({ port: a.port, bytes })).status).toBe(508);
      expect(toB.heads).toHaveLength(2);
      const quoted = request("GET / HTTP/1.1", `Host: ${ACME}`, 'CDN-Loop: other, "');
      expect((await sendRaw({ port: a.port, bytes: quoted })).status).toBe(508);
      expect(toB.heads).toHaveLength(3);
      expect(toB.heads[2]).toMatch(/\r\ncdn-loop: firebreak, other, "\r\n/i);
      await annotate(
        "A → B → A: 508 after one pass, and A → A likewise; ids of others kept in front of ours",
      );
    } finally {
      for (const one of [...nodes, ...relays]) await one.stop();
    }
  });
});
