/**
 * Sends bytes to an origin over workerd's `connect()` and reads one answer: the control plane's way to ask what `fetch`
 * cannot ask (no Host, an empty one, `OPTIONS *`). TLS is always verified; there is no switch to skip it.
 * It must not decide where it may connect (the caller has checked ORIGIN_ALLOW) nor judge what came. Never rejects.
 *
 * What workerd tells is little: a refusal, an unknown name and an address that the platform blocks (Cloudflare's own
 * ranges, private networks) are one and the same error, so all are `connect-failed`; TLS is started only once the plain
 * connection stands, so that a bad certificate is told apart from them. A `close()` during the handshake settles nothing,
 * therefore every wait is raced with our own timer. https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/
 */
import type { ExchangeFault, ExchangePort, ExchangeRequest, RawExchange } from "../contracts/preflight.ts";
import { isHeadRequest } from "../core/preflight/judge.ts";
import { createResponseReader, type ResponseReader } from "../core/preflight/response-reader.ts";

export interface RawExchangeDeps {
  /** `connect` of `cloudflare:sockets`. */
  readonly connect: (address: SocketAddress, options: SocketOptions) => Socket;
  readonly nowMs: () => number;
}

type Finished = Pick<RawExchange, "end" | "fault" | "detail">;

/** A wait that ended: with a value, with an error, or because the time was up. */
type Waited<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "error"; readonly detail: string }
  | { readonly kind: "timeout" };

type Wait = <T>(promise: Promise<T>) => Promise<Waited<T>>;

const MAX_DETAIL_CHARS = 300;

/** Makes the exchange; `timeoutMs` of a request covers connect, TLS, write and read together. */
export function createRawExchange({ connect, nowMs }: RawExchangeDeps): ExchangePort {
  return async (request) => {
    const started = nowMs();
    if (request.tls && request.serverName !== request.host) return otherName(request);
    const reader = createResponseReader({ isHead: isHeadRequest(request.bytes), capBytes: request.capBytes });
    const alarm = startAlarm(request.timeoutMs);
    const finished = await talk({ connect, request, reader, wait: alarm.wait });
    alarm.stop();
    return { ...finished, received: reader.received().slice(), ms: nowMs() - started };
  };
}

/** workerd checks the certificate against the host it connects to and takes no other name (it says so in its log). */
function otherName({ host, serverName }: ExchangeRequest): RawExchange {
  const detail = `a certificate for ${serverName} cannot be asked of ${host}: serverName must be the host`;
  return { end: "not-connected", fault: "internal", detail, received: new Uint8Array(), ms: 0 };
}

interface Talk {
  readonly connect: RawExchangeDeps["connect"];
  readonly request: ExchangeRequest;
  readonly reader: ResponseReader;
  readonly wait: Wait;
}

async function talk({ connect, request, reader, wait }: Talk): Promise<Finished> {
  const sockets: Socket[] = [];
  try {
    const plain = connect(
      { hostname: request.host, port: request.port },
      { secureTransport: request.tls ? "starttls" : "off", allowHalfOpen: false },
    );
    sockets.push(watch(plain));
    const opened = await wait(plain.opened);
    if (opened.kind !== "value") return notConnected(opened, "connect-failed");
    if (!request.tls) return await converse({ socket: plain, request, reader, wait });
    const secure = plain.startTls();
    sockets.push(watch(secure));
    const handshake = await wait(secure.opened);
    if (handshake.kind !== "value") return notConnected(handshake, "tls");
    return await converse({ socket: secure, request, reader, wait });
  } catch (error) {
    return { end: "not-connected", fault: "internal", detail: describe(error) };
  } finally {
    for (const socket of sockets) socket.close().catch(() => undefined);
  }
}

/** Errors of a socket come out of every one of its promises; those nobody waits for are taken here. */
function watch(socket: Socket): Socket {
  socket.closed.catch(() => undefined);
  socket.opened.catch(() => undefined);
  return socket;
}

function notConnected(waited: Exclude<Waited<unknown>, { kind: "value" }>, fault: ExchangeFault): Finished {
  if (waited.kind === "error") return { end: "not-connected", fault, detail: waited.detail };
  const timeout = fault === "tls" ? "tls" : "connect-timeout";
  return { end: "not-connected", fault: timeout, detail: "time was up" };
}

/** Writes the request and reads until the reader wants no more. A server may answer before it has read everything. */
async function converse({
  socket,
  request,
  reader,
  wait,
}: Omit<Talk, "connect"> & { readonly socket: Socket }): Promise<Finished> {
  const writer = socket.writable.getWriter();
  // A failed write is not the end: the answer that came before it still counts, and reading says how it ended.
  writer.write(request.bytes).catch(() => undefined);
  const source: ReadableStreamDefaultReader<unknown> = socket.readable.getReader();
  for (;;) {
    const read = await wait(source.read());
    if (read.kind === "timeout") return { end: "timeout", fault: null, detail: "time was up" };
    if (read.kind === "error") return { end: "reset", fault: null, detail: read.detail };
    if (read.value.done) return { end: "closed", fault: null, detail: "" };
    if (read.value.value instanceof Uint8Array && reader.push(read.value.value)) {
      return { end: reader.ended() ?? "complete", fault: null, detail: "" };
    }
  }
}

/** One timer for the whole exchange; `stop` it, or it keeps the isolate busy. */
function startAlarm(timeoutMs: number): { readonly wait: Wait; readonly stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const rang = new Promise<{ readonly kind: "timeout" }>((resolve) => {
    timer = setTimeout(() => resolve({ kind: "timeout" }), timeoutMs);
  });
  return {
    wait: (promise) =>
      Promise.race([
        promise.then(
          (value) => ({ kind: "value", value }) as const,
          (error: unknown) => ({ kind: "error", detail: describe(error) }) as const,
        ),
        rang,
      ]),
    stop: () => {
      if (timer !== null) clearTimeout(timer);
    },
  };
}

function describe(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, MAX_DETAIL_CHARS);
}
