/** Attempts, time-outs, fail-over and blame, with origins that fail on command; and what each leaves in the log. */
import { afterEach, beforeEach, describe, it, vi } from "vitest";
import type { RootProduct } from "../../../src/contracts/maps.ts";
import { timeoutFor } from "../../../src/edge/path-timeout.ts";
import {
  buildEdge,
  buildProduct,
  buildRoot,
  buildRow,
  type EdgeOptions,
} from "../../support/edge-builders.ts";

const KNOWN = "acme.kiln.example.com";
const UNKNOWN = "ghost.kiln.example.com";

function withProduct(changes: Partial<RootProduct>, rest: EdgeOptions = {}): EdgeOptions {
  return { root: buildRoot({ products: { kiln: buildProduct(changes) } }), ...rest };
}

function bodyOf(text: string): ReadableStream<Uint8Array> {
  const { body } = new Response(text);
  if (body === null) throw new Error("no body");
  return body;
}

/** Fails the first `count` attempts. */
function failing(count: number) {
  let left = count;
  return () => (left-- > 0 ? Promise.reject(new Error("Network connection lost.")) : new Response("ok"));
}

describe("retries", () => {
  it.for([
    ["GET", 200, 2],
    ["HEAD", 200, 2],
    ["OPTIONS", 200, 2],
    ["POST", 502, 1],
    ["DELETE", 502, 1],
  ] as const)(
    "after a failed connection, for %s: status %i, %i attempts",
    async ([method, status, attempts], { expect }) => {
      const edge = buildEdge({ origin: failing(1) });
      expect((await edge.fetch(KNOWN, "/", { method })).status).toBe(status);
      expect(edge.seen).toHaveLength(attempts);
      expect(new Set(edge.seen.map(({ url }) => url)).size).toBe(1);
    },
  );

  it("happen once, on the same version", async ({ expect }) => {
    const edge = buildEdge({ origin: failing(9) });
    const response = await edge.fetch(KNOWN);
    expect(response.status).toBe(502);
    expect(edge.seen).toHaveLength(2);
    expect(edge.outcomes).toEqual(["origin-unreachable"]);
  });

  it("do not happen with a body, whatever the method", async ({ expect }) => {
    const edge = buildEdge({ origin: failing(1) });
    const parts = { method: "OPTIONS", headers: { "Content-Length": "5" }, body: bodyOf("hello") };
    expect((await edge.fetch(KNOWN, "/", parts)).status).toBe(502);
    expect(edge.seen).toHaveLength(1);
  });

  it("do not happen for an answer, even a bad one", async ({ expect }) => {
    const edge = buildEdge({ origin: () => new Response("no", { status: 500 }) });
    expect((await edge.fetch(KNOWN)).status).toBe(500);
    expect(edge.seen).toHaveLength(1);
    expect(edge.outcomes).toEqual(["forwarded"]);
  });
});

describe("fail-over to the standby", () => {
  const product = { default: "2.8.0", standby: "2.7.0" };

  it("serves default traffic, and names the version that answered", async ({ expect }) => {
    const edge = buildEdge(withProduct(product, { origin: failing(2) }));
    expect((await edge.fetch(UNKNOWN)).status).toBe(200);
    expect(
      edge.seen.map(({ headers }) => /version="([^"]+)"/.exec(headers.get("firebreak") ?? "")?.[1]),
    ).toEqual(["2.8.0", "2.8.0", "2.7.0"]);
  });

  it("is not for accounts, not for writes and not for bad answers", async ({ expect }) => {
    const down = buildEdge(
      withProduct(product, { origin: failing(9), rows: [buildRow("acme", { homes: { kiln: "2.8.0" } })] }),
    );
    expect((await down.fetch(KNOWN)).status).toBe(502);
    expect((await down.fetch(UNKNOWN, "/", { method: "POST" })).status).toBe(502);
    expect(down.seen.filter(({ url }) => url.includes("kiln-270"))).toEqual([]);
    const bad = buildEdge(withProduct(product, { origin: () => new Response("", { status: 503 }) }));
    expect((await bad.fetch(UNKNOWN)).status).toBe(503);
    expect(bad.seen).toHaveLength(1);
  });
});

describe("time to headers", () => {
  it("is the longest prefix's, 100 s without one", ({ expect }) => {
    const timeouts = [
      { prefix: "/", seconds: 5 },
      { prefix: "/git/", seconds: 600 },
      { prefix: "/git/x", seconds: 7 },
    ];
    expect(["/", "/gitx", "/git/", "/git/xy", "/git/y"].map((path) => timeoutFor(timeouts, path))).toEqual([
      5000, 5000, 600_000, 7000, 600_000,
    ]);
    expect(timeoutFor([], "/")).toBe(100_000);
  });

  it("ends in 504, without a second attempt", async ({ expect }) => {
    const timeouts = [{ prefix: "/", seconds: 0.02 }];
    const edge = buildEdge(
      withProduct({ timeouts, standby: "2.7.0" }, { origin: () => new Promise(() => undefined) }),
    );
    expect((await edge.fetch(UNKNOWN)).status).toBe(504);
    expect(edge.seen).toHaveLength(1);
    expect(edge.outcomes).toEqual(["origin-timeout"]);
  });

  it("aborts an upload that ran out of it", async ({ expect }) => {
    const timeouts = [{ prefix: "/", seconds: 0.02 }];
    const edge = buildEdge(withProduct({ timeouts }, { origin: () => new Promise(() => undefined) }));
    const parts = { method: "POST", headers: { "Content-Length": "5" }, body: bodyOf("hello") };
    expect((await edge.fetch(KNOWN, "/", parts)).status).toBe(504);
    expect(edge.seen[0]?.init.signal?.aborted).toBe(true);
  });
});

describe("time to headers of an upload", () => {
  const SECONDS = 0.3;
  const timeouts = [{ prefix: "/", seconds: SECONDS }];
  const put = { method: "PUT", headers: { "Content-Length": "5" } };

  /** Sends its bytes one at a time, with a pause before each and before the end; then nothing more. */
  function slowBody(bytes: number, pauseMs: number, ends: boolean): ReadableStream<Uint8Array> {
    let left = bytes;
    const pull = async (controller: ReadableByteStreamController): Promise<void> => {
      if (left === 0 && !ends) return new Promise(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (left-- > 0) return controller.enqueue(new Uint8Array(1));
      controller.close();
      controller.byobRequest?.respond(0);
    };
    return new ReadableStream({ type: "bytes", pull });
  }

  /** Takes every byte at once, and answers after the last, or never. */
  function takingAll(answers: boolean): NonNullable<EdgeOptions["originFetch"]> {
    return async ({ body }) => {
      const reader = body?.getReader();
      while (reader !== undefined && !(await reader.read()).done);
      if (!answers) return new Promise(() => undefined);
      return new Response("stored");
    };
  }

  it("does not run while the client takes its time", async ({ expect }) => {
    const edge = buildEdge(withProduct({ timeouts }, { originFetch: takingAll(true) }));
    const body = slowBody(5, (SECONDS * 1000) / 3, true);
    expect((await edge.fetch(KNOWN, "/", { ...put, body })).status).toBe(200);
    expect(edge.outcomes).toEqual(["forwarded"]);
  });

  it("runs from the last byte on", async ({ expect }) => {
    const edge = buildEdge(withProduct({ timeouts }, { originFetch: takingAll(false) }));
    expect((await edge.fetch(KNOWN, "/", { ...put, body: bodyOf("hello") })).status).toBe(504);
    expect(edge.observed.map(({ end }) => end)).toEqual(["failed"]);
  });

  it("is the client's fault when it is the client that sends no more", async ({ expect }) => {
    const edge = buildEdge(withProduct({ timeouts }, { originFetch: takingAll(true) }));
    expect((await edge.fetch(KNOWN, "/", { ...put, body: slowBody(2, 1, false) })).status).toBe(499);
    expect(edge.outcomes).toEqual(["client-gone"]);
    expect(edge.observed.filter(({ end }) => end === "failed")).toEqual([]);
  });
});

describe("blame", () => {
  it("is nobody's when the client's signal fired", async ({ expect }) => {
    const edge = buildEdge({ origin: failing(9) });
    const response = await edge.fetch(KNOWN, "/", { signal: AbortSignal.abort() });
    expect(response.status).toBe(499);
    expect(edge.outcomes).toEqual(["client-gone"]);
    expect(edge.lines).toEqual([]);
  });

  it("is nobody's when the client's body broke", async ({ expect }) => {
    const body = new ReadableStream({
      type: "bytes",
      pull: (controller: ReadableByteStreamController) => controller.error(new Error("client lost")),
    });
    const edge = buildEdge({
      origin: ({ init }) =>
        new Promise((_, reject) =>
          init.signal?.addEventListener("abort", () => reject(new Error("aborted"))),
        ),
    });
    await edge.fetch(KNOWN, "/", { method: "POST", headers: { "Transfer-Encoding": "chunked" }, body });
    expect(edge.outcomes).toEqual(["client-gone"]);
  });
});

describe("a request that takes long", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const hanging: EdgeOptions = { origin: () => new Promise(() => undefined) };
  const HELD_ON_MS = 500;

  it("is waited for once half a second is over, and counted when its client leaves", async ({ expect }) => {
    const edge = buildEdge(hanging);
    const client = new AbortController();
    const answering = edge.fetch(KNOWN, "/", { signal: client.signal });
    await vi.advanceTimersByTimeAsync(HELD_ON_MS - 1);
    expect(edge.waited).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(edge.waited).toHaveLength(1);
    client.abort();
    expect((await answering).status).toBe(499);
    await edge.waited[0];
    expect(edge.observed.map(({ end }) => end)).toEqual(["gone"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is given up, here and at the origin, when its client left before, as soon as it is waited for", async ({
    expect,
  }) => {
    const edge = buildEdge(hanging);
    const client = new AbortController();
    const parts = { method: "POST", headers: { "Content-Length": "5" }, body: bodyOf("hello") };
    const answering = edge.fetch(KNOWN, "/", { ...parts, signal: client.signal });
    await vi.advanceTimersByTimeAsync(HELD_ON_MS / 2);
    client.abort();
    await vi.advanceTimersByTimeAsync(HELD_ON_MS / 2);
    expect(edge.observed.map(({ end }) => end)).toEqual(["gone"]);
    expect((await answering).status).toBe(499);
    expect(edge.seen[0]?.init.signal?.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is waited for from its beginning, also when it is tried a second time", async ({ expect }) => {
    const attempts = [700, 900].map(
      (ms) => () =>
        new Promise<Response>((_, reject) => {
          setTimeout(reject, ms, new Error("lost"));
        }),
    );
    const begun = Date.now();
    const edge = buildEdge({
      origin: () => attempts.shift()?.() ?? Promise.reject(new Error("lost")),
      elapsedMs: () => Date.now() - begun,
    });
    const client = new AbortController();
    const answering = edge.fetch(KNOWN, "/", { signal: client.signal });
    await vi.advanceTimersByTimeAsync(701);
    expect([edge.seen.length, edge.waited.length]).toEqual([2, 2]);
    client.abort();
    expect((await answering).status).toBe(499);
    expect(edge.observed.map(({ end }) => end)).toEqual(["gone"]);
  });

  it("still has all of its time, and then it is the version's failure", async ({ expect }) => {
    const edge = buildEdge(withProduct({ timeouts: [{ prefix: "/", seconds: 2 }] }, hanging));
    const answering = edge.fetch(KNOWN);
    await vi.advanceTimersByTimeAsync(1999);
    expect(edge.observed).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect((await answering).status).toBe(504);
    expect(edge.observed.map(({ end }) => end)).toEqual(["failed"]);
  });

  it("is answered late as it is early, and nothing is left of the wait", async ({ expect }) => {
    const origin = () => new Promise<Response>((resolve) => setTimeout(resolve, 900, new Response("late")));
    const edge = buildEdge({ origin });
    const client = new AbortController();
    const answering = edge.fetch(KNOWN, "/", { signal: client.signal });
    await vi.advanceTimersByTimeAsync(900);
    const response = await answering;
    client.abort();
    expect(await response.text()).toBe("late");
    expect([edge.waited.length, vi.getTimerCount()]).toEqual([1, 0]);
    expect(edge.outcomes).toEqual(["forwarded"]);
  });

  it("asks for nothing of this when the answer is quick", async ({ expect }) => {
    const edge = buildEdge();
    expect((await edge.fetch(KNOWN)).status).toBe(200);
    expect([edge.waited, vi.getTimerCount()]).toEqual([[], 0]);
  });
});

describe("a read that announces chunks", () => {
  const headers = { "Transfer-Encoding": "chunked" };

  it.for(["GET", "HEAD"])("is 411 for a %s with a body, and told what to do", async (method, { expect }) => {
    const edge = buildEdge();
    const response = await edge.fetch(KNOWN, "/", { method, headers, body: bodyOf("hello") });
    expect(response.status).toBe(411);
    expect(await response.text()).toMatch(method === "HEAD" ? /^$/ : /length-required.*Content-Length/);
    expect([edge.seen, edge.outcomes, edge.observed]).toEqual([[], ["refused"], []]);
  });

  it.for(["GET", "HEAD"])("goes on as a %s without a body when none comes", async (method, { expect }) => {
    const edge = buildEdge({ origin: failing(1) });
    expect((await edge.fetch(KNOWN, "/", { method, headers, body: bodyOf("") })).status).toBe(200);
    expect(edge.seen).toHaveLength(2);
    expect((await edge.fetch(KNOWN, "/", { method, headers })).status).toBe(200);
  });

  it("is the client's when its body breaks", async ({ expect }) => {
    const body = new ReadableStream({ start: (controller) => controller.error(new Error("client lost")) });
    const edge = buildEdge();
    expect((await edge.fetch(KNOWN, "/", { headers, body })).status).toBe(499);
    expect([edge.seen, edge.outcomes]).toEqual([[], ["client-gone"]]);
  });

  it("is not waited for when it is an upgrade, nor when it is health", async ({ expect }) => {
    const body = new ReadableStream<Uint8Array>();
    const edge = buildEdge();
    const upgrade = { ...headers, Upgrade: "websocket", Connection: "Upgrade" };
    expect((await edge.fetch(KNOWN, "/", { headers: upgrade, body })).status).toBe(200);
    for (const host of [null, "10.0.0.7"]) {
      expect((await edge.fetch(host, "/", { headers, body })).status).toBe(200);
      expect((await edge.fetch(host, "/", { method: "OPTIONS", headers, body })).status).toBe(204);
    }
    expect(edge.outcomes.slice(1)).toEqual(Array.from({ length: 4 }, () => "health"));
  });
});

describe("on Cloudflare", () => {
  const config = { trustedProxy: { kind: "cloudflare" } } as const;

  it.for([521, 522, 523, 525, 526, 530])("%i is a failed connection", async (status, { expect }) => {
    let calls = 0;
    const origin = () => new Response("cf", { status: ++calls === 1 ? status : 200 });
    const edge = buildEdge({ config, origin });
    expect((await edge.fetch(KNOWN)).status).toBe(200);
    expect(edge.seen).toHaveLength(2);
  });

  it.for([500, 502, 520, 524])("%i is an answer", async (status, { expect }) => {
    const edge = buildEdge({ config, origin: () => new Response("x", { status }) });
    expect((await edge.fetch(KNOWN)).status).toBe(status);
  });

  it("keeps responses out of the edge cache without touching headers; elsewhere there is no such cache", async ({
    expect,
  }) => {
    const edge = buildEdge({ config });
    await edge.fetch(KNOWN);
    expect(edge.seen[0]?.init.cf).toEqual({ cacheEverything: false, cacheTtlByStatus: { "100-599": -1 } });
    expect(edge.seen[0]?.init.cache).toBeUndefined();
    const local = buildEdge();
    await local.fetch(KNOWN);
    expect(local.seen[0]?.init.cf).toBeUndefined();
  });

  it("52x elsewhere is the origin's own", async ({ expect }) => {
    expect((await buildEdge({ origin: () => new Response("x", { status: 521 }) }).fetch(KNOWN)).status).toBe(
      521,
    );
  });
});

describe("origins", () => {
  it("52x of a service binding is its own, and is not asked for again", async ({ expect }) => {
    const fetch = vi.fn(async () => new Response("theirs", { status: 522 }));
    const versions = { "2.9.0": { origin: "binding:KILN_290", state: "live" } } as const;
    const edge = buildEdge(
      withProduct(
        { versions, default: "2.9.0" },
        { config: { trustedProxy: { kind: "cloudflare" } }, bindings: { KILN_290: { fetch } } },
      ),
    );
    const response = await edge.fetch(UNKNOWN);
    expect([response.status, await response.text(), fetch.mock.calls.length]).toEqual([522, "theirs", 1]);
  });

  it("may be service bindings", async ({ expect }) => {
    const urls: string[] = [];
    const fetch = async (input: string | Request) => {
      urls.push(typeof input === "string" ? input : input.url);
      return new Response("bound");
    };
    const versions = { "2.9.0": { origin: "binding:KILN_290", state: "live" } } as const;
    const edge = buildEdge(
      withProduct({ versions, default: "2.9.0" }, { bindings: { KILN_290: { fetch } } }),
    );
    expect(await (await edge.fetch(KNOWN, "/p?q")).text()).toBe("bound");
    expect(urls).toEqual(["https://kiln-290.binding.invalid/p?q"]);
    const missing = buildEdge(withProduct({ versions, default: "2.9.0" }));
    expect((await missing.fetch(KNOWN)).status).toBe(502);
  });

  it("have the account's cell filled in", async ({ expect }) => {
    const versions = { "2.9.0": { origin: "https://{cell}.origins.example.net", state: "live" } } as const;
    const rows = [buildRow("acme", { cell: "eu-1" }), buildRow("nocell")];
    const edge = buildEdge(withProduct({ versions, default: "2.9.0" }, { rows }));
    await edge.fetch(KNOWN);
    expect(edge.seen[0]?.url).toBe("https://eu-1.origins.example.net:443/");
    expect((await edge.fetch("nocell.kiln.example.com")).status).toBe(503);
  });

  it.for([
    "https://evil.example.org",
    "https://x.origins.example.net:8443",
    "http://x.origins.example.net",
    "https://acme.kiln.example.com",
    "https://admin.example.com",
    "https://u@x.origins.example.net",
    "https://x.origins.example.net/path",
  ])("are refused when not allowed, for the one version: %s", async (origin, { expect }) => {
    const { versions } = buildProduct();
    const edge = buildEdge(withProduct({ versions: { ...versions, "2.9.0": { origin, state: "live" } } }));
    const response = await edge.fetch(KNOWN);
    expect(await response.json()).toMatchObject({
      type: "urn:firebreak:problem:origin-not-allowed",
      status: 502,
    });
    expect(edge.seen).toEqual([]);
    expect((await edge.fetch(UNKNOWN)).status).toBe(200);
  });
});

describe("the log", () => {
  it("has failures and refusals, a few a second, with what was left out", async ({ expect }) => {
    const edge = buildEdge({ origin: failing(99) });
    for (let i = 0; i < 8; i++) await edge.fetch(KNOWN, "/p?token=secret", { method: "POST" });
    for (let i = 0; i < 8; i++) await edge.fetch("a b");
    expect(edge.lines.map(({ event }) => event)).toEqual([
      ...Array.from({ length: 5 }, () => "failure"),
      ...Array.from({ length: 5 }, () => "refusal"),
    ]);
    edge.advance(1000);
    await edge.fetch("a b");
    expect(edge.lines.at(-1)?.fields).toMatchObject({ suppressed: 3, why: "bad-byte", status: 400 });
    expect(edge.lines[0]?.fields).toMatchObject({
      path: "/p",
      product: "kiln",
      account: "acme",
      version: "2.9.0",
      why: "connect-failed",
    });
    expect(JSON.stringify(edge.lines)).not.toContain("secret");
  });

  it.for([
    ["http://user:hunter2@acme.kiln.example.com/x@y?z", "http://acme.kiln.example.com/x@y"],
    ["http:user:hunter2@acme.kiln.example.com/x", "http:acme.kiln.example.com/x"],
    ["//user:hunter2@acme.kiln.example.com", "//acme.kiln.example.com"],
    ["user:p@hunter2@acme.kiln.example.com/x", "user:acme.kiln.example.com/x"],
    ["http://acme.kiln.example.com//@x", "http://acme.kiln.example.com//@x"],
  ] as const)("has no userinfo of %s", async ([target, path], { expect }) => {
    const edge = buildEdge();
    expect((await edge.fetch(KNOWN, target)).status).toBe(400);
    expect(edge.lines[0]?.fields).toMatchObject({ path });
  });

  it("has one in a thousand of the rest", async ({ expect }) => {
    const edge = buildEdge();
    for (let i = 0; i < 2000; i++) await edge.fetch(KNOWN);
    expect(edge.lines.map(({ event }) => event)).toEqual(["sample", "sample"]);
  });
});
