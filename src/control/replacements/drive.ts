/**
 * Carries a replacement on: asks the engine, stores what it says and carries its effects out, all in one transaction of
 * the caller. Probes wait for the network in the outbox of rollouts, for `work-on`. Each effect counts once for its
 * number. A version that accounts are on is called live; stable follows at the end, the default never does.
 */
import type { ReplacementEffect } from "../../contracts/replacement.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { isReplacing, replacedOrigins } from "../../core/rollout/replacement-plan.ts";
import type { ReplacementAdvanced } from "../../core/rollout/replacement-state.ts";
import { advanceReplacement } from "../../core/rollout/replacement.ts";
import type { Db } from "../db.ts";
import type { Drive } from "../rollouts/drive.ts";
import { appendAudit } from "../store/audit.ts";
import { markRoot } from "../store/changes.ts";
import { loadProduct, saveProduct } from "../store/products.ts";
import { saveReplacement, stepsKey, type ReplacementRecord } from "../store/replacements.ts";
import { dropWaitingSteps, insertStep, loadActiveRollouts, saveRollout } from "../store/rollouts.ts";
import { loadVersion, saveVersion } from "../store/versions.ts";
import { areHomesOut, observeReplacement } from "./observe.ts";
import { isAnybodyLeft } from "./sweep.ts";

export interface DrivenReplacement {
  readonly record: ReplacementRecord;
  readonly happened: readonly string[];
}

/** Steps without a bake follow each other at one instant: as many as a ramp may have, and its end. */
const MAX_ROUNDS = 30;

/** Goes on to `drive.nowMs`, as far as what is known goes. */
export function driveReplacement(drive: Drive, given: ReplacementRecord): DrivenReplacement {
  const happened: string[] = [];
  let record = sweepAgain(drive, given);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const next = advanceReplacement(record.state, observeReplacement(drive, record));
    const taken = takeReplacement(drive, record, next);
    happened.push(...taken.happened);
    ({ record } = taken);
    if (next.effects.length === 0) break;
  }
  return { record, happened };
}

/** Somebody was put on the old version since the last pass: another one, over what has changed since. */
function sweepAgain({ db, seq }: Drive, record: ReplacementRecord): ReplacementRecord {
  if (!areHomesOut(db, record) || !isAnybodyLeft(db, record)) return record;
  const again: ReplacementRecord = { ...record, homes: "writing", homesCursor: "", passSeq: seq };
  saveReplacement(db, again);
  return again;
}

/** Stores what the engine said and carries its effects out. */
export function takeReplacement(
  drive: Drive,
  before: ReplacementRecord,
  { state, effects }: ReplacementAdvanced,
): DrivenReplacement {
  const turned = state.phase !== before.state.phase || state.stage !== before.state.stage;
  let record: ReplacementRecord = { ...before, state, revision: before.revision + (turned ? 1 : 0) };
  const happened: string[] = [];
  for (const effect of effects) {
    record = carryOut(drive, record, effect);
    if (effect.kind === "publish") happened.push(`replacement ${effect.why}`);
  }
  if (canonicalJson(record) !== canonicalJson(before)) saveReplacement(drive.db, record);
  // A probe that is still out would keep the alarm going for a replacement that nothing asks any more.
  if (!isReplacing(state)) dropWaitingSteps(drive.db, stepsKey(record), drive.nowMs);
  if (!turned) return { record, happened };
  tell(drive, record, {
    action: "replacement.phase",
    reason: state.reason,
    detail: { phase: state.phase, step: state.stage, percent: state.below / 100 },
  });
  if (state.phase !== before.state.phase) {
    const { product, from, to } = state.plan;
    happened.push(`replacement ${product} ${from} → ${to}: ${state.reason}`);
  }
  if (!isReplacing(state) && state.settleAskedMs !== null) leave(drive, record);
  return { record, happened };
}

/** An entry of the audit in the replacement's own name. */
function tell(
  { db, nowMs }: Pick<Drive, "db" | "nowMs">,
  { state: { plan } }: ReplacementRecord,
  what: {
    readonly action: string;
    readonly reason: string | null;
    readonly detail: Readonly<Record<string, unknown>>;
  },
): void {
  const target = `replacement/${plan.product}/${plan.from}`;
  appendAudit(db, { at: nowMs, actor: "replacement", role: "system", target, ...what });
}

function carryOut(drive: Drive, record: ReplacementRecord, effect: ReplacementEffect): ReplacementRecord {
  const { db, nowMs, seq } = drive;
  switch (effect.kind) {
    case "publish": {
      if (record.state.below > 0) makeLive(drive, record);
      markRoot(db, drive);
      const detail = { step: effect.step, percent: record.state.below / 100 };
      tell(drive, record, { action: "replacement.published", reason: effect.why, detail });
      return record;
    }
    case "settle-replacement":
      if (record.state.ending === "completed") moveStable(drive, record);
      return { ...record, homes: "writing", homesCursor: "", passSeq: seq, sweptSeq: 0, homesSeq: seq };
    case "run-preflight":
    case "probe-target":
      insertStep(db, { rollout: stepsKey(record), effect }, nowMs);
      return record;
    case "notify":
      tell(drive, record, {
        action: "replacement.notice",
        reason: effect.text,
        detail: { level: effect.level },
      });
      return record;
  }
}

function makeLive({ db, nowMs }: Drive, { state: { plan } }: ReplacementRecord): void {
  const version = loadVersion(db, plan.product, plan.to);
  if (version?.state !== "candidate") return;
  saveVersion(db, { ...version, state: "live", revision: version.revision + 1 });
  appendAudit(db, {
    at: nowMs,
    actor: "replacement",
    role: "system",
    action: "version.state.set",
    target: `version/${plan.product}/${plan.to}`,
    reason: `it takes the place of ${plan.from}`,
    detail: { before: version.state, after: "live" },
  });
}

/** New accounts would start on what was just replaced. Stable is what they get and nothing else, so this moves nobody. */
function moveStable(drive: Drive, { state: { plan } }: ReplacementRecord): void {
  const { db, nowMs } = drive;
  const product = loadProduct(db, plan.product);
  if (product === null || product.stable !== plan.from) return;
  saveProduct(db, { ...product, stable: plan.to, revision: product.revision + 1 });
  markRoot(db, drive);
  const { default: unknown, standby } = product;
  appendAudit(db, {
    at: nowMs,
    actor: "replacement",
    role: "system",
    action: "product.stable.set",
    target: `product/${plan.product}`,
    reason: `${plan.from} is replaced by ${plan.to}`,
    detail: {
      before: { stable: plan.from, default: unknown, standby },
      after: { stable: plan.to, default: unknown, standby },
    },
  });
}

/** Nobody is at home on the old version any more: rollouts lead back to the new one. The default is somebody's next step. */
function leave(drive: Drive, record: ReplacementRecord): void {
  const { db } = drive;
  const { plan, ending } = record.state;
  for (const rollout of loadActiveRollouts(db)) {
    const state = replacedOrigins(rollout.state, record.state);
    if (state !== rollout.state) saveRollout(db, { ...rollout, state });
  }
  if (ending !== "completed" || !isDefault(db, record)) return;
  tell(drive, record, {
    action: "replacement.notice",
    reason: `the default (unknown accounts) of ${plan.product} is still ${plan.from}: it moves by its own step alone`,
    detail: { level: "ticket" },
  });
}

function isDefault(db: Db, { state: { plan } }: ReplacementRecord): boolean {
  return loadProduct(db, plan.product)?.default === plan.from;
}
