/**
 * A normalised plan back as a plan file would say it: the inverse of plan-normalise, so that drafts can be exported, kept
 * in git and compared. `normalisePlan(inputOfPlan(plan))` is the plan again; what is usual is left out. Pure; called by
 * control for the API, and by the command line to bring a file into the same spelling before it is compared.
 */
import type { MirrorInput } from "../../contracts/api/mirror.ts";
import type { WindowInput } from "../../contracts/api/calendar.ts";
import type { RolloutInput, WaveInput } from "../../contracts/api/rollouts.ts";
import type { Window } from "../../contracts/calendar.ts";
import type { GatePlan } from "../../contracts/gate-plan.ts";
import type { MirrorPlan } from "../../contracts/mirror.ts";
import type { DataPlan } from "../../contracts/move-data.ts";
import type { DefaultPlan, PlanWindow, RolloutPlan, WavePlan } from "../../contracts/rollout.ts";
import { MIRROR_PATIENCE } from "./plan-normalise.ts";

const BP_PER_PERCENT = 100;
const MINUTE_MS = 60_000;

function toPercent(bp: number): number {
  return bp / BP_PER_PERCENT;
}

function windowOf(window: PlanWindow | null): Pick<WaveInput, "window"> {
  if (window === null) return {};
  return { window: window.own === null ? window.name : window.own.map(ownWindow) };
}

function ownWindow({ days, nth, ...rest }: Window): WindowInput {
  return {
    ...(days === undefined ? {} : { days: [...days] }),
    ...(nth === undefined ? {} : { nth: nth.map((each) => ({ ...each })) }),
    ...rest,
  };
}

/** Words that are not taken any more become those that do what they did. */
function gateOf({ onInconclusive: word, mustHave, dryRun, ...gate }: GatePlan): RolloutInput["gate"] {
  return {
    ...gate,
    mustHave: [...mustHave],
    ...(dryRun === undefined ? {} : { dryRun: [...dryRun] }),
    onInconclusive: word === "advance" || word === "approve" ? "approve" : "hold",
  };
}

function waveOf(wave: WavePlan): WaveInput {
  return {
    name: wave.name,
    cohorts: [...wave.cohorts],
    percent: toPercent(wave.shareBp),
    ...windowOf(wave.window),
    ...(wave.paceBpPerMinute === null ? {} : { percentPerMinute: toPercent(wave.paceBpPerMinute) }),
    ...(wave.maxPerTick === null ? {} : { maxPerTick: wave.maxPerTick }),
    bake: wave.bake,
    ...(wave.approveBefore ? { approve: "before" as const } : {}),
  };
}

function mirrorOf(mirror: MirrorPlan | false): MirrorInput {
  if (mirror === false) return null;
  const { shareBp, minutes, requests, worseBp, waitMinutes } = mirror;
  return {
    percent: toPercent(shareBp),
    minutes,
    requests,
    worsePercent: toPercent(worseBp),
    // What follows from the minutes may lie beyond what may be said.
    ...(waitMinutes === MIRROR_PATIENCE * minutes ? {} : { waitMinutes }),
  };
}

function defaultOf(step: DefaultPlan): RolloutInput["default"] {
  return {
    move: true,
    afterDays: step.afterDays,
    ...windowOf(step.window),
    ...(step.approveBefore ? { approve: "before" as const } : {}),
    mirror: mirrorOf(step.mirror),
    bake: step.bake,
  };
}

function dataOf({ maxFailures, batch, maxHoldMs }: DataPlan): RolloutInput["data"] {
  return {
    ...(maxFailures === null ? {} : { maxFailures }),
    ...(batch === null ? {} : { batch }),
    maxHoldMinutes: maxHoldMs / MINUTE_MS,
  };
}

/** The input that this plan is the normalised form of. Total: never fails. */
export function inputOfPlan(plan: RolloutPlan): RolloutInput {
  return {
    id: plan.id,
    targets: plan.targets,
    waves: plan.waves.map(waveOf),
    ...(plan.gate === null ? {} : { gate: gateOf(plan.gate) }),
    ...(plan.default === null ? {} : { default: defaultOf(plan.default) }),
    ...(plan.data === undefined ? {} : { data: dataOf(plan.data) }),
  };
}
