/**
 * Everything that is wrong with a plan in the world as it is, and what is odd about it. Problems refuse; warnings are
 * shown. All of them are listed, never only the first. Pure; called by control when a rollout is created, planned and
 * started (the world may have changed in between). Design §5.
 */
import { SETTLE_TIMES } from "../../contracts/move-data.ts";
import { windowListProblems, type Window } from "../../contracts/calendar.ts";
import type { Facts } from "../../contracts/rollout-input.ts";
import type { PlanWindow, RolloutPlan } from "../../contracts/rollout.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { nextOpening, isOpen } from "../calendar/openings.ts";
import { own } from "../record.ts";
import { ANY_COHORT, WHOLE_BP } from "./thresholds.ts";
import { batchSize, callMs, resolveDataPlan, undoMs } from "./data/times.ts";
import { irreversibleTargets, pairProblem, targetProblem, versionFacts } from "./versions.ts";

export interface PlanWorld {
  readonly nowMs: EpochMs;
  readonly facts: Facts;
  readonly windows: Readonly<Record<string, readonly Window[]>>;
  /** Cohorts that accounts have. */
  readonly cohorts: readonly string[];
}

export interface PlanProblem {
  /** `["waves", 1, "window"]` */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface PlanFindings {
  readonly problems: readonly PlanProblem[];
  readonly warnings: readonly PlanProblem[];
}

type Path = PlanProblem["path"];

function problem(path: Path, message: string): PlanProblem {
  return { path, message };
}

function windowProblems(window: PlanWindow | null, path: Path, world: PlanWorld): PlanProblem[] {
  if (window === null) return [];
  if (window.name !== null) {
    const stored = own(world.windows, window.name);
    return stored === undefined ? [problem(path, `there is no window "${window.name}"`)] : [];
  }
  return windowListProblems(window.own).map((found) => problem([...path, ...found.path], found.message));
}

/** The default belongs to no account, so its window needs a zone of its own. */
function defaultProblems({ default: step }: RolloutPlan, world: PlanWorld): PlanProblem[] {
  if (step === null) return [];
  const path = ["default", "window"];
  if (step.window === null)
    return [problem(path, "is needed: the default moves in working hours, never by itself at night")];
  const found = windowProblems(step.window, path, world);
  if (found.length > 0) return found;
  const windows = step.window.name === null ? step.window.own : (own(world.windows, step.window.name) ?? []);
  if (windows.some(({ zone }) => zone === "account")) {
    return [problem(path, "must name a fixed zone: the default belongs to no account")];
  }
  const query = { windows, accountZone: null };
  return isOpen(query, world.nowMs) || nextOpening(query, world.nowMs) !== null
    ? []
    : [problem(path, "does not open within 400 days")];
}

function targetProblems({ targets }: RolloutPlan, { facts }: PlanWorld): PlanProblem[] {
  const found = Object.entries(targets).flatMap(([product, version]) => {
    const message = targetProblem(facts, product, version);
    return message === null ? [] : [problem(["targets", product], message)];
  });
  const pair = pairProblem(facts, targets);
  return pair === null ? found : [...found, problem(["targets"], pair)];
}

/** Hooks that cannot be called for one account within the longest hold would move nobody, ever. */
function hookProblems(plan: RolloutPlan, { facts }: PlanWorld): PlanProblem[] {
  return Object.entries(plan.targets).flatMap(([product, version]) => {
    const migration = versionFacts(facts, product, version)?.data?.migration ?? { kind: "none" };
    if (migration.kind === "none") return [];
    const hooks = { [product]: migration };
    if (batchSize(plan, hooks, { leftMs: Infinity, settle: SETTLE_TIMES }) > 0) return [];
    const seconds = Math.round((callMs(hooks, 1) + undoMs(hooks, 1)) / 1000);
    const most = Math.round(resolveDataPlan(plan).maxHoldMs / 1000);
    const message = `${product} ${version}: its hooks may take ${seconds} s for one account, and the plan holds for ${most} s at most`;
    return [problem(["targets", product], message)];
  });
}

function waveProblems({ waves }: RolloutPlan, world: PlanWorld): PlanProblem[] {
  return waves.flatMap((wave, index) => {
    const path: Path = ["waves", index];
    const unknown = wave.cohorts.filter((name) => name !== ANY_COHORT && !world.cohorts.includes(name));
    const same = waves.findIndex(({ name }) => name === wave.name);
    const earlier = waves
      .slice(0, index)
      .filter((other) => other.cohorts.join() === wave.cohorts.join() && other.shareBp > wave.shareBp);
    return [
      ...unknown.map((name) => problem([...path, "cohorts"], `no account is of cohort "${name}"`)),
      ...(same < index
        ? [problem([...path, "name"], `"${wave.name}" is the name of wave ${same} as well`)]
        : []),
      ...earlier.map(({ name }) =>
        problem(
          [...path, "percent"],
          `is less than that of wave "${name}" of the same cohorts: percents are cumulative`,
        ),
      ),
      ...windowProblems(wave.window, [...path, "window"], world),
    ];
  });
}

function warningsOf(plan: RolloutPlan, world: PlanWorld): PlanProblem[] {
  const oneWay = irreversibleTargets(world.facts, plan.targets, world.nowMs);
  const last = plan.waves.at(-1);
  const whole = last?.shareBp === WHOLE_BP && last.cohorts.includes(ANY_COHORT);
  const redundant = plan.waves.flatMap((wave, index) =>
    plan.waves
      .slice(0, index)
      .some((other) => other.shareBp === WHOLE_BP && covers(other.cohorts, wave.cohorts))
      ? [problem(["waves", index], `moves nobody: an earlier wave has moved all of its cohorts`)]
      : [],
  );
  return [
    ...oneWay.map((name) =>
      problem(["targets"], `${name} is not declared reversible: nothing rolls back by itself`),
    ),
    ...(whole
      ? []
      : [problem(["waves"], "the last wave is not 100 % of every cohort: the others keep their version")]),
    ...redundant,
  ];
}

function covers(wide: readonly string[], narrow: readonly string[]): boolean {
  return wide.includes(ANY_COHORT) || narrow.every((name) => wide.includes(name));
}

/** Checks a plan. It may be started when `problems` is empty. Waves that move nobody are found by `plan`, with accounts. */
export function checkPlan(plan: RolloutPlan, world: PlanWorld): PlanFindings {
  const waves = plan.waves.length === 0 ? [problem(["waves"], "needs at least one wave")] : [];
  return {
    problems: [
      ...targetProblems(plan, world),
      ...hookProblems(plan, world),
      ...waves,
      ...waveProblems(plan, world),
      ...defaultProblems(plan, world),
    ],
    warnings: warningsOf(plan, world),
  };
}
