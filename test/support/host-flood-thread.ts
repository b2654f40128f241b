/** The thread of host-flood.ts: pipelined requests in small bursts, and a count of what is answered. */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import type { Flood, FloodReport } from "./host-flood.ts";

const CONNECTIONS_A_PORT = 16;
const BURST_EVERY_MS = 5;
const PATIENCE_MS = 10_000;
/** What would be sent beyond this many unanswered requests is sent when they are answered: a client's own limit. */
const MAX_UNANSWERED = 4000;
const STATUS = /HTTP\/1\.1 (\d{3}) /g;
/** Length of what STATUS matches, less one: so much of it may be in the chunk before. */
const CARRIED = 12;

const { ports, perSecond, ms, oneUnknownOf } = workerData as Flood;
const statuses: Record<number, number> = {};
let [sent, answered] = [0, 0];

function open(port: number): Socket {
  let carried = "";
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  socket.on("data", (chunk: Buffer) => {
    const text = carried + chunk.toString("latin1");
    let end = 0;
    for (const match of text.matchAll(STATUS)) {
      const status = Number(match[1]);
      statuses[status] = (statuses[status] ?? 0) + 1;
      answered += 1;
      end = match.index + match[0].length;
    }
    carried = text.slice(Math.max(end, text.length - CARRIED));
  });
  socket.on("error", () => undefined);
  return socket;
}

const sockets = ports.flatMap((port) => Array.from({ length: CONNECTIONS_A_PORT }, () => open(port)));

function send(requests: number): void {
  const bursts = sockets.map(() => "");
  for (let n = 0; n < requests; n += 1) {
    const domain = sent % oneUnknownOf === 0 ? "kiln.localhost" : "example";
    // In turn over ports too: neighbours are of one port.
    bursts[(sent * CONNECTIONS_A_PORT + Math.floor(sent / ports.length)) % sockets.length] +=
      `GET / HTTP/1.1\r\nHost: ${randomBytes(8).toString("hex")}.${domain}\r\n\r\n`;
    sent += 1;
  }
  for (const [index, burst] of bursts.entries()) if (burst !== "") sockets[index]?.write(burst, "latin1");
}

const pause = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs));
const started = performance.now();
const wanted = Math.round((perSecond * ms) / 1000);
let lastMs = started;
while (sent < wanted && lastMs - started < ms + PATIENCE_MS) {
  const due = Math.min(wanted, Math.ceil((perSecond * (performance.now() - started)) / 1000));
  send(Math.max(0, Math.min(due - sent, MAX_UNANSWERED - (sent - answered))));
  await pause(BURST_EVERY_MS);
  lastMs = performance.now();
}
while (answered < sent && performance.now() - lastMs < PATIENCE_MS) await pause(BURST_EVERY_MS);
for (const socket of sockets) socket.destroy();
parentPort?.postMessage({ sent, statuses, ms: performance.now() - started } satisfies FloodReport);
