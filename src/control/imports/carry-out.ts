/** Carries planned lines out, in somebody's transaction: accounts, dirty keys, one outbox row. Shared by import and sync. */
import type { RejectedLine } from "../../contracts/import-port.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { applyAccounts } from "../accounts/apply.ts";
import type { Db } from "../db.ts";
import { markMany, nextSeq } from "../store/changes.ts";
import type { PlannedLine } from "./plan-lines.ts";
import type { Started } from "../store/imports.ts";
import { countStarted } from "./started.ts";

export interface CarriedOut {
  readonly added: number;
  readonly changed: number;
  readonly rejected: readonly RejectedLine[];
  /** Accounts that got a product, by product and version. */
  readonly homes: Started;
  readonly seq: number;
}

/** Writes the changes. @returns how many were added and changed, and which found no group. */
export function carryOut(db: Db, nowMs: EpochMs, changes: readonly PlannedLine[]): CarriedOut {
  const seq = nextSeq(db);
  const { hashes, refused } = applyAccounts(db, { seq, nowMs }, changes);
  if (hashes.length > 0) markMany(db, { seq, nowMs }, { hashes, changes: changes.length - refused.length });
  const lines = new Map(changes.map((change) => [change.planned.slug, change.line]));
  const rejected = refused.map(({ change, reason }) => ({
    line: lines.get(change.planned.slug) ?? 0,
    account: change.planned.slug,
    reason,
  }));
  const added = changes.filter(({ present }) => present === null).length;
  const refusedNew = refused.filter(({ change }) => change.present === null).length;
  return {
    added: added - refusedNew,
    changed: changes.length - added - (refused.length - refusedNew),
    rejected,
    homes: countStarted(changes.filter((change) => !refused.some((one) => one.change === change))),
    seq,
  };
}
