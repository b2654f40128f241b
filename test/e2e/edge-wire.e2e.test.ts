/**
 * The edge on real workerd between a raw socket and real HTTP origins: what only a wire can show. Header hygiene as the
 * origin sees it, streaming, sockets, time-outs, retries, and which side is blamed when an upload breaks.
 */
import { once } from "node:events";
import { afterAll, beforeAll, describe, it, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { buildProduct, buildRoot, buildRow } from "../support/edge-builders.ts";
import { connectRaw, parseAnswer, sendRaw, startEdgeNode, type EdgeNode } from "../support/edge-node.ts";
import {
  startOrigin,
  startRawOrigin,
  unusedOrigin,
  type FakeOrigin,
  type OriginHandler,
} from "../support/fake-origin.ts";

const MEGABYTE = 1_000_000;
const EVENT_GAP_MS = 200;
/** To a metadata address, to our own host, to another tenant. */
const REDIRECTS = [
  "http://169.254.169.254/latest/meta-data",
  "https://admin.example.com/api/v1/status",
  "https://standby.kiln.example.com/",
];

let node: EdgeNode;
let main: FakeOrigin;
let standby: FakeOrigin;
let sockets: WebSocketServer;
const stops: (() => Promise<void>)[] = [];

const answers: Record<string, OriginHandler> = {
  "/cookies": (_request, response) => {
    const cookies = Array.from({ length: 50 }, (_, index) => `c${index}=${index}; Path=/`);
    response.setHeader("Set-Cookie", cookies);
    response.end("cookies");
  },
  ...Object.fromEntries(
    REDIRECTS.map((location, index) => [
      `/redirect-${index}`,
      (_request, response) => void response.writeHead(302, { Location: location }).end(),
    ]),
  ),
  "/fails": (_request, response) => {
    response.writeHead(503, { "X-Mine": "yes", "Content-Type": "text/html" });
    response.end("<p>mine</p>");
  },
  "/events": (_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write("data: one\n\n");
    setTimeout(() => response.end("data: two\n\n"), EVENT_GAP_MS);
  },
  "/slow/late-body": (_request, response) => {
    response.writeHead(200);
    response.write("early ");
    setTimeout(() => response.end("late"), 1500);
  },
  "/truncated": (request, response) => {
    response.writeHead(200, { "Content-Length": "100" });
    response.write("only this");
    setTimeout(() => request.socket.destroy(), 50);
  },
};

beforeAll(async () => {
  main = await startOrigin(
    (request, response) => (answers[request.url ?? ""] ?? answerOk)(request, response),
    (request) => {
      if (request.url === "/slow/hang" || request.url === "/hang") return true;
      if (request.url !== "/dies") return false;
      request.once("data", () => request.socket.destroy());
      return true;
    },
  );
  standby = await startOrigin((_request, response) => response.end("standby"));
  const garbage = await startRawOrigin("NOT HTTP AT ALL\r\n\r\n");
  const dead = await unusedOrigin();
  sockets = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "chat" });
  await once(sockets, "listening");
  sockets.on("connection", (socket, request) => {
    socket.on("message", (text: Buffer) =>
      socket.send(`${String(request.headers["x-forwarded-host"])}: ${text.toString()}`),
    );
  });
  const address = sockets.address();
  const socketPort = typeof address === "object" && address !== null ? address.port : 0;
  node = await startEdgeNode({
    root: buildRoot({
      products: {
        kiln: buildProduct({
          default: "dead",
          standby: "standby",
          timeouts: [
            { prefix: "/slow/", seconds: 1 },
            { prefix: "/", seconds: 30 },
          ],
          versions: {
            main: { origin: main.url, state: "live" },
            standby: { origin: standby.url, state: "live" },
            dead: { origin: dead, state: "live" },
            garbage: { origin: garbage.url, state: "live" },
            sockets: { origin: `http://127.0.0.1:${socketPort}`, state: "live" },
            forbidden: { origin: "https://evil.example.org", state: "live" },
          },
        }),
      },
    }),
    rows: ["main", "dead", "garbage", "sockets", "forbidden"].map((name) =>
      buildRow(name, { homes: { kiln: name } }),
    ),
  });
  stops.push(
    () => node.stop(),
    () => main.stop(),
    () => standby.stop(),
    () => garbage.stop(),
  );
}, 60_000);

afterAll(async () => {
  for (const client of sockets.clients) client.terminate();
  sockets.close();
  for (const stop of stops) await stop();
});

const answerOk: OriginHandler = (_request, response) => response.end("ok");

function ask(account: string, target: string, lines: readonly string[] = [], method = "GET") {
  const head = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${account}.kiln.example.com`,
    "Connection: close",
    ...lines,
  ];
  return sendRaw(node.port, `${head.join("\r\n")}\r\n\r\n`);
}

function headerOf(headers: readonly string[], name: string): string[] {
  return headers
    .filter((line) => line.toLowerCase().startsWith(`${name}: `))
    .map((line) => line.slice(name.length + 2));
}

/** Headers the origin saw, lower-cased names, for the last request. */
function lastSeen(origin: FakeOrigin): Record<string, string> {
  const raw = origin.seen.at(-1)?.rawHeaders ?? [];
  return Object.fromEntries(
    Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index]?.toLowerCase(), raw[2 * index + 1]]),
  ) as Record<string, string>;
}

describe("health on the wire", () => {
  it.for([
    "OPTIONS / HTTP/1.0\r\n\r\n",
    "OPTIONS / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
    "OPTIONS / HTTP/1.1\r\nConnection: close\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: acme.kiln.example.com\r\nConnection: close\r\n\r\n",
    "OPTIONS /admin.example.com/x HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: 10.1.2.3\r\nConnection: close\r\n\r\n",
  ])("answers %j", async (bytes, { expect }) => {
    const { status, body } = await sendRaw(node.port, bytes);
    expect(status).toBe(bytes.startsWith("GET") ? 200 : 204);
    expect(body).toBe(bytes.startsWith("GET") ? "ok" : "");
  });
});

describe("what the origin sees", () => {
  it("is none of the spoofed headers and all of ours", async ({ expect }) => {
    const spoofs = [
      "X-Forwarded-Host: evil.example",
      "X_Forwarded_Host: evil.example",
      "X-Forwarded-For: 6.6.6.6",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Port: 1",
      "Forwarded: for=6.6.6.6;host=evil",
      "X-Original-Host: evil",
      "X-Real-IP: 6.6.6.6",
      "True-Client-IP: 6.6.6.6",
      "CF-Connecting-IP: 6.6.6.6",
      "Firebreak: product=fogbugz, account=evil",
      "Firebreak_Account: evil",
      "firebreak-request-id: evil",
      "Expect: 200-maybe",
      "TE: trailers",
      "Keep-Alive: 5",
      "Proxy-Authorization: Basic eA==",
      "Trailer: X",
      "Upgrade: h2c",
      "X-Secret-Hop: evil",
      "X-Kept: kept",
    ];
    const { status } = await ask("main", "/", [
      ...spoofs,
      "Connection: X-Secret-Hop, Firebreak, X-Forwarded-Host, CDN-Loop",
      "CDN-Loop: other; a=1",
    ]);
    expect(status).toBe(200);
    const seen = lastSeen(main);
    expect(seen).toMatchObject({
      "x-forwarded-host": "main.kiln.example.com",
      "x-forwarded-proto": "http",
      "cdn-loop": "other; a=1, firebreak",
      firebreak: expect.stringMatching(/^product=kiln, account=main, version="main", request="id-\d+"$/),
      "x-kept": "kept",
    });
    const names = Object.keys(seen).toSorted();
    const allowed = [
      "cdn-loop",
      "cf-worker",
      "connection",
      "firebreak",
      "host",
      "x-forwarded-host",
      "x-forwarded-proto",
      "x-kept",
    ];
    expect(names.filter((name) => !allowed.includes(name))).toEqual([]);
    expect(JSON.stringify(seen)).not.toContain("evil");
  });

  it("is http for whoever writes https into the target", async ({ expect }) => {
    expect((await ask("main", "https://main.kiln.example.com/written")).status).toBe(200);
    expect(main.seen.at(-1)?.url).toBe("/written");
    expect(lastSeen(main)["x-forwarded-proto"]).toBe("http");
  });

  it.for([
    ["/a/../../b", "/b"],
    ["/a/%2e%2e/b", "/b"],
    ["/a//b/", "/a//b/"],
    ["/a\\b?c\\d", "/a/b?c\\d"],
    ["/a%2Fb%5c", "/a%2Fb%5c"],
    ["/%zz", "/%zz"],
    ["/;a=b,c~!*()", "/;a=b,c~!*()"],
    ["/?q=[1]&a[]=2", "/?q=[1]&a[]=2"],
    ["/a?", "/a?"],
    ["/a?'{}|^", "/a?%27{}|^"],
    ["/{}|^'", "/%7B%7D|%5E'"],
  ] as const)("is the target %s as %s", async ([target, expected], { expect }) => {
    await ask("main", target);
    expect(main.seen.at(-1)?.url).toBe(expected);
  });

  it.for(["DELETE", "PATCH", "PROPFIND", "PURGE"])("is the method %s", async (method, { expect }) => {
    expect((await ask("main", "/", ["Content-Length: 0"], method)).status).toBe(200);
    expect(main.seen.at(-1)?.method).toBe(method);
  });

  it("is a body with its length, chunked where it came so, and also on a GET", async ({ expect }) => {
    for (const [method, framing, bytes] of [
      ["POST", "Content-Length: 5", "hello"],
      ["POST", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"],
      ["GET", "Content-Length: 5", "hello"],
      ["GET", "Content-Length: 0", ""],
      ["POST", "Content-Length: 0", ""],
    ] as const) {
      const head = `${method} /up HTTP/1.1\r\nHost: main.kiln.example.com\r\nConnection: close\r\n${framing}\r\n\r\n`;
      expect((await sendRaw(node.port, head + bytes)).status).toBe(200);
      expect(main.seen.at(-1)?.body).toBe(bytes === "" ? "" : "hello");
      const { "content-length": length, "transfer-encoding": encoding } = lastSeen(main);
      if (framing === "Content-Length: 5") expect(length).toBe("5");
      if (framing === "Transfer-Encoding: chunked") expect(encoding).toBe("chunked");
    }
  });
});

describe("a GET that announces chunks", () => {
  const head =
    "GET /chunks HTTP/1.1\r\nHost: main.kiln.example.com\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";

  it("is refused when they come, since they would be lost on the way", async ({ expect }) => {
    const before = main.seen.length;
    const { status, body } = await sendRaw(node.port, `${head}5\r\nhello\r\n0\r\n\r\n`);
    expect(status).toBe(411);
    expect(body).toContain("length-required");
    expect(main.seen).toHaveLength(before);
  });

  it("arrives as a plain one when there are none", async ({ expect }) => {
    expect((await sendRaw(node.port, `${head}0\r\n\r\n`)).status).toBe(200);
    const { "content-length": length, "transfer-encoding": encoding } = lastSeen(main);
    expect([main.seen.at(-1)?.url, length, encoding]).toEqual(["/chunks", undefined, undefined]);
  });
});

describe("what the client gets", () => {
  it("is every Set-Cookie in its order", async ({ expect }) => {
    const { headers } = await ask("main", "/cookies");
    expect(headerOf(headers, "set-cookie")).toEqual(
      Array.from({ length: 50 }, (_, i) => `c${i}=${i}; Path=/`),
    );
  });

  it.for([...REDIRECTS.entries()])(
    "is the redirect itself: %i, %s",
    async ([index, location], { expect }) => {
      const before = main.seen.length;
      const { status, headers } = await ask("main", `/redirect-${index}`);
      expect(status).toBe(302);
      expect(headerOf(headers, "location")).toEqual([location]);
      expect(main.seen.slice(before).map(({ url }) => url)).toEqual([`/redirect-${index}`]);
    },
  );

  it("is the origin's own error, untouched", async ({ expect }) => {
    const { status, headers, body } = await ask("main", "/fails");
    expect([status, body]).toEqual([503, "<p>mine</p>"]);
    expect(headerOf(headers, "x-mine")).toEqual(["yes"]);
    expect(headers.join()).not.toMatch(/firebreak/i);
  });

  it("is no body for HEAD", async ({ expect }) => {
    expect(await ask("main", "/", [], "HEAD")).toMatchObject({ status: 200, body: "" });
  });

  it("is an event as soon as it is sent", async ({ expect }) => {
    const socket = connectRaw(node.port);
    const times: number[] = [];
    socket.on("data", (part) => {
      for (const word of ["one", "two"]) if (part.includes(word)) times.push(Date.now());
    });
    socket.write("GET /events HTTP/1.1\r\nHost: main.kiln.example.com\r\nConnection: close\r\n\r\n");
    await once(socket, "close");
    expect(times).toHaveLength(2);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(EVENT_GAP_MS / 2);
  });

  it("is a body that goes on long after the time to headers", async ({ expect }) => {
    expect(await ask("main", "/slow/late-body")).toMatchObject({ status: 200, body: "early late" });
  });

  it("is a truncated body that looks truncated", async ({ expect }) => {
    const { headers, body } = await ask("main", "/truncated");
    expect(headerOf(headers, "content-length")).toEqual(["100"]);
    expect(body.length).toBeLessThan(100);
  });

  it("is a WebSocket, with its subprotocol", async ({ expect }) => {
    const socket = new WebSocket(`ws://127.0.0.1:${node.port}/chat`, "chat", {
      headers: { Host: "sockets.kiln.example.com" },
    });
    await once(socket, "open");
    socket.send("hello");
    const [message] = (await once(socket, "message")) as [Buffer];
    expect(message.toString()).toBe("sockets.kiln.example.com: hello");
    expect(socket.protocol).toBe("chat");
    socket.close();
    await once(socket, "close");
  });

  it("is the origin's refusal of an upgrade", async ({ expect }) => {
    const lines = [
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ];
    expect((await ask("main", "/fails", lines)).status).toBe(503);
  });
});

describe("origins that fail", () => {
  it("are 504 after the time to headers of the longest prefix", async ({ expect }) => {
    const started = Date.now();
    const { status, body } = await ask("main", "/x/../slow/hang");
    expect(status).toBe(504);
    expect(body).toContain("origin-timeout");
    expect(Date.now() - started).toBeLessThan(5000);
  });

  it.for(["dead", "garbage"])(
    "are 502 when %s, for their own accounts alone",
    async (account, { expect }) => {
      const { status, headers, body } = await ask(account, "/");
      expect(status).toBe(502);
      expect(headerOf(headers, "firebreak-request-id")).toHaveLength(1);
      expect(body).not.toMatch(/127\.0\.0\.1|lost/);
      expect((await ask("main", "/")).status).toBe(200);
    },
  );

  it("are replaced by the standby for default traffic without a body only", async ({ expect }) => {
    expect(await ask("ghost", "/")).toMatchObject({ status: 200, body: "standby" });
    expect(lastSeen(standby)["firebreak"]).toMatch(/^product=kiln, version="standby", /);
    expect((await ask("ghost", "/", ["Content-Length: 0"], "POST")).status).toBe(502);
    expect((await ask("dead", "/")).status).toBe(502);
  });

  it("are never reached when they are not allowed", async ({ expect }) => {
    const { status, body } = await ask("forbidden", "/");
    expect(status).toBe(502);
    expect(body).toContain("origin-not-allowed");
    expect(body).not.toContain("evil");
  });

  it("are no circle: a request that came through here before is 508", async ({ expect }) => {
    const before = main.seen.length;
    expect((await ask("main", "/", ["CDN-Loop: a, FireBreak; x=1"])).status).toBe(508);
    expect(main.seen).toHaveLength(before);
  });
});

describe("uploads that break", () => {
  const framings = ["Content-Length: 3000000", "Transfer-Encoding: chunked"] as const;

  function startUpload(target: string, framing: (typeof framings)[number]) {
    const socket = connectRaw(node.port);
    const parts: Buffer[] = [];
    socket.on("data", (part) => parts.push(part));
    socket.write(`PUT ${target} HTTP/1.1\r\nHost: main.kiln.example.com\r\n${framing}\r\n\r\n`);
    const bytes = Buffer.alloc(MEGABYTE, "a");
    const isChunked = framing.endsWith("chunked");
    socket.write(isChunked ? Buffer.concat([Buffer.from("F4240\r\n"), bytes, Buffer.from("\r\n")]) : bytes);
    return { socket, answer: () => parseAnswer(Buffer.concat(parts).toString("latin1")) };
  }

  async function failures(): Promise<number> {
    return (await node.report()).outcomes.filter((outcome) => outcome.startsWith("origin-")).length;
  }

  async function lastOutcome(): Promise<string | undefined> {
    return (await node.report()).outcomes.filter((outcome) => outcome !== "health").at(-1);
  }

  it.for(framings)(
    "on the client's side are client-gone and never look whole (%s)",
    async (framing, { expect }) => {
      const target = `/half-${framing.slice(0, 4)}`;
      const count = (await node.report()).outcomes.length;
      const { socket } = startUpload(target, framing);
      await vi.waitFor(() => expect(socket.writableLength).toBe(0));
      socket.end();
      await vi.waitFor(() => expect(main.broken).toContain(target), { timeout: 5000 });
      await vi.waitFor(async () => expect((await node.report()).outcomes.length).toBe(count + 1), {
        timeout: 5000,
      });
      expect(await lastOutcome()).toBe("client-gone");
      expect(main.seen.map(({ url }) => url)).not.toContain(target);
      socket.destroy();
    },
  );

  it.for(framings)("on a reset leave nothing whole behind (%s)", async (framing, { expect }) => {
    const target = `/reset-${framing.slice(0, 4)}`;
    const failuresBefore = await failures();
    const { socket } = startUpload(target, framing);
    await vi.waitFor(() => expect(socket.writableLength).toBe(0));
    socket.resetAndDestroy();
    await vi.waitFor(() => expect(main.broken).toContain(target), { timeout: 5000 });
    expect(main.seen.map(({ url }) => url)).not.toContain(target);
    expect(await failures()).toBe(failuresBefore);
  });

  it.for(framings)("on the origin's side are the version's failure (%s)", async (framing, { expect }) => {
    const { socket, answer } = startUpload("/dies", framing);
    await vi.waitFor(() => expect(answer().status).toBe(502), { timeout: 5000 });
    expect(await lastOutcome()).toBe("origin-unreachable");
    socket.destroy();
  });
});
