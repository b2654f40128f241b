/**
 * A load balancer that an origin's address hides behind: it passes every request on to a port with another Host, as a
 * name in DNS would give it, and keeps the heads it saw. Knows no more of HTTP than where the first head ends, so one
 * connection carries one request.
 */
import net, { type AddressInfo } from "node:net";

export interface HostRelay {
  readonly url: string;
  /** Where requests go; 0 until it is set. */
  target: number;
  /** Heads as they arrived. */
  readonly heads: string[];
  stop(): Promise<void>;
}

export async function startHostRelay(host: string): Promise<HostRelay> {
  const heads: string[] = [];
  const sockets = new Set<net.Socket>();
  const keep = (socket: net.Socket): net.Socket => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    return socket;
  };
  const server = net.createServer((client) => {
    keep(client);
    client.once("data", (piece: Buffer) => {
      const text = piece.toString("latin1");
      heads.push(text.slice(0, text.indexOf("\r\n\r\n") + 4));
      const upstream = keep(net.connect(relay.target, "127.0.0.1"));
      upstream.write(text.replace(/\r\nhost: [^\r]*/i, `\r\nHost: ${host}\r\nConnection: close`), "latin1");
      upstream.pipe(client);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const relay: HostRelay = {
    url: `http://127.0.0.1:${port}`,
    target: 0,
    heads,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return relay;
}
