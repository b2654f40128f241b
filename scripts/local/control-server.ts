/**
 * The runner's own loopback server, by which the command line and tests drive the local run: it belongs to the runner,
 * not to the Worker, and is never deployed. Its address is in `control.json` of the state folder.
 *
 *   GET  /                                    { "pid", "url", "ports" }
 *   POST /tick { "at": instant }              runs the first node's scheduled handler; answers the TickReport
 *   POST /demo { "product", "version", … }    sets the faults of one demo origin (demo/faults.ts)
 *   POST /node { "node", "action", "mode" }   does something to one node alone (node-actions.ts)
 *
 * Bodies are checked strictly: a misspelt fault that does nothing would make a drill prove nothing. A request that a web
 * page could have sent (with Origin, or not as JSON) is refused, since any page may reach loopback.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { parseDemoRequest } from "./demo/faults.ts";
import type { DemoOrigin } from "./demo/origin.ts";
import { parseNodeAction, type NodeAction, type NodeState } from "./node-actions.ts";

const HOST = "127.0.0.1";
const MAX_BODY_BYTES = 64 * 1024;

const TickSchema = z.strictObject({ at: z.iso.datetime({ offset: true }) });
const NodeSchema = z.strictObject({ node: z.int().min(1), action: z.string(), mode: z.string().optional() });

/** What the control server drives. Filled in when the nodes run: the server starts first, because it is the lock. */
export interface Driven {
  readonly ports: readonly number[];
  readonly origins: readonly DemoOrigin[];
  act(node: number, action: NodeAction): Promise<NodeState>;
  tick(at: number): Promise<unknown>;
}

export interface ControlServer {
  readonly url: string;
  drive(driven: Driven): void;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Starts it on a free port; until `drive` is called everything but `GET /` answers 503. */
export async function startControlServer(): Promise<ControlServer> {
  let driven: Driven | null = null;
  let url = "";
  const server = createServer((request, response) => {
    route(request, { driven, url }).then(
      (answer) => send(response, answer),
      (error: unknown) => send(response, toAnswer(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, HOST, resolve);
  });
  url = `http://${HOST}:${(server.address() as AddressInfo).port}`;
  return {
    url,
    drive(next) {
      driven = next;
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Context {
  readonly driven: Driven | null;
  readonly url: string;
}

async function route(request: IncomingMessage, { driven, url }: Context): Promise<Answer> {
  if (request.headers.origin !== undefined) return refuse(403, "not for web pages");
  if (request.method === "GET" && request.url === "/") {
    return { status: 200, body: { pid: process.pid, url, ports: driven?.ports ?? [] } };
  }
  if (request.method !== "POST") return refuse(404, "there are GET /, POST /tick, POST /demo and POST /node");
  if (driven === null) return refuse(503, "the nodes are still starting");
  if (!(request.headers["content-type"] ?? "").startsWith("application/json")) {
    return refuse(415, "send Content-Type: application/json");
  }
  const body = await readJson(request);
  switch (request.url) {
    case "/tick":
      return { status: 200, body: await driven.tick(Date.parse(TickSchema.parse(body).at)) };
    case "/demo":
      return setDemo(driven, body);
    case "/node":
      return actOnNode(driven, body);
    default:
      return refuse(404, "there are GET /, POST /tick, POST /demo and POST /node");
  }
}

async function setDemo({ origins }: Driven, body: unknown): Promise<Answer> {
  const { product, version, faults } = parseDemoRequest(body);
  const origin = origins.find((each) => each.product === product && each.version === version);
  if (origin === undefined) {
    const known = origins.map((each) => `${each.product}/${each.version}`).join(", ");
    return refuse(
      404,
      `there is no demo server ${product}/${version}; there are: ${known === "" ? "none" : known}`,
    );
  }
  await origin.setFaults(faults);
  const counts = { received: origin.received(), mirrored: origin.mirrored() };
  return { status: 200, body: { product, version, url: origin.url, faults, ...counts } };
}

async function actOnNode(driven: Driven, body: unknown): Promise<Answer> {
  const { node } = NodeSchema.parse(body);
  const action = parseNodeAction(body);
  if (action === null) {
    return refuse(
      400,
      "action must be restart, flush, state, or kv, control, meter, cache with mode ok, throw or hang",
    );
  }
  if (node > driven.ports.length) return refuse(404, `there is no node ${node} of ${driven.ports.length}`);
  return { status: 200, body: { node, ...(await driven.act(node, action)) } };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) throw new SyntaxError("the body is too large");
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

function refuse(status: number, error: string): Answer {
  return { status, body: { error } };
}

function toAnswer(error: unknown): Answer {
  if (error instanceof z.ZodError) {
    const lines = error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `${path.join(".")}: ${message}`,
    );
    return refuse(400, lines.join("; "));
  }
  if (error instanceof SyntaxError) return refuse(400, `the body must be JSON: ${error.message}`);
  return refuse(500, error instanceof Error ? error.message : String(error));
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}
