/** A replacement as the API shows it. Reads only. */
import type { ReplacementView } from "../../contracts/api/replacements.ts";
import { isReplacing } from "../../core/rollout/replacement-plan.ts";
import { toInstant, toInstantOrNull } from "../clock.ts";
import type { Db } from "../db.ts";
import { countHomes } from "../store/home-sets.ts";
import type { ReplacementRecord } from "../store/replacements.ts";
import { defaultWarnings, warningsOf } from "./check.ts";

/** Hundredths of a percent in one. */
const BP_PER_PERCENT = 100;

export function viewReplacement(db: Db, record: ReplacementRecord): ReplacementView {
  const { state } = record;
  const { plan } = state;
  return {
    product: plan.product,
    from: plan.from,
    to: plan.to,
    number: record.number,
    phase: state.phase,
    reason: state.reason,
    nextAt: toInstantOrNull(state.nextAtMs),
    percent: state.below / BP_PER_PERCENT,
    steps: plan.stepsBp.map((step) => step / BP_PER_PERCENT),
    step: state.stage,
    percentPerMinute: plan.paceBpPerMinute === null ? null : plan.paceBpPerMinute / BP_PER_PERCENT,
    bakeMinutes: plan.bakeMinutes,
    throughFreezes: plan.throughFreezes,
    accounts: countHomes(db, plan.product).get(plan.from)?.accounts ?? 0,
    warnings: [...warnings(db, record)],
    why: record.reason,
    by: record.by,
    startedAt: toInstant(record.at),
    endedAt: isReplacing(state) ? null : toInstant(record.endedAt ?? state.clockMs),
    clock: toInstant(state.clockMs),
    salt: state.salt,
    revision: record.revision,
  };
}

/** Of one that is over only what is left to do. */
function warnings(db: Db, { state }: ReplacementRecord): readonly string[] {
  if (isReplacing(state)) return warningsOf(db, state.plan, state.clockMs);
  return state.phase === "completed" ? defaultWarnings(db, state.plan) : [];
}
