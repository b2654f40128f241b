/** Mirroring at the edge: what is sent a second time, with what, when, and that nobody notices. */
import { describe, it } from "vitest";
import type { RootMirror } from "../../../src/contracts/mirror.ts";
import type { BreakGlass } from "../../../src/contracts/maps.ts";
import {
  buildEdge,
  buildProduct,
  buildRoot,
  NOW_MS,
  type EdgeOptions,
  type SeenRequest,
  type TestEdge,
} from "../../support/edge-builders.ts";

const MIRROR: RootMirror = { version: "2.9.0", share: 10_000, run: "autumn/kiln/7", until: null };
const UNKNOWN = "nobody.kiln.example.com";
const isCandidate = ({ url }: SeenRequest): boolean => url.includes("kiln-290");

const GLASS: BreakGlass = {
  reason: "r",
  expires: NOW_MS + 1,
  written: 0,
  instead: {},
  default: {},
  accounts: {},
  hold: { accounts: {}, products: {} },
  halt: false,
  holdGeneration: null,
};

function mirroring(mirror: Partial<RootMirror> = {}, options: EdgeOptions = {}): TestEdge {
  const kiln = buildProduct({ standby: "2.7.0", mirror: { ...MIRROR, ...mirror } });
  return buildEdge({ root: buildRoot({ products: { kiln } }), ...options });
}

/** Requests that the candidate got, once all that was begun has ended. */
async function copies(edge: TestEdge): Promise<readonly SeenRequest[]> {
  await Promise.all(edge.waited);
  return edge.seen.filter(isCandidate);
}

describe("mirroring at the edge", () => {
  it("sends a request of no known account to the candidate, after it was answered", async ({ expect }) => {
    const edge = mirroring();
    const response = await edge.fetch(UNKNOWN, "/login", {
      headers: {
        accept: "text/html",
        "user-agent": "probe/1",
        "x-custom": "secret",
        "x-forwarded-for": "::1",
      },
    });
    expect(await response.text()).toBe("from origin");
    expect(edge.seen.filter(isCandidate)).toEqual([]);
    const [copy] = await copies(edge);
    expect(copy?.url).toBe("https://kiln-290.origins.example.net:443/login");
    expect(Object.fromEntries(copy?.headers ?? [])).toEqual({
      accept: "text/html",
      "user-agent": "probe/1",
      "cdn-loop": "firebreak",
      "x-forwarded-host": UNKNOWN,
      "x-forwarded-proto": "http",
      firebreak: 'product=kiln, version="2.9.0", mirror, request="id-1"',
    });
    expect(edge.mirrored).toMatchObject([
      { product: "kiln", run: MIRROR.run, counts: { same: 1, timed: 1 } },
    ]);
  });

  it.for([
    ["a query", "/?token=1", {}],
    ["a cookie", "/", { headers: { cookie: "a=b" } }],
    ["authorization", "/", { headers: { authorization: "Basic eDp5" } }],
    ["a tester's token", "/", { headers: { "firebreak-override": "x" } }],
    ["a condition", "/", { headers: { "if-none-match": '"x"' } }],
    ["a range", "/", { headers: { range: "bytes=0-1" } }],
    ["another method", "/", { method: "POST" }],
    [
      "a preflight",
      "/",
      { method: "OPTIONS", headers: { origin: "x", "access-control-request-method": "GET" } },
    ],
    ["a body", "/", { headers: { "content-length": "2" } }],
    ["an upgrade", "/", { headers: { upgrade: "websocket", connection: "upgrade" } }],
  ] as const)("never sends a request with %s again", async ([, target, parts], { expect }) => {
    const edge = mirroring();
    await edge.fetch(UNKNOWN, target, parts);
    expect(edge.seen.filter((seen) => !isCandidate(seen))).toHaveLength(1);
    expect(await copies(edge)).toEqual([]);
  });

  it.for([
    ["a known account", "acme.kiln.example.com", mirroring()],
    ["nobody while break-glass is on", UNKNOWN, mirroring({}, { breakGlass: GLASS })],
    [
      "nobody while everything is halted",
      UNKNOWN,
      buildEdge({ root: buildRoot({ halt: true, products: { kiln: buildProduct({ mirror: MIRROR }) } }) }),
    ],
    ["nobody after its time", UNKNOWN, mirroring({ until: NOW_MS })],
    ["nobody for a share of nothing", UNKNOWN, mirroring({ share: 0 })],
    ["nobody when the candidate is the default already", UNKNOWN, mirroring({ version: "2.8.0" })],
  ] as const)("mirrors %s", async ([what, host, edge], { expect }) => {
    await edge.fetch(host, "/");
    await Promise.all(edge.waited);
    expect(edge.seen).toHaveLength(1);
    expect([what, edge.mirrored]).toEqual([what, []]);
  });

  it("mirrors about the share that the maps say", async ({ expect }) => {
    const edge = mirroring({ share: 2500 });
    for (let n = 0; n < 400; n += 1) {
      await edge.fetch(UNKNOWN, "/");
      await Promise.all(edge.waited);
    }
    expect((await copies(edge)).length).toBeGreaterThan(60);
    expect((await copies(edge)).length).toBeLessThan(140);
  });

  it("compares with the default alone: no copy of what the standby or nobody answered", async ({
    expect,
  }) => {
    const edge = mirroring(
      {},
      {
        origin: ({ url }) => {
          if (url.includes("kiln-280")) throw new Error("refused");
          return new Response("standby");
        },
      },
    );
    expect(await (await edge.fetch(UNKNOWN, "/")).text()).toBe("standby");
    expect(await copies(edge)).toEqual([]);
  });

  it("counts a candidate that fails where the default does not, and no client sees it", async ({
    expect,
  }) => {
    const edge = mirroring(
      {},
      {
        origin: (request) => {
          if (!isCandidate(request)) return new Response("well");
          if (request.url.endsWith("/gone")) throw new Error("refused");
          return new Response("no such account", { status: request.url.endsWith("/moved") ? 404 : 500 });
        },
      },
    );
    for (const path of ["/", "/gone", "/moved"]) {
      const response = await edge.fetch(UNKNOWN, path);
      expect([response.status, await response.text()]).toEqual([200, "well"]);
      await Promise.all(edge.waited);
    }
    expect(edge.mirrored.map(({ counts: { worse, different, timed } }) => [worse, different, timed])).toEqual(
      [
        [1, 0, 1],
        [1, 0, 0],
        [0, 1, 1],
      ],
    );
    expect(await copies(edge)).toHaveLength(3);
  });

  it("sends a few at a time and counts what it left out", async ({ expect }) => {
    const answers: (() => void)[] = [];
    const edge = mirroring(
      {},
      {
        origin: (request) =>
          isCandidate(request)
            ? new Promise((resolve) => void answers.push(() => resolve(new Response("late"))))
            : new Response("well"),
      },
    );
    for (let n = 0; n < 12; n += 1) await edge.fetch(UNKNOWN, "/");
    expect(edge.mirrored).toHaveLength(4);
    expect(edge.mirrored.every(({ counts }) => counts.skipped === 1)).toBe(true);
    while (answers.length < 8) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const answer of answers) answer();
    await Promise.all(edge.waited);
    expect(edge.mirrored).toHaveLength(12);
  });

  it("throws the candidate's body away unread", async ({ expect }) => {
    let cancelled = 0;
    const edge = mirroring(
      {},
      {
        origin: (request) =>
          isCandidate(request)
            ? new Response(new ReadableStream({ cancel: () => void (cancelled += 1) }))
            : new Response("well"),
      },
    );
    await edge.fetch(UNKNOWN, "/events");
    await Promise.all(edge.waited);
    expect(cancelled).toBe(1);
  });

  it("sends nothing where the origin is not allowed", async ({ expect }) => {
    const versions = {
      "2.8.0": { origin: "https://kiln-280.origins.example.net", state: "live" },
      "2.9.0": { origin: "https://kiln-290.elsewhere.example", state: "candidate" },
    } as const;
    const kiln = buildProduct({ versions, mirror: MIRROR });
    const edge = buildEdge({ root: buildRoot({ products: { kiln } }) });
    expect((await edge.fetch(UNKNOWN, "/")).status).toBe(200);
    expect(await copies(edge)).toEqual([]);
  });
});
