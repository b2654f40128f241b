/**
 * Starts and stops a real HAProxy in the foreground, as a child that is ended by its own id, with its configuration and
 * stats socket in a folder of its own below the temporary one. Used by the drill and the end-to-end tests.
 * HAProxy cannot say which port it took, so a free one is looked for first; when somebody is faster, another is tried.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { writeConfig, type BalancerOptions } from "./config.ts";
import { readServers, type ServerState } from "./stats.ts";

/** Where Debian puts it, which not every shell searches. */
const ALSO_IN = ["/usr/sbin", "/usr/local/sbin"];
const TRIES = 3;
const READY_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 20;

export const INSTALL_HINT =
  "HAProxy is not installed. Install it with `apt-get install haproxy` and try again.";

export interface HaProxy {
  readonly port: number;
  /** The state of every server as HAProxy has it now. */
  servers(): Promise<readonly ServerState[]>;
  /** What it has said so far. */
  output(): string;
  stop(): Promise<void>;
}

/** The program's path, null when it is not installed. */
export function findHaProxy(): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...ALSO_IN];
  return folders.map((folder) => join(folder, "haproxy")).find((path) => existsSync(path)) ?? null;
}

/**
 * Starts a load balancer and resolves when its front port answers.
 * @throws with INSTALL_HINT when it is not installed, with HAProxy's own words when it does not start.
 */
export async function startHaProxy(options: BalancerOptions): Promise<HaProxy> {
  const program = findHaProxy();
  if (program === null) throw new Error(INSTALL_HINT);
  let last = "";
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const started = await tryStart(program, options);
    if (typeof started !== "string") return started;
    last = started;
  }
  throw new Error(`HAProxy did not start: ${last}`);
}

/** One try; answers what HAProxy said when it ended instead of starting. */
async function tryStart(program: string, options: BalancerOptions): Promise<HaProxy | string> {
  const folder = mkdtempSync(join(tmpdir(), "firebreak-haproxy-"));
  const socket = join(folder, "stats.sock");
  const port = await findFreePort();
  writeFileSync(join(folder, "haproxy.cfg"), writeConfig({ ...options, port, socket }));
  const child = spawn(program, ["-db", "-f", join(folder, "haproxy.cfg")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  if (await becomesReady(child, socket))
    return { port, servers: () => readServers(socket), output: () => output, stop };
  await stop();
  return output;
}

async function becomesReady(child: ChildProcess, socket: string): Promise<boolean> {
  const until = Date.now() + READY_WITHIN_MS;
  while (Date.now() < until && child.exitCode === null && child.signalCode === null) {
    const servers = await readServers(socket).catch(() => []);
    if (servers.length > 0) return true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return false;
}

async function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Resolves with the states when `wanted` holds for them; rejects with the last ones after `withinMs`. */
export async function waitForServers(
  haproxy: HaProxy,
  wanted: (servers: readonly ServerState[]) => boolean,
  withinMs: number,
): Promise<readonly ServerState[]> {
  const until = Date.now() + withinMs;
  for (;;) {
    const servers = await haproxy.servers();
    if (wanted(servers)) return servers;
    if (Date.now() > until) throw new Error(`after ${withinMs} ms: ${JSON.stringify(servers)}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
