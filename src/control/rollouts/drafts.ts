/**
 * Drafts: a plan that is written down, checked against the world as it is, replaced or forgotten. Nobody moves by it.
 * The salt is drawn here, once: it fixes which accounts go first, so that a plan can name them before the start.
 */
import type { RolloutView } from "../../contracts/api/rollouts.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { RolloutPlan } from "../../contracts/rollout.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { checkPlan, type PlanFindings } from "../../core/rollout/plan-check.ts";
import { adoptionPlan, normalisePlan } from "../../core/rollout/plan-normalise.ts";
import { own } from "../../core/record.ts";
import { createRollout, isTerminal } from "../../core/rollout/state.ts";
import { refuseProducts } from "../access.ts";
import type { Change, Work } from "../commands/work.ts";
import type { Db } from "../db.ts";
import { checkRevision, notFound, refuse } from "../refuse.ts";
import { readText } from "../row.ts";
import { loadActiveReplacements } from "../store/replacements.ts";
import { readMeta } from "../store/meta.ts";
import { deleteRollout, loadRollout, saveRollout, type RolloutRecord } from "../store/rollouts.ts";
import { loadFacts, loadWindowFacts } from "./facts.ts";
import { findRollout } from "./find.ts";
import { viewRollout } from "./view.ts";

type Changed = Result<Change<RolloutView>, Refusal>;

/** Everything that is wrong with a plan in the world as it is, and what is odd about it. */
export function findingsOf(db: Db, plan: RolloutPlan, nowMs: EpochMs): PlanFindings {
  const cohorts = db.rows("SELECT DISTINCT cohort FROM accounts WHERE deleted_at IS NULL ORDER BY cohort");
  const { problems, warnings } = checkPlan(plan, {
    nowMs,
    facts: loadFacts(db),
    windows: loadWindowFacts(db),
    cohorts: cohorts.map((row) => readText(row, "cohort")),
  });
  return {
    problems: [...problems, ...unmeasured(db, plan), ...replacedTargets(db, plan)],
    warnings,
  };
}

/** What takes its place is what accounts would get, and it would hold that replacement in the maps until it has ended. */
function replacedTargets(db: Db, { targets }: RolloutPlan): PlanFindings["problems"] {
  return loadActiveReplacements(db).flatMap(({ state: { plan } }) =>
    own(targets, plan.product) === plan.from
      ? [
          {
            path: ["targets", plan.product],
            message: `${plan.product} ${plan.from} is being replaced by ${plan.to}: target that`,
          },
        ]
      : [],
  );
}

/** Without meters nobody counts requests, so a bake that waits for them would never end: better said before the start. */
function unmeasured(db: Db, plan: RolloutPlan): PlanFindings["problems"] {
  if (readMeta(db, "meters") !== "none") return [];
  const message =
    "this deployment has no METER binding, so requests are not counted and this bake would never end: use minutes and workdays";
  const bakes = [
    ...plan.waves.map(({ bake }, index) => ({ path: ["waves", index, "bake", "requests"], bake })),
    ...(plan.default === null ? [] : [{ path: ["default", "bake", "requests"], bake: plan.default.bake }]),
  ];
  return bakes.flatMap(({ path, bake }) => (bake.requests > 0 ? [{ path, message }] : []));
}

/** @returns null for a plan that may be started, else everything that is wrong with it. */
export function refusePlan(db: Db, plan: RolloutPlan, nowMs: EpochMs): Result<never, Refusal> | null {
  const { problems } = findingsOf(db, plan, nowMs);
  if (problems.length === 0) return null;
  const list = problems.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  return refuse("invalid", `rollout ${plan.id}: ${list}`, { problems });
}

/** Writes a draft down, or replaces it. */
export function createDraft(work: Work, { id, input }: CommandInputs["rollout.create"]): Changed {
  if (input.id !== id) return refuse("invalid", `the plan calls itself ${input.id}, the address says ${id}`);
  return writeDraft(work, normalisePlan(input));
}

function writeDraft(work: Work, plan: RolloutPlan): Changed {
  const { db, nowMs } = work;
  const before = loadRollout(db, plan.id);
  const products = [...Object.keys(plan.targets), ...Object.keys(before?.state.plan.targets ?? {})];
  const refused =
    refuseProducts(work.actor, products) ??
    checkRevision(work.ifMatch, before?.revision ?? 0) ??
    (before === null || before.state.phase === "draft"
      ? null
      : refuse("conflict", `rollout ${plan.id} was started: take another id for another plan`)) ??
    refusePlan(db, plan, nowMs);
  if (refused !== null) return refused;
  const salt = before?.state.salt ?? crypto.randomUUID();
  const record: RolloutRecord = {
    id: plan.id,
    state: createRollout(plan, salt, nowMs),
    revision: (before?.revision ?? work.seq) + 1,
    leftBehind: [],
    groupsSeq: 0,
    splitSeq: 0,
    homes: "untouched",
    homesCursor: "",
    homesSeq: 0,
    by: work.actor.name,
    at: before?.at ?? nowMs,
    endedAt: null,
  };
  saveRollout(db, record);
  const told = {
    target: `rollout/${plan.id}`,
    reason: null,
    detail: { plan, before: before?.state.plan ?? null },
  };
  return ok({ output: viewRollout(db, record), told });
}

/** Forgets a draft. What has begun is kept: it is history. */
export function deleteDraft(work: Work, { id }: CommandInputs["rollout.delete"]): Changed {
  const found = findRollout(work, id);
  if (!found.ok) return found;
  const { state } = found.value;
  if (state.phase !== "draft")
    return refuse(
      "conflict",
      `rollout ${id} is ${state.phase}: only a draft can be deleted; stop it instead`,
    );
  const output = viewRollout(work.db, found.value);
  deleteRollout(work.db, id);
  return ok({ output, told: { target: `rollout/${id}`, reason: null, detail: { plan: state.plan } } });
}

/** A draft that takes whom an ended rollout left behind. */
export function adoptInto(work: Work, { id, from }: CommandInputs["rollout.adopt"]): Changed {
  const ended = loadRollout(work.db, from);
  if (ended === null) return notFound(`rollout ${from}`);
  const refused = refuseProducts(work.actor, Object.keys(ended.state.plan.targets));
  if (refused !== null) return refused;
  if (!isTerminal(ended.state)) {
    return refuse(
      "conflict",
      `rollout ${from} is ${ended.state.phase}: whom it leaves behind is known when it has ended`,
    );
  }
  return writeDraft(work, adoptionPlan(ended.state.plan, id));
}
