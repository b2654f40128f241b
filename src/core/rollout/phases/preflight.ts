/**
 * The phases `preflight` and `preflight-failed`: nobody moves before every target has passed. A new run is asked for at
 * the start. What failed goes on only through people: a waiver (another word on the same run), a run somebody asked for,
 * or `resume`; the rollout itself does not ask again, so that nothing starts by itself on a Saturday.
 */
import type { PreflightFact } from "../../../contracts/rollout-input.ts";
import type { RolloutState } from "../../../contracts/rollout.ts";
import { own } from "../../record.ts";
import { PREFLIGHT_PATIENCE_MS, preflightsDue, versionTrouble } from "../health.ts";
import { andThen, enter, notifyOnce, quietly, wanting } from "../state.ts";
import type { PhaseHandler, Turn } from "../turn.ts";
import { route } from "./route.ts";

interface Known {
  readonly name: string;
  readonly fact: PreflightFact | undefined;
}

function knownRuns(state: RolloutState, turn: Turn): readonly Known[] {
  return Object.entries(state.plan.targets).map(([product, version]) => ({
    name: `${product} ${version}`,
    fact: own(turn.observations.preflight, product),
  }));
}

function passed(state: RolloutState, turn: Turn): ReturnType<PhaseHandler> {
  return { ...quietly(route({ ...state, preflightPassedMs: turn.nowMs })), happened: ["preflight passed"] };
}

const isPass = ({ fact }: Known): boolean => fact?.wave.verdict === "pass";

function describe(runs: readonly Known[]): string {
  const sentences = runs
    .filter((run) => !isPass(run))
    .map(({ name, fact }) => `${name}: ${fact?.wave.sentence ?? "no run"}`);
  return `Preflight did not pass. ${sentences.join(". ")}`;
}

/** Waits for runs that are newer than the request. */
export const inPreflight: PhaseHandler = (state, turn) => {
  const trouble = versionTrouble(state, turn);
  if (trouble !== null) return quietly(enter(state, { phase: "preflight-failed", ...trouble }));
  const sinceMs = state.preflightAskedMs ?? turn.nowMs;
  const runs = knownRuns(state, turn);
  const waiting = runs.filter(({ fact }) => fact === undefined || fact.atMs < state.sinceMs);
  if (waiting.length > 0)
    return keepWaiting(
      state,
      turn,
      waiting.map(({ name }) => name),
    );
  if (runs.every(isPass)) return passed(state, turn);
  const reason = describe(runs);
  const failed = enter(state, { phase: "preflight-failed", cause: "preflight", reason });
  const noticed = notifyOnce(failed, `preflight-failed ${sinceMs}`, {
    level: "ticket",
    text: `${state.plan.id}: ${reason}`,
  });
  return { ...noticed, happened: ["preflight failed"] };
};

function keepWaiting(state: RolloutState, turn: Turn, names: readonly string[]): ReturnType<PhaseHandler> {
  const due = preflightsDue(state, turn, { sinceMs: state.sinceMs, why: "before-start" });
  const askedMs = due.length > 0 ? turn.nowMs : (state.preflightAskedMs ?? turn.nowMs);
  const next = enter(
    { ...state, preflightAskedMs: askedMs },
    {
      phase: "preflight",
      cause: "preflight",
      reason: `Waiting for the preflight of ${names.join(" and ")}`,
      deadlineMs: askedMs + PREFLIGHT_PATIENCE_MS,
    },
  );
  const late = turn.nowMs - state.sinceMs >= PREFLIGHT_PATIENCE_MS;
  const text = `${state.plan.id}: preflight of ${names.join(" and ")} has not come back`;
  return andThen(wanting(next, due), (same) =>
    late ? notifyOnce(same, `preflight-late ${state.sinceMs}`, { level: "ticket", text }) : quietly(same),
  );
}

/** Goes on when people have made it pass. */
export const inPreflightFailed: PhaseHandler = (state, turn) => {
  const trouble = versionTrouble(state, turn);
  if (trouble !== null) return quietly(enter(state, { phase: "preflight-failed", ...trouble }));
  const runs = knownRuns(state, turn);
  if (runs.every((run) => isPass(run) && (run.fact?.atMs ?? -Infinity) >= (state.preflightAskedMs ?? 0))) {
    return passed(state, turn);
  }
  return quietly(enter(state, { phase: "preflight-failed", cause: "preflight", reason: describe(runs) }));
};
