/**
 * Handing an account over on a real local instance: a WebSocket that is open across a move stays up and is counted, the
 * version it is open to says what it waits for and since when it may be switched off, and `accounts.moved` reaches both
 * versions once in effect although one of them is down for ten minutes, as a webhook reaches a receiver that is down for
 * half an hour. Time passes by ticks alone.
 */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, it } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { parseFaults, WELL } from "../../scripts/local/demo/faults.ts";
import { EVENTS_PATH } from "../../scripts/local/demo/moved-events.ts";
import type { DemoOrigin } from "../../scripts/local/demo/origin.ts";
import type { Instance } from "../../scripts/local/instance.ts";
import { AssignmentSchema, EventReceiverSchema } from "../../src/contracts/api/handover.ts";
import { StatusSchema } from "../../src/contracts/api/status.ts";
import { WebhookSchema, WebhookWithSecretSchema } from "../../src/contracts/api/webhooks.ts";
import { VersionSchema, type Version } from "../../src/contracts/api/products.ts";
import { makeStateFolder, startTestInstance } from "../support/local-instance.ts";
import { createOperator, type Operator } from "../support/local-operator.ts";
import { startWebhookReceiver } from "../support/webhook-receiver.ts";

const MINUTE_MS = 60_000;
const HOST = "acme.kiln.localhost";
const ELSEWHERE = "nobody.fogbugz.localhost";
/** The account leaves a version that nobody else is on, so that it can be switched off afterwards. */
const [HOME, LEFT] = ["2.8.0", "2.9.1"] as const;
/** Longer than it is remembered what an isolate held open that has fallen silent. */
const WAIT_MS = 150_000;

const state = makeStateFolder();
let instance: Instance;
let operator: Operator;
let home: DemoOrigin;
let left: DemoOrigin;
/** Ahead of the machine's clock, so that only ticks let time pass. */
let nowMs = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;

beforeAll(async () => {
  instance = await startTestInstance({ nodes: 1, state });
  operator = createOperator(instance, { state, folder: state });
  [home, left] = [instance.origin("kiln", HOME), instance.origin("kiln", LEFT)];
});
afterAll(async () => {
  operator?.stop();
  await instance?.stop();
  rmSync(state, { recursive: true, force: true });
});

async function pass(minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    nowMs += MINUTE_MS;
    await operator.tick(new Date(nowMs).toISOString());
  }
}

/** Asks until there is an answer. What is waited for takes real seconds: reports of edges, deliveries, publishing. */
async function until<T>(
  what: string,
  ask: () => Promise<T | null>,
  seen: () => unknown = () => "nothing",
): Promise<T> {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const found = await ask();
    if (found !== null) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}; seen last: ${JSON.stringify(seen())}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

const must = (...argv: string[]): Promise<unknown> => operator.json(z.unknown(), ...argv);
const show = (version: string): Promise<Version> =>
  operator.json(VersionSchema, "version", "show", "kiln", version);

/** Moves the account by a pin and waits for the node to act on it. @returns the generation that has it. */
async function moveTo(version: string): Promise<number> {
  await must("accounts", "pin", "acme", "kiln", version, "--reason", "hand-over");
  await operator.seen();
  return (await operator.json(StatusSchema, "status")).published.generation;
}

interface Open {
  readonly socket: WebSocket;
  /** Who took it: its first message. */
  readonly by: string;
}

async function openSocket(): Promise<Open> {
  const socket = new WebSocket(`ws://127.0.0.1:${instance.ports[0]}/socket`, { headers: { Host: HOST } });
  return { socket, by: await nextMessage(socket) };
}

function nextMessage(socket: WebSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once("message", (data: Buffer) => resolve(data.toString("utf8")));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the socket was closed")));
  });
}

function echo({ socket }: Open, text: string): Promise<string> {
  const heard = nextMessage(socket);
  socket.send(text);
  return heard;
}

/** The node reports when requests come, and the next tick asks for it. */
function shown(what: string, isIt: (version: Version) => boolean): Promise<Version> {
  let version: Version | null = null;
  const look = async (): Promise<Version | null> => {
    await operator.answers([ELSEWHERE]);
    await pass(1);
    version = await show(LEFT);
    return isIt(version) ? version : null;
  };
  return until(what, look, () => version);
}

const moves = ({ events }: DemoOrigin): readonly (readonly unknown[])[] =>
  events.list().map(({ data: { from, to, accounts } }) => [from, to, accounts]);

describe("an account that moves", () => {
  it("keeps its WebSocket, which the version it left waits for, while both are told once", async ({
    expect,
  }) => {
    for (const { version, url } of [home, left])
      await must("version", "register", "kiln", version, "--events", `${url}${EVENTS_PATH}`);
    await must("preflight", "kiln", LEFT);
    await must("version", "state", "kiln", LEFT, "live", "--reason", "e2e");
    const since = await moveTo(LEFT);
    const there = [HOME, LEFT, ["acme"]];
    await until("the first event", async () => {
      await pass(1);
      return moves(home).length > 0 && moves(left).length > 0 ? true : null;
    });
    const open = await openSocket();
    expect(open.by).toBe(`kiln/${LEFT}`);
    await shown("the socket to be counted", ({ connections }) => connections?.webSockets === 1);

    await home.setFaults(parseFaults({ refuse: true }));
    await moveTo(HOME);
    expect(await echo(open, "still here")).toBe("still here");
    await must("version", "state", "kiln", LEFT, "draining", "--reason", "e2e");
    await pass(10);
    const back = [LEFT, HOME, ["acme"]];
    await until("the version that is up to be told", async () => (moves(left).length > 1 ? true : null));
    expect([moves(left), moves(home)]).toEqual([[there, back], [there]]);
    const { items } = await operator.json(
      z.object({ items: z.array(EventReceiverSchema) }),
      "events",
      "list",
    );
    expect(items.find(({ version }) => version === HOME)).toMatchObject({ waiting: 1, dead: 0 });
    expect(items.find(({ version }) => version === HOME)?.failingSince).not.toBeNull();

    home.events.loseNextAnswer();
    await home.setFaults(WELL);
    await until("the version that was down to be told, twice", async () => {
      await pass(1);
      return home.events.received() > 2 ? true : null;
    });
    await pass(20);
    expect(home.events.list()).toEqual(left.events.list());
    expect([home.events.received(), left.events.received()]).toEqual([3, 2]);

    const pages = z.object({ items: z.array(AssignmentSchema) });
    const polled = await operator.json(pages, "assignments", "--since", `${since}`, "--product", "kiln");
    const generation = left.events.list()[1]?.data.generation ?? 0;
    expect(generation).toBeGreaterThan(since);
    expect(polled.items).toEqual([{ account: "acme", product: "kiln", from: LEFT, to: HOME, generation }]);

    expect(await echo(open, "and still")).toBe("and still");
    const fresh = await openSocket();
    expect(fresh.by).toBe(`kiln/${HOME}`);
    const waiting = await show(LEFT);
    expect(waiting.connections?.webSockets).toBe(1);
    expect(waiting.switchOff).toEqual({ since: null, waitsFor: ["WebSockets that are open (1)"] });
    open.socket.close();
    const safe = await shown("nothing to wait for", ({ switchOff }) => switchOff?.since != null);
    expect(safe).toMatchObject({ connections: null, switchOff: { waitsFor: [] } });
    fresh.socket.close();
  }, 400_000);
});

describe("a webhook", () => {
  it("arrives exactly once in effect, signed, when its receiver was down for 30 minutes", async ({
    expect,
  }) => {
    const receiver = await startWebhookReceiver();
    try {
      const put = ["webhook", "put", "on-call", "--to", receiver.url, "--events", "halt.set,webhook.*"];
      const { secret } = await operator.json(WebhookWithSecretSchema, ...put);
      receiver.secret = secret ?? "";
      const list = () => operator.json(z.object({ items: z.array(WebhookSchema) }), "webhook", "list");
      await until("the webhook's first event", async () => (receiver.inEffect().length > 0 ? true : null));
      receiver.isDown = true;
      const before = receiver.requests();
      await must("halt", "on", "--reason", "while it is down");
      await pass(15);
      await must("halt", "off", "--reason", "while it is down");
      await pass(15);
      await until("a try in vain", async () => (receiver.requests() > before ? true : null));
      expect(receiver.inEffect()).toEqual(["webhook.put webhook/on-call"]);
      const [down] = (await list()).items;
      expect(down?.failingSince).not.toBeNull();

      receiver.isDown = false;
      await until("what waited", async () => {
        await pass(1);
        return receiver.inEffect().length > 2 ? true : null;
      });
      await pass(3);
      expect(receiver.inEffect()).toEqual(["webhook.put webhook/on-call", "halt.set halt", "halt.set halt"]);
      expect(receiver.forged()).toEqual([]);
      const [webhook] = (await list()).items;
      expect(webhook).toMatchObject({ delivered: 3, dead: 0, failingSince: null });
      await must("webhook", "delete", "on-call", "--reason", "e2e");
    } finally {
      await receiver.stop();
    }
  }, 120_000);
});
