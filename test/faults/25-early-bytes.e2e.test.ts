/**
 * Experiment 25, its last part: a client that does not wait for the answer to its upgrade. What it sends early must not
 * reach the version before that has agreed, and never where it refuses: a router that passes it on lends its connection
 * to whoever asks (as Pingora did until 0.8.0). Raw sockets on both sides of the edge on real workerd.
 */
import { createHash } from "node:crypto";
import net, { type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, it } from "vitest";
import { buildProduct, buildRoot, buildRow } from "../support/edge-builders.ts";
import { connectRaw, startEdgeNode, type EdgeNode } from "../support/edge-node.ts";

const KEY = Buffer.from("0123456789abcdef").toString("base64");
const THINKS_MS = 300;
const WITHIN_MS = 5000;
const INNER = "GET /inner HTTP/1.1\r\nHost: refuses.kiln.example.com\r\n\r\n";

/** RFC 6455, 1.3. The router's runtime asks with a key of its own. */
function accept(head: string): string {
  const key = /\r\nsec-websocket-key: ([^\r]*)/i.exec(head)?.[1] ?? "";
  const proof = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${proof}\r\n\r\n`;
}

interface LateOrigin {
  readonly url: string;
  /** Everything that came before it answered, and after, one character a byte. */
  readonly before: string[];
  readonly after: string[];
  stop(): Promise<void>;
}

/** Takes its time over the first request of a connection, then answers it and listens on. */
async function startLateOrigin(answer: (head: string) => string): Promise<LateOrigin> {
  const [before, after]: [string[], string[]] = [[], []];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    let answered = false;
    socket.on("data", (piece: Buffer) => (answered ? after : before).push(piece.toString("latin1")));
    socket.once("data", (head: Buffer) =>
      setTimeout(() => {
        answered = true;
        socket.write(answer(head.toString("latin1")));
      }, THINKS_MS),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    before,
    after,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A text frame of a client: masked, with a mask of zeros. RFC 6455, 5.2. */
function frame(text: string): string {
  return `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`;
}

/** Sends an upgrade and these bytes behind it in one piece; collects until what is awaited has come, or nothing will. */
async function hurry(
  node: EdgeNode,
  account: string,
  early: string,
  awaited: () => boolean,
): Promise<string> {
  const socket = connectRaw(node.port);
  let text = "";
  socket.on("data", (piece: Buffer) => (text += piece.toString("latin1")));
  const head = [
    "GET /socket HTTP/1.1",
    `Host: ${account}.kiln.example.com`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${KEY}`,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${early}`, "latin1");
  const until = performance.now() + WITHIN_MS;
  while (performance.now() < until && !(text.includes("\r\n\r\n") && awaited()))
    await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
  return text;
}

describe("bytes behind an upgrade that nobody has answered", () => {
  let node: EdgeNode;
  let takes: LateOrigin;
  let refuses: LateOrigin;

  beforeAll(async () => {
    takes = await startLateOrigin(accept);
    refuses = await startLateOrigin(() => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
    const versions = {
      takes: { origin: takes.url, state: "live" as const },
      refuses: { origin: refuses.url, state: "live" as const },
    };
    node = await startEdgeNode({
      root: buildRoot({
        products: { kiln: buildProduct({ default: "takes", stable: "takes", versions }) },
      }),
      rows: ["takes", "refuses"].map((name) => buildRow(name, { homes: { kiln: name } })),
    });
  });
  afterAll(async () => {
    await node?.stop();
    for (const origin of [takes, refuses]) await origin?.stop();
  });

  it("wait until the version has agreed", async ({ expect, annotate }) => {
    const text = await hurry(node, "takes", frame("early"), () => takes.after.length > 0);
    const [first = "", ...more] = takes.before;
    expect(text).toMatch(/^HTTP\/1\.1 101 /);
    expect(more).toEqual([]);
    expect(first.slice(first.indexOf("\r\n\r\n"))).toBe("\r\n\r\n");
    await annotate(
      `an upgrade and a frame in one piece: before the 101 the version got its head alone, after it ${takes.after.join("").length} bytes`,
    );
  });

  it("never arrive where the version refuses", async ({ expect, annotate }) => {
    const text = await hurry(node, "refuses", frame("early") + INNER, () => refuses.before.length > 0);
    const got = [...refuses.before, ...refuses.after].join("");
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(got.slice(got.indexOf("\r\n\r\n"))).toBe("\r\n\r\n");
    expect(got).not.toContain("/inner");
    await annotate(
      "an upgrade, a frame and a request in one piece, refused with 200: the version got the head alone",
    );
  });
});
