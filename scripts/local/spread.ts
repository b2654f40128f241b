/**
 * Makes a change visible at every local node now. Nodes look for new maps every half a minute; the drill and tests do
 * not wait that long, so they empty a node's memory and let it read again, until what was changed can be seen there.
 */
import { waitUntilPublished } from "./demo/seed.ts";
import type { Instance } from "./instance.ts";

const LOOK_EVERY_MS = 100;

/**
 * Waits for what was written to be published, then for every node to act on it.
 * @param isSeen whether the node on this port shows the change.
 * @throws when a node does not show it in time.
 */
export async function spread(
  { nodes, admin }: Pick<Instance, "nodes" | "admin">,
  isSeen: (port: number) => Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  await waitUntilPublished(admin);
  const until = Date.now() + withinMs;
  for (const [index, port] of nodes.ports.entries()) {
    for (;;) {
      await nodes.act(index + 1, { action: "restart" });
      if (await isSeen(port)) break;
      if (Date.now() > until)
        throw new Error(`node ${index + 1} does not show the change after ${withinMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
}
