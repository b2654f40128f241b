/**
 * Puts accounts into other groups while rollouts run, so that no decision changes: a new group has the thresholds of the
 * old one in every running rollout, but for the one that says otherwise. Rows, counters and dirty keys are written
 * together, in somebody's transaction. Numbers come from the group book; when there are none left it says so.
 */
import type { FrozenGroup, GroupKey } from "../../contracts/rollout.ts";
import { NO_GROUP } from "../../contracts/maps.ts";
import type { AccountSlug } from "../../contracts/units.ts";
import { bucketOf } from "../../core/bucket.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { splitGroup } from "../../core/rollout/groups.ts";
import { rowsEach, runEach, type Db } from "../db.ts";
import { readInt } from "../row.ts";
import { markMany, type Moment } from "../store/changes.ts";
import type { GroupBook, GroupIdentity } from "../store/groups.ts";
import {
  loadActiveRollouts,
  loadFrozen,
  saveFrozen,
  saveRollout,
  type RolloutRecord,
} from "../store/rollouts.ts";
import { tallyAccounts } from "./tally.ts";

export interface GroupMove {
  readonly slug: AccountSlug;
  readonly from: number;
  readonly to: number;
}

/** The identity under which a group of a rollout gets its number. */
export function identityOf({ cohort, zone, window, cell, variant }: GroupKey): GroupIdentity {
  return { cohort, timeZone: zone, window: window === null ? null : canonicalJson(window), cell, variant };
}

/** Writes the numbers into the rows and marks what the maps must show. The caller flushes the book. */
export function moveGroups(
  db: Db,
  moment: Moment,
  { moves, book }: { moves: readonly GroupMove[]; book: GroupBook },
): void {
  if (moves.length === 0) return;
  tallyAccounts(
    db,
    moves.map(({ slug }) => slug),
  );
  for (const { from, to } of moves) {
    book.add(from, -1);
    book.add(to, 1);
  }
  runEach(
    db,
    {
      sql: `UPDATE accounts SET group_id = CAST(moved.value ->> 'to' AS INTEGER), seq = ?2
        FROM json_each(?1) AS moved WHERE accounts.slug = moved.value ->> 'slug'`,
      params: [moment.seq],
    },
    moves,
  );
  const slugs = moves.map(({ slug }) => slug);
  const hashes = rowsEach(
    db,
    {
      sql: `SELECT key_hash FROM accounts WHERE slug IN (SELECT value FROM json_each(?1))
        UNION ALL SELECT key_hash FROM custom_domains WHERE account IN (SELECT value FROM json_each(?1))`,
    },
    slugs,
  ).map((row) => readInt(row, "key_hash"));
  markMany(db, moment, { hashes, changes: moves.length });
}

/** Sorted buckets of accounts under a salt. */
export function bucketsOf(salt: string, slugs: readonly AccountSlug[]): Uint16Array {
  return Uint16Array.from(slugs.map((slug) => bucketOf(salt, slug))).sort();
}

/** Accounts that leave one group for a new one. */
export interface Split {
  readonly from: number;
  readonly to: number;
  readonly variant: string;
  readonly slugs: readonly AccountSlug[];
  /** Labels that the new group is known to have besides; of a rollback by label. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The same thresholds for the new groups, in one rollout. A group that it does not know stays unknown to it. */
export function splitIn(
  record: RolloutRecord,
  frozen: readonly FrozenGroup[],
  splits: readonly Split[],
): { readonly record: RolloutRecord; readonly frozen: readonly FrozenGroup[] } {
  let state = record.state;
  let groups = frozen;
  for (const { from, to, variant, slugs, labels } of splits) {
    const known = groups.find(({ group }) => group === from);
    if (known === undefined) continue;
    const merged = labels === undefined ? known.labels : { ...known.labels, ...labels };
    const buckets = bucketsOf(state.salt, slugs);
    const split = { group: to, variant, labels: merged, buckets };
    const done = splitGroup(state, groups, { from, split });
    state = done.state;
    groups = done.frozen;
  }
  return { record: { ...record, state }, frozen: groups };
}

/** Splits groups in every running rollout but one. */
export function splitOthers(db: Db, except: string | null, splits: readonly Split[]): void {
  const real = splits.filter(({ from }) => from !== NO_GROUP);
  if (real.length === 0) return;
  for (const other of loadActiveRollouts(db)) {
    if (other.id === except) continue;
    const done = splitIn(other, loadFrozen(db, other.id), real);
    saveRollout(db, done.record);
    saveFrozen(db, other.id, done.frozen);
  }
}
