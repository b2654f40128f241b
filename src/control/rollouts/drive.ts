/**
 * Carries a rollout on: asks the engine, stores what it says, writes its effects into the outbox and carries out those
 * that are writes of ours, all in one transaction of the caller. Effects that wait for the network are left in the outbox
 * for `run-steps`. Each effect counts once for its number, so the same tick twice does nothing twice.
 */
import type { Advanced, RolloutEffect } from "../../contracts/rollout-input.ts";
import type { FrozenGroup, RolloutState } from "../../contracts/rollout.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { CalendarMemo } from "../../core/calendar/memo.ts";
import { own } from "../../core/record.ts";
import { advance } from "../../core/rollout/advance.ts";
import { movedAccounts } from "../../core/rollout/groups.ts";
import { isTerminal } from "../../core/rollout/state.ts";
import { splitDone } from "../../core/rollout/rollback.ts";
import { writeBad } from "../commands/version-bad.ts";
import type { Db } from "../db.ts";
import { putBackAlone } from "../gates/put-back.ts";
import { carryOutOrder, elapseUnits } from "../data/orders.ts";
import { appendAudit } from "../store/audit.ts";
import { markRoot } from "../store/changes.ts";
import { takeDefaultRequest } from "../store/four-eyes.ts";
import { savePublish } from "../store/data-moves.ts";
import { loadProduct, saveProduct } from "../store/products.ts";
import {
  dropWaitingSteps,
  finishStep,
  insertStep,
  loadFrozen,
  saveFrozen,
  saveRollout,
  type RolloutRecord,
} from "../store/rollouts.ts";
import { loadVersion, saveVersion } from "../store/versions.ts";
import { isOut } from "../publisher/is-out.ts";
import { takeKeptBack } from "./kept-homes.ts";
import { observe } from "./observe.ts";
import { splitByLabels } from "./split-labels.ts";
import { beginTally } from "./tally.ts";

export interface Drive {
  readonly db: Db;
  readonly seq: number;
  readonly nowMs: EpochMs;
  readonly memo: CalendarMemo;
  /** Groups of the rollout at hand, where they have been read already. */
  readonly frozen?: readonly FrozenGroup[];
}

export interface Driven {
  readonly record: RolloutRecord;
  readonly happened: readonly string[];
}

/** Effects that leave the groups of a rollout as they are: they are read once then, and are most of what a tick reads. */
const LEAVE_GROUPS: ReadonlySet<RolloutEffect["kind"]> = new Set([
  "publish",
  "notify",
  "run-preflight",
  "probe-target",
  "set-default",
]);

/** Observations that effects brought may have something to say at the same instant; a bug beyond this many. */
const MAX_ROUNDS = 8;

/** Goes on to `drive.nowMs`, as far as what is known goes. */
export function advanceRollout(drive: Drive, given: RolloutRecord): Driven {
  const { db, nowMs, memo } = drive;
  const happened: string[] = [];
  let record = splitIsOut(drive, given);
  elapseUnits(db, record, nowMs);
  let frozen = loadFrozen(db, record.id);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const next = advance(record.state, observe(db, record, { nowMs, frozen, memo }));
    happened.push(...next.happened.map((what) => `rollout ${record.id}: ${what}`));
    record = takeAdvanced({ ...drive, frozen }, record, next);
    if (next.effects.length === 0) break;
    if (!next.effects.every(({ kind }) => LEAVE_GROUPS.has(kind))) frozen = loadFrozen(db, record.id);
  }
  return { record, happened };
}

/** A rollback by label waits until the published shards have the accounts in groups of their own. */
function splitIsOut({ db }: Drive, record: RolloutRecord): RolloutRecord {
  const waits = record.state.rollback?.stage === "splitting" && record.splitSeq > 0;
  if (!waits || !isOut(db, record.splitSeq)) return record;
  return { ...record, splitSeq: 0, state: splitDone(record.state, loadFrozen(db, record.id)) };
}

/** Stores what the engine said and carries its effects out. */
export function takeAdvanced(drive: Drive, before: RolloutRecord, advanced: Advanced): RolloutRecord {
  const { db, nowMs } = drive;
  const { state, effects } = advanced;
  const turned = state.phase !== before.state.phase || state.wave !== before.state.wave;
  let record: RolloutRecord = { ...before, state, revision: before.revision + (turned ? 1 : 0) };
  if (isChanged(record, before)) saveRollout(db, record);
  for (const effect of effects) {
    if (!insertStep(db, { rollout: record.id, effect }, nowMs)) continue;
    const done = carryOut(drive, record, effect);
    if (done === null) continue;
    if (done.record !== record) saveRollout(db, done.record);
    ({ record } = done);
    finishStep(db, { rollout: record.id, step: effect.step }, { at: nowMs, outcome: done.outcome });
  }
  // A probe that is still out would keep the alarm going for a rollout that nothing asks any more.
  if (isTerminal(record.state)) dropWaitingSteps(db, record.id, nowMs);
  if (isOver(before.state, record.state)) {
    if (record.state.phase === "rolled-back") takeKeptBack(db, drive, record);
    beginTally(db, record.id);
  }
  if (turned) tellPhase(drive, record);
  return record;
}

/** Members in another order would count as a change, and cost a row written for nothing; the engine keeps their order. */
function isChanged(record: RolloutRecord, before: RolloutRecord): boolean {
  return JSON.stringify(record) !== JSON.stringify(before);
}

/** A rollback or a rollout that had begun has come to its end: who was moved back and left behind is to be noted. */
function isOver(before: RolloutState, after: RolloutState): boolean {
  const back = before.rollback !== null && after.rollback === null;
  return after.startedMs !== null && (back || (isTerminal(after) && !isTerminal(before)));
}

function tellPhase({ db, nowMs }: Drive, { id, state }: RolloutRecord): void {
  const { phase, cause, reason, wave } = state;
  tell({ db, nowMs }, id, { action: "rollout.phase", reason, detail: { phase, cause, wave } });
}

/** An entry of the audit in the rollout's own name. */
export function tell(
  { db, nowMs }: Pick<Drive, "db" | "nowMs">,
  id: string,
  what: {
    readonly action: string;
    readonly reason: string | null;
    readonly detail: Readonly<Record<string, unknown>>;
  },
): void {
  appendAudit(db, { at: nowMs, actor: "rollout", role: "system", target: `rollout/${id}`, ...what });
}

interface Done {
  readonly record: RolloutRecord;
  readonly outcome: string;
}

/** Null: it waits for the network, and `run-steps` carries it out. */
function carryOut(drive: Drive, record: RolloutRecord, effect: RolloutEffect): Done | null {
  switch (effect.kind) {
    case "publish":
      return publish(drive, record, effect);
    case "mark-bad":
      return { record, outcome: markBad(drive, record, effect) };
    case "run-preflight":
    case "probe-target":
      return null;
    case "set-default":
      return setDefault(drive, record, effect);
    case "settle-homes":
      // Asked again while it is under way: it goes on where it is.
      return record.homes === "writing"
        ? { record, outcome: "under way" }
        : { record: { ...record, homes: "writing", homesCursor: "", homesSeq: drive.seq }, outcome: "begun" };
    case "restore-homes":
      return {
        record: { ...record, homes: "restoring", homesCursor: "", homesSeq: drive.seq },
        outcome: "begun",
      };
    case "quarantine":
      return { record, outcome: putBackAlone(drive, record, effect) };
    case "split-groups":
      return { record: splitByLabels(drive, record, effect.where.labels ?? {}), outcome: "split" };
    case "data":
      return carryOutOrder(drive.db, drive, { record, what: effect.what });
    case "notify":
      tell(drive, record.id, {
        action: "rollout.notice",
        reason: effect.text,
        detail: { level: effect.level },
      });
      return { record, outcome: "told" };
  }
}

type Effect<K extends RolloutEffect["kind"]> = Extract<RolloutEffect, { kind: K }>;

/** Thresholds go out with the next root. Who counts on a version that accounts are on calls it live. */
function publish(drive: Drive, record: RolloutRecord, { why, step }: Effect<"publish">): Done {
  const { db } = drive;
  const { state } = record;
  if (state.groups.moved.some((threshold) => threshold > 0)) makeLive(drive, record);
  markRoot(db, drive);
  savePublish(db, { rollout: record.id, step, seq: drive.seq });
  const frozen = drive.frozen ?? loadFrozen(db, record.id);
  const detail = { step, wave: state.wave, moved: movedAccounts(state, frozen) };
  tell(drive, record.id, { action: "rollout.published", reason: why, detail });
  return { record, outcome: "marked" };
}

function makeLive(drive: Drive, { id, state }: RolloutRecord): void {
  const { db, nowMs } = drive;
  for (const [product, name] of Object.entries(state.plan.targets)) {
    const version = loadVersion(db, product, name);
    if (version?.state !== "candidate") continue;
    saveVersion(db, { ...version, state: "live", revision: version.revision + 1 });
    appendAudit(db, {
      at: nowMs,
      actor: "rollout",
      role: "system",
      action: "version.state.set",
      target: `version/${product}/${name}`,
      reason: `rollout ${id} moves accounts to it`,
      detail: { before: version.state, after: "live" },
    });
  }
}

/** A version that failed; the word of whoever marked it before stays. */
function markBad(
  drive: Drive,
  { id }: RolloutRecord,
  { product, version: name, reason }: Effect<"mark-bad">,
): string {
  const version = loadVersion(drive.db, product, name);
  if (version === null || version.bad !== null) return version === null ? "not there" : "it was before";
  writeBad(drive, version, { reason, by: `rollout/${id}` });
  appendAudit(drive.db, {
    at: drive.nowMs,
    actor: "rollout",
    role: "system",
    action: "version.bad.mark",
    target: `version/${product}/${name}`,
    reason,
    detail: { rollout: id },
  });
  return "marked";
}

function setDefault(
  drive: Drive,
  record: RolloutRecord,
  { product: name, expected, to }: Effect<"set-default">,
): Done {
  const { db, nowMs } = drive;
  const product = loadProduct(db, name);
  if (product === null || product.default !== expected) {
    return { record, outcome: `the default is ${product?.default ?? "not there"}, not ${expected}` };
  }
  saveProduct(db, { ...product, default: to.default, standby: to.standby, revision: product.revision + 1 });
  markRoot(db, drive);
  const ended = takeDefaultRequest(db, name);
  appendAudit(db, {
    at: nowMs,
    actor: "rollout",
    role: "system",
    action: "product.default.set",
    target: `product/${name}`,
    reason: `rollout ${record.id}`,
    detail: {
      before: { stable: product.stable, default: product.default, standby: product.standby },
      after: { stable: product.stable, ...to },
      target: own(record.state.plan.targets, name) ?? null,
      ...(ended === null ? {} : { ended: { version: ended.version, askedBy: ended.askedBy } }),
    },
  });
  return { record, outcome: "set" };
}

/** Stores a rollout with what it froze. */
export function saveWhole(db: Db, record: RolloutRecord, frozen: readonly FrozenGroup[]): void {
  saveRollout(db, record);
  saveFrozen(db, record.id, frozen);
}
