/**
 * The edge inside workerd, with the runtime's own Request, Headers and streams. Origins answer in the same isolate: what
 * needs a wire (raw bytes, sockets, resets) is in test/e2e/edge-wire.e2e.test.ts, because a test in here cannot listen.
 */
import { describe, it } from "vitest";
import { toEdgeRequest } from "../../src/edge/edge-request.ts";
import { buildEdge, buildProduct, buildRoot, buildRow } from "../support/edge-builders.ts";

const HOST = "acme.kiln.example.com";

/** A Request as the runtime would hand it over, with the Host that only a wire can set. */
function incoming(url: string, init: RequestInit & { host?: string } = {}) {
  const { host = HOST, ...rest } = init;
  const headers = new Headers(rest.headers);
  headers.set("Host", host);
  return toEdgeRequest(new Request(url, { ...rest, headers }), () => undefined);
}

describe("the edge on workerd", () => {
  it("streams a body of known length with its length, and one of unknown length without", async ({
    expect,
  }) => {
    const bodies: string[] = [];
    const edge = buildEdge({
      origin: async ({ url, init }) => {
        // What the runtime would send: a fixed length survives into the request it builds.
        const request = new Request(url, init);
        bodies.push(await request.text());
        return new Response("taken");
      },
    });
    const url = `https://${HOST}/up`;
    await edge.handle(incoming(url, { method: "POST", body: "hello", headers: { "Content-Length": "5" } }));
    await edge.handle(
      incoming(url, {
        method: "PUT",
        body: "x".repeat(300_000),
        headers: { "Transfer-Encoding": "chunked" },
      }),
    );
    expect(bodies.map((body) => body.length)).toEqual([5, 300_000]);
    expect(edge.outcomes).toEqual(["forwarded", "forwarded"]);
  });

  it("fails an upload that is shorter than it said as the client's doing", async ({ expect }) => {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    const edge = buildEdge({
      origin: ({ init }) =>
        new Promise((_resolve, reject) => {
          init.signal?.addEventListener("abort", () => reject(new Error("Network connection lost.")));
        }),
    });
    const request = incoming(`https://${HOST}/up`, {
      method: "POST",
      body: readable,
      headers: { "Transfer-Encoding": "chunked" },
    });
    const answering = edge.handle(request);
    await writer.abort(new Error("gone"));
    expect((await answering).status).toBe(499);
    expect(edge.outcomes).toEqual(["client-gone"]);
  });

  it("keeps fifty Set-Cookie in order, also when it adds the override's status", async ({ expect }) => {
    const cookies = Array.from({ length: 50 }, (_, index) => `c${index}=${index}`);
    const edge = buildEdge({
      origin: () => {
        const headers = new Headers();
        for (const cookie of cookies) headers.append("Set-Cookie", cookie);
        return new Response("x", { headers });
      },
    });
    const plain = await edge.handle(incoming(`https://${HOST}/`));
    expect(plain.headers.getSetCookie()).toEqual(cookies);
    const marked = await edge.handle(
      incoming(`https://${HOST}/`, { headers: { "Firebreak-Override": "bad" } }),
    );
    expect(marked.headers.getSetCookie()).toEqual(cookies);
    expect(marked.headers.get("firebreak-override-status")).toBe("invalid");
  });

  it("passes a WebSocket on, with and without an override's status", async ({ expect }) => {
    const edge = buildEdge({
      origin: ({ headers }) => {
        if (headers.get("upgrade") !== "websocket") return new Response("no upgrade", { status: 400 });
        const { 0: client, 1: server } = new WebSocketPair();
        server.accept();
        server.addEventListener("message", ({ data }) => server.send(`echo ${String(data)}`));
        return new Response(null, { status: 101, webSocket: client });
      },
    });
    for (const headers of [{ Upgrade: "websocket" }, { Upgrade: "websocket", "Firebreak-Override": "bad" }]) {
      const response = await edge.handle(incoming(`https://${HOST}/`, { headers }));
      expect(response.status).toBe(101);
      const socket = response.webSocket;
      const answered = new Promise((resolve) =>
        socket?.addEventListener("message", ({ data }) => resolve(data)),
      );
      socket?.accept();
      socket?.send("hi");
      expect(await answered).toBe("echo hi");
      socket?.close();
    }
  });

  it("hands events on while the origin still writes", async ({ expect }) => {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    const edge = buildEdge({
      origin: () => new Response(readable, { headers: { "Content-Type": "text/event-stream" } }),
    });
    const response = await edge.handle(incoming(`https://${HOST}/events`));
    const reader = response.body?.getReader();
    for (const event of ["data: one\n\n", "data: two\n\n"]) {
      const written = writer.write(new TextEncoder().encode(event));
      const chunk = await reader?.read();
      await written;
      expect(new TextDecoder().decode(chunk?.value as Uint8Array)).toBe(event);
    }
    await writer.close();
  });

  it("does not follow a redirect", async ({ expect }) => {
    const edge = buildEdge({
      origin: ({ init }) => {
        expect(init.redirect).toBe("manual");
        return new Response(null, { status: 302, headers: { Location: "http://169.254.169.254/" } });
      },
    });
    const response = await edge.handle(incoming(`https://${HOST}/`));
    expect([response.status, response.headers.get("location")]).toEqual([302, "http://169.254.169.254/"]);
  });

  it("leaves every byte of a target to the one serialisation, for limits by path as well", async ({
    expect,
  }) => {
    const edge = buildEdge({
      root: buildRoot({
        products: { kiln: buildProduct({ timeouts: [{ prefix: "/slow/", seconds: 0.02 }] }) },
      }),
      origin: () => new Promise(() => undefined),
    });
    for (const path of ["/slow/x", "/x/../slow/x", "/x/%2e%2e/slow/x", "/%2e/slow/x"]) {
      const request = Object.assign(incoming(`https://${HOST}/`), { rawUrl: path });
      expect((await edge.handle(request)).status).toBe(504);
    }
  });

  it("answers health from a fresh isolate with nothing behind it", async ({ expect }) => {
    const never = (): never => {
      throw new Error("I/O");
    };
    const edge = buildEdge({
      maps: { current: never, renew: never, row: never, isWaking: never, generation: never, ageMs: never },
      originFetch: never,
      admin: never,
    });
    for (const rawUrl of ["/", "*", "/admin.example.com/x"]) {
      const request = Object.assign(incoming("https://x.invalid/", { method: "OPTIONS" }), {
        rawUrl,
        host: null,
      });
      expect((await edge.handle(request)).status).toBe(204);
    }
  });

  it("serves the row's version for a held account's reads with the runtime's own headers", async ({
    expect,
  }) => {
    const hold = { mode: "readOnly", message: null, until: null } as const;
    const edge = buildEdge({ rows: [buildRow("acme", { hold })] });
    expect((await edge.handle(incoming(`https://${HOST}/`))).status).toBe(200);
    expect((await edge.handle(incoming(`https://${HOST}/`, { method: "POST", body: "x" }))).status).toBe(503);
  });
});
