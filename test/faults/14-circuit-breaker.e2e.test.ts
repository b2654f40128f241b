/**
 * Experiment 14, the breaker: the edge on real workerd in front of an origin that accepts connections and drops every one.
 * After some seconds of that its accounts are answered at once and the origin is left in peace but for a try now and then;
 * when it is well again they have it back within one wait. The other version's account and the check notice nothing.
 */
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterAll, beforeAll, describe, it } from "vitest";
import { LAST_WAIT_MS, OPENS_OVER_MS } from "../../src/edge/circuit-breaker.ts";
import { buildProduct, buildRoot, buildRow } from "../support/edge-builders.ts";
import { startEdgeNode, type EdgeNode } from "../support/edge-node.ts";
import { startOrigin, type FakeOrigin } from "../support/fake-origin.ts";
import { startHealthWatch, type HealthWatch } from "../support/health-watch.ts";
import { request, sendRaw } from "../support/raw-http.ts";

const ILL = ["acme", "bolt", "crag", "dune"] as const;
const OPENS_WITHIN_MS = OPENS_OVER_MS * 5;
const WATCHED_MS = 2500;
const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

describe("an origin that drops every connection", () => {
  let isWell = false;
  let connections = 0;
  let origin: Server;
  let other: FakeOrigin;
  let node: EdgeNode;
  let health: HealthWatch;

  beforeAll(async () => {
    origin = createServer((socket) => {
      connections += 1;
      socket.on("error", () => undefined);
      socket.once("data", () => (isWell ? socket.end(ANSWER) : socket.destroy()));
    });
    await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
    other = await startOrigin((_incoming, response) => response.end("fine"));
    const { port } = origin.address() as AddressInfo;
    node = await startEdgeNode({
      root: buildRoot({
        accounts: ILL.length + 1,
        products: {
          kiln: buildProduct({
            default: "fine",
            stable: "fine",
            versions: {
              fine: { origin: other.url, state: "live" },
              ill: { origin: `http://127.0.0.1:${port}`, state: "live" },
            },
          }),
        },
      }),
      rows: [
        ...ILL.map((slug) => buildRow(slug, { homes: { kiln: "ill" } })),
        buildRow("well", { homes: { kiln: "fine" } }),
      ],
    });
    health = startHealthWatch([node.port]);
  });

  afterAll(async () => {
    await health?.stop();
    await node?.stop();
    await other?.stop();
    await new Promise((resolve) => origin.close(resolve));
  });

  async function ask(slug: string): Promise<number> {
    const bytes = request("GET /app HTTP/1.1", `Host: ${slug}.kiln.example.com`, "Connection: close");
    const { status } = await sendRaw({ port: node.port, bytes, timeoutMs: 10_000 });
    return status;
  }

  /** Asks every account in turn for as long as it goes on. */
  async function askAll(goesOn: (statuses: readonly number[]) => boolean): Promise<number> {
    let asked = 0;
    for (;;) {
      const statuses: number[] = [];
      for (const slug of ILL) statuses.push(await ask(slug));
      asked += ILL.length;
      if (!goesOn(statuses)) return asked;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  it(
    "is not asked for every request, and has its accounts back when it answers again",
    { timeout: 60_000 },
    async ({ expect, annotate }) => {
      const began = performance.now();
      let before = -1;
      // Open: a whole turn of the accounts reached it not once.
      await askAll((statuses) => {
        expect(new Set(statuses)).toEqual(new Set([502]));
        const isAsked = connections !== before;
        before = connections;
        return isAsked && performance.now() - began < OPENS_WITHIN_MS;
      });
      const openedMs = performance.now() - began;
      expect(openedMs).toBeLessThan(OPENS_WITHIN_MS);

      const [from, since] = [connections, performance.now()];
      const asked = await askAll(() => performance.now() - since < WATCHED_MS);
      const tries = connections - from;
      // At most a try a wait, and each is a request that is repeated once.
      expect(tries).toBeLessThanOrEqual(2 * Math.ceil((performance.now() - since) / 1000) + 2);
      expect(asked).toBeGreaterThan(tries * 2);
      expect(await ask("well")).toBe(200);

      isWell = true;
      const healed = performance.now();
      await askAll((statuses) => {
        expect(performance.now() - healed).toBeLessThan(LAST_WAIT_MS * 2);
        return statuses.some((status) => status !== 200);
      });
      await annotate(
        `open after ${(openedMs / 1000).toFixed(1)} s; then ${asked} requests, ${tries} connections; back ${((performance.now() - healed) / 1000).toFixed(1)} s after it was well`,
      );
      const seen = await health.stop();
      expect(seen.failed).toEqual([]);
    },
  );
});
