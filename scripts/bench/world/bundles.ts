/**
 * The Worker's bundle as it would be deployed, and workerd started on one bundle alone: for its size and for what its
 * modules cost before the first answer. Bundled into a folder of its own, so that build/ and dist/ stay as they are.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { z } from "zod";
import { bundleForDeployment, ENTRY } from "../../deployment/bundle.ts";
import { findFreePort, HOST } from "./process.ts";

const BYTES_PER_KB = 1000;
const GZIP_LEVEL = 9;
const ANSWERS_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 1;

/** The modules of a Worker by name, the one that is started first. */
export type Modules = Readonly<Record<string, string>>;

/** A Worker that does nothing. */
export const EMPTY: Modules = { "start.mjs": `export default{fetch(){return new Response("ok")}}` };

/** Bundles as a deployment does, into a folder that only this measurement uses. */
export async function bundleDeployed(folder: string): Promise<Modules> {
  await bundleForDeployment(folder);
  const parts = readdirSync(folder).filter((name) => name !== ENTRY);
  return Object.fromEntries(
    [ENTRY, ...parts].map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
}

/** What an upload takes: every module counts, also those that are imported only when they are needed. */
export function compressedKb(modules: Modules): number {
  const bytes = Object.values(modules).map((text) => gzipSync(text, { level: GZIP_LEVEL }).byteLength);
  return bytes.reduce((sum, each) => sum + each, 0) / BYTES_PER_KB;
}

/** The path of workerd itself, without the Node script before it. */
function findWorkerd(): string {
  const found: unknown = createRequire(import.meta.url)("workerd");
  return z.object({ default: z.string() }).parse(found).default;
}

/** Milliseconds from the start of a workerd on one Worker to its first answer; the process has ended by then. */
export async function startUpMs(folder: string, modules: Modules): Promise<number> {
  const port = await findFreePort();
  for (const [name, text] of Object.entries(modules)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, "start.capnp"), configOf(port, Object.keys(modules)));
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

function configOf(port: number, names: readonly string[]): string {
  const modules = names.map((name) => `(name = "${name}", esModule = embed "${name}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [${modules.join(", ")}],
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
