/**
 * The admin API over a real control plane, on a free port, for whole command lines: what operators type, against what
 * answers them in earnest. The world's clock is theirs too: a command line that waits lets the world go on for as long.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { run } from "../../scripts/cli/program.ts";
import { ADMIN_HOST, BOOT_TOKEN, buildAdmin, type AdminParts, type TestAdmin } from "./admin-builders.ts";
import { memoryTerminal, shellWords, type CliRun } from "./cli.ts";
import { readMaps, type World } from "./control-world.ts";
import { tick } from "./rollout-world.ts";

export interface RealAdmin {
  readonly url: string;
  readonly admin: TestAdmin;
  /** Runs one command line, as it would be pasted into a shell after `firebreak`. */
  cli(line: string, options?: { readonly env?: Readonly<Record<string, string>> }): Promise<CliRun>;
  stop(): Promise<void>;
}

/** Starts it over a world. `parts` replaces what else stands around the API. */
export async function startRealAdmin(world: World, parts: Partial<AdminParts> = {}): Promise<RealAdmin> {
  const admin = buildAdmin({ real: world.control, kv: world.kv.values, ...parts });
  const server = createServer((request, response) => {
    admin.clock.nowMs = world.clock.now;
    void answer(admin, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    admin,
    cli: (line, { env = {} } = {}) =>
      runLine(world, line, { FIREBREAK_URL: url, FIREBREAK_TOKEN: BOOT_TOKEN, ...env }),
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(admin: TestAdmin, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const method = incoming.method ?? "GET";
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) headers.set(name, String(value));
  headers.set("host", ADMIN_HOST);
  const bodyless = method === "GET" || method === "HEAD";
  const request = new Request(`https://${ADMIN_HOST}${incoming.url ?? "/"}`, {
    method,
    headers,
    ...(bodyless ? {} : { body: bodyOf(incoming), duplex: "half" }),
  });
  const response = await admin.admin(request, { waitUntil: () => undefined });
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body !== null)
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) outgoing.write(chunk);
  outgoing.end();
}

async function runLine(world: World, line: string, env: Readonly<Record<string, string>>): Promise<CliRun> {
  const { terminal, out, err } = memoryTerminal({ env });
  const code = await run(shellWords(line), {
    ...terminal,
    nowMs: () => world.clock.now,
    sleep: async (ms) => void (await tick(world, world.clock.now + ms)),
  });
  return { code, out: out(), err: err() };
}

/** How many accounts the published maps have on a version by home. */
export function homesOn(world: World, product: string, version: string): number {
  return readMaps(world.kv.values)
    .rows()
    .filter(({ homes }) => homes[product] === version).length;
}

function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks = Readable.from(incoming)[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
}
