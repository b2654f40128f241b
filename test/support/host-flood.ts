/**
 * A flood of hosts that nobody has, each once, at a given rate over kept connections. Sent by a thread of its own (see
 * host-flood-thread.ts), so that whoever measures beside it measures the router and not this.
 */
import { join } from "node:path";
import { Worker } from "node:worker_threads";

export interface Flood {
  readonly ports: readonly number[];
  readonly perSecond: number;
  readonly ms: number;
  /** One of so many is below a base domain, the others are foreign. */
  readonly oneUnknownOf: number;
}

export interface FloodReport {
  readonly sent: number;
  /** Answers by status; fewer than were sent when a connection was cut. */
  readonly statuses: Readonly<Record<number, number>>;
  /** From the first request to the last answer. */
  readonly ms: number;
}

const THREAD = join(import.meta.dirname, "host-flood-thread.ts");

/** Sends it, and ends when all is answered, or ten seconds after the last was sent. */
export async function floodHosts(flood: Flood): Promise<FloodReport> {
  const thread = new Worker(THREAD, { workerData: flood });
  try {
    return await new Promise<FloodReport>((resolve, reject) => {
      thread.once("message", resolve);
      thread.once("error", reject);
    });
  } finally {
    await thread.terminate();
  }
}
