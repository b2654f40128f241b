/**
 * Foreground programs of a measurement (nginx, HAProxy, wrk): each a child that is ended by its own id, with files in a
 * folder of its own below the temporary one. Called by the peers and by the load.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer, connect, type AddressInfo } from "node:net";
import { delimiter, join } from "node:path";

/** Where Debian puts servers, which not every shell searches. */
const ALSO_IN = ["/usr/sbin", "/usr/local/sbin"];
const LOOK_EVERY_MS = 20;
const READY_WITHIN_MS = 60_000;
export const HOST = "127.0.0.1";

/** The path of a program. @throws with how to install it. */
export function findProgram(name: string): string {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...ALSO_IN];
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${name} is not installed: apt-get install ${name}`);
  return found;
}

export interface Running {
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a server and resolves when its port takes connections. @throws what it said, when it ends instead. */
export async function startServer(command: readonly string[], port: number): Promise<Running> {
  const [program = "", ...flags] = command;
  const child = spawn(program, flags, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  }
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
  };
  const until = Date.now() + READY_WITHIN_MS;
  while (child.exitCode === null && child.signalCode === null && Date.now() < until) {
    if (await takesConnections(port)) return { pid: child.pid ?? 0, stop };
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  await stop();
  throw new Error(`${program} did not start: ${said}`);
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.once("connect", () => resolve(socket.destroy() !== undefined));
    socket.once("error", () => resolve(false));
  });
}

/** A port that was free a moment ago, for programs that cannot say which one they took. */
export async function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, HOST, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** What a program prints until it ends. @throws when it cannot be started or fails. */
export function outputOf(program: string, flags: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, flags, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (part: Buffer) => (text += part.toString()));
    }
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(text) : reject(new Error(`${program} ended with ${code}: ${text}`)),
    );
  });
}
