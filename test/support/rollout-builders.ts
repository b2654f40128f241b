/**
 * A small world in which rollouts run: accounts, versions, calendar and verdicts in memory, and a simulator that does
 * what control does: it freezes, calls the engine, carries its effects out against Root and rows, and decides with
 * `decideVersion`. So tests look at who got which version, not at what the engine says of itself.
 */
import type { Freeze, Window } from "../../src/contracts/calendar.ts";
import { NO_GROUP, type AccountRow, type Root } from "../../src/contracts/maps.ts";
import type {
  AccountFacts,
  Advanced,
  CommandContext,
  Facts,
  Frozen,
  Observations,
  ProductFacts,
  RolloutCommand,
  RolloutEffect,
  Verdict,
  VersionFacts,
} from "../../src/contracts/rollout-input.ts";
import type { MirrorCounts } from "../../src/contracts/mirror.ts";
import type { GroupKey, RolloutPlan, RolloutState } from "../../src/contracts/rollout.ts";
import { createCalendarMemo } from "../../src/core/calendar/memo.ts";
import { bucketOf } from "../../src/core/bucket.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import { canonicalJson } from "../../src/core/maps/canonical.ts";
import { advance } from "../../src/core/rollout/advance.ts";
import { command } from "../../src/core/rollout/command.ts";
import { freeze, placeAccount } from "../../src/core/rollout/freeze.ts";
import { admitLate, lateVariant, splitGroup } from "../../src/core/rollout/groups.ts";
import { NOTHING_COMPARED } from "../../src/core/mirror.ts";
import { rootMirror } from "../../src/core/rollout/phases/mirror.ts";
import { rootRollout, settledHome } from "../../src/core/rollout/root-rollout.ts";
import { splitDone } from "../../src/core/rollout/rollback.ts";
import { createRollout } from "../../src/core/rollout/state.ts";
import type { Turn } from "../../src/core/rollout/turn.ts";
import { product, root } from "./maps-builders.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** A Friday noon in UTC. */
export const FRIDAY = Date.parse("2026-11-27T12:00:00Z");
export const OLD = { fogbugz: "8.7.0", kiln: "2.8.0" } as const;
export const NEW = { fogbugz: "8.8.0", kiln: "2.9.0" } as const;

/** Kept for all tests, as the object of the control plane keeps one: its answers do not depend on it. */
export const memo = createCalendarMemo();

export function version(partial: Partial<VersionFacts> = {}): VersionFacts {
  return { state: "live", bad: false, reversible: true, upgradesFrom: null, requires: {}, ...partial };
}

/** Two products whose new versions work only with each other. */
export function facts(
  change: Partial<Record<"kiln" | "fogbugz", Partial<VersionFacts>>> = {},
): Record<string, ProductFacts> {
  return {
    kiln: {
      default: OLD.kiln,
      standby: "2.7.0",
      versions: {
        "2.7.0": version({ state: "draining" }),
        "2.8.0": version(),
        "2.9.0": version({
          state: "candidate",
          requires: { fogbugz: [NEW.fogbugz] },
          upgradesFrom: [OLD.kiln],
          ...change.kiln,
        }),
      },
    },
    fogbugz: {
      default: OLD.fogbugz,
      standby: null,
      versions: {
        "8.7.0": version(),
        "8.8.0": version({ state: "candidate", requires: { kiln: [NEW.kiln] }, ...change.fogbugz }),
      },
    },
  };
}

export function account(slug: string, partial: Partial<AccountFacts> = {}): AccountFacts {
  return {
    slug,
    cohort: "general",
    zone: "Europe/Paris",
    window: null,
    cell: null,
    labels: {},
    homes: OLD,
    pinned: [],
    quarantined: [],
    deferredUntilMs: null,
    rolledBackMs: null,
    ...partial,
  };
}

export const NIGHTS: readonly Window[] = [
  { days: ["fri", "sat"], from: "22:00", to: "02:00", zone: "account" },
];
export const OFFICE: readonly Window[] = [
  { days: ["mon", "tue", "wed", "thu"], from: "10:00", to: "15:00", zone: "America/New_York" },
];

const NO_BAKE = { minutes: 0, requests: 0, workdays: 0 };
const WAVE = { window: null, paceBpPerMinute: null, maxPerTick: null, bake: NO_BAKE, approveBefore: false };

/** Staff at once, 40 % and the rest in their nights, the default in working hours. */
export function plan(partial: Partial<RolloutPlan> = {}): RolloutPlan {
  const nights = { name: "nights", own: null };
  return {
    id: "autumn",
    targets: NEW,
    waves: [
      { ...WAVE, name: "staff", cohorts: ["internal"], shareBp: 10_000, bake: { ...NO_BAKE, minutes: 60 } },
      {
        ...WAVE,
        name: "forty",
        cohorts: ["*"],
        shareBp: 4000,
        window: nights,
        paceBpPerMinute: 500,
        bake: { ...NO_BAKE, minutes: 30 },
      },
      { ...WAVE, name: "rest", cohorts: ["*"], shareBp: 10_000, window: nights, approveBefore: true },
    ],
    gate: null,
    default: {
      afterDays: 1,
      window: { name: "office", own: null },
      approveBefore: false,
      mirror: false,
      bake: { minutes: 60, requests: 0 },
    },
    ...partial,
  };
}

/** A plan of one wave that moves everybody at once. */
export function onePlan(partial: Partial<RolloutPlan["waves"][number]> = {}): RolloutPlan {
  return plan({
    waves: [{ ...WAVE, name: "all", cohorts: ["*"], shareBp: 10_000, ...partial }],
    default: null,
  });
}

interface Member {
  facts: AccountFacts;
  row: AccountRow;
  /** Homes before settling wrote others, while they can be put back. */
  homesBefore: AccountRow["homes"] | null;
}

/** Everything there is. Fields are changed in place by tests between calls. */
export class Sim {
  nowMs = FRIDAY;
  facts: Record<string, ProductFacts> = facts();
  windows: Record<string, readonly Window[]> = { nights: NIGHTS, office: OFFICE };
  freezes: readonly Freeze[] = [];
  halt = false;
  members = new Map<string, Member>();
  words = new Map<string, { wave: Verdict; default: Verdict }>();
  runs = new Map<string, Observations["preflight"][string]>();
  gate: Observations["gates"][number] = null;
  defaultGates: Record<string, { atMs: number; verdict: Verdict; sentence: string }> = {};
  probeWord: Verdict = "pass";
  probes: Record<string, { atMs: number; verdict: Verdict; sentence: string }> = {};
  homes: Observations["homes"] = "untouched";
  uncovered: Record<string, readonly ("known" | "unknown" | "none" | "ip")[]> = { kiln: [], fogbugz: [] };
  preflightAnswers = true;
  /** Requests of unknown accounts a minute that edges mirror and compare while the maps say so, and how many are worse. */
  unknownTraffic = { perMinute: 20, worse: 0 };
  /** What edges have reported, by measurement; false: meters do not answer. */
  compared = new Map<string, MirrorCounts>();
  metersAnswer = true;
  /** How long the maps that were out had edges mirror, by measurement. */
  mirroredMs = new Map<string, number>();
  private mirroredUntilMs = FRIDAY;
  state: RolloutState;
  frozen: Frozen = { groups: [], labelKeys: [], origins: {}, leftBehind: [], digest: "" };
  published: Root = root();
  effects: RolloutEffect[] = [];
  done = new Set<number>();
  again = false;
  numbers = new Map<string, number>();

  constructor(accounts: readonly AccountFacts[], of: RolloutPlan = plan(), salt = "salt") {
    for (const one of accounts) this.add(one);
    this.state = createRollout(of, salt, this.nowMs);
    this.publish();
  }

  /** A new account: on no rollout's list, at home on the old versions. */
  add(one: AccountFacts): void {
    const row: AccountRow = {
      key: one.slug,
      slug: one.slug,
      product: null,
      homes: one.homes,
      group: NO_GROUP,
      cell: one.cell,
      deleted: false,
      pins: null,
      quarantine: null,
      hold: null,
    };
    this.members.set(one.slug, { facts: one, row, homesBefore: null });
  }

  numberOf = (key: GroupKey): number => {
    const text = canonicalJson(key);
    const number = this.numbers.get(text) ?? this.numbers.size;
    this.numbers.set(text, number);
    return number;
  };

  /** Begins anew with another plan or id; the accounts are as they are. */
  next(of: RolloutPlan, salt: string): void {
    this.state = createRollout(of, salt, this.nowMs);
    this.homes = "untouched";
    this.done.clear();
  }

  start(requiredDigest: string | null = null): ReturnType<typeof command> {
    const options = {
      plan: this.state.plan,
      salt: this.state.salt,
      nowMs: this.nowMs,
      facts: this.facts,
      freezes: this.freezes,
      again: this.again,
      numberOf: this.numberOf,
    };
    for (const member of this.members.values()) {
      member.facts = { ...member.facts, homes: member.row.homes };
      member.homesBefore = null;
    }
    const frozen = freeze(
      [...this.members.values()].map((member) => member.facts),
      options,
    );
    if (!frozen.ok) throw new Error("too many groups");
    const what = { kind: "start", requiredDigest, frozen: frozen.value, others: [] } as const;
    const tried = command(this.state, what, this.context());
    if (!tried.ok) return tried;
    // In one transaction with the start: rows show their group before anything can move.
    for (const member of this.members.values()) {
      const { key } = placeAccount(member.facts, options, frozen.value.labelKeys);
      member.row = { ...member.row, group: this.numberOf(key) };
    }
    return this.command(what, frozen.value);
  }

  context(by = "olga"): CommandContext {
    return { nowMs: this.nowMs, by, facts: this.facts as Facts, frozen: this.frozen.groups };
  }

  /** Does what control does with a command: take it, carry out, advance at the same time. */
  command(what: RolloutCommand, frozen: Frozen | null = null): ReturnType<typeof command> {
    const result = command(this.state, what, this.context());
    if (!result.ok) return result;
    if (frozen !== null) this.frozen = frozen;
    this.take(result.value);
    this.settleDown();
    return result;
  }

  observations(): Observations {
    return {
      facts: this.facts,
      preflight: Object.fromEntries(this.runs),
      gates: this.state.waves.map(() => this.gate),
      defaultGates: this.defaultGates,
      mirrors: this.mirrorFacts(),
      requests: null,
      defaultRequests: {},
      uncovered: this.uncovered,
      probes: this.probes,
      homes: this.homes,
    };
  }

  turn(nowMs = this.nowMs): Turn {
    return {
      nowMs,
      halt: this.halt,
      frozen: this.frozen.groups,
      windows: this.windows,
      freezes: this.freezes,
      observations: this.observations(),
      memo,
    };
  }

  private mirrorFacts(): Observations["mirrors"] {
    if (!this.metersAnswer) return {};
    return Object.fromEntries(
      this.state.defaults.flatMap(({ product: name, mirror }) => {
        const counts = this.compared.get(mirror?.run ?? "");
        return mirror == null || counts === undefined ? [] : [[name, { run: mirror.run, counts }]];
      }),
    );
  }

  /** Edges compare what comes until now, as far as the maps that are out tell them to. */
  private mirrorUntil(nowMs: number): void {
    for (const { mirror } of Object.values(this.published.products)) {
      if (mirror === undefined || this.published.halt) continue;
      const ms = Math.max(0, Math.min(nowMs, mirror.until ?? nowMs) - this.mirroredUntilMs);
      this.mirroredMs.set(mirror.run, (this.mirroredMs.get(mirror.run) ?? 0) + ms);
      const { perMinute, worse } = this.unknownTraffic;
      const known = this.compared.get(mirror.run) ?? NOTHING_COMPARED;
      const more = Math.floor((ms / MINUTE) * perMinute);
      const bad = Math.min(more, Math.floor(more * worse));
      this.compared.set(mirror.run, {
        ...known,
        same: known.same + more - bad,
        worse: known.worse + bad,
      });
    }
    this.mirroredUntilMs = Math.max(nowMs, this.mirroredUntilMs);
  }

  /** One tick of the clock; older ones change nothing. */
  tick(nowMs: number): readonly string[] {
    this.nowMs = Math.max(this.nowMs, nowMs);
    this.mirrorUntil(this.nowMs);
    const first = advance(this.state, this.turn(nowMs));
    this.take(first);
    return [...first.happened, ...this.settleDown()];
  }

  /** Every `stepMs` until `untilMs`. */
  run(untilMs: number, stepMs = 5 * MINUTE): void {
    while (this.nowMs < untilMs) this.tick(Math.min(untilMs, this.nowMs + stepMs));
  }

  /** Advances at the same time while observations that effects brought have something to say. */
  private settleDown(): string[] {
    const happened: string[] = [];
    for (let round = 0; round < 8; round += 1) {
      const next = advance(this.state, this.turn());
      this.take(next);
      happened.push(...next.happened);
      if (next.effects.length === 0) break;
    }
    return happened;
  }

  private take({ state, effects }: Advanced): void {
    this.state = state;
    for (const effect of effects) {
      if (this.done.has(effect.step)) throw new Error(`step ${effect.step} was given twice`);
      this.done.add(effect.step);
      this.effects.push(effect);
      this.carryOut(effect);
    }
  }

  private carryOut(effect: RolloutEffect): void {
    switch (effect.kind) {
      case "publish":
        return this.publish();
      case "run-preflight":
        return this.runPreflight(effect.product);
      case "probe-target":
        this.probes = {
          ...this.probes,
          [`${effect.product} ${effect.version}`]: {
            atMs: this.nowMs,
            verdict: this.probeWord,
            sentence: this.probeWord,
          },
        };
        return;
      case "set-default": {
        const known = this.facts[effect.product];
        if (known?.default !== effect.expected) return;
        this.facts = { ...this.facts, [effect.product]: { ...known, ...effect.to } };
        return this.publish();
      }
      case "settle-homes":
        return this.settleHomes();
      case "restore-homes":
        for (const member of this.members.values()) {
          if (member.homesBefore !== null) member.row = { ...member.row, homes: member.homesBefore };
        }
        this.homes = "restored";
        return;
      case "mark-bad":
        return this.setVersion(effect.product, effect.version, { bad: true });
      case "quarantine":
        return this.quarantine(effect.account);
      case "split-groups":
        return this.split(effect.where.labels ?? {});
      case "data":
      case "notify":
    }
  }

  /** Changes what is registered of a version; one that is not there is registered. */
  setVersion(name: string, at: string, change: Partial<VersionFacts>): void {
    const known = this.facts[name];
    if (known === undefined) return;
    const versions = { ...known.versions, [at]: { ...(known.versions[at] ?? version()), ...change } };
    this.facts = { ...this.facts, [name]: { ...known, versions } };
  }

  /** Somebody moves the default by hand. */
  setDefault(name: string, to: string): void {
    this.setVersion(name, to, {});
    const known = this.facts[name];
    if (known !== undefined) this.facts = { ...this.facts, [name]: { ...known, default: to } };
    this.publish();
  }

  runPreflight(name: string): void {
    if (!this.preflightAnswers) return;
    const word = this.words.get(name) ?? { wave: "pass", default: "pass" };
    this.runs.set(name, {
      atMs: this.nowMs,
      wave: { verdict: word.wave, sentence: word.wave },
      default: { verdict: word.default, sentence: word.default },
    });
  }

  private settleHomes(): void {
    for (const member of this.members.values()) {
      const homes = { ...member.row.homes };
      for (const name of Object.keys(homes))
        homes[name] = settledHome(this.state, member.row, name) ?? homes[name] ?? "";
      member.homesBefore ??= member.row.homes;
      member.row = { ...member.row, homes };
    }
    this.homes = "written";
  }

  private split(labels: Readonly<Record<string, string>>): void {
    for (const group of this.frozen.groups) {
      const chosen = [...this.members.values()].filter(
        ({ row, facts: one }) =>
          row.group === group.group &&
          Object.entries(labels).every(([key, value]) => one.labels[key] === value),
      );
      if (chosen.length === 0) continue;
      const variant = `split:${canonicalJson(labels)}`;
      const number = this.numberOf({ ...group, variant });
      const buckets = Uint16Array.from(chosen.map(({ row }) => bucketOf(this.state.salt, row.slug))).sort();
      const split = splitGroup(this.state, this.frozen.groups, {
        from: group.group,
        split: { group: number, variant, labels: { ...group.labels, ...labels }, buckets },
      });
      this.state = split.state;
      this.frozen = { ...this.frozen, groups: split.frozen };
      for (const member of chosen) member.row = { ...member.row, group: number };
    }
    this.publish();
    this.state = splitDone(this.state, this.frozen.groups);
  }

  /** The gate puts an account back alone: it is on what it had before, whatever the rollout does. */
  quarantine(slug: string): void {
    const member = this.members.get(slug);
    if (member === undefined || member.row.pins !== null) return;
    const homes = Object.entries(member.row.homes);
    if (homes.every(([name, at]) => this.decide(slug, name) === at)) return;
    // As control refuses it: nobody goes back to a version marked bad.
    if (homes.some(([name, at]) => this.facts[name]?.versions[at]?.bad === true)) return;
    member.row = { ...member.row, quarantine: member.row.homes };
    member.facts = { ...member.facts, quarantined: homes.map(([name]) => name) };
    this.publish();
  }

  /** Pins an account to what it has now. */
  pin(slug: string): void {
    const member = this.members.get(slug);
    if (member === undefined) return;
    const pins = Object.fromEntries(
      Object.keys(member.row.homes).map((name) => [name, this.decide(slug, name)]),
    );
    member.row = { ...member.row, pins };
    member.facts = { ...member.facts, pinned: Object.keys(pins) };
  }

  /** Lifts a pin: where that would move the account, it becomes eligible late instead. */
  unpin(slug: string): void {
    const member = this.members.get(slug);
    if (member?.row.pins == null) return;
    const before = member.row.pins;
    // As control does: where it was held is its home from now on, whatever a rollout has written before.
    member.row = { ...member.row, pins: null, homes: { ...member.row.homes, ...before } };
    member.homesBefore = null;
    member.facts = { ...member.facts, pinned: [] };
    if (Object.keys(before).every((name) => this.decide(slug, name) === before[name])) return;
    const { cohort, zone, window, cell } = member.facts;
    const key = { cohort, zone, window, cell, variant: lateVariant(this.state, this.frozen.groups) };
    const group = {
      ...key,
      group: this.numberOf(key),
      labels: null,
      buckets: Uint16Array.of(bucketOf(this.state.salt, slug)),
    };
    const late = admitLate(this.state, this.frozen.groups, group);
    this.state = late.state;
    this.frozen = { ...this.frozen, groups: late.frozen };
    member.row = { ...member.row, group: group.group };
    this.publish();
  }

  publish(): void {
    const products = Object.fromEntries(
      Object.entries(this.facts).map(([name, known]) => {
        const versions = Object.fromEntries(
          Object.entries(known.versions).map(([at, { state }]) => [
            at,
            { origin: `https://${name}-${at}.example.net`, state },
          ]),
        );
        const stable = name === "kiln" ? OLD.kiln : OLD.fogbugz;
        const mirror = rootMirror(this.state, name);
        const given = { stable, default: known.default ?? "", standby: known.standby, versions };
        return [name, product(name, mirror === null ? given : { ...given, mirror })];
      }),
    );
    const running = rootRollout(this.state, this.numbers.size);
    const rollouts = running === null ? [] : [running];
    this.published = root({ generation: this.published.generation + 1, products, rollouts });
  }

  /** The version that a request of this account gets; of no account, what the default gives. */
  decide(slug: string | null, name: string): string {
    const row = slug === null ? null : (this.members.get(slug)?.row ?? null);
    const decision = decideVersion({
      root: this.published,
      breakGlass: null,
      product: name,
      slug,
      row,
      override: null,
    });
    if (decision.kind !== "forward")
      throw new Error(`no decision for ${slug ?? "nobody"}: ${JSON.stringify(decision)}`);
    return decision.version;
  }

  /** `kiln/fogbugz` of every account, by slug. */
  decisions(): ReadonlyMap<string, string> {
    return new Map(
      [...this.members.keys()].map((slug) => [
        slug,
        `${this.decide(slug, "kiln")}/${this.decide(slug, "fogbugz")}`,
      ]),
    );
  }

  moved(): number {
    return [...this.decisions().values()].filter((pair) => pair.startsWith(NEW.kiln)).length;
  }
}

/** Accounts over zones and cohorts: every tenth is internal. */
export function crowd(count: number): AccountFacts[] {
  const zones = ["Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"];
  return Array.from({ length: count }, (_, index) =>
    account(`account-${index}`, {
      zone: zones[index % zones.length] ?? "UTC",
      cohort: index % 10 === 0 ? "internal" : "general",
      labels: index % 3 === 0 ? { tier: "gold" } : {},
    }),
  );
}
