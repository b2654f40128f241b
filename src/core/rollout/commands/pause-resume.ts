/**
 * `pause` and `resume`. A pause is legal in every phase that can still change. A resume goes on from what was done, never
 * from where it was: a rollback that was paused goes on going back. Accounts that were moved back go forward again only
 * with `again`, which is the operator's word that the flap brake asks for.
 */
import { ok } from "../../../contracts/result.ts";
import type { CommandContext, RolloutCommand } from "../../../contracts/rollout-input.ts";
import type { DefaultState, RolloutState } from "../../../contracts/rollout.ts";
import { remaining } from "../groups.ts";
import { phaseAfter } from "../phases/route.ts";
import { enter, isTerminal, quietly, resetPace, wanting, type Wanted } from "../state.ts";
import { type CommandResult, refuse } from "./refuse.ts";

type Pause = Extract<RolloutCommand, { kind: "pause" | "stop" }>;
type Resume = Extract<RolloutCommand, { kind: "resume" }>;

/** Stops everything forward until somebody resumes. Again while paused: nothing changes. */
export function pause(state: RolloutState, { reason }: Pause, { nowMs, by }: CommandContext): CommandResult {
  if (isTerminal(state) || state.phase === "draft")
    return refuse(state, `${state.plan.id} is ${state.phase}: nothing to pause`);
  if (state.phase === "paused") return ok(quietly(state));
  const paused = { by, atMs: nowMs, reason };
  const next = enter(resetPace({ ...state, paused }), {
    phase: "paused",
    cause: "operator",
    reason: `Paused by ${by}: ${reason}`,
  });
  return ok({ ...quietly(next), happened: [`paused by ${by}`] });
}

/** Requests are mirrored anew, since a pause is when something was mended; a default that was put back moves anew. */
function again(step: DefaultState): DefaultState {
  const isAsked = step.mirror != null && step.movedMs === null && step.mirror.waived === null;
  const fresh = isAsked ? { ...step, mirror: null } : step;
  return step.putBackMs === null
    ? fresh
    : {
        ...fresh,
        approved: null,
        movedMs: null,
        before: null,
        bakedMs: null,
        putBackMs: null,
        mirror: null,
      };
}

/** Lifts the brake, and goes back to the first wave that has somebody to move again. */
function unbarred(state: RolloutState, { frozen }: CommandContext): RolloutState {
  if (state.groups.barredMs.every((at) => at === null)) return state;
  const lifted = { ...state, groups: { ...state.groups, barredMs: state.groups.barredMs.map(() => null) } };
  const last = Math.min(state.wave, state.waves.length - 1);
  const first = state.waves.findIndex(
    (_, index) => index <= last && remaining(lifted, frozen, index).length > 0,
  );
  if (first < 0) return lifted;
  const waves = state.waves.map((wave, index) =>
    index < first ? wave : { ...wave, shiftedMs: null, bakedMs: null, approved: null, gateWaived: null },
  );
  return { ...lifted, wave: first, waves };
}

/** Goes on from a pause, or tries preflight again after it failed. */
export function resume(state: RolloutState, command: Resume, context: CommandContext): CommandResult {
  if (state.phase !== "paused" && state.phase !== "preflight-failed") {
    return refuse(state, `${state.plan.id} is ${state.phase}, not paused`);
  }
  if (command.again && state.rollback !== null) {
    return refuse(state, 'it is being rolled back: resume without "again" and let it finish first');
  }
  const lifted = command.again ? unbarred(state, context) : state;
  const preflights = Object.fromEntries(
    Object.entries(state.preflights).map(([product, seen]) => [
      product,
      { ...seen, reds: 0, defaultReds: 0 },
    ]),
  );
  const cleared = {
    ...lifted,
    paused: null,
    failed: null,
    preflights,
    defaults: lifted.defaults.map(again),
    preflightAskedMs: context.nowMs,
  };
  const phase = phaseAfter(cleared);
  const runs: Wanted[] =
    phase === "rolling-back" || phase === "settling"
      ? []
      : Object.entries(state.plan.targets).map(([product, version]) => ({
          kind: "run-preflight",
          product,
          version,
          why: "asked",
        }));
  const next = enter(resetPace(cleared), { phase, cause: "operator", reason: `Resumed by ${context.by}` });
  return ok(wanting(next, runs, [`resumed by ${context.by}`]));
}
