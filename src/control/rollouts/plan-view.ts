/**
 * What a plan would do to the accounts as they are: problems, waves with their dates, whom it leaves behind, and the
 * digest that `rollout.start` can require. Of a rollout that has started: to the accounts that it froze then, so that the
 * plan can be laid behind what came of it. Reads every account once otherwise; changes nothing. Called for `rollout.plan`.
 */
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { Frozen } from "../../contracts/rollout-input.ts";
import type { PlannedWaveView, RolloutPlanView, RolloutQueryInputs } from "../../contracts/rollout-port.ts";
import type { RolloutPlan } from "../../contracts/rollout.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { bucketOf } from "../../core/bucket.ts";
import { createCalendarMemo } from "../../core/calendar/memo.ts";
import { own } from "../../core/record.ts";
import { moveRule } from "../../core/rollout/data/rule.ts";
import { leftBehindReason } from "../../core/rollout/eligible.ts";
import { forecast, type PlannedWave, type RolloutForecast } from "../../core/rollout/plan.ts";
import { normalisePlan } from "../../core/rollout/plan-normalise.ts";
import { targetThreshold, waveThresholds } from "../../core/rollout/thresholds.ts";
import { irreversibleTargets } from "../../core/rollout/versions.ts";
import { fromInstant, fromInstantOrNull, toInstant, toInstantOrNull } from "../clock.ts";
import type { Db } from "../db.ts";
import { crowding } from "../publisher/root-room.ts";
import { notFound } from "../refuse.ts";
import { loadFreezes } from "../store/freezes.ts";
import { loadFrozen, loadRollout, type RolloutRecord } from "../store/rollouts.ts";
import { findingsOf } from "./drafts.ts";
import { loadFacts, loadWindowFacts, readAccounts } from "./facts.ts";
import { freezeNow, type Question } from "./partition.ts";
import { secondPersonWords } from "./second-person.ts";
import { whatIf } from "./what-if.ts";

interface Asked {
  readonly plan: RolloutPlan;
  /** Null: drawn for this answer alone. */
  readonly salt: string | null;
  /** What a rollout that has started froze; null: the accounts as they are. */
  readonly frozen: Frozen | null;
  readonly record: RolloutRecord | null;
}

export function viewPlan(
  db: Db,
  input: RolloutQueryInputs["rollout.plan"],
  nowMs: EpochMs,
): Result<RolloutPlanView, Refusal> {
  const asked = findPlan(db, input);
  if (!asked.ok) return asked;
  const { plan, salt, record } = asked.value;
  const startMs = input.at === null ? nowMs : fromInstant(input.at);
  const found = findingsOf(db, plan, startMs);
  const question = { plan, salt: salt ?? crypto.randomUUID(), nowMs: startMs, again: false };
  const frozen = asked.value.frozen === null ? freezeNow(db, question) : ok(asked.value.frozen);
  if (!frozen.ok) return frozen;
  const facts = loadFacts(db);
  const calendar = { windows: loadWindowFacts(db), freezes: loadFreezes(db), memo: createCalendarMemo() };
  const beforeMs = fromInstantOrNull(input.before);
  const plain = { plan, frozen: frozen.value, facts, startMs, calendar, beforeMs };
  const ahead = forecast(plain);
  const changed = whatIf(db, input.withFreeze ?? null, { question, plain, nowMs });
  if (!changed.ok) return changed;
  const labels =
    input.label === null ? null : countLabels(db, question, { frozen: frozen.value, label: input.label });
  return ok({
    id: plan.id,
    targets: plan.targets,
    digest: ahead.digest,
    salt,
    at: toInstant(startMs),
    problems: [...found.problems, ...crowded(db, asked.value, frozen.value)],
    warnings: [...found.warnings, ...secondPersons(db, plan, record)],
    accounts: frozen.value.groups.reduce((sum, { buckets }) => sum + buckets.length, 0),
    moves: movedIn(ahead),
    groups: frozen.value.groups.length,
    waves: ahead.waves.map((wave, index) => viewWave(wave, labels?.[index] ?? null)),
    criticalPath: ahead.criticalPath.map(({ what, fromMs, untilMs }) => ({
      what,
      from: toInstant(fromMs),
      until: toInstant(untilMs),
    })),
    endAt: toInstantOrNull(ahead.endMs),
    leftBehind: ahead.leftBehind,
    irreversible: irreversibleTargets(facts, plan.targets, startMs),
    notReached: viewNotReached(ahead),
    whatIf: changed.value,
  });
}

function findPlan(db: Db, input: RolloutQueryInputs["rollout.plan"]): Result<Asked, Refusal> {
  if ("input" in input)
    return ok({ plan: normalisePlan(input.input), salt: null, frozen: null, record: null });
  const record = loadRollout(db, input.id);
  if (record === null) return notFound(`rollout ${input.id}`);
  const { plan, salt } = record.state;
  return ok({ plan, salt, frozen: frozenOf(db, record), record });
}

/** What a start would be refused for by the size of the maps; other rollouts may cut the groups finer still. */
function crowded(
  db: Db,
  { plan, salt, frozen: started }: Asked,
  frozen: Frozen,
): RolloutPlanView["problems"] {
  if (started !== null) return [];
  const { holds } = moveRule({ plan, origins: frozen.origins }, loadFacts(db));
  const numbers = frozen.groups.map(({ group }) => group);
  const message = crowding(db, { plan, salt: salt ?? "", numbers, holds });
  return message === null ? [] : [{ path: ["waves"], message }];
}

/** Defaults that will wait for another person. */
function secondPersons(db: Db, plan: RolloutPlan, record: RolloutRecord | null): RolloutPlanView["warnings"] {
  if (plan.default === null) return [];
  return Object.keys(plan.targets).flatMap((product) => {
    const message = secondPersonWords(db, product, record);
    return message === null ? [] : [{ path: ["default"], message }];
  });
}

/** Whom it froze, whoever has moved since; null for a draft, and once that is forgotten. */
function frozenOf(db: Db, { id, state, leftBehind }: RolloutRecord): Frozen | null {
  const groups = state.phase === "draft" ? [] : loadFrozen(db, id);
  const { labelKeys, origins, digest } = state;
  return groups.length === 0 ? null : { groups, labelKeys, origins, leftBehind, digest: digest ?? "" };
}

function viewWave(wave: PlannedWave, labels: PlannedWaveView["labels"]): PlannedWaveView {
  const { name, accounts, threshold, zones, oneWay, warnings } = wave;
  return {
    name,
    accounts,
    threshold,
    startAt: toInstant(wave.startMs),
    shiftedAt: toInstantOrNull(wave.shiftedMs),
    bakedAt: toInstantOrNull(wave.bakedMs),
    zones,
    oneWay,
    warnings,
    labels,
  };
}

/** Accounts of a group that no window opens for are counted in their wave, and do not move. */
function movedIn({ waves }: RolloutForecast): number {
  return waves.reduce((sum, { zones }) => zones.reduce((each, { accounts }) => each + accounts, sum), 0);
}

function viewNotReached({ notReached }: RolloutForecast): RolloutPlanView["notReached"] {
  if (notReached === null) return null;
  const { beforeMs, accounts, zones } = notReached;
  return { before: toInstant(beforeMs), accounts, zones };
}

/** Accounts that each wave moves, by the value of one label. */
function countLabels(
  db: Db,
  { plan, salt, nowMs, again }: Question,
  { frozen, label }: { readonly frozen: Frozen; readonly label: string },
): readonly Readonly<Record<string, number>>[] {
  const thresholds = waveThresholds(plan.waves, frozen.groups);
  const counts = plan.waves.map((): Record<string, number> => ({}));
  const query = { targets: plan.targets, facts: loadFacts(db), nowMs, again };
  for (const { record, facts } of readAccounts(db, nowMs)) {
    if (record.deletedAt !== null || leftBehindReason(facts, query) !== null) continue;
    const bucket = bucketOf(salt, facts.slug);
    const wave = plan.waves.findIndex(
      (_, index) => bucket < targetThreshold(plan.waves, thresholds, { group: facts, wave: index }),
    );
    const found = counts[wave];
    const value = own(facts.labels, label) ?? "";
    if (found !== undefined) found[value] = (own(found, value) ?? 0) + 1;
  }
  return counts;
}
