/**
 * Histories of two rollouts over the real control plane: on different products at once, and one after the other on the
 * same product, taken back, begun anew, with versions marked bad and cleared, accounts pinned, deferred, edited, created
 * and deleted in between. What is checked are decisions on the published maps, against a memory kept by the test itself.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import type { RolloutInput, RolloutView } from "../../src/contracts/api/rollouts.ts";
import type { CommandInputs, CommandName } from "../../src/contracts/control.ts";
import { createMemoryDb } from "../support/control-db.ts";
import {
  contextOf,
  must,
  readMaps,
  valueOf,
  VERSION,
  versionFor,
  type World,
} from "../support/control-world.ts";
import { FRIDAY, HOUR, MINUTE, prepareRollouts, quiet, tick } from "../support/rollout-world.ts";

const HISTORIES = 90;
const DAY = 24 * HOUR;
const ACCOUNTS = Array.from({ length: 12 }, (_unused, n) => `account-${n}`);
const PRODUCTS = ["kiln", "fogbugz"] as const;
type Product = (typeof PRODUCTS)[number];

/** Which versions go together besides `any`: the new ones need the other's new one, or its old one. */
const PAIRS = ["any", "new-needs-new", "new-needs-old"] as const;

type Op =
  | { readonly op: "start"; readonly product: Product; readonly again: boolean }
  | { readonly op: "both"; readonly again: boolean }
  | { readonly op: "tick"; readonly ms: number }
  | {
      readonly op: "back";
      readonly at: number;
      readonly to: "all" | "wave" | "gold" | "internal";
      readonly paced: boolean;
    }
  | { readonly op: "stop" | "pause" | "approve"; readonly at: number }
  | { readonly op: "resume"; readonly at: number; readonly again: boolean }
  | { readonly op: "mark" | "clear"; readonly product: Product; readonly version: "1" | "2" }
  | {
      readonly op: "pin" | "unpin" | "defer" | "undefer" | "edit" | "delete" | "undelete" | "create";
      readonly who: number;
    };

const product = fc.constantFrom(...PRODUCTS);
const at = fc.nat(1);
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant("start"), product, again: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("both"), again: fc.boolean() }) },
  {
    weight: 9,
    arbitrary: fc.record({
      op: fc.constant("tick"),
      ms: fc.constantFrom(MINUTE, MINUTE, 10 * MINUTE, 2 * HOUR, 2 * HOUR, 2 * DAY),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("back"),
      at,
      to: fc.constantFrom("all", "all", "wave", "gold", "internal"),
      paced: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constantFrom("stop", "pause", "approve", "approve"), at }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("resume"), at, again: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom("mark", "clear", "clear"),
      product,
      version: fc.constantFrom("1", "2", "2"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constantFrom("pin", "unpin", "defer", "undefer", "edit", "delete", "undelete", "create"),
      who: fc.nat(11),
    }),
  },
) as fc.Arbitrary<Op>;
const history = fc.tuple(fc.constantFrom(...PAIRS), fc.array(op, { minLength: 6, maxLength: 14 }));

const WAVES: RolloutInput["waves"] = [
  { name: "staff", cohorts: ["internal"], percent: 100, bake: { minutes: 5, requests: 0, workdays: 0 } },
  {
    name: "half",
    cohorts: ["*"],
    percent: 50,
    percentPerMinute: 20,
    bake: { minutes: 60, requests: 0, workdays: 0 },
  },
  {
    name: "rest",
    cohorts: ["*"],
    percent: 100,
    approve: "before",
    bake: { minutes: 60, requests: 0, workdays: 0 },
  },
];
const OWNERS = [
  "pin",
  "unpin",
  "defer",
  "undefer",
  "edit",
  "delete",
  "undelete",
  "create",
  "mark",
  "clear",
  "stop",
  "pause",
];

/** Runs one history and holds every step against what must never happen. */
class Witness {
  readonly world: World;
  readonly trace: string[] = [];
  private nowMs = FRIDAY;
  private readonly pairs: (typeof PAIRS)[number];
  private count = 0;
  private readonly living = new Set(ACCOUNTS);
  private readonly bad = new Set<string>();
  private seen = new Map<string, string>();
  /** When each account and product was last moved back, and how often, since somebody said "again". */
  private readonly backs = new Map<string, { atMs: number; times: number }>();

  private constructor(world: World, pairs: (typeof PAIRS)[number]) {
    this.world = world;
    this.pairs = pairs;
  }

  static async create(pairs: (typeof PAIRS)[number]): Promise<Witness> {
    const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS });
    for (const [n, account] of ACCOUNTS.entries()) {
      if (n % 3 !== 0) continue;
      const cohort = n % 10 === 0 ? "internal" : "general";
      const input = { timeZone: "Europe/Paris", cohort, labels: { tier: "gold" } };
      await must(world, "account.put", { account, input });
    }
    if (pairs !== "any") {
      const input = {
        ...VERSION,
        reversible: true,
        origin: "https://fogbugz-2.origins.example.net",
        requires: { kiln: [pairs === "new-needs-new" ? "2" : "1"] },
      };
      await must(world, "version.put", { product: "fogbugz", version: "2", input });
    }
    await quiet(world);
    const witness = new Witness(world, pairs);
    witness.seen = witness.decisions();
    return witness;
  }

  private decisions(): Map<string, string> {
    const maps = readMaps(this.world.kv.values);
    const found = new Map<string, string>();
    for (const slug of this.living)
      for (const name of PRODUCTS) found.set(`${slug} ${name}`, versionFor(maps, name, slug));
    return found;
  }

  private async say<K extends CommandName>(name: K, input: CommandInputs[K]): Promise<boolean> {
    return (await this.world.control.execute(name, input, contextOf())).ok;
  }

  private async rollouts(): Promise<readonly RolloutView[]> {
    return valueOf(await this.world.control.query("rollouts", {}));
  }

  private async running(index: number): Promise<RolloutView | undefined> {
    const active = (await this.rollouts()).filter(
      ({ phase }) => !["draft", "completed", "stopped", "rolled-back"].includes(phase),
    );
    return active[index % Math.max(1, active.length)];
  }

  /** Time passes while maps are published; a tick before makes sure that what is seen afterwards is the deed's alone. */
  async apply(what: Op): Promise<void> {
    if (OWNERS.includes(what.op)) await this.step({ op: "tick", ms: 1 });
    await this.step(what);
  }

  private async step(what: Op): Promise<void> {
    const backing = await this.isBacking();
    const bad = new Set(this.bad);
    const moves = await this.perform(what);
    await quiet(this.world);
    const after = this.decisions();
    const fail = (why: string): never => {
      throw new Error(`${why}, after ${JSON.stringify(what)} at ${new Date(this.nowMs).toISOString()}`);
    };
    for (const [key, version] of after) {
      const before = this.seen.get(key) ?? version;
      if (before === version) continue;
      if (OWNERS.includes(what.op) && !moves) fail(`${key} was moved by that alone, ${before} to ${version}`);
      if (moves) continue;
      if (version === "2") this.forward(key, { bad, fail });
      else this.backward(key, { allowed: backing || what.op === "back" || what.op === "tick", fail });
    }
    this.checkPairs(after, fail);
    this.seen = after;
    await this.checkEnds(fail);
  }

  private async isBacking(): Promise<boolean> {
    return (await this.rollouts()).some(
      ({ phase, rollback }) => phase === "rolling-back" || rollback !== null,
    );
  }

  private forward(
    key: string,
    { bad, fail }: { readonly bad: ReadonlySet<string>; readonly fail: (why: string) => never },
  ): void {
    const name = key.split(" ")[1] ?? "";
    if (bad.has(`${name} 2`) && this.bad.has(`${name} 2`)) fail(`${key} moved to a bad version`);
    const back = this.backs.get(key);
    if (back === undefined) return;
    if (this.nowMs - back.atMs < DAY) fail(`${key} moved forward within a day of being moved back`);
    if (back.times >= 2 && this.nowMs - back.atMs < 20 * DAY) fail(`${key} flaps`);
  }

  private backward(
    key: string,
    { allowed, fail }: { readonly allowed: boolean; readonly fail: (why: string) => never },
  ): void {
    if (!allowed) fail(`${key} went back`);
    const name = key.split(" ")[1] ?? "";
    if (this.bad.has(`${name} 1`)) fail(`${key} went back to a bad version`);
    this.backs.set(key, { atMs: this.nowMs, times: (this.backs.get(key)?.times ?? 0) + 1 });
  }

  private checkPairs(after: ReadonlyMap<string, string>, fail: (why: string) => never): void {
    if (this.pairs === "any") return;
    const needs = this.pairs === "new-needs-new" ? "2" : "1";
    for (const slug of this.living) {
      const kiln = after.get(`${slug} kiln`);
      if (after.get(`${slug} fogbugz`) === "2" && kiln !== needs)
        fail(`${slug} is on fogbugz 2 with kiln ${kiln}, which requires ${needs}`);
    }
  }

  /** Whoever is at home on the new version and not moved by a running rollout stays; what ended moves nobody back. */
  private async checkEnds(fail: (why: string) => never): Promise<void> {
    for (const { id, phase, reason, leftBehind } of await this.rollouts()) {
      if (reason === "") fail(`${id} is ${phase} without a reason`);
      if (leftBehind.some(({ accounts }) => accounts < 0)) fail(`${id} counts ${JSON.stringify(leftBehind)}`);
      if (phase === "rolled-back" && this.trace.at(-1) !== id) this.trace.push(id);
    }
  }

  /** @returns whether people moved accounts by name. */
  private async perform(what: Op): Promise<boolean> {
    switch (what.op) {
      case "start":
        await this.start({ [what.product]: "2" }, what.again);
        return false;
      case "both":
        await this.start({ kiln: "2", fogbugz: "2" }, what.again);
        return false;
      case "tick":
        this.nowMs = Math.max(this.nowMs, this.world.clock.now) + what.ms;
        await tick(this.world, this.nowMs);
        return false;
      case "mark":
      case "clear":
        await this.mark(what);
        return false;
      case "back":
      case "stop":
      case "pause":
      case "approve":
      case "resume":
        await this.tell(what);
        return false;
      default:
        return this.care(what.op, what.who);
    }
  }

  private async start(targets: Readonly<Record<string, string>>, again: boolean): Promise<void> {
    this.count += 1;
    const id = `rollout-${this.count}`;
    const waves = WAVES;
    if (!(await this.say("rollout.create", { id, input: { id, targets, waves } }))) return;
    if ((await this.say("rollout.start", { id, input: { again } })) && again) this.backs.clear();
    this.trace.push(`start ${Object.keys(targets).join("+")}`);
  }

  private async mark({
    op: deed,
    product: name,
    version,
  }: Extract<Op, { op: "mark" | "clear" }>): Promise<void> {
    const of = { product: name, version };
    if (deed === "mark") {
      await this.say("version.bad.mark", { ...of, input: { reason: "r" } });
      this.bad.add(`${name} ${version}`);
    } else if (await this.say("version.bad.clear", { ...of, reason: "r" })) {
      this.bad.delete(`${name} ${version}`);
    }
  }

  private async tell(what: Extract<Op, { readonly at: number }>): Promise<void> {
    const rollout = await this.running(what.at);
    if (rollout === undefined) return;
    const { id, wave } = rollout;
    const input = { reason: "r" };
    if (what.op === "stop") await this.say("rollout.stop", { id, input });
    else if (what.op === "pause") await this.say("rollout.pause", { id, input });
    else if (what.op === "approve") await this.say("rollout.approve", { id, input: { wave: wave ?? 0 } });
    else if (what.op === "resume") {
      const resumed = await this.say("rollout.resume", { id, input: { again: what.again } });
      if (resumed && what.again) this.backs.clear();
    } else if (what.op === "back") await this.goBack(id, what);
  }

  private async goBack(id: string, { to, paced }: Extract<Op, { op: "back" }>): Promise<void> {
    const scope =
      to === "all"
        ? {}
        : to === "wave"
          ? { toWave: 0 }
          : { where: to === "gold" ? { labels: { tier: "gold" } } : { cohort: "internal" } };
    const pace = paced ? { percentPerMinute: 30 } : {};
    const input = { confirmed: true, reason: "r", ...scope, ...pace };
    const said = valueOf(await this.world.control.query("rollout.rollback.preview", { id, input }));
    const done = await this.say("rollout.rollback", { id, input });
    if (done !== (said.refused === null)) throw new Error(`the preview of ${id} said ${said.refused}`);
    this.trace.push(`back ${to} ${done ? "done" : "refused"}`);
  }

  private async care(deed: Extract<Op, { who: number }>["op"], who: number): Promise<boolean> {
    const account = `account-${who}`;
    const until = new Date(this.world.clock.now + 5 * DAY).toISOString();
    const general = { timeZone: "Asia/Tokyo", cohort: "general" };
    switch (deed) {
      case "pin": {
        const version = who % 2 === 0 ? "1" : "2";
        const input = { version, reason: "r", expires: null };
        return this.say("account.pin.set", { account, product: "kiln", input });
      }
      case "unpin":
        await this.say("account.pin.lift", { account, product: "kiln", reason: "r" });
        return false;
      case "defer":
        await this.say("account.deferral.set", { account, input: { until, reason: "r", owner: "o" } });
        return false;
      case "undefer":
        await this.say("account.deferral.lift", { account, reason: "r" });
        return false;
      case "edit":
        if (this.living.has(account)) await this.say("account.put", { account, input: general });
        return false;
      case "delete":
        this.living.delete(account);
        await this.say("account.delete", { account, reason: "r" });
        return false;
      case "undelete":
        if (await this.say("account.undelete", { account, input: { reason: "r" } })) this.living.add(account);
        return false;
      case "create": {
        const slug = `new-${who}`;
        if (await this.say("account.put", { account: slug, input: general })) this.living.add(slug);
        return false;
      }
    }
  }
}

describe("two rollouts over one control plane", () => {
  it(
    "keep every promise, at once and one after the other, taken back and begun anew",
    { timeout: 120_000 },
    async () => {
      const met = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(history, async ([pairs, ops]) => {
          const witness = await Witness.create(pairs);
          for (const what of ops) await witness.apply(what);
          for (const mark of new Set(witness.trace)) met.set(mark, (met.get(mark) ?? 0) + 1);
        }),
        { numRuns: HISTORIES },
      );
      for (const mark of ["start kiln", "start fogbugz", "back all done", "back gold done"])
        if (!met.has(mark)) throw new Error(`no history came to "${mark}": ${JSON.stringify([...met])}`);
    },
  );
});
