/**
 * Replacements as they are stored: the engine's state and how far the writing of homes is. Reads and writes rows; decides
 * nothing. The state is JSON that this file alone writes, so its type is known when it is read.
 */
import type { ReplacementState } from "../../contracts/replacement.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { isReplacing } from "../../core/rollout/replacement-plan.ts";
import type { Db, SqlRow } from "../db.ts";
import { readInt, readIntOrNull, readText } from "../row.ts";

/** Where the writing of homes is. */
export type SweepStage = "untouched" | "writing" | "written";

export interface ReplacementRecord {
  /** Counts the replacements of this version. */
  readonly number: number;
  readonly state: ReplacementState;
  readonly revision: number;
  /** Why it was begun. */
  readonly reason: string;
  readonly homes: SweepStage;
  /** Accounts up to this slug are done in this pass. */
  readonly homesCursor: AccountSlug;
  /** The change with which this pass began. */
  readonly passSeq: number;
  /** Accounts that have not changed since this change are done. */
  readonly sweptSeq: number;
  /** The last change of homes, pins or quarantines. */
  readonly homesSeq: number;
  readonly by: string;
  readonly at: EpochMs;
  readonly endedAt: EpochMs | null;
}

const COLUMNS =
  "product, source, number, state, active, revision, reason, homes, homes_cursor, pass_seq, swept_seq, homes_seq, made_by, made_at, ended_at";

export function saveReplacement(db: Db, record: ReplacementRecord): void {
  const { state } = record;
  const active = isReplacing(state);
  db.run(
    `INSERT OR REPLACE INTO replacements (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    state.plan.product,
    state.plan.from,
    record.number,
    JSON.stringify(state),
    active ? 1 : 0,
    record.revision,
    record.reason,
    record.homes,
    record.homesCursor,
    record.passSeq,
    record.sweptSeq,
    record.homesSeq,
    record.by,
    record.at,
    active ? null : (record.endedAt ?? state.clockMs),
  );
}

/** The newest replacement of a version: the active one, if there is one. */
export function loadReplacement(
  db: Db,
  { product, from }: { readonly product: ProductName; readonly from: VersionName },
): ReplacementRecord | null {
  const row = db.rows(
    `SELECT ${COLUMNS} FROM replacements WHERE product = ? AND source = ? ORDER BY number DESC LIMIT 1`,
    product,
    from,
  )[0];
  return row === undefined ? null : toRecord(row);
}

/** Those of a product, newest first; the ended ones too. */
export function loadReplacements(db: Db, product: ProductName): readonly ReplacementRecord[] {
  return db
    .rows(
      `SELECT ${COLUMNS} FROM replacements WHERE product = ? ORDER BY made_at DESC, source DESC, number DESC`,
      product,
    )
    .map(toRecord);
}

/** Those that have a place in the maps or wait for one, in a fixed order. */
export function loadActiveReplacements(db: Db): readonly ReplacementRecord[] {
  return db
    .rows(`SELECT ${COLUMNS} FROM replacements WHERE active = 1 ORDER BY product, source`)
    .map(toRecord);
}

export function hasActiveReplacement(db: Db): boolean {
  return db.rows("SELECT 1 FROM replacements WHERE active = 1 LIMIT 1").length > 0;
}

/** Under which its effects wait; no rollout's id has a slash. */
export function stepsKey({ number, state: { plan } }: Pick<ReplacementRecord, "number" | "state">): string {
  return `replacement/${plan.product}/${plan.from}/${number}`;
}

const STAGES: readonly SweepStage[] = ["untouched", "writing", "written"];

function toRecord(row: SqlRow): ReplacementRecord {
  const homes = STAGES.find((known) => known === readText(row, "homes"));
  if (homes === undefined) throw new TypeError(`homes cannot be ${readText(row, "homes")}`);
  return {
    number: readInt(row, "number"),
    state: JSON.parse(readText(row, "state")) as ReplacementState,
    revision: readInt(row, "revision"),
    reason: readText(row, "reason"),
    homes,
    homesCursor: readText(row, "homes_cursor"),
    passSeq: readInt(row, "pass_seq"),
    sweptSeq: readInt(row, "swept_seq"),
    homesSeq: readInt(row, "homes_seq"),
    by: readText(row, "made_by"),
    at: readInt(row, "made_at"),
    endedAt: readIntOrNull(row, "ended_at"),
  };
}
