/**
 * The Worker's bundle as it would be deployed, and workerd started on one bundle alone: for its size and for what its
 * modules cost before the first answer. Bundled by wrangler into a folder of its own, so that dist/ stays as it is.
 */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { findFreePort, HOST } from "./process.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const ANSWERS_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 1;

/** A Worker that does nothing. */
export const EMPTY = `export default{fetch(){return new Response("ok")}}`;

/** Bundles as `npm run build` does. @returns the script */
export function bundleDeployed(folder: string): string {
  const wrangler = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");
  const run = spawnSync(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", folder, "--env="], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
  });
  if (run.status !== 0) throw new Error(`the Worker could not be bundled: ${run.stderr}`);
  return readFileSync(join(folder, "index.js"), "utf8");
}

/** The path of workerd itself, without the Node script before it. */
function findWorkerd(): string {
  const found: unknown = createRequire(import.meta.url)("workerd");
  return z.object({ default: z.string() }).parse(found).default;
}

/** Milliseconds from the start of a workerd on one script to its first answer; the process has ended by then. */
export async function startUpMs(folder: string, script: string): Promise<number> {
  const port = await findFreePort();
  writeFileSync(join(folder, "start.js"), script);
  writeFileSync(join(folder, "start.capnp"), configOf(port));
  const from = performance.now();
  const child = spawn(findWorkerd(), ["serve", join(folder, "start.capnp")], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    while (!(await answers(port))) {
      const isOver = performance.now() - from > ANSWERS_WITHIN_MS;
      if (isOver || child.exitCode !== null) throw new Error("workerd does not answer");
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    return performance.now() - from;
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

function configOf(port: number): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "start.js", esModule = embed "start.js")],
    compatibilityDate = "2026-10-01",
    compatibilityFlags = ["enable_request_signal"],
  ))],
  sockets = [(name = "http", address = "${HOST}:${port}", http = (), service = "main")],
);
`;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => {
      socket.write(`OPTIONS / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
    });
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
