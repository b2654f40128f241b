/**
 * What passes through untouched and unbuffered, in workerd and with real sockets: WebSocket, server-sent events, many
 * cookies, redirects (large uploads: `uploads.e2e.test.ts`); what must not pass: headers that only the router may set.
 * And the one stream that may not be shared: a client that resets in the middle of a load leaves nobody else waiting.
 */
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, it } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { startHaProxy, type HaProxy } from "../../scripts/haproxy/haproxy.ts";
import { COOKIES, REDIRECT_TARGET } from "../../scripts/local/demo/answers.ts";
import type { Instance } from "../../scripts/local/instance.ts";
import { spreadAt } from "../../scripts/local/spread.ts";
import { mustSkipHaProxy } from "../support/haproxy.ts";
import { startTestInstance } from "../support/local-instance.ts";
import { openRaw, request, sendRaw } from "../support/raw-http.ts";

const ACME = "acme.kiln.localhost";

const EchoSchema = z.looseObject({
  rawHeaders: z.array(z.string()).default([]),
  account: z.string().nullable(),
});

const withHaProxy = !mustSkipHaProxy();
const WAYS: readonly string[] = withHaProxy ? ["directly", "through HAProxy"] : ["directly"];

let instance: Instance;
let haproxy: HaProxy | null = null;

beforeAll(async () => {
  instance = await startTestInstance({ trustedProxy: 1 });
  if (withHaProxy) haproxy = await startHaProxy({ servers: instance.ports, checkEveryMs: 500 });
});
afterAll(async () => {
  await haproxy?.stop();
  await instance?.stop();
});

const portOf = (way: string): number => (way === "directly" ? instance.ports[0] : haproxy?.port) ?? 0;

describe.each(WAYS)("%s", (way) => {
  it("a WebSocket opens at the account's version, with its subprotocol, and echoes text and bytes", async ({
    expect,
  }) => {
    const socket = new WebSocket(`ws://127.0.0.1:${portOf(way)}/socket`, ["demo"], {
      headers: { Host: ACME },
    });
    const messages: string[] = [];
    const next = async (count: number): Promise<void> => {
      while (messages.length < count) await new Promise((resolve) => socket.once("message", resolve));
    };
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      messages.push(`${isBinary ? "bytes " : ""}${data.toString("utf8")}`);
    });
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    expect(socket.protocol).toBe("demo");
    await next(1);
    socket.send("hello");
    await next(2);
    socket.send(Buffer.from("there"));
    await next(3);
    expect(messages).toEqual(["kiln/2.8.0", "hello", "bytes there"]);
    const closed = new Promise((resolve) => socket.once("close", (code: number) => resolve(code)));
    socket.close(4001, "enough");
    expect(await closed).toBe(4001);
  });

  it("an upgrade that the version refuses is passed on as it is", async ({ expect }) => {
    const answer = await sendRaw({
      port: portOf(way),
      bytes: request(
        "GET /elsewhere HTTP/1.1",
        `Host: ${ACME}`,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      ),
    });
    expect(answer.status).toBe(404);
  });

  it("server-sent events arrive while they are sent", async ({ expect }) => {
    const times: number[] = [];
    const text = await new Promise<string>((resolve, reject) => {
      const options = {
        host: "127.0.0.1",
        port: portOf(way),
        path: "/events?count=10",
        headers: { Host: ACME },
      };
      const sent = httpRequest({ ...options, setHost: false }, (response) => {
        let received = "";
        response.on("data", (chunk: Buffer) => {
          received += chunk.toString("utf8");
          times.push(performance.now());
        });
        response.on("end", () => resolve(received));
        response.on("error", reject);
      });
      sent.on("error", reject);
      sent.end();
    });
    expect(text.match(/^id: /gm)).toHaveLength(10);
    // Ten events 100 ms apart: buffered ones would come all at once. HAProxy may hold the first ones for 200 ms.
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(500);
  });

  it("fifty cookies keep their order and count", async ({ expect }) => {
    const answer = await sendRaw({
      port: portOf(way),
      bytes: request("GET /cookies HTTP/1.1", `Host: ${ACME}`),
    });
    const cookies = answer.headers
      .filter(([name]) => name.toLowerCase() === "set-cookie")
      .map(([, value]) => value);
    expect(cookies).toEqual(Array.from({ length: COOKIES }, (_, n) => `c${n}=${n}; Path=/`));
  });

  it("a redirect to another host is passed on and not followed", async ({ expect }) => {
    const answer = await sendRaw({
      port: portOf(way),
      bytes: request("GET /redirect HTTP/1.1", `Host: ${ACME}`),
    });
    expect(answer.status).toBe(302);
    expect(answer.header("location")).toBe(REDIRECT_TARGET);
  });

  it("headers that only the router may set are the router's, whoever sent them", async ({ expect }) => {
    const answer = await sendRaw({
      port: portOf(way),
      bytes: request(
        "GET /spoof?raw HTTP/1.1",
        `Host: ${ACME}`,
        "X-Forwarded-Host: spoofed.example",
        "X-Forwarded-Server: spoofed.example",
        "X-Forwarded-Port: 6666",
        "X_Forwarded_Host: spoofed.example",
        "Forwarded: for=6.6.6.6;host=spoofed.example",
        "X-Original-Host: harmless.example",
        'Firebreak: product=kiln, account=spoofed, version="6.6.6"',
        "Firebreak-Account: spoofed",
        "Firebreak_Account: spoofed",
        "FIREBREAK_Version: spoofed",
        "X-Named-Away: spoofed",
        "X-Kept: kept",
        "Proxy-Authorization: Basic spoofed",
        "TE: trailers",
        "Connection: keep-alive, X-Named-Away, X-Forwarded-Proto, Firebreak",
      ),
    });
    expect(answer.status).toBe(200);
    const { rawHeaders } = EchoSchema.parse(JSON.parse(answer.body));
    const pairs = rawHeaders.flatMap((name, index) =>
      index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1] ?? ""] as const] : [],
    );
    const values = (name: string): string[] =>
      pairs.filter(([each]) => each === name).map(([, value]) => value);

    // Ours is signed and has an id, in which any digits may come.
    const isOurs = ([name, value]: readonly [string, string]): boolean =>
      name === "firebreak" && !/spoofed|6\.6\.6/.test(value);
    const theirs = pairs.filter((pair) => !isOurs(pair));
    expect(theirs.filter(([, value]) => /spoofed|6\.6\.6|6666/.test(value))).toEqual([]);
    expect(values("x-forwarded-host")).toEqual([ACME]);
    expect(values("x-forwarded-proto")).toEqual(["http"]);
    expect(values("x-forwarded-for")).toEqual(way === "directly" ? [] : ["127.0.0.1"]);
    expect(values("firebreak")).toHaveLength(1);
    expect(values("firebreak")[0]).toMatch(/product=kiln, account=acme, version="2\.8\.0", request="[^"]+"/);
    expect(
      pairs.map(([name]) => name).filter((name) => /^firebreak./.test(name.replaceAll("_", "-"))),
    ).toEqual([]);
    expect(values("x-named-away")).toEqual([]);
    expect(values("x-kept")).toEqual(["kept"]);
    expect(values("cdn-loop").join()).toContain("firebreak");
  });
});

describe("an account that moves", () => {
  const EVENTS = 60;
  const [FROM, TO] = ["kiln/2.8.0", "kiln/2.9.1"] as const;

  /** Sends a GET and gives its head at once; the body goes on coming. */
  function open(path: string): Promise<{ readonly version: unknown; readonly body: Promise<string> }> {
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: portOf("directly"), path, headers: { Host: ACME } };
      const sent = httpRequest({ ...options, setHost: false }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
        const body = new Promise<string>((whole, broken) => {
          response.on("end", () => whole(text));
          response.on("error", broken);
        });
        resolve({ version: response.headers["demo-version"], body });
      });
      sent.on("error", reject);
      sent.end();
    });
  }

  it("keeps its events and its long poll where they were begun, and gets what is new from where it is", async ({
    expect,
  }) => {
    const reason = "moved in the middle";
    await instance.admin.must({
      method: "POST",
      path: "products/kiln/versions/2.9.1/state",
      body: { state: "live", reason },
    });
    const events = await open(`/events?count=${EVENTS}`);
    expect(events.version).toBe(FROM);
    const polled = open(`/slow?ms=${EVENTS * 100}`);
    const over = Promise.race([events.body, polled]).then(() => true);
    await instance.admin.must({
      method: "PUT",
      path: "accounts/acme/pins/kiln",
      body: { version: "2.9.1", reason },
    });
    await spreadAt(instance, async (port) => {
      const bytes = request("GET / HTTP/1.1", `Host: ${ACME}`);
      return (await sendRaw({ port, bytes })).header("demo-version") === TO;
    });
    expect(await Promise.race([over, Promise.resolve(false)])).toBe(false);
    expect((await open("/")).version).toBe(TO);
    expect((await events.body).match(/^id: /gm)).toHaveLength(EVENTS);
    expect((await polled).version).toBe(FROM);
  });
});

describe("a client that resets in the middle of a shared load", () => {
  const ANSWERED_WITHIN_MS = 3000;
  const get = request("GET / HTTP/1.1", `Host: ${ACME}`);

  /** Starts a load with one client, lets others join, and resets the first. Answers what the others got. */
  async function resetTheFirst(port: number): Promise<number[]> {
    const starter = await openRaw({ port, bytes: get });
    const others = Array.from({ length: 5 }, () =>
      sendRaw({ port, bytes: get, timeoutMs: ANSWERED_WITHIN_MS }),
    );
    await new Promise((resolve) => setTimeout(resolve, 30));
    starter.on("error", () => {});
    starter.resetAndDestroy();
    const later = sendRaw({ port, bytes: get, timeoutMs: ANSWERED_WITHIN_MS });
    return (await Promise.all([...others, later])).map(({ status }) => status);
  }

  it("leaves nobody waiting when the root is being loaded", async ({ expect }) => {
    const port = portOf("directly");
    await instance.nodes.act(1, { action: "kv", mode: "hang" });
    await instance.nodes.act(1, { action: "cache", mode: "hang" });
    await instance.nodes.act(1, { action: "restart" });
    for (const status of await resetTheFirst(port)) expect(status).toBe(503);
    await instance.nodes.act(1, { action: "cache", mode: "ok" });
    await instance.nodes.act(1, { action: "kv", mode: "ok" });
  });

  it("leaves nobody waiting when the account's shard is being loaded", async ({ expect }) => {
    const port = portOf("directly");
    await instance.nodes.act(1, { action: "restart" });
    const apex = await sendRaw({ port, bytes: request("GET / HTTP/1.1", "Host: kiln.localhost") });
    expect(apex.status).toBe(200);
    await instance.nodes.act(1, { action: "kv", mode: "hang" });
    await instance.nodes.act(1, { action: "cache", mode: "hang" });
    for (const status of await resetTheFirst(port)) expect(status).toBe(503);
    await instance.nodes.act(1, { action: "cache", mode: "ok" });
    await instance.nodes.act(1, { action: "kv", mode: "ok" });
  });

  it("leaves a node that serves again by itself when KV answers", async ({ expect }) => {
    const port = portOf("directly");
    // A shard that could not be read is tried again after a refresh period of 30 s.
    await expect
      .poll(async () => (await sendRaw({ port, bytes: get })).status, { timeout: 45_000, interval: 500 })
      .toBe(200);
  });
});
