/** When an origin is not asked any more, who still may, and what ends it: by itself, and as the edge goes by it. */
import fc from "fast-check";
import { describe, it } from "vitest";
import {
  createCircuitBreaker,
  FIRST_WAIT_MS,
  LAST_WAIT_MS,
  OPENS_AFTER,
  OPENS_OVER_ACCOUNTS,
  OPENS_OVER_MS,
  type CircuitBreaker,
} from "../../../src/edge/circuit-breaker.ts";
import { buildEdge, buildProduct, buildRoot, buildRow } from "../../support/edge-builders.ts";

const ORIGIN = "https://a.origins.example.net";

/** Fails as often as it takes, `accounts` in turn. @returns when the last one failed. */
function fail(
  breaker: CircuitBreaker,
  { accounts = OPENS_OVER_ACCOUNTS, overMs = OPENS_OVER_MS } = {},
): number {
  for (let time = 0; time < OPENS_AFTER; time += 1) {
    const nowMs = Math.round((overMs * time) / (OPENS_AFTER - 1));
    breaker.failed({ origin: ORIGIN, account: `account-${time % accounts}`, nowMs });
  }
  return overMs;
}

const may = (breaker: CircuitBreaker, nowMs: number, origin = ORIGIN): boolean =>
  breaker.mayTry({ origin, account: "anybody", nowMs });

describe("the breaker of an isolate", () => {
  it("opens for an origin that fails for several accounts over some time, and for no other", ({ expect }) => {
    const breaker = createCircuitBreaker();
    const nowMs = fail(breaker);
    expect(may(breaker, nowMs)).toBe(false);
    expect(may(breaker, nowMs, "https://b.origins.example.net")).toBe(true);
  });

  it.for([
    ["fewer accounts, whatever they send", { accounts: OPENS_OVER_ACCOUNTS - 1 }],
    ["a moment, as of a restart", { overMs: OPENS_OVER_MS - 1 }],
  ] as const)("does not open for %s", ([, how], { expect }) => {
    const breaker = createCircuitBreaker();
    expect(may(breaker, fail(breaker, how))).toBe(true);
  });

  it("lets one through at a time, ever less often, and everybody after one success", ({ expect }) => {
    const breaker = createCircuitBreaker();
    let nowMs = fail(breaker);
    const waits: number[] = [];
    for (let tries = 0; tries < 5; tries += 1) {
      const from = nowMs;
      while (!may(breaker, nowMs)) nowMs += 10;
      expect(may(breaker, nowMs)).toBe(false);
      breaker.failed({ origin: ORIGIN, account: "one", nowMs });
      waits.push(nowMs - from);
    }
    expect(waits).toEqual([FIRST_WAIT_MS, FIRST_WAIT_MS, 2000, 4000, LAST_WAIT_MS]);
    breaker.succeeded(ORIGIN);
    expect([1, 2, 3].map(() => may(breaker, nowMs))).toEqual([true, true, true]);
  });

  it("never refuses right after a success, nor for longer than its longest wait", ({ expect }) => {
    const step = fc.record({
      kind: fc.constantFrom("fail", "fail", "fail", "fail", "success", "ask"),
      account: fc.constantFrom("a", "b", "c", null),
      afterMs: fc.nat(1500),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const breaker = createCircuitBreaker();
        let nowMs = 0;
        let refusedSinceMs: number | null = null;
        for (const { kind, account, afterMs } of steps) {
          nowMs += afterMs;
          const asking = { origin: ORIGIN, account, nowMs };
          if (kind === "fail") breaker.failed(asking);
          if (kind === "success") {
            breaker.succeeded(ORIGIN);
            expect(breaker.mayTry(asking)).toBe(true);
            refusedSinceMs = null;
          }
          if (kind !== "ask") continue;
          if (breaker.mayTry(asking)) refusedSinceMs = null;
          else {
            refusedSinceMs ??= nowMs;
            expect(nowMs - refusedSinceMs).toBeLessThan(LAST_WAIT_MS);
          }
        }
      }),
    );
  });

  it("is not kept shut by a clock that is put back", ({ expect }) => {
    const breaker = createCircuitBreaker();
    const nowMs = fail(breaker) - 3_600_000;
    expect(may(breaker, nowMs)).toBe(true);
    expect(may(breaker, nowMs)).toBe(false);
    expect(may(breaker, nowMs + FIRST_WAIT_MS)).toBe(true);
  });

  it("remembers no more origins than it has room for", ({ expect }) => {
    const breaker = createCircuitBreaker();
    const nowMs = fail(breaker);
    for (let other = 0; other < 300; other += 1)
      breaker.failed({ origin: `https://${other}.example.net`, account: null, nowMs });
    expect(may(breaker, nowMs)).toBe(true);
  });
});

describe("an edge whose origin is down", () => {
  const slugs = ["acme", "bolt", "crag"];
  const root = buildRoot({ products: { kiln: buildProduct({ default: "2.9.0", standby: "2.7.0" }) } });
  const rows = slugs.map((slug) => buildRow(slug, { homes: { kiln: "2.8.0" } }));
  const host = (slug: string): string => `${slug}.kiln.example.com`;

  it("answers at once without asking it, counts that against the version, and tries again", async ({
    expect,
  }) => {
    let isDown = true;
    const edge = buildEdge({
      root,
      rows,
      origin: ({ url }) =>
        isDown && url.includes("280") ? Promise.reject(new Error("lost")) : new Response("ok"),
    });
    for (let round = 0; round < 5; round += 1) {
      for (const slug of slugs) await edge.fetch(host(slug), "/", { method: "POST" });
      edge.advance(600);
    }
    const tried = edge.seen.length;
    const refused = await edge.fetch(host("acme"));
    expect(refused.status).toBe(502);
    expect(refused.headers.get("retry-after")).toBe("5");
    expect(edge.seen).toHaveLength(tried);
    expect(edge.observed.at(-1)).toMatchObject({ version: "2.8.0", account: "acme", end: "failed" });
    expect(edge.lines.at(-1)?.fields).toMatchObject({ why: "circuit-open" });
    // Nobody else's matter: the default's origin is well.
    expect((await edge.fetch("ghost.kiln.example.com")).status).toBe(200);
    isDown = false;
    edge.advance(FIRST_WAIT_MS);
    expect((await edge.fetch(host("bolt"))).status).toBe(200);
    expect((await edge.fetch(host("crag"))).status).toBe(200);
  });

  it("counts an origin that hangs as one that is down, and tries it again", async ({ expect }) => {
    let hangs = true;
    const timeouts = [{ prefix: "/", seconds: 0.01 }];
    const kiln = buildProduct({ default: "2.9.0", standby: "2.7.0", timeouts });
    const edge = buildEdge({
      root: buildRoot({ products: { kiln } }),
      rows,
      origin: ({ url }) =>
        hangs && url.includes("280") ? new Promise<never>(() => undefined) : new Response("ok"),
    });
    for (let round = 0; round < 5; round += 1) {
      for (const slug of slugs) await edge.fetch(host(slug), "/", { method: "POST" });
      edge.advance(600);
    }
    const tried = edge.seen.length;
    expect((await edge.fetch(host("acme"))).status).toBe(502);
    expect(edge.seen).toHaveLength(tried);
    expect(edge.lines.at(-1)?.fields).toMatchObject({ why: "circuit-open" });
    hangs = false;
    edge.advance(FIRST_WAIT_MS);
    expect((await edge.fetch(host("bolt"))).status).toBe(200);
    expect((await edge.fetch(host("crag"))).status).toBe(200);
  });

  it("sends default traffic to the standby, and blames the version that is down", async ({ expect }) => {
    const on = (slug: string) => buildRow(slug, { homes: { kiln: "2.9.0" } });
    const edge = buildEdge({
      root,
      rows: slugs.map(on),
      origin: ({ url }) => (url.includes("290") ? Promise.reject(new Error("lost")) : new Response("ok")),
    });
    for (let round = 0; round < 5; round += 1) {
      for (const slug of slugs) await edge.fetch(host(slug), "/", { method: "POST" });
      edge.advance(600);
    }
    const tried = edge.seen.length;
    expect((await edge.fetch("ghost.kiln.example.com")).status).toBe(200);
    expect(edge.seen.slice(tried).map(({ url }) => url.includes("270"))).toEqual([true]);
    expect(edge.observed.slice(-2)).toMatchObject([
      { version: "2.7.0", end: "answered" },
      { version: "2.9.0", end: "failed" },
    ]);
  });
});
