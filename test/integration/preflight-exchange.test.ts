/**
 * The raw exchange inside the Worker's own runtime, where no misbehaving server can be started: sockets that never settle,
 * and a real `connect()` to a closed port. What real servers do to it is tested in e2e/preflight-exchange.
 */
import { connect } from "cloudflare:sockets";
import { describe, it } from "vitest";
import { createRawExchange, type RawExchangeDeps } from "../../src/adapters/raw-exchange.ts";
import type { ExchangeRequest } from "../../src/contracts/preflight.ts";
import { latin1Bytes, latin1Text } from "../../src/core/preflight/bytes.ts";

const request: ExchangeRequest = {
  host: "origin.example.net",
  port: 443,
  tls: false,
  serverName: "origin.example.net",
  bytes: latin1Bytes("OPTIONS / HTTP/1.0\r\n\r\n"),
  timeoutMs: 50,
  capBytes: 1000,
};

/** A socket as far as the exchange looks at it. */
function fakeSocket(changes: Partial<Socket>): Socket {
  const never = new Promise<never>(() => undefined);
  return {
    readable: new ReadableStream(),
    writable: new WritableStream(),
    opened: Promise.resolve({}),
    closed: never,
    upgraded: false,
    secureTransport: "off",
    close: async () => undefined,
    startTls: () => fakeSocket({ opened: never }),
    ...changes,
  };
}

function exchangeOver(socket: () => Socket): ReturnType<typeof createRawExchange> {
  const deps: RawExchangeDeps = { connect: () => socket(), nowMs: () => 0 };
  return createRawExchange(deps);
}

function streamOf(...pieces: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(latin1Bytes(piece));
    },
  });
}

describe("createRawExchange", () => {
  it("does not connect to a port where nothing listens", async ({ expect }) => {
    const exchange = createRawExchange({ connect, nowMs: () => Date.now() });
    const result = await exchange({
      ...request,
      host: "127.0.0.1",
      port: 1,
      serverName: "127.0.0.1",
      timeoutMs: 2000,
    });
    expect(result).toMatchObject({ end: "not-connected", fault: "connect-failed" });
    expect(result.received.length).toBe(0);
  });

  it("ends by its own timer when opening never settles", async ({ expect }) => {
    const result = await exchangeOver(() => fakeSocket({ opened: new Promise(() => undefined) }))(request);
    expect(result).toMatchObject({ end: "not-connected", fault: "connect-timeout" });
  });

  it("ends by its own timer when the handshake never settles, and then has sent nothing", async ({
    expect,
  }) => {
    const written: unknown[] = [];
    const writable = new WritableStream({ write: (piece) => void written.push(piece) });
    const result = await exchangeOver(() => fakeSocket({ writable }))({ ...request, tls: true });
    expect(result).toMatchObject({ end: "not-connected", fault: "tls" });
    expect(written).toEqual([]);
  });

  it("ends by its own timer when close never settles either, and keeps what came", async ({ expect }) => {
    const socket = fakeSocket({
      readable: streamOf("HTTP/1.1 200 OK\r\n"),
      close: () => new Promise(() => undefined),
    });
    const result = await exchangeOver(() => socket)(request);
    expect([result.end, result.fault, latin1Text(result.received)]).toEqual([
      "timeout",
      null,
      "HTTP/1.1 200 OK\r\n",
    ]);
  });

  it("reads an answer that comes although the request cannot be written", async ({ expect }) => {
    const writable = new WritableStream({
      write() {
        throw new Error("broken pipe");
      },
    });
    const readable = streamOf("HTTP/1.1 400 Bad", " Request\r\nContent-Length: 0\r\n\r\n");
    const result = await exchangeOver(() => fakeSocket({ writable, readable }))(request);
    expect([result.end, result.fault]).toEqual(["complete", null]);
  });

  it("closes every socket it opened", async ({ expect }) => {
    let closed = 0;
    const close = async (): Promise<void> => void (closed += 1);
    const secure = fakeSocket({ readable: streamOf("HTTP/1.1 204 x\r\n\r\n"), close });
    await exchangeOver(() => fakeSocket({ close, startTls: () => secure }))({ ...request, tls: true });
    expect(closed).toBe(2);
  });

  it("turns a runtime that throws into a value", async ({ expect }) => {
    const exchange = exchangeOver(() => {
      throw new TypeError("no such address");
    });
    expect(await exchange(request)).toMatchObject({
      end: "not-connected",
      fault: "internal",
      detail: "no such address",
    });
  });

  it("does not ask a host for another one's certificate", async ({ expect }) => {
    const exchange = exchangeOver(() => {
      throw new Error("must not connect");
    });
    const result = await exchange({ ...request, tls: true, serverName: "other.example.net" });
    expect([result.fault, result.detail.includes("serverName must be the host")]).toEqual(["internal", true]);
  });
});
