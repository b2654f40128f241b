/**
 * People at a local instance: requests for accounts through the router, the node's report of them, and the tick that
 * judges, so that pages have shares, failures and times to show. Used by `npm run screenshots`; judges nothing itself.
 */
import { Agent, request } from "node:http";
import { waitUntilPublished } from "../local/demo/seed.ts";
import type { Instance } from "../local/instance.ts";

const HOST = "127.0.0.1";
const AT_ONCE = 24;
const MINUTE_MS = 60_000;

export interface Day {
  /** Lets everybody ask once in each round, then lets time pass and the control plane look. */
  pass(minutes: number, hosts: readonly string[], rounds?: number): Promise<void>;
  stop(): void;
}

export function createDay(instance: Instance): Day {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const port = instance.ports[0] ?? 0;
  let nowMs = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;
  let seen = -1;
  const ask = (host: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const asked = request(
        { host: HOST, port, path: "/hello", headers: { Host: host }, agent },
        (answer) => {
          answer.resume().once("end", resolve);
        },
      );
      asked.once("error", reject).end();
    });
  return {
    async pass(minutes, hosts, rounds = 1) {
      const all = Array.from({ length: rounds }, () => hosts).flat();
      for (let from = 0; from < all.length; from += AT_ONCE)
        await Promise.all(all.slice(from, from + AT_ONCE).map(ask));
      await instance.nodes.act(1, { action: "flush" });
      nowMs += minutes * MINUTE_MS;
      await instance.nodes.tick(nowMs);
      const published = await waitUntilPublished(instance.admin);
      if (published === seen) return;
      // The node looks at what is new at once, not within half a minute.
      await instance.nodes.act(1, { action: "restart" });
      seen = published;
    },
    stop: () => agent.destroy(),
  };
}
