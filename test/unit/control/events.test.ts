/** Events of moves: what they say, to whom, how often, in which order, and what becomes of receivers that are down. */
import { describe, it } from "vitest";
import type { EventAnswer, OutgoingEvent } from "../../../src/contracts/handover-port.ts";
import type { HookCall } from "../../../src/contracts/move-data.ts";
import { settlingFor } from "../../../src/contracts/settling.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  contextOf,
  createWorld,
  must,
  readMaps,
  refusalOf,
  settle,
  valueOf,
  VERSION,
  type World,
  type WorldParts,
} from "../../support/control-world.ts";
import { FRIDAY, MINUTE, PLAN, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

const HOUR = 60 * MINUTE;

interface Moved {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly data: {
    readonly product: string;
    readonly from: string;
    readonly to: string;
    readonly generation: number;
    readonly effectiveFrom: string;
    readonly settledBy: string;
    readonly accounts: readonly string[];
  };
}

/** Every sending, and receivers that tests can take down. */
class Receivers {
  readonly sent: OutgoingEvent[] = [];
  readonly taken: OutgoingEvent[] = [];
  down: string | null = null;
  readonly send = async (event: OutgoingEvent): Promise<EventAnswer> => {
    this.sent.push(event);
    await Promise.resolve();
    if (this.down !== null && event.url.includes(this.down))
      return { taken: false, problem: "answered 503", retryAfterMs: null };
    this.taken.push(event);
    return { taken: true };
  };
  /** What one version took. */
  of(version: string): readonly Moved[] {
    return this.taken.filter(({ url }) => url.includes(version)).map(({ body }) => JSON.parse(body) as Moved);
  }
}

const urlOf = (product: string, version: string): string =>
  `https://${product}-${version}.origins.example.net/firebreak/events`;

const HOOKS = {
  kind: "perAccount" as const,
  prepare: "https://kiln-2.origins.example.net/prepare",
  verify: "https://kiln-2.origins.example.net/verify",
  undo: "https://kiln-2.origins.example.net/undo",
  timeoutSeconds: 5,
  concurrency: 10,
};

async function declare(
  world: World,
  product: string,
  version: string,
  events: string | null,
  more: Partial<typeof VERSION> = {},
): Promise<void> {
  const origin = `https://${product}-${version}.origins.example.net`;
  const input = { ...VERSION, reversible: true, origin, events, ...more };
  await must(world, "version.put", { product, version, input });
}

async function start(receivers: Receivers, more: Partial<WorldParts> = {}): Promise<World> {
  const world = createWorld({ db: createMemoryDb(), sendEvent: receivers.send, ...more });
  await addProducts(world);
  for (const version of ["1", "2"]) await declare(world, "kiln", version, urlOf("kiln", version));
  for (const account of ["acme", "beta"]) await addAccount(world, account);
  await rest(world);
  return world;
}

/** Publishes and sends what is due soon. */
async function rest(world: World): Promise<void> {
  await settle(world);
  await world.control.idle();
  await quiet(world);
}

async function pin(world: World, account: string, version = "2", product = "kiln"): Promise<void> {
  await must(world, "account.pin.set", { account, product, input: { version, reason: "t", expires: null } });
  await rest(world);
}

describe("events of moves", () => {
  it("tell both versions who moved, after it was published, and nobody who only came", async ({ expect }) => {
    const receivers = new Receivers();
    const world = await start(receivers);
    expect(receivers.sent).toEqual([]);
    await pin(world, "acme");
    expect(receivers.taken.map(({ url }) => url)).toEqual([urlOf("kiln", "1"), urlOf("kiln", "2")]);
    const [event] = receivers.of("kiln-2");
    expect(receivers.of("kiln-1")).toEqual([event]);
    expect(event).toMatchObject({
      specversion: "1.0",
      source: "urn:firebreak:admin.example.com",
      type: "accounts.moved",
      subject: "kiln",
      data: { product: "kiln", from: "1", to: "2", accounts: ["acme"] },
    });
    const { effectiveFrom, settledBy } = event?.data ?? { effectiveFrom: "", settledBy: "" };
    expect(Date.parse(settledBy) - Date.parse(effectiveFrom)).toBeGreaterThanOrEqual(180_000);
    // The shard that takes the pin in says the same once more: nobody moved by it.
    await rest(world);
    expect(receivers.sent.length).toBe(2);
  });

  it("are not sent where nothing is declared, and begin with the declaration", async ({ expect }) => {
    const receivers = new Receivers();
    const world = await start(receivers);
    await pin(world, "acme", "2", "fogbugz");
    expect(receivers.sent).toEqual([]);
    await declare(world, "fogbugz", "1", urlOf("fogbugz", "1"));
    await rest(world);
    await pin(world, "beta", "2", "fogbugz");
    expect(receivers.of("fogbugz-1").map(({ data }) => data.accounts)).toEqual([["beta"]]);
    expect(receivers.of("fogbugz-2")).toEqual([]);
  });

  it("go out again under the same id until a receiver that was down for ten minutes takes them, in order", async ({
    expect,
  }) => {
    const receivers = new Receivers();
    const world = await start(receivers);
    receivers.down = "kiln-2";
    await pin(world, "acme");
    await pin(world, "beta");
    const begun = world.clock.now;
    for (let minute = 1; minute <= 10; minute += 1) await tick(world, begun + minute * MINUTE);
    expect(receivers.of("kiln-1").map(({ data }) => data.accounts)).toEqual([["acme"], ["beta"]]);
    expect(receivers.of("kiln-2")).toEqual([]);
    const tries = receivers.sent.filter(({ url }) => url.includes("kiln-2"));
    expect(tries.length).toBeGreaterThan(3);
    // The one behind waits for its turn.
    expect(new Set(tries.map(({ id, body }) => `${id} ${body}`)).size).toBe(1);
    const status = valueOf(await world.control.query("events", {}));
    expect(status.find(({ version }) => version === "2")).toMatchObject({
      waiting: 2,
      dead: 0,
      problem: "answered 503",
    });
    receivers.down = null;
    await tick(world, begun + 30 * MINUTE);
    await world.control.idle();
    expect(receivers.of("kiln-2")).toEqual(receivers.of("kiln-1"));
    expect(world.db.rows("SELECT seq FROM events")).toEqual([]);
  });

  it("are given up after a day, shown, and sent again when somebody asks", async ({ expect }) => {
    const receivers = new Receivers();
    const world = await start(receivers);
    receivers.down = "kiln-2";
    await pin(world, "acme");
    await pin(world, "beta");
    const begun = world.clock.now;
    for (let hour = 1; hour <= 25; hour += 1) await tick(world, begun + hour * HOUR);
    const dead = valueOf(await world.control.query("events.dead", { cursor: null, limit: 10 }));
    expect(dead.items.map(({ version, accounts, problem }) => [version, accounts, problem])).toEqual([
      ["2", 1, "answered 503"],
      ["2", 1, "answered 503"],
    ]);
    expect(valueOf(await world.control.query("alarms", {}))).toContainEqual(
      expect.objectContaining({
        words: "2 messages were given up for kiln 2",
        firstCommand: "firebreak events retry kiln 2 --reason …",
      }),
    );
    const before = receivers.sent.length;
    await tick(world, begun + 26 * HOUR);
    expect(receivers.sent.length).toBe(before);
    receivers.down = null;
    const retry = { product: "kiln", version: "2", event: null, reason: "it is back" };
    expect(await must(world, "events.retry", retry)).toEqual({ retried: 2 });
    await rest(world);
    expect(receivers.of("kiln-2")).toEqual(receivers.of("kiln-1"));
    const none = await world.control.execute("events.retry", retry, contextOf());
    expect(refusalOf(none).problem).toBe("not-found");
  });

  it("that were given up raise no alarm once their version is told nothing any more", async ({ expect }) => {
    const receivers = new Receivers();
    const world = await start(receivers);
    receivers.down = "kiln-2";
    await pin(world, "acme");
    const begun = world.clock.now;
    for (let hour = 1; hour <= 25; hour += 1) await tick(world, begun + hour * HOUR);
    const names = async (): Promise<readonly string[]> =>
      valueOf(await world.control.query("alarms", {})).map(({ name }) => name);
    expect(await names()).toContain("dead-letters");
    await declare(world, "kiln", "2", null);
    expect(await names()).not.toContain("dead-letters");
    const dead = valueOf(await world.control.query("events.dead", { cursor: null, limit: 10 }));
    expect(dead.items).toHaveLength(1);
    await declare(world, "kiln", "2", urlOf("kiln", "2"));
    expect(await names()).toContain("dead-letters");
  });

  it("are the same when the control plane dies between sending and noting it", async ({ expect }) => {
    const receivers = new Receivers();
    let dies = true;
    const send = async (event: OutgoingEvent): Promise<EventAnswer> => {
      const answer = await receivers.send(event);
      if (dies) await new Promise(() => undefined);
      return answer;
    };
    const world = await start(receivers, { sendEvent: send });
    await must(world, "account.pin.set", {
      account: "acme",
      product: "kiln",
      input: { version: "2", reason: "t", expires: null },
    });
    await settle(world);
    expect(receivers.taken.length).toBe(2);
    dies = false;
    const again = createWorld({ db: world.db, kv: world.kv, clock: world.clock, sendEvent: send });
    await again.control.tick(again.clock.now + MINUTE);
    await rest(again);
    for (const version of ["kiln-1", "kiln-2"]) {
      const ids = receivers.of(version).map(({ id }) => id);
      expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
    }
  });

  it("stop for a version that does not want them any more, and never go where no origin may be", async ({
    expect,
  }) => {
    const receivers = new Receivers();
    const world = await start(receivers);
    receivers.down = "kiln-2";
    await pin(world, "acme");
    await declare(world, "kiln", "2", null);
    await tick(world, world.clock.now + HOUR);
    expect(world.db.rows("SELECT seq FROM events")).toEqual([]);
    const input = {
      ...VERSION,
      origin: "https://kiln-2.origins.example.net",
      events: "https://elsewhere.test/x",
    };
    const elsewhere = await world.control.execute(
      "version.put",
      { product: "kiln", version: "2", input },
      contextOf(),
    );
    expect(refusalOf(elsewhere).detail).toContain("ORIGIN_ALLOW");
    const unsigned = await start(new Receivers(), { config: { signsHooks: false } }).catch(String);
    expect(unsigned).toContain("ORIGIN_KEY");
  });

  it("name every account of a rollout once, in events of bounded size, whatever the receivers do", async ({
    expect,
  }) => {
    const receivers = new Receivers();
    let n = 0;
    const flaky = async (event: OutgoingEvent): Promise<EventAnswer> => {
      n += 1;
      const answer = await receivers.send(event);
      // Taken, and yet not known to be: it comes again.
      return n % 3 === 0 ? { taken: false, problem: "connection lost", retryAfterMs: null } : answer;
    };
    const accounts = Array.from({ length: 1100 }, (_unused, at) => `account-${at}`);
    const world = await prepareRollouts(createMemoryDb(), { accounts, sendEvent: flaky });
    for (const version of ["1", "2"]) await declare(world, "kiln", version, urlOf("kiln", version));
    const input = { ...PLAN, waves: [{ name: "all", cohorts: ["*"], percent: 100 }] };
    await must(world, "rollout.create", { id: PLAN.id, input });
    await must(world, "rollout.start", { id: PLAN.id, input: { again: false } });
    for (let minute = 1; minute <= 90; minute += 1) await tick(world, FRIDAY + minute * MINUTE);
    for (const version of ["kiln-1", "kiln-2"]) {
      const once = new Map(receivers.of(version).map((event) => [event.id, event.data.accounts]));
      expect(Math.max(...[...once.values()].map((some) => some.length))).toBeLessThanOrEqual(500);
      expect([...once.values()].flat().sort()).toEqual([...accounts].sort());
    }
    const rows = Number(world.db.rows("SELECT value AS n FROM counters WHERE name = 'event_part'")[0]?.["n"]);
    expect(rows).toBeLessThan(30);
  }, 30_000);

  it("tell that accounts went back once their data is undone, and nothing of whom that failed for", async ({
    expect,
  }) => {
    const receivers = new Receivers();
    const accounts = Array.from({ length: 6 }, (_unused, at) => `account-${at}`);
    const toldAtUndo: number[] = [];
    const sendHook = async ({ step, body }: HookCall) => {
      if (step === "undo") toldAtUndo.push(receivers.sent.length);
      const fails = step === "undo" && body.accounts[0] === "account-3";
      return fails ? ({ kind: "failed", why: "cannot" } as const) : ({ kind: "done" } as const);
    };
    const settling = settlingFor(20_000);
    const more = { accounts, settling, sendHook, sendEvent: receivers.send };
    const world = await prepareRollouts(createMemoryDb(), more);
    await declare(world, "kiln", "1", urlOf("kiln", "1"));
    await declare(world, "kiln", "2", urlOf("kiln", "2"), { mixed: "never", migration: HOOKS });
    const bake = { minutes: 600, requests: 0, workdays: 0 };
    const waves = [{ name: "all", cohorts: ["*"], percent: 100, bake }];
    await must(world, "rollout.create", { id: "up", input: { id: "up", targets: { kiln: "2" }, waves } });
    await must(world, "rollout.start", { id: "up", input: { again: false } });
    const becomes = async (wanted: string): Promise<void> => {
      const phase = async () => valueOf(await world.control.query("rollout", { id: "up" })).phase;
      for (let n = 0; n < 40 && (await phase()) !== wanted; n += 1)
        await tick(world, world.clock.now + MINUTE);
      expect(await phase()).toBe(wanted);
    };
    await becomes("baking");
    const moved = receivers.sent.length;
    const since = readMaps(world.kv.values).root.generation;
    await must(world, "rollout.rollback", { id: "up", input: { reason: "t", confirmed: true } });
    await becomes("rolled-back");
    expect(new Set(toldAtUndo)).toEqual(new Set([moved]));
    const back = accounts.filter((slug) => slug !== "account-3");
    const told = receivers.of("kiln-1").map(({ data: { from, to, accounts: some } }) => [from, to, some]);
    expect(told).toEqual([
      ["1", "2", accounts],
      ["2", "1", back],
    ]);
    const query = { since, products: null, version: null, cursor: null, limit: 100 };
    const { items } = valueOf(await world.control.query("assignments", query));
    const { generation } = receivers.of("kiln-1")[1]?.data ?? { generation: 0 };
    const as = { product: "kiln", from: "2", to: "1", generation };
    expect(items).toEqual(back.map((account) => ({ account, ...as })));
    // What edges were told meanwhile stays on record as it was.
    const hold = { generation: since + 1, key: "account-1" };
    const { root } = valueOf(await world.control.query("history.maps", hold));
    expect(root.rollouts).toMatchObject([{ moved: [0], held: [10_000] }]);
    const history = async (account: string) => {
      const page = { account, product: "kiln", cursor: null, limit: 9 };
      return valueOf(await world.control.query("account.history", page)).items.map(({ why }) => why);
    };
    expect(await history("account-3")).toEqual(["rollout", "recorded"]);
    expect(await history("account-1")).toEqual(["rolled-back", "rollout", "recorded"]);
  });
});
