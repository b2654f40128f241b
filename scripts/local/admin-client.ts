/**
 * Talks to the admin API of a local node, for the seeding of the demo world and for tests: over the node's front socket
 * with the admin host as Host, so that no name has to be resolved. Not the command line's client: that one takes a URL.
 */
import { Agent, request as httpRequest } from "node:http";

const ADMIN_HOST = "localhost";
const HOST = "127.0.0.1";
const NOT_FOUND = 404;

export interface AdminAnswer {
  readonly status: number;
  /** Parsed when it was JSON, else the text. */
  readonly body: unknown;
}

export interface AdminCall {
  readonly method: string;
  /** Below `/api/v1/`, with query. */
  readonly path: string;
  /** An object is sent as JSON, lines as NDJSON. */
  readonly body?: object;
  readonly lines?: readonly string[];
}

export interface AdminClient {
  call(call: AdminCall): Promise<AdminAnswer>;
  /** Like `call`, for what must succeed. Throws with the problem's own words otherwise. */
  must(call: AdminCall): Promise<unknown>;
  /** GETs what may not be there: null then. Throws for every other failure. */
  find(path: string): Promise<unknown>;
  close(): void;
}

/** A client for the node on `port`, acting with `token`. */
export function createAdminClient(port: number, token: string): AdminClient {
  const agent = new Agent({ keepAlive: true });
  const call = async ({ method, path, body, lines }: AdminCall): Promise<AdminAnswer> => {
    const payload =
      lines === undefined ? (body === undefined ? null : JSON.stringify(body)) : `${lines.join("\n")}\n`;
    const { status, text, type } = await send({
      agent,
      port,
      method,
      path: `/api/v1/${path}`,
      payload,
      headers: {
        Host: ADMIN_HOST,
        Authorization: `Bearer ${token}`,
        ...(payload === null
          ? {}
          : { "Content-Type": lines === undefined ? "application/json" : "application/x-ndjson" }),
      },
    });
    return {
      status,
      body: /\bjson\b/.test(type) && !type.includes("ndjson") ? (JSON.parse(text) as unknown) : text,
    };
  };
  const expectOk = ({ method, path }: AdminCall, { status, body }: AdminAnswer): unknown => {
    if (status >= 200 && status < 300) return body;
    throw new Error(`${method} ${path}: ${status} ${typeof body === "string" ? body : JSON.stringify(body)}`);
  };
  return {
    call,
    must: async (what) => expectOk(what, await call(what)),
    async find(path) {
      const what = { method: "GET", path };
      const answer = await call(what);
      return answer.status === NOT_FOUND ? null : expectOk(what, answer);
    },
    close: () => agent.destroy(),
  };
}

interface Sent {
  readonly agent: Agent;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly payload: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

async function send({ payload, ...options }: Sent): Promise<{ status: number; text: string; type: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...options, host: HOST, setHost: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          text: Buffer.concat(chunks).toString("utf8"),
          type: response.headers["content-type"] ?? "",
        }),
      );
    });
    request.on("error", reject);
    request.end(payload ?? undefined);
  });
}
