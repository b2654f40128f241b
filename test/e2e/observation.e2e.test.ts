/**
 * Counting on a local run under load: what the versions were asked is what the meters have, to the request, and it shows
 * as metrics (that promtool has nothing against) and in status; so do clients that leave while a version hangs. The minute of load and what counting costs are measured by `npm run bench:observation`.
 */
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, it } from "vitest";
import { z } from "zod";
import { createDemoAccounts } from "../../scripts/local/demo/accounts.ts";
import type { Instance } from "../../scripts/local/instance.ts";
import { WELL } from "../../scripts/local/demo/faults.ts";
import { anything, startLoad, type Asker } from "../../scripts/local/load.ts";
import { spreadAt } from "../../scripts/local/spread.ts";
import { StatusSchema } from "../../src/contracts/api/status.ts";
import { startTestInstance } from "../support/local-instance.ts";
import { mustSkipPromtool, promtool } from "../support/promtool.ts";
import { request, sendRaw } from "../support/raw-http.ts";

const LOAD_MS = 4000;
/** A flush is due 15 s after the one before at the latest. */
const COUNTED_WITHIN_MS = 20_000;

const skipsPromtool = mustSkipPromtool();
let instance: Instance;

beforeAll(async () => {
  instance = await startTestInstance();
});
afterAll(async () => {
  await instance.stop();
});

const received = (): number => instance.origins.reduce((sum, origin) => sum + origin.received(), 0);

async function counting() {
  const { status, body } = await instance.admin.call({ method: "GET", path: "status" });
  if (status !== 200) throw new Error(`status answers ${status}`);
  const found = StatusSchema.parse(body).counting;
  if (found === null) throw new Error("the meters do not answer");
  return found;
}

describe("counting under load", () => {
  it("has every request that reached a version, and shows it", async ({ expect }) => {
    const before = received();
    const counted = await counting();
    const ask = (host: string): Asker => ({ host, path: "/", judge: anything });
    const accounts = createDemoAccounts();
    const askers = Array.from({ length: 200 }, (_, number) =>
      ask(
        number % 10 === 0
          ? `nobody-${number}.kiln.localhost`
          : `${accounts[number]?.account ?? ""}.kiln.localhost`,
      ),
    );
    const load = startLoad(
      instance.ports.map((port, node) => ({
        name: `node ${node}`,
        port,
        askers,
        concurrency: 24,
        pauseMs: 0,
        timeoutMs: 10_000,
      })),
    );
    await new Promise((resolve) => setTimeout(resolve, LOAD_MS));
    const tallies = [...(await load.stop()).values()];
    const answered = tallies.reduce((sum, { requests }) => sum + requests, 0);
    const asked = received() - before;
    expect(asked).toBe(answered);

    const deadline = performance.now() + COUNTED_WITHIN_MS;
    let now = await counting();
    while (now.requests - counted.requests < asked && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      now = await counting();
    }
    expect(now.requests - counted.requests).toBe(asked);
    expect(now.droppedRequests).toBe(0);

    const { body } = await instance.admin.call({ method: "GET", path: "metrics" });
    const total = [
      ...z
        .string()
        .parse(body)
        .matchAll(/^firebreak_requests_total\{[^}]*\} (\d+)$/gm),
    ];
    expect(total.reduce((sum, [, value]) => sum + Number(value), 0)).toBe(now.requests);
    if (!skipsPromtool) {
      const checked = promtool(["check", "metrics"], { input: z.string().parse(body) });
      expect(checked).toEqual({ code: 0, said: "" });
    }
    console.log(`${Math.round(answered / (LOAD_MS / 1000))} requests a second, none lost of ${asked}`);
  }, 60_000);
});

describe("clients that leave while a version hangs", () => {
  const LEAVE_AFTER_MS = 900;
  const CLIENTS = 10;
  const LIMIT_S = 2;
  const SAMPLE =
    /^firebreak_(clients_gone|request_failures)_total\{product="kiln",version="2\.8\.0",.*\} (\d+)$/gm;
  const READ = request("GET /slow HTTP/1.1", "Host: nobody.kiln.localhost");
  const UPLOAD = `${request("POST /slow HTTP/1.1", "Host: nobody.kiln.localhost", "Content-Length: 5")}hello`;

  beforeAll(async () => {
    const { domains } = z
      .object({ domains: z.array(z.string()) })
      .parse(await instance.admin.must({ method: "GET", path: "products/kiln" }));
    const timeouts = [{ prefix: "/slow", seconds: LIMIT_S }];
    await instance.admin.must({ method: "PUT", path: "products/kiln", body: { domains, timeouts } });
    await instance.origin("kiln", "2.8.0").setFaults({ ...WELL, hang: true });
    await spreadAt(
      instance,
      async (port) => (await sendRaw({ port, bytes: READ, timeoutMs: LIMIT_S * 2000 })).status === 504,
    );
  });

  async function counts() {
    for (const node of instance.ports.keys()) await instance.nodes.act(node + 1, { action: "flush" });
    const text = z.string().parse(await instance.admin.must({ method: "GET", path: "metrics" }));
    const sums = { clients_gone: 0, request_failures: 0 };
    for (const [, name, value] of text.matchAll(SAMPLE)) sums[name as keyof typeof sums] += Number(value);
    return sums;
  }

  async function leave(bytes: string, how: "reset" | "close"): Promise<void> {
    const clients = instance.ports.flatMap((port) =>
      Array.from({ length: CLIENTS }, () =>
        connect(port, "127.0.0.1", function (this: Socket) {
          this.write(bytes);
        }),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, LEAVE_AFTER_MS));
    for (const client of clients) {
      if (how === "reset") client.resetAndDestroy();
      else client.destroy();
    }
  }

  it.for([
    ["a read whose connection is reset", READ, "reset", "clients_gone"],
    ["an upload that is through, reset", UPLOAD, "reset", "clients_gone"],
    // The runtime takes a connection that is closed for one that sends no more, and may still be listened to.
    ["a read whose connection is closed", READ, "close", "request_failures"],
  ] as const)("are counted, each once: %s", { timeout: 60_000 }, async ([, bytes, how, as], { expect }) => {
    const before = await counts();
    await leave(bytes, how);
    const after = { ...before, [as]: before[as] + instance.ports.length * CLIENTS };
    await expect.poll(counts, { timeout: COUNTED_WITHIN_MS }).toEqual(after);
  });
});
