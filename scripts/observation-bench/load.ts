/**
 * Load for measurements: wrk when it is installed, else the small generator of the drill, which reaches less and paces
 * nothing. Both ask many accounts in turn over keep-alive connections. Says which one it is.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { anything, startLoad } from "../local/load.ts";

export const CONNECTIONS = 32;
const THREADS = 2;
const TIMEOUT_MS = 10_000;

export interface LoadAsked {
  readonly port: number;
  readonly hosts: readonly string[];
  readonly seconds: number;
}

export interface LoadDone {
  /** As the generator counts them; what is under way at the end is cut off. */
  readonly requestsPerSecond: number;
}

export type RunLoad = (asked: LoadAsked) => Promise<LoadDone>;

/** Whether wrk can be run. */
export function hasWrk(): boolean {
  return spawnSync("wrk", ["-v"], { stdio: "ignore" }).error === undefined;
}

/** Requests are made once, so that the generator costs as little as it can. */
function script(hosts: readonly string[]): string {
  const list = hosts.map((host) => `wrk.format("GET", "/", { Host = "${host}" })`).join(",\n");
  return `local made = {}\nlocal at = 0\nfunction init(args)\n  made = {\n${list}\n  }\nend\nfunction request()\n  at = at % #made + 1\n  return made[at]\nend\n`;
}

/** Runs wrk against a node; its threads ask the same accounts, each from the first. */
export const runWrk: RunLoad = async ({ port, hosts, seconds }) => {
  const folder = mkdtempSync(join(tmpdir(), "firebreak-wrk-"));
  try {
    const file = join(folder, "hosts.lua");
    writeFileSync(file, script(hosts));
    const flags = [`-t${THREADS}`, `-c${CONNECTIONS}`, `-d${seconds}s`, "--timeout", "10s", "-s", file];
    const text = await outputOf("wrk", [...flags, `http://127.0.0.1:${port}/`]);
    const rate = /^Requests\/sec:\s+([\d.]+)$/m.exec(text)?.[1];
    if (rate === undefined) throw new Error(`wrk says: ${text}`);
    return { requestsPerSecond: Number(rate) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

function outputOf(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    child.stdout.on("data", (part: Buffer) => (text += part.toString()));
    child.stderr.on("data", (part: Buffer) => (text += part.toString()));
    child.on("error", reject);
    child.on("close", () => resolve(text));
  });
}

/** The generator of the drill, in this very process. */
export const runOwn: RunLoad = async ({ port, hosts, seconds }) => {
  const askers = hosts.map((host) => ({ host, path: "/", judge: anything }));
  const group = { name: "load", port, askers, concurrency: CONNECTIONS, pauseMs: 0, timeoutMs: TIMEOUT_MS };
  const load = startLoad([group]);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const requests = [...(await load.stop()).values()].reduce((sum, tally) => sum + tally.requests, 0);
  return { requestsPerSecond: requests / seconds };
};
