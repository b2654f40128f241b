/**
 * What a gate has done besides stopping or holding a wave: single accounts are put back, and people are told. Each account
 * is asked for once; when it could not be put back, the wave is held instead, because somebody is being hurt and nothing
 * helps by itself. Pure; called by the watch before it judges. Design §5.2.
 */
import type { Advanced, GateFact } from "../../contracts/rollout-input.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import { MINUTE_MS } from "../calendar/memo.ts";
import { lastMovingWave } from "./health.ts";
import { andThen, notifyOnce, quietly, wanting, type Wanted } from "./state.ts";
import type { Turn } from "./turn.ts";

/** Edges need a minute or two to know a move, and nights are quiet: before this, nothing measured is nothing to tell. */
const MEASURE_PATIENCE_MS = 15 * MINUTE_MS;

function putBack(state: RolloutState, turn: Turn, { quarantine = [] }: GateFact): Advanced {
  const asked = new Set((state.quarantined ?? []).map(({ account }) => account));
  const fresh = quarantine.filter(({ account }) => !asked.has(account));
  if (fresh.length === 0) return quietly(state);
  const quarantined = [
    ...(state.quarantined ?? []),
    ...fresh.map(({ account }) => ({ account, atMs: turn.nowMs })),
  ];
  const wanted = fresh.map(({ account, reason }): Wanted => ({ kind: "quarantine", account, reason }));
  const named = fresh.map(({ account }) => account).join(", ");
  return wanting({ ...state, quarantined }, wanted, [`put back alone: ${named}`]);
}

function tell(state: RolloutState, turn: Turn, { wave, fact }: { wave: number; fact: GateFact }): Advanced {
  const { notify, cause, sentence, verdict, action } = fact;
  if (notify == null) return quietly(state);
  // Whatever stops the rollout pages by itself.
  if (verdict === "fail" && action !== "hold") return quietly(state);
  const sinceMs = state.waves[wave]?.firstMoveMs ?? turn.nowMs;
  if (cause === "not-measured" && turn.nowMs - sinceMs < MEASURE_PATIENCE_MS) return quietly(state);
  const name = state.plan.waves[wave]?.name ?? "";
  const text = `${state.plan.id}: the gate of wave "${name}": ${sentence}`;
  return notifyOnce(state, `gate ${wave} ${cause ?? ""}`, { level: notify, text });
}

/** Puts back whom the gate names, and tells what it wants told. */
export function actOnGate(state: RolloutState, turn: Turn): Advanced {
  const wave = lastMovingWave(state);
  const fact = wave === null ? null : (turn.observations.gates[wave] ?? null);
  if (wave === null || fact === null || state.plan.gate === null) return quietly(state);
  return andThen(putBack(state, turn, fact), (next) => tell(next, turn, { wave, fact }));
}
