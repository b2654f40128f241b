/**
 * One demo version as a real HTTP server: what a product behind the router would be. Says who it is in `Demo-Version`,
 * echoes what it was asked, and can be made ill in the ways of `faults.ts`. Takes any Host and none, as real servers do.
 * It must not trust anything but the router's `Firebreak` header and the Host for who the account is.
 * Started by the runner, the drill and tests; the answers themselves are in `answers.ts`.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocketServer } from "ws";
import { accountOf, answer, isMirrored, type Asked } from "./answers.ts";
import { createAccountData, DATA_PATH, type AccountData } from "./account-data.ts";
import { WELL, type DemoFaults } from "./faults.ts";
import { createMovedEvents, EVENTS_PATH, type MovedEvents } from "./moved-events.ts";

const HOST = "127.0.0.1";
/** Longer than any pause of the router's connection pool, so that a reused connection is never just being closed. */
const KEEP_ALIVE_MS = 120_000;
/** Above the router's own limit, so that it is the router that refuses, also where a target counts as a header. */
const MAX_HEADER_BYTES = 256 * 1024;
const REMEMBERED_REQUESTS = 200;

export interface DemoOriginOptions {
  readonly product: string;
  readonly version: string;
  /** 0: any free one. Taken: the start fails with EADDRINUSE. */
  readonly port: number;
  /** Whether the product has an account of this name. */
  readonly knows: (account: string) => boolean;
  /** The bug of the incident: 500 for a request that names no account it knows. */
  readonly failsWithoutAccount: boolean;
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly host: string | undefined;
  readonly account: string | null;
  /** A copy of somebody's request, whose answer nobody gets. */
  readonly mirrored: boolean;
}

export interface DemoOrigin {
  readonly product: string;
  readonly version: string;
  readonly port: number;
  /** `http://127.0.0.1:port`, as it is registered. */
  readonly url: string;
  faults(): DemoFaults;
  /** Replaces all faults. Resolves when it has taken effect: with `refuse` the port is closed then. */
  setFaults(faults: DemoFaults): Promise<void>;
  /** Requests that arrived since the start, upgrades included. */
  received(): number;
  /** Those of them that were mirrored. */
  mirrored(): number;
  /** The last requests that arrived, oldest first. */
  recent(): readonly SeenRequest[];
  /** What it was told of moved accounts. */
  readonly events: MovedEvents;
  /** What it keeps for its accounts. */
  readonly data: AccountData;
  stop(): Promise<void>;
}

/** Starts one version and resolves when it listens. */
export async function startDemoOrigin(options: DemoOriginOptions): Promise<DemoOrigin> {
  const { product, version } = options;
  const recent: SeenRequest[] = [];
  const events = createMovedEvents();
  const data = createAccountData();
  let faults = WELL;
  let received = 0;
  let mirrored = 0;
  let owedErrors = 0;

  const remember = (seen: SeenRequest): void => {
    received += 1;
    if (seen.mirrored) mirrored += 1;
    recent.push(seen);
    if (recent.length > REMEMBERED_REQUESTS) recent.shift();
  };

  /** Spreads the error rate evenly: at 0.25 every fourth request fails, not one in four on average. */
  const isErrorDue = (): boolean => {
    owedErrors += faults.errorRate;
    if (owedErrors < 1) return false;
    owedErrors -= 1;
    return true;
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const account = accountOf(request);
    remember({
      method: request.method ?? "",
      url: request.url ?? "",
      host: request.headers.host,
      account,
      mirrored: isMirrored(request),
    });
    response.setHeader("Demo-Version", `${product}/${version}`);
    const asked: Asked = { product, version, account };
    if (isIll(faults, account)) {
      if (faults.reset) return void request.socket.resetAndDestroy();
      if (faults.hang) return void request.resume();
      if (faults.latencyMs > 0) await delay(faults.latencyMs);
      if (isErrorDue()) return fail(request, response, "made to fail");
    }
    if (request.method === "POST" && request.url === EVENTS_PATH)
      return void response.writeHead(await events.take(request)).end();
    const known = account !== null && options.knows(account);
    if ((options.failsWithoutAccount || faults.failsWithoutAccount) && !known)
      return fail(request, response, "no such account");
    if (account !== null && isWrite(request)) data.write(account, Date.now());
    await answer(request, response, asked);
  };

  const server = createServer(
    { requireHostHeader: false, keepAliveTimeout: KEEP_ALIVE_MS, maxHeaderSize: MAX_HEADER_BYTES },
    (request, response) => {
      serve(request, response).catch(() => response.destroy());
    },
  );
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  const sockets = acceptWebSockets(server, (request) => {
    const account = accountOf(request);
    const { url = "", headers } = request;
    remember({ method: "UPGRADE", url, host: headers.host, account, mirrored: false });
    return isIll(faults, account) && (faults.hang || faults.reset) ? null : `${product}/${version}`;
  });

  await listen(server, options.port);
  const { port } = server.address() as AddressInfo;
  return {
    product,
    version,
    port,
    url: `http://${HOST}:${port}`,
    faults: () => faults,
    async setFaults(next) {
      faults = next;
      owedErrors = 0;
      if (next.refuse && server.listening) await close(server);
      if (!next.refuse && !server.listening) await listen(server, port);
    },
    received: () => received,
    mirrored: () => mirrored,
    recent: () => recent.slice(),
    events,
    data,
    async stop() {
      for (const socket of sockets.clients) socket.terminate();
      if (server.listening) await close(server);
    },
  };
}

/** Answered by the echo, like any other request. */
function isWrite({ method, url }: IncomingMessage): boolean {
  return method === "POST" && url === DATA_PATH;
}

function isIll({ onlyAccounts }: DemoFaults, account: string | null): boolean {
  return onlyAccounts.length === 0 || (account !== null && onlyAccounts.includes(account));
}

function fail(request: IncomingMessage, response: ServerResponse, why: string): void {
  request.resume();
  response.writeHead(500, { "Content-Type": "text/plain" });
  response.end(`500: ${why}\n`);
}

/** Echoes every message on `/socket`; `admit` gives the version to name in the first message, or null to refuse. */
function acceptWebSockets(
  server: Server,
  admit: (request: IncomingMessage) => string | null,
): WebSocketServer {
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered][0] ?? false,
  });
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const version = admit(request);
    const path = (request.url ?? "").split("?")[0];
    if (version === null) return void socket.resetAndDestroy();
    if (path !== "/socket") return void socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on("error", () => client.terminate());
      client.on("message", (data, isBinary) => client.send(data, { binary: isBinary }));
      client.send(version);
    });
  });
  return sockets;
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

async function delay(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
