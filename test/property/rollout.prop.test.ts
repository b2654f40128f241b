/**
 * Histories of a rollout: whatever happens in whatever order, the promises of design §5 hold. What is checked are the
 * decisions that requests would get (`decideVersion` on the published maps), against a memory kept by the test itself.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import type { Freeze } from "../../src/contracts/calendar.ts";
import type { GateFact } from "../../src/contracts/rollout-input.ts";
import type { RolloutPlan } from "../../src/contracts/rollout.ts";
import { mayMove } from "../../src/core/calendar/may-move.ts";
import { command } from "../../src/core/rollout/command.ts";
import { advance } from "../../src/core/rollout/advance.ts";
import { isTerminal } from "../../src/core/rollout/state.ts";
import { pairProblem } from "../../src/core/rollout/versions.ts";
import {
  account,
  crowd,
  DAY,
  HOUR,
  memo,
  MINUTE,
  NEW,
  OLD,
  OFFICE,
  plan,
  Sim,
} from "../support/rollout-builders.ts";

const HISTORIES = 10_000;
const HISTORIES_TWICE = 300;

const FREEZES: readonly Freeze[] = [
  { name: "night", from: "2026-11-28", to: "2026-11-28", zone: "account", scope: {}, reason: "shop" },
  {
    name: "gold",
    from: "2026-11-27",
    to: "2026-12-05",
    zone: "UTC",
    scope: { labels: { tier: "gold" } },
    reason: "vip",
  },
  {
    name: "kiln",
    from: "2026-12-01T00:00",
    to: "2026-12-02T12:00",
    zone: "Asia/Kolkata",
    scope: { products: ["kiln"] },
    reason: "x",
  },
];

type Op =
  | { readonly op: "tick"; readonly ms: number }
  | {
      readonly op:
        | "next"
        | "again"
        | "approve"
        | "pause"
        | "stop"
        | "halt"
        | "unhalt"
        | "delete"
        | "default"
        | "new";
    }
  | { readonly op: "resume"; readonly again: boolean }
  | { readonly op: "stretch"; readonly ticks: number }
  | { readonly op: "mend" }
  /** What has ended is followed by another one to the same versions; a draft that was refused is tried again. */
  | { readonly op: "anew" }
  | { readonly op: "back"; readonly to: "all" | "wave" | "cohort" | "gold"; readonly paced: boolean }
  | { readonly op: "freeze" | "unfreeze"; readonly which: number }
  | { readonly op: "word"; readonly product: "kiln" | "fogbugz"; readonly wave: Word; readonly default: Word }
  | { readonly op: "gate" | "probe" | "defaultGate"; readonly word: Word }
  | {
      readonly op: "verdict";
      readonly kind: "slow" | "everybody" | "silent" | "warn" | "one";
      readonly who: number;
    }
  | { readonly op: "traffic"; readonly perMinute: number; readonly worse: number; readonly heard: boolean }
  | { readonly op: "create" | "edit" | "pin" | "unpin"; readonly who: number }
  | { readonly op: "bad"; readonly version: "2.9.0" | "2.8.0"; readonly bad: boolean };
type Word = "pass" | "fail" | "inconclusive";

const word = fc.constantFrom<Word>("pass", "pass", "pass", "fail", "inconclusive");
const one = <T extends string>(...ops: T[]): fc.Arbitrary<{ op: T }> =>
  fc.record({ op: fc.constantFrom(...ops) });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant("tick"),
      ms: fc.constantFrom(
        0,
        -10 * MINUTE,
        MINUTE,
        3 * MINUTE,
        20 * MINUTE,
        61 * MINUTE,
        5 * HOUR,
        DAY,
        3 * DAY,
      ),
    }),
  },
  { weight: 6, arbitrary: one("next", "mend") },
  { weight: 3, arbitrary: one("anew") },
  { weight: 8, arbitrary: fc.record({ op: fc.constant("stretch"), ticks: fc.integer({ min: 5, max: 20 }) }) },
  { weight: 4, arbitrary: one("approve", "again") },
  { weight: 3, arbitrary: one("pause", "halt", "unhalt", "delete", "default", "new", "stop") },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("resume"), again: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("back"),
      to: fc.constantFrom("all", "wave", "cohort", "gold"),
      paced: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom("freeze", "unfreeze"), which: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("word"),
      product: fc.constantFrom("kiln", "fogbugz"),
      wave: word,
      default: word,
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom("gate", "probe", "defaultGate"), word }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("verdict"),
      kind: fc.constantFrom("slow", "everybody", "silent", "warn", "one"),
      who: fc.nat(11),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("traffic"),
      perMinute: fc.constantFrom(0, 2, 20),
      worse: fc.constantFrom(0, 0, 0.02, 1),
      heard: fc.constantFrom(true, true, false),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constantFrom("create", "edit", "pin", "unpin"), who: fc.nat(11) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("bad"),
      version: fc.constantFrom("2.9.0", "2.8.0"),
      bad: fc.boolean(),
    }),
  },
) as fc.Arbitrary<Op>;

const settings = fc.record({
  gate: fc.constantFrom("none", "hold", "advance", "pause"),
  onFail: fc.constantFrom<"pause" | "rollback">("pause", "rollback"),
  moveDefault: fc.boolean(),
  mirror: fc.boolean(),
  first: word,
});
const history = fc.tuple(settings, fc.array(op, { minLength: 3, maxLength: 12 }));

const MIRROR = { shareBp: 1000, minutes: 20, requests: 50, worseBp: 100, waitMinutes: 60 };

function planOf(of: {
  gate: string;
  onFail: "pause" | "rollback";
  moveDefault: boolean;
  mirror: boolean;
}): RolloutPlan {
  const base = plan();
  const onInconclusive = of.gate === "hold" || of.gate === "pause" ? of.gate : "advance";
  const gate = {
    errorIncreasePercent: 1,
    alpha: 0.05,
    minAccounts: 1,
    onFail: of.onFail,
    onInconclusive,
    mustHave: [],
  } as const;
  return {
    ...base,
    gate: of.gate === "none" ? null : gate,
    default:
      of.moveDefault && base.default !== null ? { ...base.default, mirror: of.mirror && MIRROR } : null,
  };
}

const ACCOUNTS = [
  ...crowd(12),
  account("own-window", { window: [{ days: ["wed"], from: "03:00", to: "04:00", zone: "UTC" }] }),
  account("older", { homes: { fogbugz: OLD.fogbugz, kiln: "2.7.0" } }),
  account("pinned", { pinned: ["kiln"] }),
];

const isNew = (pair: string | undefined): boolean => pair === `${NEW.kiln}/${NEW.fogbugz}`;

/** Runs one history and holds every step against what must never happen. Returns what it came to. */
class Witness {
  readonly sim: Sim;
  /** Decisions and defaults when the rollout was started. */
  before = new Map<string, string>();
  homeBefore: string;
  /** Forward moves per account in this rollout, since an operator last said "again". */
  forward = new Map<string, number>();
  /** Zone, window and cohort of each account when the rollout was started. */
  readonly frozenZone = new Map<
    string,
    {
      zone: string;
      window: (typeof ACCOUNTS)[number]["window"];
      cohort: string;
      labels: Readonly<Record<string, string>>;
    }
  >();
  touched = new Set<string>();
  /** How many effects there had been when the operation under way began. */
  effectsBefore = 0;
  defaultTouched = false;
  trace: string[] = [];
  round = 1;
  /** What every account gets since the last operation. */
  private decided: ReadonlyMap<string, string> = new Map();

  constructor(of: RolloutPlan, first: Word) {
    this.sim = new Sim(ACCOUNTS, of);
    this.sim.words.set("kiln", { wave: first, default: first });
    for (const [slug, { facts }] of this.sim.members) this.frozenZone.set(slug, facts);
    this.sim.start();
    this.before = new Map([...this.sim.members.keys()].map((slug) => [slug, this.pairAtStart(slug)]));
    this.homeBefore = this.defaults();
    this.check("start", {
      old: this.before,
      defaults: `${OLD.kiln}/${OLD.fogbugz}`,
      phase: "draft",
      wave: 0,
    });
  }

  private pairAtStart(slug: string): string {
    const homes = this.sim.members.get(slug)?.facts.homes ?? {};
    return `${homes["kiln"]}/${homes["fogbugz"]}`;
  }

  defaults(): string {
    return `${this.sim.facts["kiln"]?.default}/${this.sim.facts["fogbugz"]?.default}`;
  }

  apply(what: Op): void {
    const { sim } = this;
    if (what.op === "stretch") {
      for (let tick = 0; tick < what.ticks && !isTerminal(sim.state); tick += 1)
        this.apply({ op: tick % 5 === 4 ? "approve" : "next" });
      return;
    }
    const old = this.decided;
    const { phase, wave } = sim.state;
    const defaults = this.defaults();
    this.effectsBefore = sim.effects.length;
    this.perform(what);
    this.check(JSON.stringify(what), { old, defaults, phase, wave });
    if (sim.state.cause === "mirror") this.trace.push(`mirror-${sim.state.phase}:`);
    this.trace.push(`${sim.state.phase}:${sim.state.wave}:${sim.state.step}`);
  }

  private perform(what: Op): void {
    const { sim } = this;
    switch (what.op) {
      case "tick":
        sim.tick(sim.nowMs + what.ms);
        return;
      case "next":
        sim.tick(Math.max(sim.nowMs + 4 * MINUTE, sim.state.nextAtMs ?? sim.nowMs + 50 * MINUTE));
        return;
      case "again":
        this.twice();
        return;
      case "approve": {
        const { state } = sim;
        const step = state.defaults.find(({ bakedMs }) => bakedMs === null);
        const about =
          state.wave < state.waves.length ? { wave: state.wave } : { default: step?.product ?? "kiln" };
        sim.command({ kind: "approve", what: about });
        return;
      }
      case "pause":
        sim.command({ kind: what.op, reason: "r" });
        return;
      case "stop":
        // Rare, so that most histories go on.
        if (sim.nowMs % 7 === 0 || sim.state.wave > 1) sim.command({ kind: "stop", reason: "r" });
        return;
      case "resume": {
        const result = sim.state.phase === "paused" && what.again ? this.forgive() : null;
        if (!sim.command({ kind: "resume", again: what.again }).ok && result !== null) this.forward = result;
        return;
      }
      case "back":
        this.goBack(what);
        return;
      case "halt":
      case "unhalt":
        sim.halt = what.op === "halt";
        return;
      case "freeze":
        sim.freezes = [
          ...sim.freezes.filter(({ name }) => name !== FREEZES[what.which]?.name),
          ...FREEZES.slice(what.which, what.which + 1),
        ];
        return;
      case "unfreeze":
        sim.freezes = sim.freezes.filter(({ name }) => name !== FREEZES[what.which]?.name);
        return;
      case "word":
        sim.words.set(what.product, { wave: what.wave, default: what.default });
        sim.runPreflight(what.product);
        return;
      case "gate":
        sim.gate = { atMs: sim.nowMs, verdict: what.word, sentence: what.word };
        return;
      case "verdict":
        sim.gate = { atMs: sim.nowMs, sentence: what.kind, ...this.verdictOf(what) };
        return;
      case "probe":
        sim.probeWord = what.word;
        return;
      case "traffic":
        sim.unknownTraffic = { perMinute: what.perMinute, worse: what.worse };
        sim.metersAnswer = what.heard;
        return;
      case "defaultGate":
        sim.defaultGates = { fogbugz: { atMs: sim.nowMs, verdict: what.word, sentence: what.word } };
        return;
      case "create":
        sim.add(account(`new-${what.who}-${sim.members.size}`));
        return;
      case "edit":
        this.edit(what.who);
        return;
      case "pin":
      case "unpin":
        this.touched.add(`account-${what.who}`);
        sim[what.op](`account-${what.who}`);
        return;
      case "delete":
        sim.members.delete("account-3");
        return;
      case "default":
        // Somebody sets the default by hand, to what it was.
        this.defaultTouched = true;
        return;
      case "bad":
        sim.setVersion("kiln", what.version, { bad: what.bad });
        return;
      case "new":
        this.sim.preflightAnswers = !this.sim.preflightAnswers;
        return;
      case "mend":
        this.mend();
        return;
      case "anew":
        this.anew();
        return;
      case "stretch":
    }
  }

  /** Words of a gate besides plain ones, as `worstVerdict` makes them. */
  private verdictOf({ kind, who }: Extract<Op, { op: "verdict" }>): Omit<GateFact, "atMs" | "sentence"> {
    switch (kind) {
      case "slow":
        return { verdict: "fail", cause: "latency", action: "hold", notify: "ticket" };
      case "everybody":
        return {
          verdict: "inconclusive",
          cause: "baseline-bad",
          action: "hold",
          planMayAdvance: false,
          notify: "page",
        };
      case "silent":
        return { verdict: "inconclusive", cause: "not-measured", action: "hold", planMayAdvance: false };
      case "warn":
        return { verdict: "pass", cause: "errors", action: "warn", notify: "ticket" };
      case "one": {
        const named = this.sim.state.quarantined ?? [];
        const account = `account-${who}`;
        const fresh = !named.some((one) => one.account === account);
        const quarantine = fresh ? [{ account, reason: "r" }] : [];
        return { verdict: "pass", cause: "fine", action: null, quarantine };
      }
    }
  }

  /** Memory begins anew with the rollout: what accounts have now is what they had before. */
  private anew(): void {
    const { sim } = this;
    const { phase, plan: of } = sim.state;
    if (phase !== "draft" && !isTerminal(sim.state)) return;
    if (phase !== "draft") {
      this.round += 1;
      sim.next({ ...of, id: `round-${this.round}` }, `salt-${this.round}`);
    }
    // What a gate said was about the rollout before.
    sim.gate = null;
    this.before = new Map(sim.decisions());
    this.forward = new Map();
    this.touched = new Set();
    this.homeBefore = this.defaults();
    this.frozenZone.clear();
    for (const [slug, { facts }] of sim.members) this.frozenZone.set(slug, facts);
    const started = sim.start();
    if (started.ok && this.isBad("kiln", NEW.kiln)) throw new Error("it started to a bad version");
    if (started.ok) this.trace.push(`round-${Math.min(this.round, 3)}:0:0`);
  }

  /** Everything is well again, and somebody says so. */
  private mend(): void {
    const { sim } = this;
    sim.words.clear();
    sim.preflightAnswers = true;
    sim.halt = false;
    sim.gate = { atMs: sim.nowMs, verdict: "pass", sentence: "pass" };
    sim.defaultGates = {};
    sim.unknownTraffic = { perMinute: 20, worse: 0 };
    sim.metersAnswer = true;
    sim.runPreflight("kiln");
    sim.runPreflight("fogbugz");
    sim.setVersion("kiln", NEW.kiln, { bad: false });
    sim.setVersion("fogbugz", NEW.fogbugz, { bad: false });
    if (sim.state.phase === "paused") sim.command({ kind: "resume", again: false });
  }

  private forgive(): Map<string, number> {
    const known = this.forward;
    this.forward = new Map();
    return known;
  }

  private edit(who: number): void {
    const member = this.sim.members.get(`account-${who}`);
    if (member !== undefined)
      member.facts = { ...member.facts, zone: "Asia/Tokyo", cohort: "internal", window: OFFICE };
  }

  private goBack({ to, paced }: Extract<Op, { op: "back" }>): void {
    const scope =
      to === "all"
        ? ({ kind: "all" } as const)
        : to === "wave"
          ? ({ kind: "to-wave", wave: 0 } as const)
          : ({
              kind: "where",
              where: to === "cohort" ? { cohort: "internal" } : { labels: { tier: "gold" } },
            } as const);
    this.sim.command({
      kind: "rollback",
      scope,
      reason: "r",
      confirmed: true,
      paceBpPerMinute: paced ? 2000 : null,
    });
  }

  /** The same instant once more changes nothing that counts. */
  private twice(): void {
    const { sim } = this;
    sim.tick(sim.nowMs);
    const again = advance(sim.state, sim.turn());
    const loud = again.effects.filter(({ kind }) => kind !== "notify");
    if (loud.length > 0)
      throw new Error(`the same tick twice wants ${JSON.stringify(loud)} in ${sim.state.phase}`);
    if (JSON.stringify(again.state) !== JSON.stringify(sim.state))
      throw new Error("the same tick twice changes the state");
  }

  private check(
    what: string,
    was: { old: ReadonlyMap<string, string>; defaults: string; phase: string; wave: number },
  ): void {
    const { sim } = this;
    const fail = (why: string): never => {
      throw new Error(
        `${why}, after ${what}, ${was.phase} → ${sim.state.phase} (${sim.state.reason}) at ${new Date(sim.nowMs).toISOString()}`,
      );
    };
    this.decided = sim.decisions();
    for (const pair of new Set(this.decided.values())) {
      const [kiln = "", fogbugz = ""] = pair.split("/");
      const problem = pairProblem(sim.facts, { kiln, fogbugz });
      if (problem !== null) fail(`${pair}: ${problem}`);
    }
    for (const [slug, pair] of this.decided) {
      const before = was.old.get(slug) ?? pair;
      const [kiln] = pair.split("/");
      if (before === pair) continue;
      if (/"op":"(?:pin|unpin|create|edit|delete)"/.test(what)) fail(`${slug} was moved by that alone`);
      if (isNew(pair)) this.forwardMove(slug, fail);
      else if (pair !== this.before.get(slug)) fail(`${slug} went to ${pair}, which it never had`);
      else if (this.isBad("kiln", kiln)) fail(`${slug} went back to a bad version`);
      else if (sim.state.phase === "completed" || sim.state.phase === "stopped")
        fail(`${slug} was moved by an end`);
    }
    this.checkDefault(was, fail);
    if (/"op":"(?:tick|next|again)"/.test(what)) this.checkMirrors(fail);
    this.checkEnds(fail);
  }

  private isBad(name: string, at: string | undefined): boolean {
    return this.sim.facts[name]?.versions[at ?? ""]?.bad === true;
  }

  /** A verdict at the very minute of the move: the maps went out first, then the mark. */
  private markedAfterTheMove(): boolean {
    const since = this.sim.effects.slice(this.effectsBefore).map(({ kind }) => kind);
    const published = since.indexOf("publish");
    return published >= 0 && published < since.indexOf("mark-bad");
  }

  private forwardMove(slug: string, fail: (why: string) => never): void {
    const { sim } = this;
    const count = (this.forward.get(slug) ?? 0) + 1;
    this.forward.set(slug, count);
    if (count > 1) fail(`${slug} moved forward ${count} times`);
    if (sim.halt) fail(`${slug} moved while halted`);
    const begun = sim.state.waves.some(({ firstMoveMs }) => firstMoveMs !== null && firstMoveMs < sim.nowMs);
    const { gate } = sim;
    const holds = gate?.action === "hold" && (gate.verdict === "fail" || gate.cause === "baseline-bad");
    if (begun && holds && sim.nowMs - gate.atMs <= HOUR && sim.state.plan.gate !== null)
      fail(`${slug} moved while the gate holds: ${gate.sentence}`);
    if (sim.members.get(slug)?.row.quarantine != null) fail(`${slug} moved out of quarantine`);
    const bad = this.isBad("kiln", NEW.kiln) || this.isBad("fogbugz", NEW.fogbugz);
    if (bad && !this.markedAfterTheMove()) fail(`${slug} moved to a bad version`);
    for (const [product, { wave }] of sim.runs)
      if (wave.verdict !== "pass") fail(`${slug} moved to ${product} whose preflight is ${wave.verdict}`);
    const known = this.frozenZone.get(slug);
    if (known === undefined) return fail(`${slug} came later and was moved`);
    if (known.cohort === "internal" && sim.state.waves[1]?.firstMoveMs == null && known.window === null) {
      this.mustBeFree(slug, { ...known, windows: null }, fail);
      return;
    }
    const staffCatchUp = known.cohort === "internal" && known.window === null;
    this.mustBeFree(
      slug,
      { ...known, windows: staffCatchUp ? null : (known.window ?? sim.windows["nights"] ?? null) },
      fail,
    );
  }

  private mustBeFree(
    slug: string,
    of: {
      zone: string;
      labels: Readonly<Record<string, string>>;
      windows: (typeof ACCOUNTS)[number]["window"];
    },
    fail: (why: string) => never,
  ): void {
    const subject = { products: ["kiln", "fogbugz"], labels: of.labels, cell: null, zone: of.zone };
    const answer = mayMove({
      windows: of.windows,
      windowName: null,
      freezes: this.sim.freezes,
      subject,
      atMs: this.sim.nowMs,
      memo,
    });
    if (!answer.allowed) fail(`${slug} moved in a ${answer.reason}`);
  }

  private checkDefault(was: { defaults: string; wave: number }, fail: (why: string) => never): void {
    const { sim } = this;
    const now = this.defaults();
    if (now === was.defaults) return;
    for (const [name, version] of [
      ["kiln", now.split("/")[0]],
      ["fogbugz", now.split("/")[1]],
    ] as const)
      if (!was.defaults.split("/").includes(version ?? "") && this.isBad(name, version))
        fail(`the default of ${name} went to a bad version`);
    const forward =
      now.length > 0 &&
      [NEW.kiln, NEW.fogbugz].some((name) => now.includes(name) && !was.defaults.includes(name));
    if (!forward) return;
    if (sim.halt) fail("the default moved while halted");
    if (sim.state.waves.some(({ bakedMs }) => bakedMs === null))
      fail("the default moved before the waves were done");
    const moved = sim.state.defaults
      .filter(({ movedMs }) => movedMs === sim.nowMs)
      .map(({ product }) => product);
    if (moved.length !== 1) fail(`${moved.length} defaults moved at once`);
    if (sim.runs.get(moved[0] ?? "")?.default.verdict !== "pass")
      fail("the default moved without its preflight");
    this.checkCompared(moved[0] ?? "", fail);
    const subject = { products: moved, labels: {}, cell: null, zone: "UTC" };
    const open = mayMove({
      windows: sim.windows["office"] ?? null,
      windowName: null,
      freezes: sim.freezes,
      subject,
      atMs: sim.nowMs,
      memo,
    });
    if (!open.allowed) fail(`the default moved in a ${open.reason}`);
  }

  /** A default that asked for mirroring has compared enough, and well, or a person said that it need not. */
  private checkCompared(product: string, fail: (why: string) => never): void {
    const { plan: of, defaults } = this.sim.state;
    if (of.default === null || of.default.mirror === false) return;
    const mirror = defaults.find((step) => step.product === product)?.mirror ?? null;
    if (mirror === null) return fail("the default moved and nothing was mirrored");
    if (mirror.waived !== null) return;
    const { same, worse } = this.sim.compared.get(mirror.run) ?? { same: 0, worse: 0 };
    if (same + worse < 50) fail(`the default moved after ${same + worse} compared requests`);
    if (worse * 100 > same + worse) fail(`the default moved although ${worse} of ${same + worse} were worse`);
    if (mirror.spentMs < 20 * MINUTE) fail(`the default moved after ${mirror.spentMs / MINUTE} minutes`);
  }

  /** Requests are mirrored only while the default waits for just that, in its window, with all waves done. */
  private checkMirrors(fail: (why: string) => never): void {
    const { sim } = this;
    for (const [product, { mirror }] of Object.entries(sim.published.products)) {
      if (mirror === undefined) continue;
      if (sim.halt) fail("requests are mirrored while halted");
      if (sim.state.phase !== "default-pending") fail(`requests are mirrored in ${sim.state.phase}`);
      if (sim.state.waves.some(({ bakedMs }) => bakedMs === null))
        fail("requests are mirrored during a wave");
      if (sim.runs.get(product)?.default.verdict !== "pass")
        fail("requests are mirrored without a preflight");
      const subject = { products: [product], labels: {}, cell: null, zone: "UTC" };
      const windows = sim.windows["office"] ?? null;
      const { freezes, nowMs: atMs } = sim;
      const open = mayMove({ windows, windowName: null, freezes, subject, atMs, memo });
      if (!open.allowed) fail(`requests are mirrored in a ${open.reason}`);
    }
  }

  private checkEnds(fail: (why: string) => never): void {
    const { sim } = this;
    if (sim.state.phase === "rolled-back") {
      for (const [slug, pair] of this.decided) {
        if (this.touched.has(slug) || !this.before.has(slug)) continue;
        if (pair !== this.before.get(slug)) fail(`${slug} was not restored`);
      }
      if (this.defaults() !== this.homeBefore) fail("the default was not restored");
    }
    if (sim.state.reason === "") fail("a phase without a reason");
    if (isTerminal(sim.state)) return;
    if (!command(sim.state, { kind: "stop", reason: "out" }, sim.context()).ok) fail("no way out");
    if (
      sim.state.phase === "paused" &&
      !command(sim.state, { kind: "resume", again: false }, sim.context()).ok
    )
      fail("no way on");
  }
}

function live([of, ops]: [Parameters<typeof planOf>[0] & { first: Word }, Op[]]): Witness {
  const witness = new Witness(planOf(of), of.first);
  for (const what of ops) witness.apply(what);
  return witness;
}

/** Three rollouts to their end, one after the other, which chance comes to once in some thousand histories. */
const LONG: readonly Op[] = Array.from({ length: 4 }, () => ({ op: "stretch", ticks: 20 }));
const THREE_ROUNDS: Parameters<typeof live>[0] = [
  { gate: "none", onFail: "pause", moveDefault: false, mirror: false, first: "pass" },
  [...LONG, { op: "anew" }, ...LONG, { op: "anew" }, ...LONG],
];

describe("a rollout's history", () => {
  it("never breaks a promise, whatever happens in whatever order", { timeout: 240_000 }, () => {
    const phases = new Map<string, number>();
    fc.assert(
      fc.property(history, (given) => {
        const seen = new Set(live(given).trace.map((line) => line.split(":")[0] ?? ""));
        for (const phase of seen) phases.set(phase, (phases.get(phase) ?? 0) + 1);
      }),
      { numRuns: HISTORIES, examples: [[THREE_ROUNDS]] },
    );
    for (const phase of [
      "completed",
      "stopped",
      "rolled-back",
      "paused",
      "baking",
      "default-pending",
      "preflight-failed",
      "mirror-default-pending",
      "round-2",
      "round-3",
    ]) {
      if (!phases.has(phase)) throw new Error(`no history came to ${phase}: ${JSON.stringify([...phases])}`);
    }
  });

  it("is the same for the same history", { timeout: 60_000 }, ({ expect }) => {
    fc.assert(
      fc.property(history, (given) => {
        const first = live(given);
        const second = live(given);
        expect(second.sim.state).toEqual(first.sim.state);
        expect(second.trace).toEqual(first.trace);
        expect(second.sim.effects).toEqual(first.sim.effects);
      }),
      { numRuns: HISTORIES_TWICE },
    );
  });
});
