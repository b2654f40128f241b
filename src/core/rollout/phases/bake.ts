/**
 * The phase `baking`: everybody of the wave is moved and watched. Times that are known (minutes, workdays in every zone of
 * the moved accounts) first, then requests, classes that were never seen, and the gate, which must pass at the end.
 * A wave that moved nobody has nothing to bake. Pure.
 */
import type { FrozenGroup, RolloutState } from "../../../contracts/rollout.ts";
import type { Advanced } from "../../../contracts/rollout-input.ts";
import type { EpochMs } from "../../../contracts/units.ts";
import { type CalendarMemo, DAY_MS, MINUTE_MS } from "../../calendar/memo.ts";
import { addWorkdays } from "../../calendar/workdays.ts";
import { own } from "../../record.ts";
import { barWord, gateVerdict, isFresh } from "../health.ts";
import { remaining } from "../groups.ts";
import { andThen, enter, notifyOnce, quietly, type Where } from "../state.ts";
import type { PhaseHandler, Turn } from "../turn.ts";
import { route } from "./route.ts";
import { withWave } from "./shift.ts";

/** Nobody looks at a bake that takes this much longer than it must without being told. */
const BAKE_PATIENCE_MS = DAY_MS;

/** When minutes and workdays of a bake are over, counted from when the wave's last group was done. */
export function bakeEndMs(
  bake: { minutes: number; workdays: number },
  shiftedMs: EpochMs,
  where: { zones: Iterable<string>; memo?: CalendarMemo | undefined },
): EpochMs {
  let endMs = shiftedMs + bake.minutes * MINUTE_MS;
  if (bake.workdays === 0) return endMs;
  for (const zone of where.zones) {
    // A zone that is not known here (its accounts could not be moved either) adds nothing.
    const ends = addWorkdays({ zone, memo: where.memo }, shiftedMs, bake.workdays);
    if (ends.ok) endMs = Math.max(endMs, ends.value);
  }
  return endMs;
}

/** Zones of the accounts that a rollout has moved. */
export function movedZones(state: RolloutState, frozen: readonly FrozenGroup[]): ReadonlySet<string> {
  return new Set(frozen.filter((_, index) => (state.groups.moved[index] ?? 0) > 0).map(({ zone }) => zone));
}

/** What a bake waits for, or null when it is over. Accounts are known ones: no other class has been moved. */
function unmet(state: RolloutState, turn: Turn, shiftedMs: EpochMs): Omit<Where, "phase"> | null {
  const wave = state.plan.waves[state.wave];
  const bake = wave?.bake ?? { minutes: 0, requests: 0, workdays: 0 };
  const zones = movedZones(state, turn.frozen);
  const endMs = bakeEndMs(bake, shiftedMs, { zones, memo: turn.memo });
  const deadlineMs = endMs + BAKE_PATIENCE_MS;
  if (turn.nowMs < endMs) {
    const reason = `Wave "${wave?.name ?? ""}" is baking`;
    return { cause: "bake", reason, nextAtMs: endMs, deadlineMs };
  }
  const { requests } = turn.observations;
  if (bake.requests > 0 && (requests ?? 0) < bake.requests) {
    const seen = requests === null ? "not known" : String(requests);
    return {
      cause: "requests",
      reason: `${bake.requests} requests are waited for; so far ${seen}`,
      deadlineMs,
    };
  }
  for (const [product, version] of Object.entries(state.plan.targets)) {
    const uncovered = own(turn.observations.uncovered, product);
    if (uncovered?.includes("known") === false) continue;
    const reason = `${product} ${version} has not been seen to answer a known account`;
    return { cause: "coverage", reason, deadlineMs };
  }
  const gate = gateVerdict(state, turn, state.wave);
  if (gate.verdict === "pass") return null;
  const reason = `the gate ${barWord(gate)}: ${gate.sentence}`;
  if (!mayApprove(state, turn)) return { cause: "gate", reason, deadlineMs };
  return { cause: "approval", reason: `${reason}; it waits for approval`, deadlineMs };
}

/** Whether the plan asks a person where the gate cannot tell, and the gate leaves that to a person. */
function mayApprove({ plan, wave }: RolloutState, turn: Turn): boolean {
  const fact = turn.observations.gates[wave] ?? null;
  if (plan.gate?.onInconclusive !== "approve" || fact === null || !isFresh(fact.atMs, turn.nowMs))
    return false;
  return fact.verdict === "inconclusive" && fact.planMayAdvance !== false;
}

function finish(state: RolloutState, nowMs: EpochMs): Advanced {
  const name = state.plan.waves[state.wave]?.name ?? "";
  const baked = { ...withWave(state, state.wave, { bakedMs: nowMs }), wave: state.wave + 1 };
  const noticed = notifyOnce(route(baked), `baked ${state.wave}`, {
    level: "info",
    text: `${state.plan.id}: wave "${name}" is complete`,
  });
  return { ...noticed, happened: [`wave "${name}" is complete`] };
}

/** One look at a wave that is moved. */
export const inBake: PhaseHandler = (state, turn) => {
  const wave = state.waves[state.wave];
  if (remaining(state, turn.frozen, state.wave).length > 0) {
    // Adopted, or allowed forward again: the wave has groups to move once more.
    return quietly(route(withWave(state, state.wave, { shiftedMs: null })));
  }
  if (wave === undefined || wave.shiftedMs === null) return quietly(route(state));
  if (wave.firstMoveMs === null) return finish(state, turn.nowMs);
  const waiting = unmet(state, turn, wave.shiftedMs);
  if (waiting === null) return finish(state, turn.nowMs);
  const next = enter(state, { phase: "baking", ...waiting });
  const asked =
    waiting.cause === "approval"
      ? notifyOnce(next, `gate-approval ${state.wave}`, {
          level: "ticket",
          text: `${state.plan.id}: wave "${state.plan.waves[state.wave]?.name ?? ""}": ${waiting.reason}`,
        })
      : quietly(next);
  if (waiting.deadlineMs == null || turn.nowMs < waiting.deadlineMs) return asked;
  const text = `${state.plan.id}: still baking a day after it could be over: ${waiting.reason}`;
  return andThen(asked, (told) => notifyOnce(told, `bake-late ${state.wave}`, { level: "ticket", text }));
};
