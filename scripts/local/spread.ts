/**
 * Makes a change visible at every local node now. Nodes look for new maps every half a minute; the drill and tests do
 * not wait that long, so they empty a node's memory and let it read again, until what was changed can be seen there.
 */
import type { AdminClient } from "./admin-client.ts";
import { waitUntilPublished } from "./demo/seed.ts";
import type { Instance } from "./instance.ts";

const LOOK_EVERY_MS = 100;
const WITHIN_MS = 20_000;

/** What is needed of a local run, which may be another process. */
export interface Spreading {
  readonly admin: AdminClient;
  readonly ports: readonly number[];
  /** Empties the memory of one node, counted from 1. */
  readonly restart: (node: number) => Promise<unknown>;
  /** Whether the node on this port shows the change. */
  readonly isSeen: (port: number) => Promise<boolean>;
}

/**
 * Waits for what was written to be published, then for every node to act on it.
 * @throws when a node does not show it in 20 s.
 */
export async function spread({ admin, ports, restart, isSeen }: Spreading): Promise<void> {
  await waitUntilPublished(admin);
  const until = Date.now() + WITHIN_MS;
  for (const [index, port] of ports.entries()) {
    for (;;) {
      await restart(index + 1);
      if (await isSeen(port)) break;
      if (Date.now() > until)
        throw new Error(`node ${index + 1} does not show the change after ${WITHIN_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
}

/** The same for a run in this process. */
export async function spreadAt(
  { admin, ports, nodes }: Instance,
  isSeen: (port: number) => Promise<boolean>,
): Promise<void> {
  await spread({ admin, ports, isSeen, restart: (node) => nodes.act(node, { action: "restart" }) });
}
