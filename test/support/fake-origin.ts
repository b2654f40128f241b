/**
 * Real HTTP servers that stand in for versions: an origin that notes every request and answers as the test says, one that
 * refuses connections, and one that answers with raw bytes. Each listens on a port of its own and is stopped by its handle.
 */
import http from "node:http";
import net, { type AddressInfo } from "node:net";

export interface OriginRequestSeen {
  readonly method: string;
  readonly url: string;
  /** Name and value in turn, as they came over the wire. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface FakeOrigin {
  readonly port: number;
  readonly url: string;
  /** Requests whose body came to its end. */
  readonly seen: OriginRequestSeen[];
  /** Requests that broke off before their end. */
  readonly broken: string[];
  stop(): Promise<void>;
}

export type OriginHandler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** Starts an origin. `early` sees a request before its body was read and may take it over (return true). */
export async function startOrigin(
  handler: OriginHandler = (_request, response) => response.end("ok"),
  early: (request: http.IncomingMessage, response: http.ServerResponse) => boolean = () => false,
): Promise<FakeOrigin> {
  const seen: OriginRequestSeen[] = [];
  const broken: string[] = [];
  const server = http.createServer((request, response) => {
    const { method = "", url = "", rawHeaders } = request;
    request.on("error", () => undefined);
    request.on("close", () => {
      if (!request.complete) broken.push(url);
    });
    if (early(request, response)) return;
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      seen.push({ method, url, rawHeaders, body: Buffer.concat(parts).toString() });
      handler(request, response);
    });
  });
  const port = await listen(server);
  return { port, url: `http://127.0.0.1:${port}`, seen, broken, stop: () => stop(server) };
}

/** An origin that answers each connection with the same bytes once a request has come. */
export async function startRawOrigin(bytes: string): Promise<{ url: string; stop(): Promise<void> }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(bytes));
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return stop(server);
    },
  };
}

/** An address on which nobody listens. */
export async function unusedOrigin(): Promise<string> {
  const server = net.createServer();
  const port = await listen(server);
  await stop(server);
  return `http://127.0.0.1:${port}`;
}

async function listen(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function stop(server: net.Server): Promise<void> {
  if (server instanceof http.Server) server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
