/**
 * The small world of rollout-builders with replacements beside the rollout: does what control does with them (drives them
 * after the rollout in the same tick, rewrites homes and pins, lets the rule go) against the same Root and rows. Ends
 * that change a decision throw here, at the one place where nothing else can have changed it.
 */
import type { PreflightFact, Verdict } from "../../src/contracts/rollout-input.ts";
import type {
  ReplacementCommand,
  ReplacementPlan,
  ReplacementState,
} from "../../src/contracts/replacement.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import { commandReplacement } from "../../src/core/rollout/replacement-command.ts";
import {
  createReplacement,
  isReplaced,
  isReplacing,
  replacedOrigins,
  replacementProblems,
  rootReplacement,
} from "../../src/core/rollout/replacement-plan.ts";
import type { ReplacementAdvanced } from "../../src/core/rollout/replacement-state.ts";
import { advanceReplacement, type ReplacementTurn } from "../../src/core/rollout/replacement.ts";
import { servedVersions } from "../../src/core/rollout/served.ts";
import { isActive } from "../../src/core/rollout/state.ts";
import { memo, NEW, OLD, Sim } from "./rollout-builders.ts";

export interface Replacing {
  state: ReplacementState;
  written: boolean;
  /** Number of the tick from which on every edge can know what was written. */
  outAt: number;
}

const WORST: readonly Verdict[] = ["fail", "inconclusive", "pass"];

export class ReplacingSim extends Sim {
  /** All that were ever begun, of kiln. */
  replacing: Replacing[] = [];
  /** What a preflight of a version of kiln will say; left out: pass. The rollout's own target is in `words`. */
  versionWords = new Map<string, Verdict>();
  versionRuns = new Map<string, PreflightFact>();
  stable: string = OLD.kiln;
  ticks = 0;

  active(): Replacing[] {
    return this.replacing.filter(({ state }) => isReplacing(state));
  }

  override publish(): void {
    super.publish();
    // The first comes from the base's constructor, when there is no list yet.
    const known = (this.replacing as Replacing[] | undefined) ?? [];
    const { kiln } = this.published.products;
    if (kiln === undefined) return;
    const replacements = known.flatMap(({ state }) => rootReplacement(state) ?? []);
    const products = { ...this.published.products, kiln: { ...kiln, replacements } };
    this.published = { ...this.published, products };
  }

  /** What the engines are told of rules; control reads them anew each time. */
  private sync(): void {
    const { kiln } = this.facts;
    if (kiln === undefined) return;
    const replacements = this.active().map(({ state: { plan, below } }) => ({
      from: plan.from,
      to: plan.to,
      below,
    }));
    this.facts = { ...this.facts, kiln: { ...kiln, replacements } };
  }

  /** What decisions say before replacements. */
  bases(): ReadonlyMap<string, string> {
    const { kiln } = this.published.products;
    if (kiln === undefined) throw new Error("there is no kiln");
    const products = { ...this.published.products, kiln: { ...kiln, replacements: [] } };
    const root = { ...this.published, products };
    return new Map(
      [...this.members].map(([slug, { row }]) => {
        const input = { root, breakGlass: null, product: "kiln", slug, row, override: null };
        const decision = decideVersion(input);
        return [slug, decision.kind === "forward" ? decision.version : decision.kind];
      }),
    );
  }

  base(slug: string): string {
    return this.bases().get(slug) ?? "";
  }

  override observations(): ReturnType<Sim["observations"]> {
    const given = super.observations();
    const { kiln: own, ...rest } = given.preflight;
    const heard = own === undefined ? null : this.heardOf(this.state.plan.targets["kiln"] ?? "");
    return { ...given, preflight: heard === null ? rest : { ...rest, kiln: heard } };
  }

  /** What is heard of a version and of what accounts get in its place: the worst word, the oldest run. */
  private heardOf(version: string): PreflightFact | null {
    const names = [version, ...this.servedInstead(version)];
    const heard = names.flatMap(
      (name) => (name === NEW.kiln ? this.runs.get("kiln") : this.versionRuns.get(name)) ?? [],
    );
    const [own] = heard;
    if (own === undefined || heard.length < names.length) return null;
    const worst = WORST.flatMap((word) => heard.filter(({ wave }) => wave.verdict === word))[0] ?? own;
    return { atMs: Math.min(...heard.map(({ atMs }) => atMs)), wave: worst.wave, default: own.default };
  }

  private servedInstead(version: string): string[] {
    return servedVersions(this.facts, "kiln", version).filter((served) => served !== version);
  }

  override runPreflight(name: string): void {
    super.runPreflight(name);
    const target = this.state.plan.targets["kiln"] ?? "";
    if (name === "kiln") for (const version of this.servedInstead(target)) this.runVersion(version);
  }

  /** Sends the matrix to a version of kiln. */
  runVersion(version: string): void {
    if (!this.preflightAnswers) return;
    if (version === NEW.kiln) super.runPreflight("kiln");
    const verdict = this.versionWords.get(version) ?? "pass";
    const word = { verdict, sentence: verdict };
    this.versionRuns.set(version, { atMs: this.nowMs, wave: word, default: word });
  }

  /** @returns what is wrong with it; then it was not begun. */
  replace(plan: ReplacementPlan): readonly string[] {
    const rollouts = isActive(this.state) ? [this.state] : [];
    const bases = this.bases();
    const combinations = [...this.members.values()].flatMap(({ row }) => {
      const now = {
        ...row.homes,
        kiln: bases.get(row.slug) ?? "",
        fogbugz: this.decide(row.slug, "fogbugz"),
      };
      return rollouts.length === 0 ? [now] : [now, { ...now, ...this.state.plan.targets }];
    });
    const problems = replacementProblems(plan, { facts: this.facts, combinations, rollouts });
    if (problems.length > 0) return problems;
    const state = createReplacement(plan, `salt-${this.replacing.length}`, this.nowMs);
    const begun = { state, written: false, outAt: 0 };
    this.replacing.push(begun);
    this.sync();
    this.drive(begun);
    return [];
  }

  tell(from: string, what: ReplacementCommand): boolean {
    const one = this.active().find(({ state }) => state.plan.from === from);
    if (one === undefined) return false;
    const told = commandReplacement(one.state, what, { nowMs: this.nowMs, facts: this.facts });
    if (!told.ok) return false;
    this.takeOne(one, told.value);
    this.drive(one);
    return true;
  }

  override tick(nowMs: number): readonly string[] {
    this.ticks += 1;
    const happened = super.tick(nowMs);
    for (const one of this.active()) this.drive(one);
    return happened;
  }

  turnOf({ state, written, outAt }: Replacing): ReplacementTurn {
    const { plan, rollback } = state;
    const probe = { atMs: this.nowMs, verdict: this.probeWord, sentence: this.probeWord };
    const left = [...this.members.values()].some(({ row }) => this.isLeft(row, state));
    return {
      nowMs: this.nowMs,
      halt: this.halt,
      facts: this.facts,
      freezes: this.freezes,
      zones: [...new Set([...this.members.values()].map(({ facts: { zone } }) => zone))],
      preflight: this.heardOf(plan.to),
      gate: null,
      probe: rollback === null ? null : probe,
      homesWritten: written && this.ticks >= outAt && !left,
      heldBy: this.heldBy(plan),
      memo,
    };
  }

  private isLeft(
    row: { slug: string; homes: object; pins: object | null },
    state: ReplacementState,
  ): boolean {
    const names = [row.homes, row.pins ?? {}].some((one) => "kiln" in one && one.kiln === state.plan.from);
    return names && isReplaced(state, row.slug);
  }

  private heldBy({ from }: ReplacementPlan): string | null {
    if (isActive(this.state)) {
      if (this.state.plan.targets["kiln"] === from) return "the rollout moves accounts there";
      if (this.homes === "written") return "the rollout is writing homes";
    }
    return this.active().some(({ state }) => state.plan.to === from) ? "another is replaced by it" : null;
  }

  private drive(one: Replacing): void {
    for (let round = 0; round < 30; round += 1) {
      const turn = this.turnOf(one);
      if (one.written && this.ticks >= one.outAt && !turn.homesWritten) this.rewrite(one);
      const next = advanceReplacement(one.state, turn);
      this.takeOne(one, next);
      if (next.effects.length === 0) return;
    }
    throw new Error(`the replacement of ${one.state.plan.from} does not come to rest`);
  }

  private takeOne(one: Replacing, { state, effects }: ReplacementAdvanced): void {
    const settled = isReplacing(one.state) && !isReplacing(state) && state.settleAskedMs !== null;
    const before = settled ? this.decisions() : null;
    one.state = state;
    this.sync();
    for (const effect of effects) {
      if (effect.kind === "run-preflight")
        for (const name of [effect.version, ...this.servedInstead(effect.version)]) this.runVersion(name);
      if (effect.kind === "settle-replacement") this.rewrite(one);
      if (effect.kind !== "publish") continue;
      if (state.below > 0) this.setVersion("kiln", state.plan.to, { state: "live" });
      this.publish();
    }
    if (before === null) return;
    if (isActive(this.state)) this.state = replacedOrigins(this.state, state);
    this.mustBe(before, "the end of a replacement");
  }

  /** Homes and pins follow; nobody's decision changes by that. */
  private rewrite(one: Replacing): void {
    const before = this.decisions();
    const { plan, ending } = one.state;
    if (ending === "completed" && this.stable === plan.from) this.stable = plan.to;
    for (const member of this.members.values()) {
      if (!isReplaced(one.state, member.row.slug)) continue;
      const { homes, pins } = member.row;
      const swap = (held: typeof homes): typeof homes =>
        held["kiln"] === plan.from ? { ...held, kiln: plan.to } : held;
      member.row = { ...member.row, homes: swap(homes), pins: pins === null ? null : swap(pins) };
    }
    one.written = true;
    one.outAt = this.ticks + 1;
    this.mustBe(before, "writing homes");
  }

  private mustBe(before: ReadonlyMap<string, string>, what: string): void {
    for (const [slug, pair] of this.decisions())
      if (pair !== before.get(slug))
        throw new Error(`${what} moved ${slug} from ${before.get(slug)} to ${pair}`);
  }
}
