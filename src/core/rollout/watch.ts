/**
 * The watch over a running rollout, before its phase is asked: new preflight runs are counted, they are repeated every
 * hour, and what fails pauses or rolls back. Protective beats hold; one red run holds (see health) and is repeated at
 * once, two in a row pause. Nothing here moves anybody forward. Not called while halted. Design §5, §5.1.
 */
import type { Advanced } from "../../contracts/rollout-input.ts";
import type { RolloutPhase, RolloutState, SeenPreflight } from "../../contracts/rollout.ts";
import { MINUTE_MS } from "../calendar/memo.ts";
import { own } from "../record.ts";
import { withFailure } from "./failure.ts";
import { gateVerdict, lastMovingWave, preflightsDue, REPEAT_MS, versionTrouble } from "./health.ts";
import { actOnGate } from "./gate-acts.ts";
import { beginAutomaticRollback } from "./rollback.ts";
import { andThen, pauseItself, quietly, wanting } from "./state.ts";
import type { Turn } from "./turn.ts";

/** Red runs in a row that pause. */
const MAX_REDS = 2;
const WATCHED: readonly RolloutPhase[] = [
  "waiting",
  "shifting",
  "baking",
  "awaiting-approval",
  "default-pending",
  "default-baking",
];

/** Takes in runs that are newer than those seen. An inconclusive one neither counts as red nor clears one. */
export function seePreflights(state: RolloutState, turn: Turn): RolloutState {
  let preflights: Record<string, SeenPreflight> | null = null;
  for (const product of Object.keys(state.plan.targets)) {
    const fact = own(turn.observations.preflight, product);
    const seen = own(state.preflights, product) ?? { atMs: -Infinity, reds: 0, defaultReds: 0 };
    if (fact === undefined) continue;
    const count = (verdict: string, reds: number): number => {
      if (verdict === "pass") return 0; // also when a waiver changed the word on the same run
      return fact.atMs > seen.atMs && verdict === "fail" ? reds + 1 : reds;
    };
    const reds = count(fact.wave.verdict, seen.reds);
    const defaultReds = count(fact.default.verdict, seen.defaultReds);
    if (fact.atMs <= seen.atMs && reds === seen.reds && defaultReds === seen.defaultReds) continue;
    preflights ??= { ...state.preflights };
    preflights[product] = { atMs: Math.max(fact.atMs, seen.atMs), reds, defaultReds };
  }
  return preflights === null ? state : { ...state, preflights };
}

/** Asks for runs: hourly, and a minute after a red one, since two runs of one moment would say one thing. */
function repeatPreflight(state: RolloutState, turn: Turn): Advanced {
  const red = Object.values(state.preflights).find(
    ({ reds, atMs }) => reds === 1 && turn.nowMs - atMs >= MINUTE_MS,
  );
  const sinceMs = red === undefined ? turn.nowMs - REPEAT_MS : red.atMs + 1;
  const due = preflightsDue(state, turn, { sinceMs, why: red === undefined ? "hourly" : "confirm" });
  return due.length === 0 ? quietly(state) : wanting({ ...state, preflightAskedMs: turn.nowMs }, due);
}

function judge(state: RolloutState, turn: Turn): Advanced | null {
  const versions = versionTrouble(state, turn);
  if (versions !== null) return pauseItself(state, versions.cause, versions.reason);
  const wave = lastMovingWave(state);
  const gate = wave === null ? null : gateVerdict(state, turn, wave);
  if (gate?.action === "pause" || gate?.action === "rollback") {
    const reason = `the gate failed: ${gate.sentence}`;
    const failed = withFailure(state, reason);
    return gate.action === "rollback"
      ? beginAutomaticRollback(failed, turn, reason)
      : pauseItself(failed, "gate", reason);
  }
  const red = Object.entries(state.preflights).find(([, { reds }]) => reds >= MAX_REDS);
  if (red !== undefined) {
    const sentence = own(turn.observations.preflight, red[0])?.wave.sentence ?? "";
    const reason = `preflight of ${red[0]} failed twice in a row: ${sentence}`;
    return pauseItself(withFailure(state, reason, [red[0]]), "preflight", reason);
  }
  // Only a word that was spoken pauses; that nothing was measured yet holds.
  const spoken = wave === null ? null : (turn.observations.gates[wave] ?? null);
  const pauses = state.plan.gate?.onInconclusive === "pause" && spoken?.verdict === "inconclusive";
  if (pauses && gate?.verdict === "inconclusive") {
    return pauseItself(state, "gate", `the gate is inconclusive: ${gate.sentence}`);
  }
  return null;
}

/** Looks after a rollout that is under way; `state` comes back changed when it stopped itself. */
export function watch(given: RolloutState, turn: Turn): Advanced {
  const state = seePreflights(given, turn);
  if (!WATCHED.includes(state.phase)) return quietly(state);
  const acted = actOnGate(state, turn);
  return andThen(acted, (next) => judge(next, turn) ?? repeatPreflight(next, turn));
}
