/** Open connections on workerd: sockets relayed unchanged, event streams piped, both counted until they end. */
import { describe, it } from "vitest";
import {
  createOpenConnections,
  type OpenConnections,
  type Opened,
} from "../../src/adapters/open-connections.ts";

const NEVER = (): Promise<void> => new Promise(() => undefined);

interface Counted {
  readonly open: OpenConnections;
  readonly opened: Opened;
  /** `version sockets streams` of what is open. */
  list(): readonly string[];
}

function counted(accept?: string): Counted {
  const open = createOpenConnections({ sleep: NEVER, report: () => undefined });
  return {
    open,
    opened: { product: "kiln", version: "2.9.0", accept, waitUntil: () => undefined },
    list: () => open.list().map(({ version, sockets, streams }) => `${version} ${sockets} ${streams}`),
  };
}

/** What comes next on a socket: a message, or its end. */
function next(socket: WebSocket): Promise<unknown> {
  return new Promise((resolve) => {
    socket.addEventListener("message", ({ data }) => resolve(data), { once: true });
    socket.addEventListener("close", ({ code, reason }) => resolve(`closed ${code} ${reason}`), {
      once: true,
    });
  });
}

function upgrade({ open, opened }: Counted): { client: WebSocket; origin: WebSocket; response: Response } {
  const [theirs, origin] = Object.values(new WebSocketPair());
  if (theirs === undefined || origin === undefined) throw new Error("no pair");
  origin.accept();
  const headers = { "Sec-WebSocket-Protocol": "demo" };
  const response = open.watch(new Response(null, { status: 101, webSocket: theirs, headers }), opened);
  const client = response.webSocket;
  if (client === null) throw new Error("no socket");
  client.binaryType = "arraybuffer";
  client.accept();
  return { client, origin, response };
}

describe("a WebSocket", () => {
  it("is carried both ways, text and bytes, and counted until its client closes it", async ({ expect }) => {
    const count = counted();
    const { client, origin, response } = upgrade(count);
    expect([response.status, response.headers.get("sec-websocket-protocol"), count.list()]).toEqual([
      101,
      "demo",
      ["2.9.0 1 0"],
    ]);
    const heard = next(origin);
    client.send("hello");
    expect(await heard).toBe("hello");
    const answered = next(client);
    origin.send(new Uint8Array([1, 2, 255]));
    expect([...new Uint8Array((await answered) as ArrayBuffer)]).toEqual([1, 2, 255]);
    const end = next(origin);
    client.close(4001, "enough");
    expect(await end).toBe("closed 4001 enough");
    expect(count.list()).toEqual([]);
  });

  it("is counted down when the version closes it, with its code and without one", async ({ expect }) => {
    const count = counted();
    const [one, other] = [upgrade(count), upgrade(count)];
    expect(count.list()).toEqual(["2.9.0 2 0"]);
    const ends = [next(one.client), next(other.client)];
    one.origin.close(1000, "moved");
    other.origin.close();
    expect(await Promise.all(ends)).toEqual(["closed 1000 moved", "closed 1005 "]);
    expect(count.list()).toEqual([]);
  });

  it("passes on what was sent before its client was there", async ({ expect }) => {
    const count = counted();
    const [theirs, origin] = Object.values(new WebSocketPair());
    origin?.accept();
    origin?.send("first");
    const response = count.open.watch(
      new Response(null, { status: 101, webSocket: theirs ?? null }),
      count.opened,
    );
    const client = response.webSocket;
    if (client === null) throw new Error("no socket");
    const heard = next(client);
    client.accept();
    expect(await heard).toBe("first");
  });
});

describe("an event stream", () => {
  const stream = (count: Counted, type = "text/event-stream; charset=utf-8") => {
    const { readable, writable } = new IdentityTransformStream();
    const answer = new Response(readable, { status: 200, headers: { "Content-Type": type, "X-Own": "1" } });
    return { response: count.open.watch(answer, count.opened), writer: writable.getWriter(), answer };
  };

  it("that was asked for is piped as it comes, and counted until it ends or breaks", async ({ expect }) => {
    const count = counted("text/event-stream");
    const { response, writer } = stream(count);
    expect([response.headers.get("x-own"), count.list()]).toEqual(["1", ["2.9.0 0 1"]]);
    const reader = response.body?.getReader();
    const read = reader?.read();
    await writer.write(new TextEncoder().encode("data: 1\n\n"));
    expect(new TextDecoder().decode((await read)?.value)).toBe("data: 1\n\n");
    expect(count.list()).toEqual(["2.9.0 0 1"]);
    const rest = reader?.read();
    await writer.close();
    expect((await rest)?.done).toBe(true);
    await Promise.resolve();
    expect(count.list()).toEqual([]);

    const broken = stream(count);
    await broken.response.body?.cancel();
    // The end of a pipe is told a turn later.
    await broken.writer.write(new Uint8Array(1)).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(count.list()).toEqual([]);
  });

  it("is not looked for where nobody asked for one, and no other answer is touched", async ({ expect }) => {
    const plain = counted();
    const first = stream(plain);
    expect([first.response === first.answer, plain.list()]).toEqual([true, []]);
    const other = counted("text/event-stream");
    const second = stream(other, "text/html");
    expect([second.response === second.answer, other.list()]).toEqual([true, []]);
  });
});

describe("reports", () => {
  it("go on while something is open, and end with one that says so", async ({ expect }) => {
    let reports = 0;
    const wakes: (() => void)[] = [];
    const open = createOpenConnections({
      sleep: () => new Promise((resolve) => wakes.push(resolve)),
      report: () => (reports += 1),
    });
    const opened: Opened = { product: "kiln", version: "1", accept: undefined, waitUntil: () => undefined };
    const { client, origin } = upgrade({ open, opened, list: () => [] });
    for (let beat = 1; beat <= 2; beat += 1) {
      wakes.shift()?.();
      await new Promise((resolve) => setTimeout(resolve, 0));
      expect(reports).toBe(beat);
    }
    const end = next(origin);
    client.close();
    await end;
    expect([reports, open.list()]).toEqual([3, []]);
    wakes.shift()?.();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect([reports, wakes.length]).toEqual([3, 0]);
  });
});
