/**
 * What running rollouts make of an account that gets one of their products now: nothing. What a rollout sees is frozen at
 * its start, and the product starts on the home it was given, as that of a new account does; left in its group, the
 * account would be served the target at once, moved by an edit. So it is in no group any more, what rollouts had moved of
 * its other products becomes its home until everybody goes back, and they list it as left behind. While its data is on
 * its way it must not be touched. For many accounts in one transaction; the caller writes their rows, after `flush`.
 */
import { err, ok, type Result } from "../../contracts/result.ts";
import type { AccountSlug } from "../../contracts/units.ts";
import { bucketOf } from "../../core/bucket.ts";
import { own } from "../../core/record.ts";
import { refuseOnItsWay } from "../data/members.ts";
import type { Db } from "../db.ts";
import type { Homes } from "../store/home-sets.ts";
import { addLeft, saveLeftBehind } from "../store/left-behind.ts";
import { saveReplacedHomes } from "../store/replaced-homes.ts";
import {
  loadActiveRollouts,
  loadFrozen,
  saveFrozen,
  saveRollout,
  type RolloutRecord,
} from "../store/rollouts.ts";
import { currentHomes, hasMoved, toRunning } from "./facts.ts";
import { tallyAccounts } from "./tally.ts";

export interface Getting {
  readonly slug: AccountSlug;
  readonly groupId: number;
  /** As recorded, and as they shall be. */
  readonly before: Homes;
  readonly after: Homes;
}

export interface LateProducts {
  /** The homes to write when the account leaves its group; null: it stays. The error says why it may not be touched. */
  take(account: Getting): Result<Homes | null, string>;
  /** Tells the rollouts. Before the rows are written. */
  flush(): void;
}

interface Gone {
  readonly slug: AccountSlug;
  readonly groupId: number;
  /** What it got. */
  readonly gets: readonly string[];
  /** Its homes until then. */
  readonly before: Homes;
}

/** Opens it for accounts as they are now. */
export function openLateProducts(db: Db): LateProducts {
  const records = loadActiveRollouts(db);
  const running = records.map(({ state }) => toRunning(state));
  const gone: Gone[] = [];
  return {
    take: ({ slug, groupId, before, after }) => {
      const gets = Object.keys(after).filter((product) => own(before, product) === undefined);
      const concerns = running.some(
        ({ state, moved }) =>
          moved.has(groupId) && gets.some((product) => own(state.plan.targets, product) !== undefined),
      );
      if (!concerns) return ok(null);
      const moving = refuseOnItsWay(db, { slug, groupId }, records);
      if (moving !== null && !moving.ok) return err(moving.error.detail);
      gone.push({ slug, groupId, gets, before });
      const now = currentHomes(running, { slug, group: groupId, homes: before });
      return ok(
        Object.fromEntries(
          Object.entries(after).map(([product, home]) => [product, own(now, product) ?? home]),
        ),
      );
    },
    flush: () => {
      if (gone.length === 0) return;
      tallyAccounts(
        db,
        gone.map(({ slug }) => slug),
      );
      for (const record of records) leave(db, record, gone);
    },
  };
}

/** Takes accounts out of what the rollout has frozen; who had all of its products and was moved is not left behind. */
function leave(db: Db, record: RolloutRecord, gone: readonly Gone[]): void {
  const { id, state } = record;
  const one = toRunning(state);
  const known = gone.filter(({ groupId }) => one.moved.has(groupId));
  if (known.length === 0) return;
  const left = known.filter(
    ({ slug, groupId, gets }) =>
      gets.some((product) => own(state.plan.targets, product) !== undefined) || !hasMoved(one, slug, groupId),
  );
  saveLeftBehind(
    db,
    id,
    left.map(({ slug, gets }) => ({
      account: slug,
      reason: "created-later",
      detail: `got ${gets.join(" and ")} after the start`,
    })),
  );
  // No threshold takes them back any more; a rollback of everybody does, by these.
  saveReplacedHomes(
    db,
    id,
    known
      .filter(({ slug, groupId }) => hasMoved(one, slug, groupId))
      .map(({ slug, before }) => ({ account: slug, homes: before })),
  );
  const leftBehind = left.reduce((sum, { slug }) => addLeft(sum, slug, "created-later"), record.leftBehind);
  saveRollout(db, { ...record, leftBehind });
  saveFrozen(db, id, without(record, loadFrozen(db, id), known));
}

function without(
  { state: { salt } }: RolloutRecord,
  frozen: ReturnType<typeof loadFrozen>,
  gone: readonly Gone[],
): ReturnType<typeof loadFrozen> {
  const byGroup = Map.groupBy(gone, ({ groupId }) => groupId);
  return frozen.map((group) => {
    const leaving = byGroup.get(group.group);
    if (leaving === undefined) return group;
    // Two accounts may have the same bucket: as many go as leave.
    const counts = new Map<number, number>();
    for (const { slug } of leaving) {
      const bucket = bucketOf(salt, slug);
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
    }
    const buckets = group.buckets.filter((bucket) => {
      const count = counts.get(bucket) ?? 0;
      if (count > 0) counts.set(bucket, count - 1);
      return count === 0;
    });
    return { ...group, buckets };
  });
}
