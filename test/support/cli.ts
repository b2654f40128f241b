/**
 * Runs the command line for tests: in memory (whole command lines, no process), or as the real process that operators
 * start; and a small HTTP server in place of the admin API, which records what it was sent.
 */
import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { run } from "../../scripts/cli/program.ts";
import type { Terminal, TextSink } from "../../scripts/cli/terminal.ts";

export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly nowMs?: number;
  /** A screen of this many columns; left out: a pipe. */
  readonly columns?: number;
}

function memorySink(columns: number): { readonly sink: TextSink; readonly text: () => string } {
  const chunks: string[] = [];
  return {
    sink: {
      write: (text) => void chunks.push(text),
      draw: (sequence) => void chunks.push(sequence),
      drained: () => Promise.resolve(),
      isTerminal: columns > 0,
      columns,
    },
    text: () => chunks.join(""),
  };
}

/** A terminal in memory. */
export function memoryTerminal(options: CliOptions = {}): {
  readonly terminal: Terminal;
  readonly out: () => string;
  readonly err: () => string;
} {
  const out = memorySink(options.columns ?? 0);
  const err = memorySink(0);
  let nowMs = options.nowMs ?? 1_795_000_000_000;
  const terminal: Terminal = {
    out: out.sink,
    err: err.sink,
    bars: null,
    env: options.env ?? {},
    input: Readable.from([Buffer.from(options.input ?? "")]),
    nowMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
  };
  return { terminal, out: out.text, err: err.text };
}

/** Runs one command line in this process. */
export async function runCli(argv: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const { terminal, out, err } = memoryTerminal(options);
  const code = await run(argv, terminal);
  return { code, out: out(), err: err() };
}

const ENTRY = join(import.meta.dirname, "../../scripts/firebreak.ts");

/** Runs one command line as a process of its own, on the Node that runs the tests. */
export function spawnCli(argv: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [ENTRY, ...argv], { env: { ...process.env, ...options.env } });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, out, err }));
    child.stdin.end(options.input ?? "");
  });
}

/** A request as the fake API got it; `body` is parsed JSON, or the text when it is none, or null. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface FakeApi {
  readonly url: string;
  readonly seen: readonly SeenRequest[];
  stop(): Promise<void>;
}

/** Starts a server on a free port. A handler that streams gets the raw request before its body is read. */
export async function startFakeApi(handlers: {
  readonly answer?: (request: SeenRequest) => FakeAnswer;
  readonly stream?: (request: IncomingMessage, response: ServerResponse) => boolean;
}): Promise<FakeApi> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    if (handlers.stream?.(request, response) === true) return;
    void readText(request).then((text) => {
      const url = new URL(request.url ?? "/", "http://fake");
      const one: SeenRequest = {
        method: request.method ?? "",
        path: url.pathname.replace(/^\/api\/v1/, ""),
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        body: text === "" ? null : parseOrText(text),
      };
      seen.push(one);
      const { status = 200, headers = {}, body } = handlers.answer?.(one) ?? NOT_FOUND;
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function parseOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A problem document of ours. */
export function problem(
  name: string,
  status: number,
  more: Readonly<Record<string, unknown>> = {},
): FakeAnswer {
  return {
    status,
    headers: { "content-type": "application/problem+json" },
    body: {
      type: `urn:firebreak:problem:${name}`,
      title: `Title of ${name}`,
      status,
      detail: `Detail of ${name}.`,
      instance: "req-1",
      ...more,
    },
  };
}

export const NOT_FOUND: FakeAnswer = problem("not-found", 404);

/** Cuts a command line as a shell does, double and single quotes included. */
export function shellWords(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? "",
  );
}
