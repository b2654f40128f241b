/**
 * A web server as the company of the incident had them: all versions on one machine, and the machine itself decides
 * which one a request goes to. Known accounts by a table; whatever names no known account by the default, and the load
 * balancer's check names none. This is the arrangement that Firebreak replaces; only the first half of the drill runs it.
 */
import { Agent, createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { accountOf } from "../local/demo/answers.ts";

export interface WebServerOptions {
  /** Version of each known account. */
  readonly accounts: ReadonlyMap<string, string>;
  /** Port on 127.0.0.1 of each version. */
  readonly versions: ReadonlyMap<string, number>;
  /** The version for everything else, asked for anew with every request. */
  readonly defaultVersion: () => string;
}

export interface WebServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts one and resolves when it listens. */
export async function startWebServer({
  accounts,
  versions,
  defaultVersion,
}: WebServerOptions): Promise<WebServer> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer({ requireHostHeader: false }, (request, response) => {
    const account = accountOf(request);
    const version = (account === null ? undefined : accounts.get(account)) ?? defaultVersion();
    const { method, url: path, headers } = request;
    const onward = httpRequest(
      { agent, host: "127.0.0.1", port: versions.get(version), method, path, headers, setHost: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on("error", () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    request.pipe(onward);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      agent.destroy();
    },
  };
}
