/**
 * The world of a replay: the recorded accounts and versions around the engine and the gates, in memory, minute by minute.
 * Carries out the engine's effects: preflight answers as the recorded versions do, defaults move, homes settle. Publishing
 * takes no time here; on edges it takes a minute or two. Deterministic; called by play.
 */
import type { Recording } from "../../contracts/api/replay.ts";
import type { GateVerdict } from "../../contracts/gate.ts";
import { COVERED_CLASSES } from "../../contracts/preflight.ts";
import type {
  Advanced,
  Facts,
  Frozen,
  GateFact,
  Observations,
  RolloutEffect,
} from "../../contracts/rollout-input.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { bucketOf } from "../bucket.ts";
import { createCalendarMemo, MINUTE_MS } from "../calendar/memo.ts";
import { judgeGate, worstVerdict } from "../gates/verdict.ts";
import { gatePolicy } from "../gates/policy.ts";
import { coverage, syntheticSeen } from "../preflight/verdict.ts";
import { advance } from "../rollout/advance.ts";
import { command } from "../rollout/command.ts";
import { freeze, placeAccount } from "../rollout/freeze.ts";
import { movedAccounts } from "../rollout/groups.ts";
import { lastMovingWave } from "../rollout/health.ts";
import { probeKey } from "../rollout/rollback.ts";
import { normalisePlan } from "../rollout/plan-normalise.ts";
import { createRollout } from "../rollout/state.ts";
import { answerMatrix, factsOf, memberFacts, type AnsweredMatrix, type ReplayPreflight } from "./answers.ts";
import { accountsOf, failuresOf, minuteOf, SideCount, type RecordedAccount } from "./traffic.ts";

export interface ReplayStep {
  readonly atMs: EpochMs;
  readonly phase: RolloutState["phase"];
  readonly cause: RolloutState["cause"];
  readonly reason: string;
  readonly moved: number;
  readonly defaults: Readonly<Record<ProductName, VersionName | null>>;
}

const SALT = "replay";
const MAX_ROUNDS = 8;
/** Everything there is in a replay, and its one clock. */
export class ReplayWorld {
  readonly recording: Recording;
  readonly preflight: ReplayPreflight;
  readonly accounts: readonly RecordedAccount[];
  readonly memo = createCalendarMemo();
  readonly done = new Set<number>();
  readonly groups = new Map<string, number>();
  /** Group and bucket of each account. */
  readonly placeOf = new Map<string, { readonly group: number; readonly bucket: number }>();
  readonly back = new Set<string>();
  readonly notices: { atMs: EpochMs; text: string }[] = [];
  readonly steps: ReplayStep[] = [];
  readonly runs = new Map<ProductName, AnsweredMatrix>();
  probes: Observations["probes"] = {};
  homes: Observations["homes"] = "untouched";
  facts: Facts;
  state: RolloutState;
  frozen: Frozen;
  nowMs: EpochMs;
  wave: number | null = null;
  sides = new Map<ProductName, { moved: SideCount; notMoved: SideCount }>();
  gates: (GateFact | null)[] = [];
  knownReal = new Map<ProductName, number>();

  constructor(recording: Recording, preflight: ReplayPreflight) {
    this.recording = recording;
    this.preflight = preflight;
    this.accounts = accountsOf(recording);
    this.nowMs = Date.parse(recording.start);
    this.facts = factsOf(recording);
    this.state = createRollout(normalisePlan(recording.plan), SALT, this.nowMs);
    this.frozen = this.freezeAll();
  }

  private freezeAll(): Frozen {
    const numberOf = (key: unknown): number => {
      const text = JSON.stringify(key);
      const number = this.groups.get(text) ?? this.groups.size;
      this.groups.set(text, number);
      return number;
    };
    const { nowMs, facts } = this;
    const options = { plan: this.state.plan, salt: SALT, nowMs, facts, freezes: [], again: false, numberOf };
    const members = memberFacts(this.recording, this.accounts);
    const frozen = freeze(members, options);
    if (!frozen.ok) throw new RangeError("the recording has too many kinds of accounts");
    for (const member of members) {
      const group = numberOf(placeAccount(member, options, frozen.value.labelKeys).key);
      this.placeOf.set(member.slug, { group, bucket: bucketOf(SALT, member.slug) });
    }
    return frozen.value;
  }

  start(): void {
    const { nowMs, facts, frozen } = this;
    const what = { kind: "start", requiredDigest: null, frozen, others: [] } as const;
    const started = command(this.state, what, { nowMs, by: "replay", facts, frozen: frozen.groups });
    if (!started.ok) throw new RangeError(started.error.detail);
    this.take(started.value);
    this.settle();
  }

  /** For each account, in their order. */
  private areMoved(): readonly boolean[] {
    const { number, moved } = this.state.groups;
    const limits = new Map(number.map((group, index) => [group, moved[index] ?? 0]));
    return this.accounts.map(({ slug }) => {
      const place = this.placeOf.get(slug);
      return place !== undefined && !this.back.has(slug) && place.bucket < (limits.get(place.group) ?? 0);
    });
  }

  /** Traffic on the versions that accounts have, then a tick. */
  minute(): void {
    const wave = lastMovingWave(this.state);
    if (wave !== this.wave) this.sides = new Map();
    this.wave = wave;
    if (wave !== null) this.count();
    this.nowMs += MINUTE_MS;
    if (wave !== null && this.state.plan.gate !== null) this.judge(wave);
    this.advanceNow();
    this.settle();
  }

  private count(): void {
    const minute = Math.floor(this.nowMs / MINUTE_MS);
    const moved = this.areMoved();
    for (const [product, version] of Object.entries(this.state.plan.targets)) {
      const sides = this.sides.get(product) ?? { moved: new SideCount(), notMoved: new SideCount() };
      this.sides.set(product, sides);
      for (const [index, account] of this.accounts.entries()) {
        const at = moved[index] === true ? version : (this.recording.products[product]?.home ?? "");
        const asked = { product, version: at, class: "known", account: account.slug } as const;
        const counts = minuteOf(account, index, { minute, failures: failuresOf(this.recording, asked) });
        (moved[index] === true ? sides.moved : sides.notMoved).add(account.slug, minute, counts);
        if (moved[index] !== true) continue;
        const well = counts.requests - counts.failures;
        this.knownReal.set(product, (this.knownReal.get(product) ?? 0) + well);
      }
    }
  }

  private judge(wave: number): void {
    const verdicts = Object.entries(this.state.plan.targets).map(([product, version]) =>
      this.judgeProduct(product, version),
    );
    const worst = worstVerdict(verdicts);
    const named = verdicts.flatMap(({ quarantine }) => quarantine.map(({ account }) => account));
    const quarantine = [...new Set(named)].map((account) => ({ account, reason: "clearly worse" }));
    this.gates = this.state.waves.map((_, at) => this.gates[at] ?? null);
    this.gates[wave] = worst === null ? null : { ...worst, quarantine };
  }

  private judgeProduct(product: ProductName, version: VersionName): GateVerdict {
    const { plan } = this.state;
    if (plan.gate === null) throw new Error("judged without a gate");
    const usual = this.recording.usualFailures;
    const sides = this.sides.get(product) ?? { moved: new SideCount(), notMoved: new SideCount() };
    const past = { blocks: 2000, shareSum: 2000 * usual, requests: 20_000, failures: 20_000 * usual };
    return judgeGate({
      nowMs: this.nowMs,
      product,
      version,
      reversible: this.recording.products[product]?.reversible ?? false,
      // No recording knows how long answers took.
      policy: { ...gatePolicy(plan.gate), latency: null },
      tests: (plan.waves.length + (plan.default === null ? 0 : 1)) * Object.keys(plan.targets).length,
      past: "own",
      moved: sides.moved.moments(usual),
      notMoved: sides.notMoved.moments(usual),
      synthetic: { requests: 0, failures: 0 },
      latency: { boundsMs: [Infinity], windows: [], past: null },
      accounts: {
        size: sides.moved.size,
        suspects: sides.moved.suspects(past).filter(({ account }) => !this.back.has(account)),
        past,
        quarantined: this.back.size,
      },
      signals: [],
      measurement: { newestMs: this.nowMs, flushes: 1, lost: 0, staleShare: 0 },
    });
  }

  private settle(): void {
    for (let round = 0; round < MAX_ROUNDS; round += 1) if (this.advanceNow() === 0) break;
    this.note();
  }

  private advanceNow(): number {
    const turn = {
      nowMs: this.nowMs,
      halt: false,
      frozen: this.frozen.groups,
      windows: {},
      freezes: [],
      observations: this.observations(),
      memo: this.memo,
    };
    const next = advance(this.state, turn);
    this.take(next);
    return next.effects.length;
  }

  private observations(): Observations {
    const uncovered = Object.keys(this.state.plan.targets).map((product) => {
      const seen = syntheticSeen(this.runs.get(product)?.results ?? []);
      const known = { ...seen.known, real: this.knownReal.get(product) ?? 0 };
      return [product, coverage(COVERED_CLASSES, { ...seen, known })] as const;
    });
    return {
      facts: this.facts,
      preflight: Object.fromEntries(this.runs),
      gates: this.gates,
      defaultGates: {},
      mirrors: {},
      requests: null,
      defaultRequests: {},
      uncovered: Object.fromEntries(uncovered),
      probes: this.probes,
      homes: this.homes,
    };
  }

  private take({ state, effects }: Advanced): void {
    this.state = state;
    for (const effect of effects) {
      if (this.done.has(effect.step)) continue;
      this.done.add(effect.step);
      this.carryOut(effect);
    }
  }

  private carryOut(effect: RolloutEffect): void {
    const { nowMs } = this;
    switch (effect.kind) {
      case "run-preflight":
        this.runs.set(
          effect.product,
          answerMatrix(this.recording, { ...effect, preflight: this.preflight, nowMs }),
        );
        return;
      case "probe-target": {
        const key = probeKey(effect.product, effect.version);
        this.probes = { ...this.probes, [key]: { atMs: nowMs, verdict: "pass", sentence: "" } };
        return;
      }
      case "set-default": {
        const product = this.facts[effect.product];
        if (product?.default === effect.expected)
          this.facts = { ...this.facts, [effect.product]: { ...product, ...effect.to } };
        return;
      }
      case "settle-homes":
        this.homes = "written";
        return;
      case "restore-homes":
        this.homes = "restored";
        return;
      case "quarantine":
        this.back.add(effect.account);
        return;
      case "notify":
        this.notices.push({ atMs: nowMs, text: effect.text });
        return;
      default: // publish, mark-bad, split-groups, data: nothing here looks at what they change
    }
  }

  /** Writes down where it is, when that is new. */
  private note(): void {
    const { phase, cause, reason } = this.state;
    const last = this.steps.at(-1);
    const step = {
      atMs: this.nowMs,
      phase,
      cause,
      reason,
      moved: movedAccounts(this.state, this.frozen.groups) - this.back.size,
      defaults: Object.fromEntries(Object.entries(this.facts).map(([name, one]) => [name, one.default])),
    };
    if (last?.phase !== phase || last.cause !== cause) this.steps.push(step);
  }
}
