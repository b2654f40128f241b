/**
 * Histories of replacements beside a rollout: hotfixes of the version before, of the target, of a hotfix, and of what leads
 * to it, racing waves, rollbacks, freezes, marks and pins. What is checked are the decisions that requests would get,
 * against a memory kept by the test itself; that ends move nobody is held by the simulator where it happens.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import type { Freeze } from "../../src/contracts/calendar.ts";
import type { Verdict } from "../../src/contracts/rollout-input.ts";
import { mayMove } from "../../src/core/calendar/may-move.ts";
import { commandReplacement } from "../../src/core/rollout/replacement-command.ts";
import { isReplaced, isReplacing } from "../../src/core/rollout/replacement-plan.ts";
import { advanceReplacement } from "../../src/core/rollout/replacement.ts";
import { isActive, isTerminal } from "../../src/core/rollout/state.ts";
import {
  account,
  crowd,
  DAY,
  facts,
  HOUR,
  memo,
  MINUTE,
  NEW,
  OLD,
  plan,
  version,
} from "../support/rollout-builders.ts";
import { ReplacingSim, type Replacing } from "../support/replacement-sim.ts";

const HISTORIES = 4000;

/** Who replaces whom: the version before, the target, a hotfix of the hotfix, and one that leads to the version before. */
const PAIRS = [
  ["2.8.0", "2.8.1"],
  ["2.9.0", "2.9.1"],
  ["2.8.1", "2.8.2"],
  ["2.7.0", "2.8.0"],
] as const;
const VERSIONS = ["2.8.0", "2.8.1", "2.8.2", "2.9.0", "2.9.1"] as const;
const FREEZES: readonly Freeze[] = [
  { name: "saturday", from: "2026-11-28", to: "2026-11-28", zone: "account", scope: {}, reason: "shop" },
  {
    name: "gold",
    from: "2026-11-27",
    to: "2026-12-01",
    zone: "UTC",
    scope: { labels: { tier: "gold" } },
    reason: "r",
  },
];

type Op =
  | { readonly op: "tick"; readonly ms: number }
  | { readonly op: "next" | "again" | "approve" | "pause" | "stop" | "halt" | "mend" | "create" | "unpin" }
  | { readonly op: "stretch"; readonly ticks: number }
  | { readonly op: "resume"; readonly again: boolean }
  | { readonly op: "back"; readonly all: boolean }
  | { readonly op: "freeze"; readonly which: number }
  | { readonly op: "replace"; readonly which: number; readonly ramp: number; readonly through: boolean }
  | {
      readonly op: "tell";
      readonly which: number;
      readonly kind: "pause" | "resume" | "stop" | "rollback";
      readonly confirmed: boolean;
    }
  | { readonly op: "say"; readonly version: string; readonly word: Verdict }
  | { readonly op: "probe"; readonly word: Verdict }
  | { readonly op: "bad"; readonly version: string; readonly bad: boolean }
  | { readonly op: "pin"; readonly who: number };

const word = fc.constantFrom<Verdict>("pass", "pass", "fail", "inconclusive");
const versions = fc.constantFrom(...VERSIONS);
const which = fc.nat(PAIRS.length - 1);
const record = <T extends string, R extends Record<string, fc.Arbitrary<unknown>>>(op: T, more: R) =>
  fc.record({ op: fc.constant(op), ...more });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 5,
    arbitrary: record("tick", {
      ms: fc.constantFrom(0, -MINUTE, MINUTE, 4 * MINUTE, 20 * MINUTE, 61 * MINUTE, 5 * HOUR, DAY),
    }),
  },
  { weight: 6, arbitrary: record("stretch", { ticks: fc.integer({ min: 4, max: 14 }) }) },
  {
    weight: 7,
    arbitrary: record("replace", { which, ramp: fc.nat(3), through: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: record("tell", {
      which,
      kind: fc.constantFrom("pause", "resume", "resume", "stop", "rollback"),
      confirmed: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constantFrom("next", "next", "again", "approve", "mend", "create", "unpin"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom("pause", "stop", "halt") }) },
  { weight: 1, arbitrary: record("resume", { again: fc.boolean() }) },
  { weight: 1, arbitrary: record("back", { all: fc.boolean() }) },
  { weight: 1, arbitrary: record("freeze", { which: fc.nat(1) }) },
  { weight: 2, arbitrary: record("say", { version: versions, word }) },
  { weight: 1, arbitrary: record("probe", { word }) },
  { weight: 1, arbitrary: record("bad", { version: versions, bad: fc.boolean() }) },
  { weight: 1, arbitrary: record("pin", { who: fc.nat(11) }) },
) as fc.Arbitrary<Op>;

/** Whether the versions of the rollout were declared to stand beside the hotfixes. */
const settings = fc.record({ fromHotfix: fc.boolean(), pairs: fc.boolean(), rollout: fc.boolean() });
const history = fc.tuple(settings, fc.array(op, { minLength: 3, maxLength: 14 }));

const ACCOUNTS = [
  ...crowd(12),
  account("older", { homes: { fogbugz: OLD.fogbugz, kiln: "2.7.0" } }),
  account("pinned", { pinned: ["kiln"] }),
];

const RAMPS = [
  { stepsBp: [10_000], paceBpPerMinute: null, bakeMinutes: 0 },
  { stepsBp: [10_000], paceBpPerMinute: 700, bakeMinutes: 20 },
  { stepsBp: [2000, 6000, 10_000], paceBpPerMinute: null, bakeMinutes: 10 },
  { stepsBp: [5000, 10_000], paceBpPerMinute: 2500, bakeMinutes: 0 },
] as const;

type Fail = (why: string) => never;

class Witness {
  readonly sim: ReplacingSim;
  /** Homes of kiln when the rollout was started, as replacements that have ended made them since. */
  readonly expected = new Map<string, string>();
  readonly touched = new Set<string>(["pinned"]);
  /** Moves forward: by the rollout since "again", and by each replacement. */
  moves = new Map<string, number>();
  readonly phases = new Set<string>();

  constructor(of: { fromHotfix: boolean; pairs: boolean; rollout: boolean }) {
    const base = plan();
    this.sim = new ReplacingSim(ACCOUNTS, { ...base, default: null });
    const kiln = ["2.9.0", ...(of.pairs ? ["2.9.1"] : [])];
    const world = facts({
      kiln: { upgradesFrom: ["2.8.0", ...(of.fromHotfix ? ["2.8.1", "2.8.2"] : [])] },
      fogbugz: { requires: { kiln } },
    });
    const known = world["kiln"] ?? { default: null, standby: null, versions: {} };
    const hotfixes = {
      "2.8.1": version({ state: "candidate" }),
      "2.8.2": version({ state: "candidate", upgradesFrom: ["2.7.0", "2.8.0", "2.8.1"] }),
      "2.9.1": version({ state: "candidate", requires: { fogbugz: [NEW.fogbugz] }, reversible: false }),
    };
    this.sim.facts = { ...world, kiln: { ...known, versions: { ...known.versions, ...hotfixes } } };
    const pinned = this.sim.members.get("pinned");
    if (pinned !== undefined) pinned.row = { ...pinned.row, pins: { kiln: OLD.kiln } };
    for (const [slug, { row }] of this.sim.members) this.expected.set(slug, row.homes["kiln"] ?? "");
    if (of.rollout) this.sim.start();
  }

  apply(what: Op): void {
    const { sim } = this;
    if (what.op === "stretch") {
      for (let tick = 0; tick < what.ticks; tick += 1)
        this.apply({ op: tick % 4 === 3 ? "approve" : "next" });
      return;
    }
    const was = this.look();
    this.perform(what);
    this.noteEnds(was);
    this.check(JSON.stringify(what), was);
    for (const { state } of sim.replacing) this.phases.add(state.phase);
  }

  private look(): Look {
    const { sim } = this;
    return {
      pairs: sim.decisions(),
      bases: sim.bases(),
      phases: new Map(sim.replacing.map((one) => [one, one.state.phase])),
    };
  }

  private perform(what: Exclude<Op, { op: "stretch" }>): void {
    const { sim } = this;
    switch (what.op) {
      case "tick":
        sim.tick(sim.nowMs + what.ms);
        return;
      case "next": {
        const due = [sim.state.nextAtMs, ...sim.active().map(({ state }) => state.nextAtMs)];
        const soonest = due.filter((at) => at !== null && at > sim.nowMs) as number[];
        sim.tick(Math.max(sim.nowMs + 4 * MINUTE, Math.min(sim.nowMs + 5 * HOUR, ...soonest)));
        return;
      }
      case "again":
        this.twice();
        return;
      case "approve":
        if (sim.state.wave < sim.state.waves.length)
          sim.command({ kind: "approve", what: { wave: sim.state.wave } });
        return;
      case "pause":
      case "stop":
        if (isActive(sim.state)) sim.command({ kind: what.op, reason: "r" });
        return;
      case "resume":
        if (sim.command({ kind: "resume", again: what.again }).ok && what.again) this.moves = new Map();
        return;
      case "back":
        sim.command({
          kind: "rollback",
          scope: what.all ? { kind: "all" } : { kind: "where", where: { cohort: "internal" } },
          reason: "r",
          confirmed: true,
          paceBpPerMinute: null,
        });
        return;
      case "halt":
        sim.halt = !sim.halt;
        return;
      case "freeze":
        sim.freezes = sim.freezes.length > 0 ? [] : FREEZES.slice(what.which, what.which + 1);
        return;
      case "replace":
        this.replace(what);
        return;
      case "tell":
        sim.tell(PAIRS[what.which]?.[0] ?? "", { kind: what.kind, reason: "r", confirmed: what.confirmed });
        return;
      case "say":
        if (what.version === NEW.kiln) sim.words.set("kiln", { wave: what.word, default: what.word });
        else sim.versionWords.set(what.version, what.word);
        sim.runPreflight("kiln");
        sim.runVersion(what.version);
        return;
      case "probe":
        sim.probeWord = what.word;
        return;
      case "bad":
        sim.setVersion("kiln", what.version, { bad: what.bad });
        return;
      case "create":
        sim.add(account(`new-${sim.members.size}`, { homes: { fogbugz: OLD.fogbugz, kiln: sim.stable } }));
        return;
      case "pin":
        this.pin(`account-${what.who}`);
        return;
      case "unpin":
        this.unpin();
        return;
      case "mend":
        this.mend();
    }
  }

  private replace({ which: at, ramp, through }: Extract<Op, { op: "replace" }>): void {
    const [from, to] = PAIRS[at] ?? PAIRS[0];
    const shape = RAMPS[ramp] ?? RAMPS[0];
    this.sim.replace({ product: "kiln", from, to, ...shape, throughFreezes: through });
  }

  /** To what its decision says before replacements: an operator's word of now, which moves nobody. */
  private pin(slug: string): void {
    const member = this.sim.members.get(slug);
    if (member === undefined) return;
    this.touched.add(slug);
    member.row = {
      ...member.row,
      pins: { kiln: this.sim.base(slug), fogbugz: this.sim.decide(slug, "fogbugz") },
    };
  }

  /** The end of a pin leaves the account where it is: the version becomes its home. No rollout moves this one. */
  private unpin(): void {
    const member = this.sim.members.get("pinned");
    const pin = member?.row.pins?.["kiln"];
    if (member === undefined || pin === undefined) return;
    member.row = { ...member.row, homes: { ...member.row.homes, kiln: pin }, pins: null };
  }

  mend(): void {
    const { sim } = this;
    sim.words.clear();
    sim.versionWords.clear();
    sim.halt = false;
    sim.probeWord = "pass";
    for (const name of VERSIONS) sim.setVersion("kiln", name, { bad: false });
    for (const product of ["kiln", "fogbugz"]) sim.runPreflight(product);
    if (sim.state.phase === "paused") sim.command({ kind: "resume", again: false });
    for (const { state } of sim.active())
      if (state.phase === "paused")
        sim.tell(state.plan.from, { kind: "resume", reason: "", confirmed: false });
  }

  /** The same instant once more changes nothing that counts, once what waits for each other has gone on. */
  private twice(): void {
    const { sim } = this;
    for (let tick = 0; tick <= PAIRS.length; tick += 1) sim.tick(sim.nowMs);
    for (const one of sim.active()) {
      const again = advanceReplacement(one.state, sim.turnOf(one));
      if (again.effects.length > 0)
        throw new Error(`the same tick twice wants ${JSON.stringify(again.effects)}`);
      if (JSON.stringify(again.state) !== JSON.stringify(one.state))
        throw new Error("the same tick twice changes the state");
    }
  }

  /** Whose home a replacement rewrote is expected there from now on, whatever a rollout goes back to. */
  private noteEnds({ phases }: Look): void {
    for (const one of this.sim.replacing) {
      const { state } = one;
      const before = phases.get(one) ?? "preflight";
      if (before === state.phase || isReplacing(state) || state.phase === "rolled-back") continue;
      for (const [slug, home] of this.expected)
        if (home === state.plan.from && isReplaced(state, slug)) this.expected.set(slug, state.plan.to);
    }
  }

  private check(what: string, was: Look): void {
    const { sim } = this;
    const fail: Fail = (why) => {
      const now = new Date(sim.nowMs).toISOString();
      throw new Error(`${why}, after ${what} at ${now}; rollout ${sim.state.phase} (${sim.state.reason})`);
    };
    const bases = sim.bases();
    for (const [slug, pair] of sim.decisions()) {
      const before = was.pairs.get(slug);
      const [kiln = "", fogbugz = ""] = pair.split("/");
      this.checkPair(slug, { kiln, fogbugz }, fail);
      if (before === undefined || before === pair) continue;
      if (/"op":"(?:pin|unpin|create|replace|say|bad)"/.test(what) && !what.includes("replace"))
        fail(`${slug} was moved by that alone`);
      const [from = ""] = before.split("/");
      if (was.bases.get(slug) === bases.get(slug)) this.movedByRule(slug, { from, to: kiln, was }, fail);
      else this.movedByRollout(slug, { from, to: kiln }, fail);
    }
    if (sim.decide(null, "kiln") !== OLD.kiln) fail("the default was moved");
    this.checkRolledBack(fail);
    for (const one of sim.active()) this.checkWayOut(one, fail);
  }

  /** As declared, whatever the engines make of it. */
  private checkPair(slug: string, homes: Readonly<Record<string, string>>, fail: Fail): void {
    for (const [product, at] of Object.entries(homes)) {
      const required = this.sim.facts[product]?.versions[at]?.requires ?? {};
      for (const [other, allowed] of Object.entries(required))
        if (!allowed.includes(homes[other] ?? "")) fail(`${slug} has ${JSON.stringify(homes)}`);
    }
  }

  private movedByRule(slug: string, { from, to, was }: Step & { was: Look }, fail: Fail): void {
    const { sim } = this;
    const chain = leading(sim.replacing.filter(isIn), from, to);
    if (chain === null) {
      const undone = sim.replacing.filter((one) => isIn(one) || was.phases.get(one) !== one.state.phase);
      return leading(undone, to, from) === null
        ? fail(`${slug} went from ${from} to ${to} by no rule`)
        : undefined;
    }
    this.count(`${slug} by ${chain.map(({ state }) => state.salt).join()}`, fail);
    this.mayGoForward(slug, { from, to }, fail);
    if (chain.some(({ state }) => state.plan.throughFreezes)) return;
    const { zone, labels } = sim.members.get(slug)?.facts ?? account(slug);
    const subject = { products: ["kiln"], labels, cell: null, zone };
    const { freezes, nowMs: atMs } = sim;
    const answer = mayMove({ windows: null, windowName: null, freezes, subject, atMs, memo });
    if (!answer.allowed) fail(`${slug} was replaced in a ${answer.reason}`);
  }

  private movedByRollout(slug: string, { from, to }: Step, fail: Fail): void {
    const { sim } = this;
    if (sim.base(slug) !== NEW.kiln) return;
    this.count(`${slug} by the rollout`, fail);
    this.mayGoForward(slug, { from, to }, fail);
    if (sim.runs.get("kiln")?.wave.verdict !== "pass") fail(`${slug} moved to ${to} whose target fails`);
  }

  private mayGoForward(slug: string, { from, to }: Step, fail: Fail): void {
    const { sim } = this;
    if (sim.halt) fail(`${slug} moved while halted`);
    const run = to === NEW.kiln ? sim.runs.get("kiln") : sim.versionRuns.get(to);
    if (run?.wave.verdict !== "pass") fail(`${slug} moved to ${to} whose preflight is ${run?.wave.verdict}`);
    if (sim.nowMs - (run?.atMs ?? 0) > HOUR) fail(`${slug} moved to ${to} on a stale preflight`);
    const target = sim.facts["kiln"]?.versions[to];
    if (target?.bad !== false) fail(`${slug} moved to ${to}, which is bad`);
    const allowed = target?.upgradesFrom ?? null;
    if (allowed !== null && !allowed.includes(from)) fail(`${slug} moved to ${to} from ${from}`);
  }

  private count(key: string, fail: Fail): void {
    const count = (this.moves.get(key) ?? 0) + 1;
    this.moves.set(key, count);
    if (count > 1) fail(`${key}: moved forward ${count} times`);
  }

  private checkRolledBack(fail: Fail): void {
    const { sim } = this;
    if (sim.state.phase !== "rolled-back") return;
    for (const [slug, home] of this.expected) {
      const wanted = this.served(slug, home);
      const got = sim.decide(slug, "kiln");
      if (!this.touched.has(slug) && got !== wanted) fail(`${slug} went back to ${got}, not to ${wanted}`);
    }
  }

  /** What an account with this home gets by the rules in the maps. */
  private served(slug: string, home: string): string {
    const rules = this.sim.published.products["kiln"]?.replacements ?? [];
    const rule = rules.find(({ from }) => from === home);
    return rule !== undefined && isReplaced(rule, slug) ? this.served(slug, rule.to) : home;
  }

  private checkWayOut({ state }: Replacing, fail: Fail): void {
    const { sim } = this;
    if (state.reason === "") fail("a replacement without a reason");
    if (state.settleAskedMs !== null) return;
    const at = { nowMs: sim.nowMs, facts: sim.facts };
    if (!commandReplacement(state, { kind: "stop", reason: "r", confirmed: false }, at).ok)
      fail("no way out");
  }

  /** Once everything is well and the rollout is over, every replacement comes to its end by itself. */
  finish(): void {
    const { sim } = this;
    this.mend();
    sim.freezes = [];
    if (isActive(sim.state)) sim.command({ kind: "stop", reason: "over" });
    for (let tick = 0; tick < 80 && sim.active().length > 0; tick += 1) {
      sim.tick(sim.nowMs + 30 * MINUTE);
      if (tick % 20 === 0) this.mend();
    }
    if (isActive(sim.state) && !isTerminal(sim.state)) throw new Error(`the rollout is ${sim.state.phase}`);
    const [stuck] = sim.active();
    if (stuck !== undefined)
      throw new Error(`${stuck.state.plan.from} is ${stuck.state.phase}: ${stuck.state.reason}`);
    if ((sim.published.products["kiln"]?.replacements ?? []).length > 0) throw new Error("a rule stayed");
  }
}

interface Step {
  readonly from: string;
  readonly to: string;
}

interface Look {
  readonly pairs: ReadonlyMap<string, string>;
  readonly bases: ReadonlyMap<string, string>;
  readonly phases: ReadonlyMap<Replacing, string>;
}

const isIn = ({ state }: Replacing): boolean => state.phase !== "rolled-back";

/** Replacements that lead from one version to another, in order; the newest of each version. Null: none do. */
function leading(replacing: readonly Replacing[], from: string, to: string): readonly Replacing[] | null {
  const chain: Replacing[] = [];
  let at = from;
  while (at !== to) {
    const next = replacing.findLast(({ state }) => state.plan.from === at);
    if (next === undefined || chain.includes(next)) return null;
    chain.push(next);
    at = next.state.plan.to;
  }
  return chain;
}

describe("replacements beside a rollout", () => {
  it("keep every promise, whatever happens in whatever order", { timeout: 240_000 }, () => {
    const phases = new Set<string>();
    fc.assert(
      fc.property(history, ([of, ops]) => {
        const witness = new Witness(of);
        for (const what of ops) witness.apply(what);
        witness.finish();
        for (const phase of witness.phases) phases.add(phase);
        for (const { state } of witness.sim.replacing) phases.add(state.phase);
      }),
      { numRuns: HISTORIES },
    );
    for (const phase of ["completed", "stopped", "rolled-back", "paused", "settling", "baking", "waiting"])
      if (!phases.has(phase)) throw new Error(`no history came to ${phase}: ${[...phases].join()}`);
  });
});
