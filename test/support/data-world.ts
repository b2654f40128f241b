/**
 * A small world whose rollouts carry data: the engine, a control plane that keeps everything it knows in what it stores
 * (so that it may die between any two steps), a network of hooks, and the published maps with their times. Every step is
 * judged by what any edge may answer then, whichever maps it holds, against the data that the account has.
 */
import type { BatchReport, CallTerms, DataRule, HookCall, HookUnit } from "../../src/contracts/move-data.ts";
import type { AccountRow, Root } from "../../src/contracts/maps.ts";
import type {
  Advanced,
  AccountFacts,
  CommandContext,
  Frozen,
  Observations,
  ProductFacts,
  RolloutCommand,
  RolloutEffect,
} from "../../src/contracts/rollout-input.ts";
import type { Freeze, Window } from "../../src/contracts/calendar.ts";
import type { GroupKey, RolloutPlan, RolloutState } from "../../src/contracts/rollout.ts";
import { bucketOf } from "../../src/core/bucket.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import { canonicalJson } from "../../src/core/maps/canonical.ts";
import { advance } from "../../src/core/rollout/advance.ts";
import { command } from "../../src/core/rollout/command.ts";
import { answered, callOff, elapse, sent } from "../../src/core/rollout/data/calls.ts";
import { dueCalls } from "../../src/core/rollout/data/due-calls.ts";
import { returnTrouble } from "../../src/core/rollout/data/back.ts";
import { withoutAccounts } from "../../src/core/rollout/data/state.ts";
import { heldRanges, outcomes, planUnits, reportOf } from "../../src/core/rollout/data/units.ts";
import { freeze, placeAccount } from "../../src/core/rollout/freeze.ts";
import { rootRollout, settledHome } from "../../src/core/rollout/root-rollout.ts";
import { createRollout } from "../../src/core/rollout/state.ts";
import { type Fortune, HookNetwork } from "./data-hooks.ts";
import { product, root } from "./maps-builders.ts";
import { facts, FRIDAY, memo, NEW, OLD } from "./rollout-builders.ts";

/** A root as it is in KV, with the rows of its shards. */
export interface Published {
  readonly atMs: number;
  readonly step: number;
  readonly root: Root;
  readonly rows: ReadonlyMap<string, AccountRow>;
}

interface Batch {
  readonly terms: CallTerms;
  readonly units: readonly HookUnit[];
  readonly left: readonly string[];
  readonly leftSeq: number;
}

export interface WorldOptions {
  readonly accounts: readonly AccountFacts[];
  readonly plan: RolloutPlan;
  readonly rules: Readonly<Record<"kiln" | "fogbugz", DataRule>>;
}

/** Facts of both new versions with their data rules; everything can be taken back. */
export function dataFacts(rules: WorldOptions["rules"]): Record<string, ProductFacts> {
  return facts({ kiln: { data: rules.kiln }, fogbugz: { data: rules.fogbugz } });
}

export class DataWorld {
  nowMs = FRIDAY;
  halt = false;
  windows: Record<string, readonly Window[]> = {};
  freezes: readonly Freeze[] = [];
  state: RolloutState;
  frozen: Frozen;
  facts: Record<string, ProductFacts>;
  rows = new Map<string, AccountRow>();
  roots: Published[] = [];
  batches = new Map<number, Batch>();
  network = new HookNetwork();
  effects: RolloutEffect[] = [];
  /** Accounts whose verification was heard, by product, account and fence. */
  verified = new Set<string>();
  left = new Map<string, string>();
  homes: Observations["homes"] = "untouched";
  /** What edges report: null, or how many are behind. Set by tests that have edges. */
  behind: () => number | null = () => null;
  settle: { leastMs: number; unseenMs: number; patienceMs: number } | undefined;
  private dirty = false;
  private seq = 0;
  private readonly doneSteps = new Set<number>();
  private readonly numbers = new Map<string, number>();

  constructor({ accounts, plan, rules }: WorldOptions) {
    this.facts = dataFacts(rules);
    this.state = createRollout(plan, "salt", this.nowMs);
    const options = {
      plan,
      salt: "salt",
      nowMs: this.nowMs,
      facts: this.facts,
      freezes: [],
      again: false,
      numberOf: this.numberOf,
    };
    const frozen = freeze(accounts, options);
    if (!frozen.ok) throw new Error("too many groups");
    this.frozen = frozen.value;
    for (const one of accounts) {
      const { key } = placeAccount(one, options, this.frozen.labelKeys);
      this.rows.set(one.slug, rowOf(one, this.numberOf(key)));
    }
    this.numberOf({ cohort: "", zone: "", window: null, cell: null, variant: "out" });
    this.publish();
    const begun = this.tell({ kind: "start", requiredDigest: null, frozen: this.frozen, others: [] });
    if (!begun) throw new Error("the rollout did not start");
  }

  private readonly numberOf = (key: GroupKey): number => {
    const text = canonicalJson(key);
    const number = this.numbers.get(text) ?? this.numbers.size;
    this.numbers.set(text, number);
    return number;
  };

  context(): CommandContext {
    return { nowMs: this.nowMs, by: "olga", facts: this.facts, frozen: this.frozen.groups };
  }

  /** A command, and what follows from it at once. @returns whether it was taken. */
  tell(what: RolloutCommand): boolean {
    const result = command(this.state, what, this.context());
    if (!result.ok) return false;
    this.take(result.value);
    this.advance();
    return true;
  }

  /** Time passes, and the engine is asked. */
  tick(ms: number): void {
    this.nowMs += ms;
    this.advance();
  }

  /** What control does in one transaction whenever something may have changed. */
  advance(): void {
    for (let round = 0; round < 8; round += 1) {
      const next = advance(this.state, this.turn());
      this.take(next);
      if (next.effects.length === 0) return;
    }
    throw new Error(`it does not come to rest at one instant: ${this.state.phase} (${this.state.reason})`);
  }

  private turn(): Parameters<typeof advance>[1] {
    const pass = { atMs: this.nowMs, wave: passed, default: passed };
    return {
      nowMs: this.nowMs,
      halt: this.halt,
      frozen: this.frozen.groups,
      windows: this.windows,
      freezes: this.freezes,
      memo,
      ...(this.settle === undefined ? {} : { settle: this.settle }),
      observations: {
        facts: this.facts,
        preflight: { kiln: pass, fogbugz: pass },
        gates: [],
        defaultGates: {},
        mirrors: {},
        requests: null,
        defaultRequests: {},
        uncovered: { kiln: [], fogbugz: [] },
        probes: Object.fromEntries(
          [`kiln ${OLD.kiln}`, `fogbugz ${OLD.fogbugz}`].map((key) => [key, { atMs: this.nowMs, ...passed }]),
        ),
        homes: this.homes,
        data: { publish: this.publishFact(), report: this.report() },
      },
    };
  }

  private publishFact(): NonNullable<Observations["data"]>["publish"] {
    const step = this.state.data?.publishStep ?? 0;
    const found = this.roots.find((one) => one.step === step);
    return {
      step,
      atMs: found?.atMs ?? null,
      generation: found?.root.generation ?? null,
      behind: found === undefined ? null : this.behind(),
    };
  }

  private report(): BatchReport | null {
    const number = this.state.data?.batch?.number ?? 0;
    const batch = this.elapsed(number);
    if (batch === null) return null;
    const { rows } = this.last();
    const isOut = batch.left.every((slug) => rows.get(slug)?.group === this.rows.get(slug)?.group);
    return reportOf(number, batch.units, batch.leftSeq > 0 && isOut);
  }

  private elapsed(number: number): Batch | null {
    const batch = this.batches.get(number);
    if (batch === undefined) return null;
    const units = batch.units.map((unit) => elapse(unit, batch.terms, this.nowMs));
    const next = { ...batch, units };
    this.batches.set(number, next);
    return next;
  }

  private take({ state, effects }: Advanced): void {
    this.state = state;
    for (const effect of effects) {
      if (this.doneSteps.has(effect.step)) throw new Error(`step ${effect.step} was given twice`);
      this.doneSteps.add(effect.step);
      this.effects.push(effect);
      this.carryOut(effect);
    }
  }

  private carryOut(effect: RolloutEffect): void {
    if (effect.kind === "publish") this.dirty = true;
    if (effect.kind === "settle-homes") this.settleHomes();
    if (effect.kind !== "data") return;
    const { what } = effect;
    if (what.order === "leave") return this.leave(what.batch);
    if (what.order === "call") return this.plan(what.batch);
    const batch = this.batches.get(what.batch);
    if (batch === undefined) throw new Error(`there is no batch ${what.batch}`);
    const terms = { ...batch.terms, undoUntilMs: what.undoUntilMs };
    const units = batch.units.map((unit) => callOff(unit, what.why, { terms, nowMs: this.nowMs }));
    this.batches.set(what.batch, { ...batch, terms, units });
  }

  private plan(batch: NonNullable<NonNullable<RolloutState["data"]>["batch"]>): void {
    const { number, hooks, direction, callUntilMs, undoUntilMs } = batch;
    const terms = { rollout: this.state.plan.id, batch: number, hooks, callUntilMs, undoUntilMs };
    const ranges = heldRanges(this.state);
    const question = { state: this.state, facts: this.facts, atMs: this.nowMs, confirmed: true };
    const members = [...this.rows.values()].flatMap((row) => {
      const range = ranges.find(({ group }) => group === row.group);
      const bucket = bucketOf(this.state.salt, row.slug);
      if (range === undefined || bucket < range.from || bucket >= range.to) return [];
      const pinned = row.pins === null ? null : "pinned";
      const kept = pinned ?? (direction === "forward" ? null : (returnTrouble(row, question)?.why ?? null));
      return [{ slug: row.slug, cell: row.cell, homes: row.homes, kept }];
    });
    const units = planUnits(members, { hooks, direction, targets: this.state.plan.targets });
    this.batches.set(number, { terms, units, left: [], leftSeq: 0 });
  }

  /** Rows of those that do not go with their batch: out of their group; kept on the target; or held by name. */
  private leave(number: number): void {
    const batch = this.batches.get(number);
    if (batch === undefined) throw new Error(`there is no batch ${number}`);
    const out = outcomes(batch.units).filter(({ account }) => !batch.left.includes(account));
    const gone: { group: number; bucket: number }[] = [];
    const rows = new Map(this.rows);
    for (const { account, fate, why } of out) {
      const row = rows.get(account);
      if (row === undefined) continue;
      gone.push({ group: row.group, bucket: bucketOf(this.state.salt, account) });
      const homes = fate === "kept" ? { ...row.homes, ...this.state.plan.targets } : row.homes;
      const hold = fate === "stuck" ? ({ mode: "page", message: why, until: null } as const) : row.hold;
      rows.set(account, { ...row, group: this.numbers.size - 1, homes, hold });
      this.left.set(account, fate);
    }
    this.rows = rows;
    this.frozen = { ...this.frozen, groups: withoutAccounts(this.frozen.groups, gone) };
    this.seq += 1;
    this.dirty = true;
    const left = [...batch.left, ...out.map(({ account }) => account)];
    this.batches.set(number, { ...batch, left, leftSeq: this.seq });
  }

  private settleHomes(): void {
    const rows = new Map(this.rows);
    for (const row of this.rows.values()) {
      const homes = { ...row.homes };
      for (const name of Object.keys(homes))
        homes[name] = settledHome(this.state, row, name) ?? homes[name] ?? "";
      rows.set(row.slug, { ...row, homes });
    }
    this.rows = rows;
    this.homes = "written";
    this.dirty = true;
  }

  /** Pins an account to what it has, unless it is on its way. */
  pin(slug: string): void {
    const row = this.rows.get(slug);
    if (row === undefined || row.pins !== null) return;
    const pins = Object.fromEntries(
      Object.keys(row.homes).map((name) => [name, this.answer(this.last(), slug, name)]),
    );
    if (Object.values(pins).includes("hold") || this.isOnItsWay(row)) return;
    this.rows = new Map(this.rows).set(slug, { ...row, pins });
    this.dirty = true;
  }

  private isOnItsWay(row: AccountRow): boolean {
    const bucket = bucketOf(this.state.salt, row.slug);
    return heldRanges(this.state).some(
      ({ group, from, to }) => group === row.group && from <= bucket && bucket < to,
    );
  }

  /** Writes what is to be published, if anything is. */
  publish(): void {
    if (!this.dirty && this.roots.length > 0) return;
    this.dirty = false;
    const products = Object.fromEntries(
      Object.entries(this.facts).map(([name, known]) => [
        name,
        product(name, {
          stable: name === "kiln" ? OLD.kiln : OLD.fogbugz,
          default: known.default ?? "",
          standby: known.standby,
          versions: Object.fromEntries(
            Object.entries(known.versions).map(([at, { state }]) => [
              at,
              { origin: `https://${name}.example.net`, state },
            ]),
          ),
        }),
      ]),
    );
    const running = rootRollout(this.state, this.numbers.size);
    const rollouts = running === null ? [] : [running];
    this.roots.push({
      atMs: this.nowMs,
      step: this.state.data?.publishStep ?? 0,
      root: root({ generation: this.roots.length + 1, products, rollouts }),
      rows: this.rows,
    });
  }

  /** Sends calls that are due, at most `most` of them, and stores that before. */
  call(fortune: (index: number, call: HookCall) => Fortune, most = Infinity): number {
    let count = 0;
    for (const number of this.batches.keys()) {
      const batch = this.elapsed(number);
      if (batch === null) continue;
      for (const due of dueCalls(batch.units, batch.terms, this.nowMs).slice(0, most)) {
        this.change(number, due.unit, (unit) => sent(unit, due, this.nowMs));
        this.network.send(due, { batch: number, nowMs: this.nowMs, fortune: fortune(count, due) });
        count += 1;
      }
    }
    return count;
  }

  private change(number: number, unit: string, how: (unit: HookUnit) => HookUnit): void {
    const batch = this.batches.get(number);
    if (batch === undefined) return;
    const units = batch.units.map((one) => (one.unit === unit ? how(one) : one));
    this.batches.set(number, { ...batch, units });
    for (const one of units) if (one.unit === unit) this.unstick(one);
  }

  /** An undo that was confirmed at last ends the hold by name. */
  private unstick({ fate, accounts }: HookUnit): void {
    if (fate !== "left") return;
    for (const account of accounts) {
      const row = this.rows.get(account);
      if (row?.hold == null) continue;
      this.rows = new Map(this.rows).set(account, { ...row, hold: null });
      this.left.set(account, "left");
      this.dirty = true;
    }
  }

  /** Delivers calls, and stores the answers that come back. */
  deliver(): void {
    for (const { call, batch, answer } of this.network.deliver(this.nowMs)) {
      const terms = this.batches.get(batch)?.terms;
      if (terms === undefined) continue;
      this.change(batch, call.unit, (unit) =>
        answered(unit, { ...call, answer }, { terms, nowMs: this.nowMs }),
      );
      if (call.step !== "verify" || answer.kind !== "done") continue;
      for (const account of call.body.accounts)
        this.verified.add(`${call.body.product}/${account}/${call.body.fence}`);
    }
  }

  /** Everything that is not stored is gone. */
  crash(): void {
    this.network.crash();
    this.state = JSON.parse(JSON.stringify(this.state)) as RolloutState;
    for (const [number, batch] of this.batches)
      this.batches.set(number, JSON.parse(JSON.stringify(batch)) as Batch);
  }

  last(): Published {
    const last = this.roots.at(-1);
    if (last === undefined) throw new Error("nothing is published");
    return last;
  }

  /** What one published state of the maps answers for an account: a version, or `hold`. */
  answer({ root: maps, rows }: Pick<Published, "root" | "rows">, slug: string, name: string): string {
    const row = rows.get(slug) ?? null;
    const decision = decideVersion({
      root: maps,
      breakGlass: null,
      product: name,
      slug,
      row,
      override: null,
    });
    if (decision.kind === "unresolved") throw new Error(decision.why);
    return decision.kind === "hold" ? "hold" : decision.version;
  }

  /** Maps that some edge may answer from now: the last ones that have settled, and all since. */
  visible(unseenMs: number): readonly Published[] {
    const settled = this.roots.findLastIndex(({ atMs }) => atMs <= this.nowMs - unseenMs);
    return this.roots.slice(Math.max(0, settled));
  }

  /** The first promise that is broken now; null when none is. */
  broken(unseenMs: number): string | null {
    const [fault] = this.network.origin.faults;
    if (fault !== undefined) return fault;
    const visible = this.visible(unseenMs);
    for (const slug of this.rows.keys()) {
      for (const name of ["kiln", "fogbugz"] as const) {
        if (this.rows.get(slug)?.homes[name] === undefined) continue;
        const versions = new Set(visible.map((one) => this.answer(one, slug, name)));
        versions.delete("hold");
        if (versions.size > 1)
          return `${slug} may be served by ${[...versions].join(" and ")} of ${name} at once`;
        const [version] = versions;
        const why = version === undefined ? null : this.mismatch(slug, name, version);
        if (why !== null) return why;
      }
    }
    return this.unsettledUndo();
  }

  private mismatch(slug: string, name: "kiln" | "fogbugz", version: string): string | null {
    const migrates = (this.facts[name]?.versions[NEW[name]]?.data?.migration.kind ?? "none") !== "none";
    if (!migrates) return null;
    const datum = this.network.origin.of(name, slug);
    const wanted = version === NEW[name] ? "new" : "old";
    if (datum.is !== wanted) return `${slug} is served by ${name} ${version} and its data is ${datum.is}`;
    const known = wanted === "old" || this.verified.has(`${name}/${slug}/${datum.madeBy}`);
    return known ? null : `${slug} is served by ${name} ${version} and nobody verified it`;
  }

  /** Whoever was left although a prepare was sent has been undone. */
  private unsettledUndo(): string | null {
    for (const { units } of this.batches.values()) {
      for (const { unit, fate, runs } of units) {
        if (fate !== "left" && fate !== "returned") continue;
        const bad = runs.find(({ prepare, undo }) => prepare.tries > 0 && undo.result !== "done");
        if (bad !== undefined) return `${unit} is ${fate} and ${bad.product} was not undone`;
      }
    }
    return null;
  }

  /** Accounts that are not served, by the last maps. */
  held(): readonly string[] {
    return [...this.rows.keys()].filter((slug) => this.answer(this.last(), slug, "kiln") === "hold");
  }
}

const passed = { verdict: "pass", sentence: "pass" } as const;

function rowOf({ slug, homes, cell }: AccountFacts, group: number): AccountRow {
  const bare = { key: slug, slug, product: null, homes, group, cell };
  return { ...bare, deleted: false, pins: null, quarantine: null, hold: null };
}
