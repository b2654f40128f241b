/** Webhooks of a whole control plane: who is told of what, how often, in which order, and what becomes of receivers that are down. */
import { describe, it } from "vitest";
import type { Webhook } from "../../../src/contracts/api/webhooks.ts";
import type { EventAnswer } from "../../../src/contracts/handover-port.ts";
import type { OutgoingWebhook } from "../../../src/contracts/webhook-port.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  contextOf,
  createWorld,
  must,
  refusalOf,
  valueOf,
  type World,
} from "../../support/control-world.ts";
import { tick, MINUTE } from "../../support/rollout-world.ts";

const HOUR = 60 * MINUTE;
const URL = "https://hooks.example.net/firebreak";
const reason = "test";

/** A receiver that can be taken down, and forgets to say that it took something. */
class Receiver {
  readonly sent: OutgoingWebhook[] = [];
  readonly taken: OutgoingWebhook[] = [];
  isDown = false;
  /** It takes the next one, and the answer is lost. */
  losesAnswer = false;
  asksMs: number | null = null;
  readonly ports = {
    send: async (webhook: OutgoingWebhook): Promise<EventAnswer> => {
      this.sent.push(webhook);
      await Promise.resolve();
      if (this.isDown) return { taken: false, problem: "answered 503", retryAfterMs: this.asksMs };
      this.taken.push(webhook);
      if (!this.losesAnswer) return { taken: true };
      this.losesAnswer = false;
      return { taken: false, problem: "no answer within 15 s", retryAfterMs: null };
    },
    secret: () => null,
  };
  /** Once each, in the order in which they first came: what a receiver that remembers ids has. */
  inEffect(): readonly string[] {
    const byId = new Map(this.taken.map(({ id, body }) => [id, body]));
    return [...byId.values()].map((body) => {
      const { type, subject } = JSON.parse(body) as { type: string; subject: string };
      return `${type} ${subject}`;
    });
  }
}

async function start(receiver: Receiver, events = ["*"]): Promise<World> {
  const world = createWorld({ db: createMemoryDb(), webhooks: receiver.ports });
  await addProducts(world);
  await tick(world, world.clock.now + MINUTE);
  await put(world, { events });
  await run(world);
  return world;
}

async function put(
  world: World,
  input: Partial<Pick<Webhook, "url" | "events" | "notes">> = {},
): Promise<Webhook> {
  return must(world, "webhook.put", {
    name: "on-call",
    input: { url: URL, events: ["*"], notes: "", ...input },
  });
}

/** What the object's alarm does, as often as it asks to be woken now. */
async function run(world: World): Promise<void> {
  await world.control.alarm();
  await world.control.idle();
}

/** Minutes of control time, each with its tick and an alarm. */
async function minutes(world: World, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await tick(world, world.clock.now + MINUTE);
    await run(world);
  }
}

async function halt(world: World, on: boolean): Promise<void> {
  await must(world, "halt.set", { input: { on, reason } });
}

async function shown(world: World): Promise<Webhook> {
  const [webhook] = valueOf(await world.control.query("webhooks", {}));
  if (webhook === undefined) throw new Error("there is no webhook");
  return webhook;
}

function told(world: World, after: number): readonly unknown[] {
  return world.db
    .rows("SELECT action, target FROM audit WHERE seq > ? ORDER BY seq", after)
    .map(({ action, target }) => `${String(action)} ${String(target)}`);
}

function lastEntry(world: World): number {
  return Number(world.db.rows("SELECT max(seq) AS last FROM audit")[0]?.["last"]);
}

describe("a webhook", () => {
  it("is told of everything from its own making on, as CloudEvents in the order of the audit", async ({
    expect,
  }) => {
    const receiver = new Receiver();
    const world = await start(receiver);
    expect(receiver.inEffect()).toEqual(["webhook.put webhook/on-call"]);
    await addAccount(world, "acme");
    await run(world);
    const [event] = receiver.taken.slice(-1);
    expect(event?.url).toBe(URL);
    expect(JSON.parse(event?.body ?? "")).toMatchObject({
      specversion: "1.0",
      id: event?.id,
      source: "urn:firebreak:admin.example.com",
      type: "account.put",
      subject: "account/acme",
      data: { actor: "the-admin", role: "admin" },
    });
    expect((await shown(world)).waiting).toBe(0);
  });

  it("is told only of the actions that it wants, and passes the others by", async ({ expect }) => {
    const receiver = new Receiver();
    const world = await start(receiver, ["halt.set", "alarm.*"]);
    await addAccount(world, "acme");
    await halt(world, true);
    await minutes(world, 1);
    expect(receiver.inEffect()).toEqual(["halt.set halt", "alarm.raised alarm/halt-active"]);
    expect(await shown(world)).toMatchObject({ delivered: 2, waiting: 0 });
  });

  it("arrives exactly once in effect when its receiver was down for 30 minutes", async ({ expect }) => {
    const receiver = new Receiver();
    const world = await start(receiver);
    const [before, had] = [lastEntry(world), receiver.inEffect().length];
    receiver.isDown = true;
    for (let minute = 0; minute < 30; minute += 1) {
      if (minute % 10 === 0) await addAccount(world, `acme-${minute}`);
      await minutes(world, 1);
    }
    expect(receiver.inEffect()).toHaveLength(had);
    const { failingSince, problem, waiting, dead } = await shown(world);
    expect([failingSince === null, problem, waiting, dead]).toEqual([false, "answered 503", 3, 0]);
    const { warnings } = valueOf(await world.control.query("status", { seen: [] }));
    expect(warnings.join("\n")).toContain("webhook on-call has taken nothing since");
    // Pauses grow, so half an hour is a few tries, all of the one that comes first.
    const tries = receiver.sent.slice(had);
    expect(new Set(tries.map(({ id }) => id)).size).toBe(1);
    expect(tries.length).toBeGreaterThan(4);
    expect(tries.length).toBeLessThan(15);

    receiver.isDown = false;
    // Back, and its first answer is lost on the way.
    receiver.losesAnswer = true;
    await minutes(world, 30);
    expect(receiver.inEffect().slice(had)).toEqual(told(world, before));
    expect(receiver.inEffect().slice(had)).toEqual([
      "account.put account/acme-0",
      "account.put account/acme-10",
      "account.put account/acme-20",
    ]);
    expect(receiver.taken).toHaveLength(had + 4);
    expect(await shown(world)).toMatchObject({ waiting: 0, dead: 0, failingSince: null, problem: null });
  });

  it("is sent again under the same id and in the same bytes after a crash before it was noted", async ({
    expect,
  }) => {
    const receiver = new Receiver();
    const world = await start(receiver);
    receiver.losesAnswer = true;
    await halt(world, true);
    await run(world);
    // A new object over the same database.
    const again = createWorld({ db: world.db, clock: world.clock, kv: world.kv, webhooks: receiver.ports });
    await minutes(again, 2);
    const halts = receiver.taken.filter(({ body }) => body.includes('"halt.set"'));
    expect(halts).toHaveLength(2);
    expect(halts[1]).toEqual(halts[0]);
  });

  it("waits as long as it asks to, and no longer than an hour", async ({ expect }) => {
    const receiver = new Receiver();
    const world = await start(receiver);
    receiver.isDown = true;
    receiver.asksMs = 48 * HOUR;
    const before = receiver.sent.length;
    await halt(world, true);
    await minutes(world, 59);
    expect(receiver.sent.length - before).toBe(1);
    await minutes(world, 3);
    expect(receiver.sent.length - before).toBe(2);
  });
});

describe("what a receiver never took", () => {
  it("is given up after a day of trying, shown, alarmed, and sent again when somebody asks", async ({
    expect,
  }) => {
    const receiver = new Receiver();
    const world = await start(receiver, ["halt.set"]);
    receiver.isDown = true;
    await halt(world, true);
    await halt(world, false);
    const begun = world.clock.now;
    await run(world);
    for (let hour = 1; hour < 24; hour += 1) await tick(world, begun + hour * HOUR).then(() => run(world));
    expect((await shown(world)).dead).toBe(0);
    for (let hour = 24; hour < 27; hour += 1) await tick(world, begun + hour * HOUR).then(() => run(world));
    const dead = async () =>
      valueOf(await world.control.query("webhook.dead", { name: "on-call", cursor: null, limit: 1 }));
    const page = await dead();
    expect(page.items).toEqual([
      expect.objectContaining({ action: "halt.set", target: "halt", problem: "answered 503" }),
    ]);
    expect(page.items[0]?.attempts).toBeGreaterThan(20);
    expect(page.cursor).not.toBeNull();
    expect((await shown(world)).dead).toBe(2);
    const alarms = valueOf(await world.control.query("alarms", {}));
    expect(alarms).toContainEqual(
      expect.objectContaining({
        name: "dead-letters",
        words: "2 messages were given up for webhook on-call",
        firstCommand: "firebreak webhook retry on-call --reason …",
      }),
    );

    receiver.isDown = false;
    const [one] = page.items;
    const retry = { name: "on-call", event: one?.id ?? "", reason };
    expect(await must(world, "webhook.retry", retry)).toEqual({ retried: 1 });
    expect(refusalOf(await world.control.execute("webhook.retry", retry, contextOf())).problem).toBe(
      "not-found",
    );
    expect(await must(world, "webhook.retry", { ...retry, event: null })).toEqual({ retried: 1 });
    await minutes(world, 2);
    expect(receiver.inEffect()).toEqual(["halt.set halt", "halt.set halt"]);
    expect((await shown(world)).dead).toBe(0);
    expect((await dead()).items).toEqual([]);
  });
});

describe("changing webhooks", () => {
  it.for([
    ["http://hooks.example.net/x", /must be https/],
    ["https://admin.example.com/x", /router's own hosts/],
    ["https://acme.kiln.example.com/x", /router's own hosts/],
    ["https://169.254.169.254/latest", /host name/],
    ["https://localhost/x", /public host name/],
    ["https://127.0.0.0x1/x", /public host name/],
    ["https://0xa9.0xfe.0xa9.0xfe/x", /public host name/],
    ["https://169.254.169.0x/x", /public host name/],
    ["http://127.0.0.1:9000/x", /ORIGIN_ALLOW/],
  ] as const)("refuses %s", async ([url, says], { expect }) => {
    const world = await start(new Receiver());
    const input = { url, events: ["*"], notes: "" };
    const refused = await world.control.execute("webhook.put", { name: "other", input }, contextOf());
    expect(refusalOf(refused).detail).toMatch(says);
  });

  it("takes http to this machine where ORIGIN_ALLOW has it, and nothing without a key to sign with", async ({
    expect,
  }) => {
    const local = { scheme: "http", host: "127.0.0.1", below: false, port: null } as const;
    const input = { url: "http://127.0.0.1:9000/x", events: ["*"], notes: "" };
    const put = async (config: object) => {
      const world = createWorld({ db: createMemoryDb(), config });
      return world.control.execute("webhook.put", { name: "here", input }, contextOf());
    };
    expect(valueOf(await put({ originAllow: [local] })).url).toBe(input.url);
    expect(refusalOf(await put({ originAllow: [local], signsHooks: false })).detail).toMatch(/ORIGIN_KEY/);
  });

  it("keeps the place when an address changes, and tries the new one at once", async ({ expect }) => {
    const receiver = new Receiver();
    const world = await start(receiver);
    receiver.isDown = true;
    await halt(world, true);
    await run(world);
    receiver.isDown = false;
    const mended = `${URL}/mended`;
    expect((await put(world, { url: mended })).revision).toBe(2);
    await run(world);
    expect(receiver.inEffect().slice(-2)).toEqual(["halt.set halt", "webhook.put webhook/on-call"]);
    expect(receiver.taken.at(-1)?.url).toBe(mended);
    const audit = JSON.stringify(world.db.rows("SELECT detail FROM audit WHERE action = 'webhook.put'"));
    expect(audit).toContain("hooks.example.net");
    expect(audit).not.toContain("/mended");
  });

  it("signs with both secrets for a day after a new one was made", async ({ expect }) => {
    const receiver = new Receiver();
    const world = await start(receiver);
    const keysOf = () => receiver.taken.at(-1)?.secrets.map(({ key }) => key);
    expect(keysOf()).toEqual([1]);
    await must(world, "webhook.rotate", { name: "on-call", reason });
    await run(world);
    expect(keysOf()).toEqual([2, 1]);
    await tick(world, world.clock.now + 25 * HOUR);
    await halt(world, true);
    await run(world);
    expect(keysOf()).toEqual([2]);
  });

  it("tells nobody once it is deleted, and begins anew when it is made again", async ({ expect }) => {
    const receiver = new Receiver();
    const world = await start(receiver);
    receiver.isDown = true;
    await halt(world, true);
    await run(world);
    await must(world, "webhook.delete", { name: "on-call", reason });
    receiver.isDown = false;
    await minutes(world, 5);
    const [first] = receiver.taken;
    expect(receiver.taken).toHaveLength(1);
    await put(world);
    await run(world);
    expect(receiver.inEffect()).toEqual(["webhook.put webhook/on-call", "webhook.put webhook/on-call"]);
    expect(receiver.taken.at(-1)?.secrets).not.toEqual(first?.secrets);
  });

  it("is for admins; operators may send again", async ({ expect }) => {
    const world = await start(new Receiver());
    const by = async (name: "webhook.delete" | "webhook.retry", role: "operator") =>
      refusalOf(await world.control.execute(name, { name: "on-call", reason, event: null }, contextOf(role)));
    expect((await by("webhook.delete", "operator")).problem).toBe("forbidden");
    expect((await by("webhook.retry", "operator")).problem).toBe("not-found");
  });
});
