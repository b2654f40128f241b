/**
 * An origin that keeps every byte and parses none of it kindly: one strict request after the other, a length or plain
 * chunks, nothing folded, nothing between. What does not parse so is kept as `stray`: a client that came through the
 * router must never be able to put it there. Answers each request with what it was, so that a victim knows its own.
 */
import net, { type AddressInfo } from "node:net";

export interface RecordedRequest {
  readonly line: string;
  readonly target: string;
  /** Names in lower case, in order, each as often as it came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export interface RecordingOrigin {
  readonly port: number;
  readonly url: string;
  readonly requests: RecordedRequest[];
  /** What could not be read as a request, with the reason first. */
  readonly stray: string[];
  /** Bytes that are not (yet) a whole request, over all connections. */
  pending(): string;
  stop(): Promise<void>;
}

const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([^\0\r\n]*)$/;
const REQUEST_LINE = /^[A-Z]+ [^\s]+ HTTP\/1\.1$/;

type Parsed =
  | { readonly kind: "more" }
  | { readonly kind: "stray"; readonly why: string }
  | { readonly kind: "request"; readonly request: RecordedRequest; readonly length: number };

export async function startRecordingOrigin(): Promise<RecordingOrigin> {
  const requests: RecordedRequest[] = [];
  const stray: string[] = [];
  const open = new Map<net.Socket, string>();
  const server = net.createServer((socket) => {
    open.set(socket, "");
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      const left = open.get(socket) ?? "";
      if (left !== "") stray.push(`left when it closed: ${left}`);
      open.delete(socket);
    });
    socket.on("data", (piece: Buffer) => {
      let text = (open.get(socket) ?? "") + piece.toString("latin1");
      for (let parsed = parseRequest(text); parsed.kind !== "more"; parsed = parseRequest(text)) {
        if (parsed.kind === "stray") {
          stray.push(`${parsed.why}: ${text}`);
          text = "";
          socket.destroy();
          break;
        }
        requests.push(parsed.request);
        text = text.slice(parsed.length);
        socket.write(answerTo(parsed.request));
      }
      if (open.has(socket)) open.set(socket, text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    stray,
    pending: () => [...open.values()].join(""),
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open.keys()) socket.destroy();
      await closed;
    },
  };
}

/** All values of one header, by its lower-case name. */
export function valuesOf({ headers }: RecordedRequest, wanted: string): readonly string[] {
  return headers.filter(([name]) => name === wanted).map(([, value]) => value);
}

function answerTo(request: RecordedRequest): string {
  const [host = ""] = valuesOf(request, "x-forwarded-host");
  const body = request.line.startsWith("HEAD ") ? "" : `${request.target} for ${host}`;
  return `HTTP/1.1 200 OK\r\nX-Recorded: yes\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function parseRequest(text: string): Parsed {
  if (text === "") return { kind: "more" };
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return { kind: "more" };
  const [line = "", ...lines] = text.slice(0, end).split("\r\n");
  if (!REQUEST_LINE.test(line)) return { kind: "stray", why: "no request line" };
  const headers: (readonly [string, string])[] = [];
  for (const each of lines) {
    const [, name = "", value = ""] = HEADER.exec(each) ?? [];
    if (name === "") return { kind: "stray", why: "no header line" };
    headers.push([name.toLowerCase(), value]);
  }
  const request = { line, target: line.split(" ")[1] ?? "", headers, body: "" };
  return readBody(text, end + 4, request);
}

function readBody(text: string, start: number, request: RecordedRequest): Parsed {
  const lengths = valuesOf(request, "content-length");
  const codings = valuesOf(request, "transfer-encoding");
  if (lengths.length + codings.length > 1) return { kind: "stray", why: "framed twice" };
  if (codings.length === 1) {
    if (codings[0] !== "chunked") return { kind: "stray", why: "a coding other than chunked" };
    return readChunks(text, start, request);
  }
  const [length = "0"] = lengths;
  if (!/^(?:0|[1-9]\d*)$/.test(length)) return { kind: "stray", why: "no length" };
  const end = start + Number(length);
  if (text.length < end) return { kind: "more" };
  return { kind: "request", request: { ...request, body: text.slice(start, end) }, length: end };
}

function readChunks(text: string, start: number, request: RecordedRequest): Parsed {
  let body = "";
  for (let at = start; ;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd === -1) return { kind: "more" };
    const digits = text.slice(at, lineEnd);
    if (!/^[0-9a-fA-F]{1,8}$/.test(digits)) return { kind: "stray", why: "no chunk size" };
    const size = Number.parseInt(digits, 16);
    const next = lineEnd + 2 + size;
    if (text.length < next + 2) return { kind: "more" };
    if (text.slice(next, next + 2) !== "\r\n") return { kind: "stray", why: "no end of chunk" };
    if (size === 0) return { kind: "request", request: { ...request, body }, length: next + 2 };
    body += text.slice(lineEnd + 2, next);
    at = next + 2;
  }
}
