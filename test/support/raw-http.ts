/**
 * Bytes in, answer out: an HTTP client that sends exactly what it is given, however wrong, over a socket of its own, and
 * reads one answer without judging it. Every end-to-end test that cares about spelling uses this; no library would.
 */
import { connect, type Socket } from "node:net";

const TIMEOUT_MS = 10_000;
const HOST = "127.0.0.1";

export interface RawAnswer {
  /** 0 when the connection ended, or the time did, before a status line came. */
  readonly status: number;
  readonly statusLine: string;
  /** In order, names as sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Whether its end could be told from the bytes: its length came, or the last chunk. */
  readonly complete: boolean;
  /** First value of a header, by name in any case; null when it is not there. */
  readonly header: (name: string) => string | null;
}

export interface RawOptions {
  readonly port: number;
  /** Text is sent as Latin-1: one character, one byte. */
  readonly bytes: string | Uint8Array;
  readonly timeoutMs?: number;
}

/** Sends and reads one answer. Never rejects for what the other side does, only when there is nobody to connect to. */
export async function sendRaw({ port, bytes, timeoutMs = TIMEOUT_MS }: RawOptions): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const isHead = typeof bytes === "string" && bytes.startsWith("HEAD ");
    const socket = connect(port, HOST, () => socket.write(toBuffer(bytes)));
    const finish = (): void => {
      socket.destroy();
      clearTimeout(timer);
      const text = received.toString("latin1");
      resolve({ ...parseAnswer(text), complete: isComplete(text, isHead) });
    };
    const timer = setTimeout(finish, timeoutMs);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (isComplete(received.toString("latin1"), isHead)) finish();
    });
    socket.on("end", finish);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") reject(error);
      else finish();
    });
  });
}

/** Sends, and gives everything that comes back until the connection closes or nothing has come for `timeoutMs`. */
export async function converse({ port, bytes, timeoutMs = TIMEOUT_MS }: RawOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => socket.write(toBuffer(bytes)));
    let text = "";
    const finish = (): void => {
      socket.destroy();
      clearTimeout(timer);
      resolve(text);
    };
    const timer = setTimeout(finish, timeoutMs);
    socket.on("data", (piece: Buffer) => {
      text += piece.toString("latin1");
      timer.refresh();
    });
    socket.on("close", finish);
    socket.on("error", () => undefined);
  });
}

/** Opens a connection, sends, and leaves it to the caller, who must destroy it. */
export async function openRaw({ port, bytes }: RawOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, HOST, () => {
      socket.write(toBuffer(bytes), () => resolve(socket));
    });
    socket.once("error", reject);
  });
}

function toBuffer(bytes: string | Uint8Array): Buffer {
  return typeof bytes === "string" ? Buffer.from(bytes, "latin1") : Buffer.from(bytes);
}

/** A request with these lines, the empty one added: `request("GET / HTTP/1.1", "Host: a")`. */
export function request(...lines: string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function parseAnswer(text: string): Omit<RawAnswer, "complete"> {
  const end = text.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = (end === -1 ? text : text.slice(0, end)).split("\r\n");
  const headers = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const header = (name: string): string | null =>
    headers.find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1] ?? null;
  const rest = end === -1 ? "" : text.slice(end + 4);
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? 0);
  return {
    status,
    statusLine,
    headers,
    body: header("transfer-encoding") === null ? rest : dechunk(rest),
    header,
  };
}

function dechunk(text: string): string {
  let body = "";
  for (let at = 0; ;) {
    const lineEnd = text.indexOf("\r\n", at);
    const size = lineEnd === -1 ? 0 : Number.parseInt(text.slice(at, lineEnd), 16);
    if (!(size > 0)) return body;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}

/** Whether an answer can be told to be over although the connection stays open. */
function isComplete(text: string, isHead: boolean): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return false;
  const { status, header } = parseAnswer(text.slice(0, end + 4));
  if (status >= 100 && status < 200) return false;
  if (isHead || status === 204 || status === 304) return true;
  if (header("transfer-encoding") !== null) return text.endsWith("0\r\n\r\n");
  const length = header("content-length");
  return length !== null && text.length - (end + 4) >= Number(length);
}
