/**
 * The real control plane moving accounts with their data, in a world where it may die at any of its own steps: every
 * answer of KV, every turn it gives up, every call of a hook and its answer is a gate, and behind the gate it dies at
 * nothing of it goes on. What is left is the database, KV and what is under way in the network. Every root that reaches
 * KV is kept with its time, so that after each step it can be asked what any edge may answer, and what data is behind it.
 */
import type { HookAnswer, HookCall, HookUnit } from "../../src/contracts/move-data.ts";
import { settlingFor, type Settling } from "../../src/contracts/settling.ts";
import type { RolloutInput, RolloutView } from "../../src/contracts/api/rollouts.ts";
import type { CommandInputs, CommandName } from "../../src/contracts/control.ts";
import type { Db } from "../../src/control/db.ts";
import { createMemoryDb } from "./control-db.ts";
import {
  contextOf,
  createFakeKv,
  createWorld,
  decide,
  must,
  readMaps,
  valueOf,
  VERSION,
  type World,
} from "./control-world.ts";
import { HookOrigin, type Fortune } from "./data-hooks.ts";
import { healthy, MINUTE, prepareRollouts, quiet } from "./rollout-world.ts";

/** How old what KV answers may be in this world: shorter than in production, so that histories are. */
export const LAG_MS = 20_000;
export const SETTLING: Settling = settlingFor(LAG_MS);
const ROLLOUT = "schema";
const PRODUCTS = ["kiln", "fogbugz"] as const;

/** A root that reached KV, and what it answers. */
interface Published {
  readonly atMs: number;
  /** `product/account` to a version, or `held`. */
  readonly answers: ReadonlyMap<string, string>;
}

/** One life of the control plane. */
interface Life {
  isAlive: boolean;
  /** Gates until it dies; null: it lives. */
  left: number | null;
}

interface Message {
  readonly call: HookCall;
  readonly fortune: Fortune;
  /** When it reaches the origin; null: it has, or is lost. */
  arrivesMs: number | null;
  /** When the caller gives up. */
  readonly untilMs: number;
  /** The caller; null: it was answered, gave up or died. */
  waiting: ((answer: HookAnswer) => void) | null;
}

export interface DataWorldOptions {
  readonly accounts: readonly string[];
  readonly hooks: { readonly undo: boolean; readonly concurrency: number };
  readonly data: NonNullable<RolloutInput["data"]>;
  /** Both products move, and the second one carries data as well. */
  readonly both: boolean;
  readonly settling?: Settling;
}

const QUICK_MS = 500;
const LATER_MS = 10_000;
/** Later than its caller gave up, and later than a batch may be over. */
const [SLOW_MS, AGAIN_MS] = [60_000, 45_000] as const;

function tell(message: Message, answer: HookAnswer): void {
  message.waiting?.(answer);
  message.waiting = null;
}

const never = (): Promise<never> => new Promise(() => undefined);
/** All promises that are ready settle before the next turn of the event loop. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class ControlDataWorld {
  readonly origin = new HookOrigin();
  readonly roots: Published[] = [];
  readonly verified = new Set<string>();
  fortunes: readonly Fortune[] = ["ok"];
  deaths = 0;
  private sent = 0;
  private messages: Message[] = [];
  private life: Life = { isAlive: true, left: null };
  private world: World;
  private readonly options: DataWorldOptions;
  private readonly faults: string[] = [];

  private constructor(world: World, options: DataWorldOptions) {
    this.options = options;
    this.world = world;
    this.notePublished();
    this.world = this.begin(world.db, world.kv.values, world.clock.now);
  }

  /** A world with a rollout that has just been started. */
  static async create(options: DataWorldOptions): Promise<ControlDataWorld> {
    const world = await prepareRollouts(createMemoryDb(), {
      accounts: options.accounts,
      settling: options.settling ?? SETTLING,
    });
    for (const product of PRODUCTS) {
      if (product === "fogbugz" && !options.both) continue;
      const origin = `https://${product}-2.origins.example.net`;
      const undo = options.hooks.undo ? `${origin}/undo` : null;
      const { concurrency } = options.hooks;
      const hooks = {
        prepare: `${origin}/prepare`,
        verify: `${origin}/verify`,
        undo,
        timeoutSeconds: 5,
        concurrency,
      };
      const input = {
        ...VERSION,
        reversible: true,
        origin,
        mixed: "never" as const,
        migration: { kind: "perAccount" as const, ...hooks },
      };
      await must(world, "version.put", { product, version: "2", input });
    }
    await quiet(world);
    const made = new ControlDataWorld(world, options);
    await made.start();
    return made;
  }

  private async start(): Promise<void> {
    const targets = this.options.both ? { kiln: "2", fogbugz: "2" } : { kiln: "2" };
    const bake = { minutes: 30, requests: 0, workdays: 0 };
    const waves = [{ name: "all", cohorts: ["*"], percent: 100, bake }];
    await must(this.world, "rollout.create", {
      id: ROLLOUT,
      input: { id: ROLLOUT, targets, waves, data: this.options.data },
    });
    // Drawn by chance, and the same chance every time.
    this.db.run("UPDATE rollouts SET state = json_set(state, '$.salt', 'data')");
    await must(this.world, "rollout.start", { id: ROLLOUT, input: { again: false } });
    await this.pass(1000);
  }

  private get db(): Db {
    return this.world.db;
  }

  get nowMs(): number {
    return this.world.clock.now;
  }

  /** A control plane over what the last one left. */
  private begin(db: Db, values: Map<string, string>, nowMs: number): World {
    const life: Life = { isAlive: true, left: null };
    this.life = life;
    const gate = async (): Promise<void> => {
      if (life.left !== null && life.left-- <= 0) life.isAlive = false;
      await (life.isAlive ? Promise.resolve() : never());
    };
    const kv = createFakeKv(values);
    const real = { ...kv };
    const clock = { now: nowMs, nowMs: () => clock.now, sleep: gate };
    return createWorld({
      db,
      clock,
      kv: Object.assign(kv, {
        get: async (key: string) => {
          const text = await real.get(key);
          await gate();
          return text;
        },
        // Before and after it lands: a write may be made by who does not live to hear of it.
        put: async (key: string, text: string) => {
          await gate();
          await real.put(key, text);
          if (key === "root") this.notePublished();
          await gate();
        },
        delete: async (key: string) => {
          await gate();
          await real.delete(key);
        },
      }),
      config: { settling: this.options.settling ?? SETTLING },
      preflight: {
        exchange: async (request) => {
          await gate();
          return healthy(request);
        },
        routerHeader: null,
      },
      sendHook: async (call) => {
        await gate();
        const answer = await this.send(call);
        await gate();
        if (call.step === "verify" && answer.kind === "done") this.noteVerified(call);
        return answer;
      },
    });
  }

  private noteVerified({ body: { product, accounts, fence } }: HookCall): void {
    for (const account of accounts) this.verified.add(`${product}/${account}/${fence}`);
  }

  private notePublished(): void {
    const maps = readMaps(this.world.kv.values);
    const answers = new Map<string, string>();
    for (const product of PRODUCTS)
      for (const account of this.options.accounts)
        answers.set(`${product}/${account}`, decide(maps, product, account).split(" ")[0] ?? "");
    this.roots.push({ atMs: this.world.clock.now, answers });
  }

  private send(call: HookCall): Promise<HookAnswer> {
    const drawn = this.fortunes[this.sent % this.fortunes.length] ?? "ok";
    // Who declares no undo promises that what failed has changed nothing.
    const fortune = drawn === "half" && !this.options.hooks.undo ? "fail" : drawn;
    this.sent += 1;
    return new Promise((waiting) => {
      const message = { call, fortune, untilMs: this.nowMs + call.timeoutMs };
      const arrivesMs = fortune === "lost" ? null : this.nowMs + (fortune === "slow" ? SLOW_MS : QUICK_MS);
      this.messages.push({ ...message, arrivesMs, waiting });
      // The network repeats it: to the origin it is another call, whose answer nobody waits for.
      if (fortune === "twice")
        this.messages.push({ ...message, arrivesMs: this.nowMs + AGAIN_MS, waiting: null });
    });
  }

  private deliver(): void {
    const { nowMs } = this;
    for (const message of this.messages) {
      if (message.arrivesMs !== null && message.arrivesMs <= nowMs) {
        message.arrivesMs = null;
        const answer = this.origin.take(message.call.body, message.fortune);
        if (message.fortune !== "unheard" && nowMs <= message.untilMs)
          tell(message, answer.kind === "later" ? { ...answer, atMs: nowMs + LATER_MS } : answer);
      }
      if (nowMs > message.untilMs) tell(message, { kind: "silent", why: "did not answer in time" });
    }
    this.messages = this.messages.filter(({ arrivesMs, waiting }) => arrivesMs !== null || waiting !== null);
  }

  /** Time passes; what is due happens. Checked after every second of it. */
  async pass(ms: number, stepMs = 1000): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.world.clock.now += stepMs;
      this.deliver();
      await this.alarms();
      if (this.nowMs % MINUTE < stepMs) await this.run(() => this.world.control.tick(this.nowMs));
      this.check();
    }
  }

  private async alarms(): Promise<void> {
    for (let alarms = 0; alarms < 50; alarms += 1) {
      await this.rise();
      const { at } = this.world.wakeUp;
      if (at === null || at > this.nowMs) return;
      this.world.wakeUp.at = null;
      await this.run(() => this.world.control.alarm());
      // What waits for the same moment waits for an answer of the network.
      if (this.world.wakeUp.at !== null && this.world.wakeUp.at <= this.nowMs && alarms > 20) return;
    }
  }

  /** Nobody waits for what it does: it may die in it. */
  private async run(what: () => Promise<unknown>): Promise<void> {
    what().catch((error: unknown) => this.faults.push(String(error)));
    await turn();
    await turn();
  }

  /** A control plane that has died is started again; the alarm that it had set is still set. */
  private async rise(): Promise<void> {
    if (this.life.isAlive) return;
    this.deaths += 1;
    // Whoever waited is gone. What was sent arrives all the same.
    for (const message of this.messages) message.waiting = null;
    const { db, kv, clock } = this.world;
    this.world = this.begin(db, kv.values, clock.now);
    await this.run(() => this.world.control.alarm());
  }

  /** It dies at one of its next steps. */
  dieAfter(gates: number): void {
    if (this.life.left === null) this.life.left = gates;
  }

  /** A command that may be refused. */
  async tell<K extends CommandName>(name: K, input: CommandInputs[K]): Promise<void> {
    await this.run(() => this.world.control.execute(name, input, contextOf()));
    await this.alarms();
    this.check();
  }

  async show(): Promise<RolloutView> {
    return valueOf(await this.world.control.query("rollout", { id: ROLLOUT }));
  }

  /** Throws with the first promise that is broken now. */
  check(): void {
    const [fault] = [...this.origin.faults, ...this.faults];
    const broken = fault ?? this.mixed() ?? this.unsettledUndo();
    if (broken !== null && broken !== undefined) throw new Error(broken);
  }

  /** What edges may answer from now: the last root that has settled, and all since. */
  private visible(): readonly Published[] {
    const settled = this.roots.findLastIndex(({ atMs }) => atMs <= this.nowMs - (LAG_MS + SETTLING.freshMs));
    return this.roots.slice(Math.max(0, settled));
  }

  private mixed(): string | null {
    const visible = this.visible();
    for (const name of this.roots[0]?.answers.keys() ?? []) {
      const versions = new Set(visible.map(({ answers }) => answers.get(name) ?? ""));
      versions.delete("held");
      const [version] = versions;
      if (versions.size > 1) return `${name} may be served by ${[...versions].join(" and ")} at once`;
      const why = version === undefined ? null : this.mismatch(name, version);
      if (why !== null) return why;
    }
    return null;
  }

  private mismatch(name: string, version: string): string | null {
    const [product = "", account = ""] = name.split("/");
    if (product === "fogbugz" && !this.options.both) return null;
    const datum = this.origin.of(product, account);
    if (datum.is !== (version === "2" ? "new" : "old"))
      return `${name} is served by ${version} and its data is ${datum.is}`;
    return version === "1" || this.verified.has(`${name}/${datum.madeBy}`)
      ? null
      : `${name} is served by ${version} and nobody verified it`;
  }

  /** Whoever was left although a prepare was sent has been undone. */
  private unsettledUndo(): string | null {
    if (!this.options.hooks.undo) return null;
    for (const { unit, fate, runs } of this.units()) {
      if (fate !== "left" && fate !== "returned") continue;
      const bad = runs.find(({ prepare, undo }) => prepare.tries > 0 && undo.result !== "done");
      if (bad !== undefined) return `${unit} is ${fate} and ${bad.product} was not undone`;
    }
    return null;
  }

  units(): readonly HookUnit[] {
    return this.db
      .rows("SELECT state FROM data_units")
      .map(({ state }) => JSON.parse(String(state)) as HookUnit);
  }

  /** Accounts that the last root does not serve. */
  held(): readonly string[] {
    const { answers } = this.roots.at(-1) ?? { answers: new Map<string, string>() };
    return this.options.accounts.filter((account) => answers.get(`kiln/${account}`) === "held");
  }

  /** Accounts that are listed as left behind, by the reason. */
  async left(): Promise<ReadonlyMap<string, string>> {
    const page = valueOf(
      await this.world.control.query("rollout.left-behind", { id: ROLLOUT, cursor: null, limit: 100 }),
    );
    return new Map(page.items.map(({ account, reason }) => [account, reason]));
  }
}
