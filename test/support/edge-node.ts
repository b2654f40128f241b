/**
 * Starts the edge on real workerd with a proxy-style socket, and speaks raw HTTP to it.
 * Bundles `edge-worker.ts` in memory; every node is a process of its own and is stopped by its handle.
 */
import net from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { EdgeReportLine, EdgeSetup } from "./edge-worker.ts";

const SILENCE_MS = 10_000;

export interface EdgeNode {
  readonly port: number;
  report(): Promise<EdgeReportLine>;
  stop(): Promise<void>;
}

export async function startEdgeNode(setup: EdgeSetup): Promise<EdgeNode> {
  const bundle = await build({
    entryPoints: [join(import.meta.dirname, "edge-worker.ts")],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    external: ["cloudflare:*"],
  });
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        {
          name: "edge",
          modules: true,
          script: bundle.outputFiles[0]?.text ?? "",
          compatibilityDate: "2026-10-01",
          compatibilityFlags: ["enable_request_signal"],
          bindings: { SETUP: JSON.parse(JSON.stringify(setup)) },
          unsafeDirectSockets: [{ host: "127.0.0.1", port: 0, proxy: true }],
        },
      ],
    }),
  );
  const port = Number((await miniflare.unsafeGetDirectURL("edge")).port);
  return {
    port,
    async report() {
      const { body } = await sendRaw(port, "GET /__edge HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      return JSON.parse(body) as EdgeReportLine;
    },
    stop: () => miniflare.dispose(),
  };
}

export interface RawAnswer {
  readonly status: number;
  /** Header lines as they came. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** Writes bytes, reads until the other side closes. Ask for `Connection: close`. Chunked bodies are put together. */
export function sendRaw(port: number, bytes: string | Uint8Array): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1");
    const parts: Buffer[] = [];
    socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error("no answer")));
    socket.on("data", (part) => parts.push(part));
    socket.on("error", reject);
    socket.on("close", () => resolve(parseAnswer(Buffer.concat(parts).toString("latin1"))));
    socket.write(bytes);
  });
}

/** A connection for tests that send or read piece by piece. */
export function connectRaw(port: number): net.Socket {
  const socket = net.connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  return socket;
}

export function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf("\r\n\r\n");
  const [statusLine = "", ...headers] = text.slice(0, end).split("\r\n");
  const rest = text.slice(end + 4);
  const isChunked = headers.some((line) => line.toLowerCase() === "transfer-encoding: chunked");
  return { status: Number(statusLine.split(" ")[1]), headers, body: isChunked ? joinChunks(rest) : rest };
}

function joinChunks(text: string): string {
  let body = "";
  for (let at = 0; at < text.length;) {
    const lineEnd = text.indexOf("\r\n", at);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (!(size > 0)) break;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
  return body;
}
