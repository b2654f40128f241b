/**
 * What a rollout would do before anything starts: accounts per wave and zone, first and last moves as dates, the critical
 * path, who is not reached before a date, who cannot go back after which wave, who is left behind. It assumes that checks
 * pass, requests come and people say yes at once; with a freeze added it says what changes by being asked again.
 * Pure; called by `rollout plan` and by `explain --at` for the future. Design §5, `plan`.
 */
import type { Frozen, Facts, LeftBehind } from "../../contracts/rollout-input.ts";
import type { FrozenGroup, RolloutPlan } from "../../contracts/rollout.ts";
import type { ShownInstant } from "../../contracts/calendar.ts";
import type { EpochMs, ProductName } from "../../contracts/units.ts";
import type { CalendarMemo } from "../calendar/memo.ts";
import { showInstant } from "../calendar/preview.ts";
import { counted } from "../counted.ts";
import { type Beginning, ceilMinute } from "./ahead.ts";
import { holdWarnings, type PlannedHold, plannedHold } from "./data/simulate.ts";
import { type CalendarFacts, opennessOf } from "./openness.ts";
import { forecastDefaults } from "./plan-defaults.ts";
import { bakeEndMs } from "./phases/bake.ts";
import { type MoveSegment, simulateWave, type Watched } from "./simulate-wave.ts";
import { countBetween, targetThreshold, waveThresholds } from "./thresholds.ts";
import { irreversibleTargets } from "./versions.ts";

export interface PlannedZone {
  readonly zone: string;
  readonly accounts: number;
  readonly first: ShownInstant;
  readonly last: ShownInstant;
}

export interface PlannedWave {
  readonly name: string;
  readonly accounts: number;
  readonly threshold: number;
  readonly startMs: EpochMs;
  /** Null: it never ends, because groups never open; the waves after it are not planned. */
  readonly shiftedMs: EpochMs | null;
  readonly bakedMs: EpochMs | null;
  readonly zones: readonly PlannedZone[];
  /** Targets that its accounts cannot come back from. */
  readonly oneWay: readonly string[];
  readonly warnings: readonly string[];
  /** How its accounts are held while they move; null: they are not. */
  readonly hold: PlannedHold | null;
}

/** One stretch of the way from start to end, and what it waits for. */
export interface PathStep {
  readonly what: string;
  readonly fromMs: EpochMs;
  readonly untilMs: EpochMs;
}

/** The tick at which one account moves. */
export interface Crossing {
  readonly wave: number;
  readonly atMs: EpochMs;
}

export interface PlannedDefault {
  readonly product: ProductName;
  readonly atMs: EpochMs;
}

export interface RolloutForecast {
  readonly digest: string;
  readonly waves: readonly PlannedWave[];
  readonly criticalPath: readonly PathStep[];
  readonly segments: readonly MoveSegment[];
  readonly endMs: EpochMs | null;
  /** When the account that was watched for moves; null: no wave takes it, or none was. */
  readonly crossing: Crossing | null;
  readonly defaults: readonly PlannedDefault[];
  readonly leftBehind: readonly LeftBehind[];
  /** Accounts that will not have moved by the date that was asked about; null when none was. */
  readonly notReached: {
    readonly beforeMs: EpochMs;
    readonly accounts: number;
    readonly zones: readonly string[];
  } | null;
}

export interface ForecastQuestion {
  readonly plan: RolloutPlan;
  readonly frozen: Frozen;
  readonly facts: Facts;
  readonly startMs: EpochMs;
  readonly calendar: Pick<CalendarFacts, "windows" | "freezes" | "memo">;
  readonly beforeMs: EpochMs | null;
  /** One account to tell the move of. */
  readonly watch?: Watched | null;
  /** Left out: from its start. */
  readonly from?: Beginning;
}

function zonesOf(
  segments: readonly MoveSegment[],
  groups: readonly FrozenGroup[],
  memo: CalendarMemo | undefined,
): readonly PlannedZone[] {
  const byZone = new Map<string, { accounts: number; firstMs: EpochMs; lastMs: EpochMs }>();
  for (const { index, from, to, fromMs, untilMs } of segments) {
    const group = groups[index];
    if (group === undefined) continue;
    const known = byZone.get(group.zone) ?? { accounts: 0, firstMs: fromMs, lastMs: untilMs };
    byZone.set(group.zone, {
      accounts: known.accounts + countBetween(group, from, to),
      firstMs: Math.min(known.firstMs, fromMs),
      lastMs: Math.max(known.lastMs, untilMs),
    });
  }
  return [...byZone]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([zone, { accounts, firstMs, lastMs }]) => ({
      zone,
      accounts,
      first: showInstant(firstMs, zone, memo),
      last: showInstant(lastMs, zone, memo),
    }));
}

interface Walk {
  readonly waves: PlannedWave[];
  readonly path: PathStep[];
  readonly segments: MoveSegment[];
  readonly moved: number[];
  readonly defaults: PlannedDefault[];
  crossing: Crossing | null;
  atMs: EpochMs | null;
}

function warningsOf(accounts: number, never: number): readonly string[] {
  return [
    ...(accounts === 0 ? ["moves nobody"] : []),
    ...(never === 0
      ? []
      : [`${counted(never, "group")} ${never === 1 ? "has" : "have"} no window within 400 days`]),
  ];
}

/** One wave, from where the walk stands. */
function walkWave(
  walk: Walk,
  question: ForecastQuestion,
  at: { wave: number; thresholds: readonly number[]; startMs: EpochMs },
): void {
  const { plan, frozen, calendar, facts, watch, from } = question;
  const { wave, thresholds, startMs } = at;
  const wavePlan = plan.waves[wave];
  if (wavePlan === undefined) return;
  const products = Object.keys(plan.targets);
  const ask = opennessOf({ ...calendar, products, labelKeys: frozen.labelKeys }, wavePlan.window);
  const groups = frozen.groups
    .map((group, index) => {
      const target = targetThreshold(plan.waves, thresholds, { group, wave });
      return { index, group, moved: walk.moved[index] ?? 0, target };
    })
    .filter(({ index, moved, target }) => target > moved && from?.skips(index, wave) !== true);
  const accounts = groups.reduce(
    (sum, { group, moved, target }) => sum + countBetween(group, moved, target),
    0,
  );
  const hold = plannedHold(plan, frozen, facts);
  const held = hold === null ? null : { plan, hold };
  const run = simulateWave({ wave, plan: wavePlan, startMs, groups, ask, watch, held });
  for (const { index, target } of groups) walk.moved[index] = target;
  if (run.crossedMs !== null) walk.crossing = { wave, atMs: run.crossedMs };
  // As the engine counts: whoever has moved so far is watched.
  const zones = new Set(
    frozen.groups.flatMap(({ zone }, index) => ((walk.moved[index] ?? 0) > 0 ? [zone] : [])),
  );
  const { doneMs } = run;
  const bakedMs =
    doneMs === null
      ? null
      : accounts === 0
        ? doneMs
        : bakeEndMs(wavePlan.bake, doneMs, { zones, memo: calendar.memo });
  walk.segments.push(...run.segments);
  walk.waves.push({
    name: wavePlan.name,
    accounts,
    threshold: thresholds[wave] ?? 0,
    startMs,
    shiftedMs: doneMs,
    bakedMs,
    zones: zonesOf(run.segments, frozen.groups, question.calendar.memo),
    oneWay: irreversibleTargets(facts, plan.targets, doneMs ?? startMs),
    warnings: [...warningsOf(accounts, run.never.length), ...holdWarnings(accounts === 0 ? null : hold)],
    hold,
  });
  addPath(walk, {
    name: wavePlan.name,
    startMs,
    doneMs,
    bakedMs,
    firstMs: run.segments.reduce((first, { fromMs }) => Math.min(first, fromMs), doneMs ?? startMs),
  });
  walk.atMs = bakedMs;
}

function addPath(
  walk: Walk,
  of: { name: string; startMs: EpochMs; firstMs: EpochMs; doneMs: EpochMs | null; bakedMs: EpochMs | null },
): void {
  const { name, startMs, firstMs, doneMs, bakedMs } = of;
  if (firstMs > startMs)
    walk.path.push({ what: `wave "${name}" waits for its first window`, fromMs: startMs, untilMs: firstMs });
  if (doneMs === null) return;
  walk.path.push({ what: `wave "${name}" moves`, fromMs: firstMs, untilMs: doneMs });
  if (bakedMs !== null && bakedMs > doneMs)
    walk.path.push({ what: `wave "${name}" bakes`, fromMs: doneMs, untilMs: bakedMs });
}

/** The defaults, after the waves; see plan-defaults.ts. */
function walkDefaults(walk: Walk, { plan, calendar, frozen, from }: ForecastQuestion): void {
  if (walk.atMs === null) return;
  const done = forecastDefaults({
    plan,
    calendar,
    zones: frozen.groups.map(({ zone }) => zone),
    fromMs: walk.atMs,
    defaultsFromMs: from?.defaultsFromMs ?? null,
    products: from?.defaults ?? Object.keys(plan.targets),
  });
  walk.path.push(...done.path);
  walk.defaults.push(...done.defaults);
  walk.atMs = done.endMs;
}

/** Threshold of a group at an instant, as forecast: what `explain --at` asks of the future. Rises evenly in a segment. */
export function thresholdAt(segments: readonly MoveSegment[], index: number, atMs: EpochMs): number {
  let threshold = 0;
  for (const segment of segments) {
    if (segment.index !== index || segment.fromMs > atMs) continue;
    const span = segment.untilMs - segment.fromMs;
    const part = span <= 0 ? 1 : Math.min(1, (atMs - segment.fromMs) / span);
    threshold = Math.max(threshold, Math.floor(segment.from + part * (segment.to - segment.from)));
  }
  return threshold;
}

function notReached(walk: Walk, { frozen, beforeMs }: ForecastQuestion): RolloutForecast["notReached"] {
  if (beforeMs === null) return null;
  let accounts = 0;
  const zones = new Set<string>();
  for (const [index, group] of frozen.groups.entries()) {
    const missing =
      group.buckets.length - countBetween(group, 0, thresholdAt(walk.segments, index, beforeMs));
    accounts += missing;
    if (missing > 0) zones.add(group.zone);
  }
  return { beforeMs, accounts, zones: [...zones].sort() };
}

/**
 * Forecasts a rollout that would be started at `startMs`, or the rest of one that runs. Waves after one that never ends
 * are not in the answer.
 */
export function forecast(question: ForecastQuestion): RolloutForecast {
  const { plan, frozen, startMs, from } = question;
  const thresholds = from?.thresholds ?? waveThresholds(plan.waves, frozen.groups);
  const moved = [...(from?.moved ?? frozen.groups.map(() => 0))];
  const atMs = from?.atMs ?? startMs;
  const walk: Walk = { waves: [], path: [], segments: [], moved, defaults: [], crossing: null, atMs };
  const first = from?.wave ?? 0;
  for (let wave = first; wave < plan.waves.length && walk.atMs !== null; wave += 1) {
    // A wave that follows another begins with a tick, and those come at whole minutes.
    const begin = wave === first ? walk.atMs : ceilMinute(walk.atMs);
    walkWave(walk, question, { wave, thresholds, startMs: begin });
  }
  walkDefaults(walk, question);
  return {
    digest: frozen.digest,
    waves: walk.waves,
    criticalPath: walk.path,
    segments: walk.segments,
    endMs: walk.atMs,
    crossing: walk.crossing,
    defaults: walk.defaults,
    leftBehind: frozen.leftBehind,
    notReached: notReached(walk, question),
  };
}
