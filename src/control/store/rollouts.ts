/**
 * Rollouts as they are stored: the engine's state, what it froze, its outbox of effects. Reads and writes rows; decides
 * nothing. The state is JSON that this file alone writes, so its type is known when it is read.
 */
import type { LeftBehind, RolloutEffect } from "../../contracts/rollout-input.ts";
import type { FrozenGroup, GroupKey, RolloutState } from "../../contracts/rollout.ts";
import type { AccountSlug, EpochMs } from "../../contracts/units.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { isActive, isTerminal } from "../../core/rollout/state.ts";
import type { Db, SqlRow } from "../db.ts";
import { parseTexts, readInt, readIntOrNull, readText } from "../row.ts";

/** Where the writing of homes is. */
export type HomesStage = "untouched" | "writing" | "written" | "restoring" | "restored";

export interface RolloutRecord {
  readonly id: string;
  readonly state: RolloutState;
  readonly revision: number;
  /** Of the start. */
  readonly leftBehind: readonly LeftBehind[];
  /** The change with which account rows got the groups of the start. */
  readonly groupsSeq: number;
  /** The change with which rows got the groups that a rollback by label needs; 0: none. */
  readonly splitSeq: number;
  readonly homes: HomesStage;
  /** Accounts up to this slug are done. */
  readonly homesCursor: AccountSlug;
  /** The last change of homes. */
  readonly homesSeq: number;
  readonly by: string;
  readonly at: EpochMs;
  readonly endedAt: EpochMs | null;
}

const COLUMNS =
  "id, state, active, revision, left_behind, groups_seq, split_seq, homes, homes_cursor, homes_seq, made_by, made_at, ended_at";
/** Two bytes a bucket: 400 kB a part. */
const PART_BUCKETS = 200_000;

export function saveRollout(db: Db, record: RolloutRecord): void {
  db.run(
    `INSERT OR REPLACE INTO rollouts (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    record.id,
    JSON.stringify(record.state),
    isActive(record.state) ? 1 : 0,
    record.revision,
    JSON.stringify(record.leftBehind),
    record.groupsSeq,
    record.splitSeq,
    record.homes,
    record.homesCursor,
    record.homesSeq,
    record.by,
    record.at,
    isTerminal(record.state) ? (record.endedAt ?? record.state.clockMs) : null,
  );
}

export function loadRollout(db: Db, id: string): RolloutRecord | null {
  const row = db.rows(`SELECT ${COLUMNS} FROM rollouts WHERE id = ?`, id)[0];
  return row === undefined ? null : toRecord(row);
}

/** All of them, newest first. */
export function loadRollouts(db: Db): readonly RolloutRecord[] {
  return db.rows(`SELECT ${COLUMNS} FROM rollouts ORDER BY made_at DESC, id DESC`).map(toRecord);
}

/** Those that have a place in the maps, in order of their ids. */
export function loadActiveRollouts(db: Db): readonly RolloutRecord[] {
  return db.rows(`SELECT ${COLUMNS} FROM rollouts WHERE active = 1 ORDER BY id`).map(toRecord);
}

/** Whether groups of accounts are frozen now. */
export function hasActiveRollout(db: Db): boolean {
  return db.rows("SELECT 1 FROM rollouts WHERE active = 1 LIMIT 1").length > 0;
}

export function deleteRollout(db: Db, id: string): void {
  db.run("DELETE FROM rollouts WHERE id = ?", id);
  for (const table of [
    "rollout_groups",
    "rollout_buckets",
    "rollout_steps",
    "rollout_homes",
    "left_behind",
    "rollout_tallies",
    "gate_signals",
    "gate_quarantines",
    "gate_verdicts",
    "gate_points",
  ])
    db.run(`DELETE FROM ${table} WHERE rollout = ?`, id);
}

function toRecord(row: SqlRow): RolloutRecord {
  return {
    id: readText(row, "id"),
    state: JSON.parse(readText(row, "state")) as RolloutState,
    revision: readInt(row, "revision"),
    leftBehind: JSON.parse(readText(row, "left_behind")) as readonly LeftBehind[],
    groupsSeq: readInt(row, "groups_seq"),
    splitSeq: readInt(row, "split_seq"),
    homes: toStage(readText(row, "homes")),
    homesCursor: readText(row, "homes_cursor"),
    homesSeq: readInt(row, "homes_seq"),
    by: readText(row, "made_by"),
    at: readInt(row, "made_at"),
    endedAt: readIntOrNull(row, "ended_at"),
  };
}

const STAGES: readonly HomesStage[] = ["untouched", "writing", "written", "restoring", "restored"];

function toStage(text: string): HomesStage {
  const stage = STAGES.find((known) => known === text);
  if (stage === undefined) throw new TypeError(`homes cannot be ${text}`);
  return stage;
}

/** Groups in the order of the state's columns. Read twice a tick, so by columns and not by names. */
export function loadFrozen(db: Db, rollout: string): readonly FrozenGroup[] {
  const parts = loadParts(db, rollout);
  return db
    .raw(
      "SELECT position, number, identity, labels FROM rollout_groups WHERE rollout = ? ORDER BY position",
      rollout,
    )
    .map((columns) => {
      const [position, group, identity, labels] = columns as GroupColumns;
      const { cohort, zone, window, cell, variant } = JSON.parse(identity) as GroupKey;
      const buckets = joinBuckets(parts.get(position) ?? []);
      const known = labels === null ? null : parseTexts(labels);
      return { cohort, zone, window, cell, variant, group, labels: known, buckets };
    });
}

// Written by this file alone.
type GroupColumns = readonly [position: number, number: number, identity: string, labels: string | null];
type PartColumns = readonly [position: number, buckets: ArrayBuffer | Uint8Array];

/** Buckets by the position of their group, in parts as they are stored. */
function loadParts(db: Db, rollout: string): ReadonlyMap<number, readonly Uint16Array[]> {
  const parts = new Map<number, Uint16Array[]>();
  for (const columns of db.raw(
    "SELECT position, buckets FROM rollout_buckets WHERE rollout = ? ORDER BY position, part",
    rollout,
  )) {
    const [position, buckets] = columns as PartColumns;
    const part = toBuckets(buckets);
    const before = parts.get(position);
    if (before === undefined) parts.set(position, [part]);
    else before.push(part);
  }
  return parts;
}

/** As they lie in memory: everything that runs this is little-endian, so an export can be read on another machine. */
function toBuckets(bytes: ArrayBuffer | Uint8Array): Uint16Array {
  return new Uint16Array(bytes instanceof Uint8Array ? bytes.slice().buffer : bytes);
}

function joinBuckets(parts: readonly Uint16Array[]): Uint16Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const buckets = new Uint16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    buckets.set(part, at);
    at += part.length;
  }
  return buckets;
}

/** A copy of their own, since those of a group may be a part of more. */
function toBytes(buckets: Uint16Array): Uint8Array {
  return new Uint8Array(buckets.slice().buffer);
}

/** Replaces what a rollout has frozen. */
export function saveFrozen(db: Db, rollout: string, frozen: readonly FrozenGroup[]): void {
  db.run("DELETE FROM rollout_groups WHERE rollout = ?", rollout);
  db.run("DELETE FROM rollout_buckets WHERE rollout = ?", rollout);
  for (const [position, group] of frozen.entries()) {
    const { cohort, zone, window, cell, variant, labels, buckets } = group;
    db.run(
      "INSERT INTO rollout_groups (rollout, position, number, identity, labels, accounts) VALUES (?, ?, ?, ?, ?, ?)",
      rollout,
      position,
      group.group,
      canonicalJson({ cohort, zone, window, cell, variant }),
      labels === null ? null : canonicalJson(labels),
      buckets.length,
    );
    for (let from = 0, part = 0; from < buckets.length; from += PART_BUCKETS, part += 1) {
      db.run(
        "INSERT INTO rollout_buckets (rollout, position, part, buckets) VALUES (?, ?, ?, ?)",
        rollout,
        position,
        part,
        toBytes(buckets.subarray(from, from + PART_BUCKETS)),
      );
    }
  }
}

export interface StepRecord {
  readonly rollout: string;
  readonly effect: RolloutEffect;
}

/** Writes an effect down. @returns false when its step was written before: then it has been taken care of. */
export function insertStep(db: Db, { rollout, effect }: StepRecord, at: EpochMs): boolean {
  if (db.rows("SELECT 1 FROM rollout_steps WHERE rollout = ? AND step = ?", rollout, effect.step).length > 0)
    return false;
  db.run(
    "INSERT INTO rollout_steps (rollout, step, effect, asked_at, done_at, outcome) VALUES (?, ?, ?, ?, NULL, NULL)",
    rollout,
    effect.step,
    JSON.stringify(effect),
    at,
  );
  return true;
}

export function finishStep(
  db: Db,
  of: { readonly rollout: string; readonly step: number },
  done: { readonly at: EpochMs; readonly outcome: string },
): void {
  db.run(
    "UPDATE rollout_steps SET done_at = ?, outcome = ? WHERE rollout = ? AND step = ?",
    done.at,
    done.outcome,
    of.rollout,
    of.step,
  );
}

/** Nobody waits any more for what an ended rollout or replacement asked for. */
export function dropWaitingSteps(db: Db, rollout: string, at: EpochMs): void {
  db.run(
    "UPDATE rollout_steps SET done_at = ?, outcome = 'it has ended' WHERE rollout = ? AND done_at IS NULL",
    at,
    rollout,
  );
}

/** Effects that nobody has carried out yet, of rollouts and replacements, in order. */
export function loadWaitingSteps(db: Db): readonly StepRecord[] {
  return db
    .rows("SELECT rollout, effect FROM rollout_steps WHERE done_at IS NULL ORDER BY rollout, step")
    .map((row) => ({
      rollout: readText(row, "rollout"),
      effect: JSON.parse(readText(row, "effect")) as RolloutEffect,
    }));
}
