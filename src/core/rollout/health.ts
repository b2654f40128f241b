/**
 * Whether the targets may take more accounts now: versions as registered, preflight, gate. No data is never healthy: what
 * is missing, old or inconclusive holds, and a failure pauses or rolls back. Also when to ask for preflight again.
 * Pure; called before every step forward and by the watch over a running rollout. Design §5, §5.1.
 */
import type { GateAction } from "../../contracts/gate.ts";
import type { PreflightPurpose } from "../../contracts/preflight.ts";
import type { GateFact, Verdict } from "../../contracts/rollout-input.ts";
import type { RolloutCause, RolloutState } from "../../contracts/rollout.ts";
import type { EpochMs, ProductName } from "../../contracts/units.ts";
import { HOUR_MS, MINUTE_MS } from "../calendar/memo.ts";
import { own } from "../record.ts";
import type { Wanted } from "./state.ts";
import type { Turn } from "./turn.ts";
import { targetProblem } from "./versions.ts";

/** A verdict counts this long. */
export const FRESH_MS = HOUR_MS;
/** A running rollout asks again this long after the last run, so that one is at hand when the hour is over. */
export const REPEAT_MS = 50 * MINUTE_MS;
/** Asked and not answered: asked again after this time. */
export const PREFLIGHT_PATIENCE_MS = 10 * MINUTE_MS;

/** Whoever is put back is in quarantine by the next tick. */
const PUT_BACK_PATIENCE_MS = MINUTE_MS;

/** Null: healthy. Otherwise why nothing may move forward. */
export interface Unhealthy {
  readonly cause: RolloutCause;
  readonly reason: string;
}

export function isFresh(atMs: EpochMs, nowMs: EpochMs): boolean {
  return nowMs - atMs <= FRESH_MS;
}

/** A target that may not be moved to any more: retired, marked bad. */
export function versionTrouble(state: RolloutState, turn: Turn): Unhealthy | null {
  for (const [product, version] of Object.entries(state.plan.targets)) {
    const trouble = targetProblem(turn.observations.facts, product, version);
    if (trouble !== null) return { cause: "version", reason: trouble };
  }
  return null;
}

/** Whether one target has a fresh run that passed, for accounts or for the default. */
export function preflightTrouble(
  state: RolloutState,
  turn: Turn,
  { product, purpose }: { product: ProductName; purpose: PreflightPurpose },
): Unhealthy | null {
  const name = `${product} ${state.plan.targets[product] ?? ""}`;
  const fact = own(turn.observations.preflight, product);
  if (fact === undefined) return { cause: "preflight", reason: `${name} has no preflight yet` };
  const { verdict, sentence } = fact[purpose];
  if (verdict !== "pass") {
    const word = verdict === "fail" ? "failed" : "did not answer everything";
    return { cause: "preflight", reason: `preflight of ${name} ${word}: ${sentence}` };
  }
  if (isFresh(fact.atMs, turn.nowMs)) return null;
  return { cause: "preflight", reason: `preflight of ${name} is older than an hour and is being repeated` };
}

/** Trouble of the first target that has any. */
export function anyPreflightTrouble(state: RolloutState, turn: Turn): Unhealthy | null {
  for (const product of Object.keys(state.plan.targets)) {
    const trouble = preflightTrouble(state, turn, { product, purpose: "wave" });
    if (trouble !== null) return trouble;
  }
  return null;
}

/** A gate's word as the plan takes it. */
export interface GateWord {
  readonly verdict: Verdict;
  readonly sentence: string;
  /** What is to be done about it; `hold` is what `inconclusive` comes to. */
  readonly action: GateAction | null;
  /** Nobody may go forward, also not between two steps. */
  readonly bars: boolean;
}

const STOPPING: readonly (GateAction | null)[] = ["pause", "rollback"];

function passes(sentence: string): GateWord {
  return { verdict: "pass", sentence, action: null, bars: false };
}

function cannotTell(sentence: string, bars = false): GateWord {
  return { verdict: "inconclusive", sentence, action: "hold", bars };
}

/** Asked to be put back a while ago, and still named by the gate. */
function stuckAccounts(state: RolloutState, turn: Turn, { quarantine = [] }: GateFact): readonly string[] {
  return (state.quarantined ?? [])
    .filter(({ atMs }) => turn.nowMs - atMs >= PUT_BACK_PATIENCE_MS)
    .map(({ account }) => account)
    .filter((account) => quarantine.some((named) => named.account === account));
}

/**
 * The gate's word over a wave. `at` is the index of a wave that has moved somebody. A failure that pauses or rolls back
 * stands whoever waived it; one that only holds, and what a gate cannot tell, somebody may let past by name, but not
 * while everybody else fails as well: then it is not the version, and nobody knows what it is.
 */
export function gateVerdict(state: RolloutState, turn: Turn, wave: number): GateWord {
  const { gate } = state.plan;
  if (gate === null) return passes("the plan asks for no gate");
  const fact = turn.observations.gates[wave] ?? null;
  const failed = fact?.verdict === "fail" ? (fact.action ?? gate.onFail) : null;
  if (fact !== null && STOPPING.includes(failed))
    return { verdict: "fail", sentence: fact.sentence, action: failed, bars: true };
  const stuck = fact === null ? [] : stuckAccounts(state, turn, fact);
  const fresh = fact !== null && isFresh(fact.atMs, turn.nowMs);
  if (fresh && fact.cause === "baseline-bad") return cannotTell(fact.sentence, true);
  const waived = state.waves[wave]?.gateWaived ?? null;
  if (waived !== null) return passes(`let past by ${waived.by}: ${waived.reason}`);
  if (fact === null) return cannotTell("nothing has been measured");
  if (!fresh) return cannotTell("the last verdict is older than an hour");
  if (failed !== null) return { verdict: "fail", sentence: fact.sentence, action: failed, bars: true };
  if (stuck.length > 0) {
    const sentence = `${stuck.join(", ")} could not be put back alone; ${fact.sentence}`;
    return { verdict: "fail", sentence, action: "hold", bars: true };
  }
  if (fact.verdict === "pass") return passes(fact.sentence);
  const mayAdvance = fact.planMayAdvance !== false && gate.onInconclusive === "advance";
  return mayAdvance ? passes(fact.sentence) : cannotTell(fact.sentence);
}

/** The last wave up to the one at hand that has moved somebody; null before the first move. */
export function lastMovingWave({ waves, wave }: RolloutState): number | null {
  for (let index = Math.min(wave, waves.length - 1); index >= 0; index -= 1) {
    if ((waves[index]?.firstMoveMs ?? null) !== null) return index;
  }
  return null;
}

export function barWord({ verdict }: GateWord): string {
  return verdict === "fail" ? "failed" : `is ${verdict}`;
}

/**
 * What forbids a step forward by a wave: unhealthy before inconclusive, versions before measurements.
 * A gate must pass at the first step after any wait. Between steps that follow each other it only must not fail: a wave
 * that has just begun has too few accounts to say anything, and would never get more: after a wait as little as before.
 */
export function stepTrouble(state: RolloutState, turn: Turn, afterWait: boolean): Unhealthy | null {
  const versions = versionTrouble(state, turn);
  if (versions !== null) return versions;
  const wave = lastMovingWave(state);
  const gate = wave === null ? null : gateVerdict(state, turn, wave);
  if (gate?.bars === true) return { cause: "gate", reason: `the gate ${barWord(gate)}: ${gate.sentence}` };
  const preflight = anyPreflightTrouble(state, turn);
  if (preflight !== null) return preflight;
  if (gate === null || gate.verdict === "pass" || !afterWait) return null;
  if (wave === state.wave && turn.observations.gates[wave]?.cause === "too-little") return null;
  return { cause: "gate", reason: `the gate is inconclusive: ${gate.sentence}` };
}

type Why = Extract<Wanted, { kind: "run-preflight" }>["why"];

/** Runs to ask for: of every target without a run since `sinceMs`, unless it was asked for a moment ago. */
export function preflightsDue(
  state: RolloutState,
  turn: Turn,
  { sinceMs, why }: { sinceMs: EpochMs; why: Why },
): readonly Wanted[] {
  const askedMs = state.preflightAskedMs;
  if (askedMs !== null && askedMs >= sinceMs && turn.nowMs - askedMs < PREFLIGHT_PATIENCE_MS) return [];
  return Object.entries(state.plan.targets)
    .filter(([product]) => (own(turn.observations.preflight, product)?.atMs ?? -Infinity) < sinceMs)
    .map(([product, version]) => ({ kind: "run-preflight", product, version, why }));
}
