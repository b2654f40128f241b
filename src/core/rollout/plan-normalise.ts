/**
 * A plan in its one spelling: defaults filled in, percents as hundredths, one way to name a window. Nothing behind this
 * writes `?? default`. The input has been parsed by `contracts/api/rollouts`; what is wrong with it in the world is said
 * by plan-check. Pure; called by control when a rollout is created or planned.
 */
import type { MirrorInput } from "../../contracts/api/mirror.ts";
import type { RolloutInput, WaveInput } from "../../contracts/api/rollouts.ts";
import type { MirrorPlan } from "../../contracts/mirror.ts";
import type { DataPlan } from "../../contracts/move-data.ts";
import type { DefaultPlan, PlanWindow, RolloutPlan, WavePlan } from "../../contracts/rollout.ts";

const BP_PER_PERCENT = 100;
const MINUTE_MS = 60_000;
const DEFAULT_BAKE_MINUTES = 60;
/** A person is asked after this many times the minutes, when the requests have not come. */
export const MIRROR_PATIENCE = 8;

function toBp(percent: number): number {
  return Math.round(percent * BP_PER_PERCENT);
}

function windowOf(given: WaveInput["window"]): PlanWindow | null {
  if (given === undefined) return null;
  return typeof given === "string" ? { name: given, own: null } : { name: null, own: given };
}

function waveOf(wave: WaveInput): WavePlan {
  return {
    name: wave.name,
    cohorts: [...new Set(wave.cohorts)].sort(),
    shareBp: toBp(wave.percent),
    window: windowOf(wave.window),
    paceBpPerMinute: wave.percentPerMinute === undefined ? null : toBp(wave.percentPerMinute),
    maxPerTick: wave.maxPerTick ?? null,
    bake: wave.bake ?? { minutes: 0, requests: 0, workdays: 0 },
    approveBefore: wave.approve === "before",
  };
}

function mirrorOf(given: MirrorInput): MirrorPlan | false {
  if (given === null) return false;
  const { percent, minutes, requests, worsePercent, waitMinutes } = given;
  return {
    shareBp: toBp(percent),
    minutes,
    requests,
    worseBp: toBp(worsePercent),
    waitMinutes: waitMinutes ?? MIRROR_PATIENCE * minutes,
  };
}

function defaultOf(given: RolloutInput["default"]): DefaultPlan | null {
  if (given === undefined || !given.move) return null;
  return {
    afterDays: given.afterDays,
    window: windowOf(given.window),
    approveBefore: given.approve === "before",
    mirror: mirrorOf(given.mirror),
    bake: given.bake ?? { minutes: DEFAULT_BAKE_MINUTES, requests: 0 },
  };
}

function dataOf({ maxFailures, batch, maxHoldMinutes }: NonNullable<RolloutInput["data"]>): DataPlan {
  return {
    maxFailures: maxFailures ?? null,
    batch: batch ?? null,
    maxHoldMs: Math.round(maxHoldMinutes * MINUTE_MS),
  };
}

/** The plan of a parsed input. Total: never fails. */
export function normalisePlan(input: RolloutInput): RolloutPlan {
  const { id, targets, waves, gate } = input;
  return {
    id,
    targets: Object.fromEntries(Object.entries(targets).sort(([a], [b]) => (a < b ? -1 : 1))),
    waves: waves.map(waveOf),
    gate: gate ?? null,
    default: defaultOf(input.default),
    ...(input.data === undefined ? {} : { data: dataOf(input.data) }),
  };
}

/**
 * A plan that takes whom an ended rollout left behind (and who came later) into a later one: the same targets, one wave
 * of everybody with the last wave's window, pace and bake. Those who are there already are not moved again.
 */
export function adoptionPlan(plan: RolloutPlan, id: string): RolloutPlan {
  const last = plan.waves.at(-1);
  const wave: WavePlan = {
    name: "adopted",
    cohorts: ["*"],
    shareBp: 10_000,
    window: last?.window ?? null,
    paceBpPerMinute: last?.paceBpPerMinute ?? null,
    maxPerTick: last?.maxPerTick ?? null,
    bake: last?.bake ?? { minutes: 0, requests: 0, workdays: 0 },
    approveBefore: true,
  };
  return { ...plan, id, waves: [wave], default: null };
}
