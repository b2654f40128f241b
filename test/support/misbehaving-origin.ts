/**
 * A raw-socket origin that misbehaves in one named way per port, for tests of whoever talks to origins. It writes bytes
 * itself, because no HTTP library can be made to send these. Each `start…` gives a port of its own; `stop` closes what it
 * opened and destroys its sockets. It must not interpret the request beyond waiting for the end of its head.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Worker } from "node:worker_threads";

const HOST = "127.0.0.1";
const DRIP_EVERY_MS = 1000;
const FLOOD_EVERY_MS = 5;
/** A reset throws away what has not been read: long enough for that. */
const RESET_AFTER_MS = 200;
const MAX_FILLERS = 64;
const FILL_WAIT_MS = 300;
const HANGING_THREAD = `
  const { createServer } = require("node:net");
  const { parentPort } = require("node:worker_threads");
  const server = createServer();
  server.listen({ host: "${HOST}", port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/** How it answers, once the head of a request has arrived. */
export const MISBEHAVIOURS = {
  well: (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Well: yes\r\n\r\nok"),
  "well-kept-open": (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
  "well-chunked": (socket) =>
    socket.write(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\no\r\n1\r\nk\r\n0\r\nTrailer: t\r\n\r\n",
    ),
  "well-to-close": (socket) => socket.end("HTTP/1.0 200 OK\r\n\r\nok"),
  "well-after-interim": (socket) =>
    socket.end(
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ),
  "head-with-length": (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n"),
  "server-error": (socket) => socket.end("HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops"),
  "hangs-after-request": () => undefined,
  "hangs-in-headers": (socket) => socket.write("HTTP/1.1 200 OK\r\nServer: slow\r\n"),
  "hangs-in-body": (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"),
  "closes-without-answer": (socket) => socket.end(),
  "closes-in-headers": (socket) => socket.end("HTTP/1.1 200 OK\r\nServer: sl"),
  "closes-in-body": (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"),
  "closes-in-chunk": (socket) =>
    socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\npart"),
  resets: (socket) => socket.resetAndDestroy(),
  "resets-in-body": (socket) => reset(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"),
  "resets-in-chunks": (socket) =>
    reset(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"),
  "resets-before-close": (socket) => reset(socket, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart"),
  "resets-in-events": (socket) =>
    reset(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: part\n\n"),
  "one-byte-a-second": (socket) =>
    drip(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", DRIP_EVERY_MS),
  "malformed-status-line": (socket) => socket.end("HTTP/1.1 OK 200\r\n\r\n"),
  "not-http": (socket) => socket.write("SSH-2.0-OpenSSH_9.9\r\n"),
  "headers-of-200-kb": (socket) =>
    socket.end(
      `HTTP/1.1 200 OK\r\n${`X-Fill: ${"f".repeat(1014)}\r\n`.repeat(200)}Content-Length: 0\r\n\r\n`,
    ),
  "duplicate-length": (socket) =>
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nok"),
  "length-and-chunked": (socket) =>
    socket.end(
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
  "obs-fold": (socket) => socket.end("HTTP/1.1 200 OK\r\nX-Long: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
  "space-before-colon": (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"),
  "carriage-return-in-value": (socket) =>
    socket.end("HTTP/1.1 200 OK\r\nX-Ill: a\rX-Injected: yes\r\nContent-Length: 0\r\n\r\n"),
  "bad-chunk": (socket) => socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n"),
  "gzip-transfer": (socket) =>
    socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
  "gzip-that-is-none": (socket) =>
    socket.end("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"),
  "interim-flood": (socket) => repeat(socket, "HTTP/1.1 100 Continue\r\n\r\n", FLOOD_EVERY_MS),
  "endless-body": (socket) => repeat(socket, `${"e".repeat(1023)}\n`, 1, "HTTP/1.1 200 OK\r\n\r\n"),
} as const satisfies Record<string, (socket: Socket) => unknown>;

export type Misbehaviour = keyof typeof MISBEHAVIOURS;

export interface MisbehavingOrigin {
  readonly port: number;
  /** Heads of requests as they arrived, one character a byte. */
  readonly heard: readonly string[];
  stop(): Promise<void>;
}

/** Their connection takes further requests; with the others it has ended, or is lost for good. */
const KEPT_OPEN: ReadonlySet<Misbehaviour> = new Set(["well-kept-open", "well-chunked"]);

/** Listens and answers every request in this way. */
export async function startMisbehaving(how: Misbehaviour): Promise<MisbehavingOrigin> {
  return listen((onSocket) => createServer(onSocket), how);
}

/** The same behind TLS with a given certificate (PEM). */
export async function startMisbehavingTls(
  how: Misbehaviour,
  certificate: { readonly key: string; readonly cert: string },
): Promise<MisbehavingOrigin> {
  return listen((onSocket) => createTlsServer(certificate, onSocket), how);
}

/** A port on which nothing listens: one that was just given back. */
export async function refusedPort(): Promise<number> {
  const origin = await startMisbehaving("well");
  await origin.stop();
  return origin.port;
}

async function listen(
  create: (onSocket: (socket: Socket) => void) => Server,
  how: Misbehaviour,
): Promise<MisbehavingOrigin> {
  const sockets = new Set<Socket>();
  const heard: string[] = [];
  const server = create((socket) => {
    socket.on("error", () => socket.destroy());
    let head = "";
    let answered = false;
    socket.on("data", (piece: Buffer) => {
      head += piece.toString("latin1");
      if (answered || !head.includes("\r\n\r\n")) return;
      answered = true;
      heard.push(head);
      MISBEHAVIOURS[how](socket);
      if (!KEPT_OPEN.has(how)) return;
      head = "";
      answered = false;
    });
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, HOST, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    heard,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/**
 * A port whose connections are never accepted: its thread listens with the shortest queue and then sleeps for good, and
 * the queue is filled, so that the next connection hangs in SYN.
 */
export async function startHangingAtConnect(): Promise<Pick<MisbehavingOrigin, "port" | "stop">> {
  const thread = new Worker(HANGING_THREAD, { eval: true });
  const port = await new Promise<number>((resolve, reject) => {
    thread.once("message", resolve);
    thread.once("error", reject);
  });
  const fillers: Socket[] = [];
  for (let full = false; !full && fillers.length < MAX_FILLERS;) {
    const filler = connect({ host: HOST, port });
    fillers.push(filler);
    full = await new Promise<boolean>((resolve) => {
      filler.once("connect", () => resolve(false));
      filler.once("error", () => resolve(true));
      setTimeout(() => resolve(true), FILL_WAIT_MS);
    });
  }
  return {
    port,
    async stop() {
      for (const filler of fillers) filler.destroy();
      await thread.terminate();
    },
  };
}

/** One byte every `everyMs`, until the other side leaves. */
function drip(socket: Socket, text: string, everyMs: number): void {
  let sent = 0;
  const timer = setInterval(() => {
    socket.write(text.charAt(sent));
    sent += 1;
    if (sent < text.length) return;
    clearInterval(timer);
    socket.end();
  }, everyMs);
  socket.once("close", () => clearInterval(timer));
}

/** What it says arrives, and then the connection is reset. */
function reset(socket: Socket, text: string): void {
  socket.write(text);
  const timer = setTimeout(() => socket.resetAndDestroy(), RESET_AFTER_MS);
  socket.once("close", () => clearTimeout(timer));
}

function repeat(socket: Socket, text: string, everyMs: number, first = ""): void {
  socket.write(first);
  const timer = setInterval(() => socket.write(text), everyMs);
  socket.once("close", () => clearInterval(timer));
}
