/**
 * Which accounts the root carries itself because their shard is not out yet: pins, quarantine and holds must not wait
 * a minute. Bounded in rows and bytes; who does not fit waits for the shard. An account that the last root carried is
 * never dropped before its shard is out, since it would fall back to its old row: if its new rows do not fit, its old
 * ones stay. Reads only.
 */
import { MAX_URGENT_BYTES, MAX_URGENT_ROWS } from "../../contracts/limits.ts";
import type { AccountRow, Root } from "../../contracts/maps.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { rowToJson } from "../../core/maps/row-json.ts";
import type { Db } from "../db.ts";
import { readInt, readIntOrNull, readText } from "../row.ts";
import type { IncludedAccount } from "../store/roots.ts";
import { createRowSource } from "./rows.ts";

export interface UrgentPlan {
  readonly rows: readonly AccountRow[];
  readonly included: readonly IncludedAccount[];
}

interface Candidate extends IncludedAccount {
  /** Change that the last root showed of it; null: not in the last root. */
  readonly publishedSeq: number | null;
}

interface Parcel {
  readonly included: IncludedAccount;
  readonly rows: readonly AccountRow[];
  readonly bytes: number;
}

/** Brackets of the list; each row brings its own comma. */
const LIST_BYTES = 2;

/**
 * Chooses the urgent rows of the next root.
 * @param shardSeq changes up to this one are in the shards that the root will name.
 * @param held the root that is out.
 */
export function planUrgent(db: Db, shardSeq: number, held: Root | null): UrgentPlan {
  const candidates = loadCandidates(db, shardSeq);
  if (candidates.length === 0) return { rows: [], included: [] };
  const source = createRowSource(db);
  const chosen = new Map<string, Parcel>();
  for (const { account, publishedSeq } of candidates) {
    const rows = held?.urgent.filter((row) => row.slug === account) ?? [];
    const olderThanShard = publishedSeq === null || publishedSeq <= shardSeq;
    if (!olderThanShard && rows.length > 0)
      chosen.set(account, toParcel({ account, seq: publishedSeq }, rows));
  }
  for (const { account, seq } of candidates) {
    const parcel = toParcel({ account, seq }, source.ofAccount(account));
    if (fits(chosen, parcel)) chosen.set(account, parcel);
  }
  const parcels = [...chosen.values()];
  return {
    rows: parcels.flatMap(({ rows }) => rows).toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    included: parcels.map(({ included }) => included),
  };
}

/** True when the root is not yet showing the latest of some account that it could show. */
export function isUrgentNewer(plan: UrgentPlan, db: Db): boolean {
  const shown = new Map(
    db
      .rows("SELECT account, published_seq FROM urgent WHERE published_seq IS NOT NULL")
      .map((row) => [readText(row, "account"), readInt(row, "published_seq")]),
  );
  return plan.included.some(({ account, seq }) => (shown.get(account) ?? -1) < seq);
}

function loadCandidates(db: Db, shardSeq: number): readonly Candidate[] {
  return db
    .rows(
      `SELECT account, seq, published_seq FROM urgent WHERE seq > ?1
       ORDER BY published_seq IS NULL, seq LIMIT ?2`,
      shardSeq,
      MAX_URGENT_ROWS * 2,
    )
    .map((row) => ({
      account: readText(row, "account"),
      seq: readInt(row, "seq"),
      publishedSeq: readIntOrNull(row, "published_seq"),
    }));
}

function toParcel(included: IncludedAccount, rows: readonly AccountRow[]): Parcel {
  const bytes = rows.reduce((sum, row) => sum + canonicalJson(rowToJson(row)).length + 1, 0);
  return { included, rows, bytes };
}

function fits(chosen: ReadonlyMap<string, Parcel>, parcel: Parcel): boolean {
  let rows = parcel.rows.length;
  let bytes = parcel.bytes + LIST_BYTES;
  for (const [account, other] of chosen) {
    if (account === parcel.included.account) continue;
    rows += other.rows.length;
    bytes += other.bytes;
  }
  return rows <= MAX_URGENT_ROWS && bytes <= MAX_URGENT_BYTES;
}
