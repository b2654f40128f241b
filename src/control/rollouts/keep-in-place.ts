/**
 * What the beginning and the end of a pin, quarantine or deferral mean for running rollouts. From its beginning they do
 * not move the account by half. At its end the account may be moved, and is not moved by this: where a threshold would
 * take it along at once it gets a group that starts at zero, which the next wave takes; what rollouts had moved of it is
 * written into its homes first, so that it does not fall back either. Never fails: with no number left for a group it is
 * put into none, which no rollout touches. In the command's transaction.
 */
import type { FrozenGroup, GroupKey, RolloutState } from "../../contracts/rollout.ts";
import { NO_GROUP } from "../../contracts/maps.ts";
import type { AccountSlug, ProductName, VersionName } from "../../contracts/units.ts";
import { bucketOf } from "../../core/bucket.ts";
import { own } from "../../core/record.ts";
import { leftBehindReason, whyLeft } from "../../core/rollout/eligible.ts";
import { labelsUnder, labelVariant } from "../../core/rollout/freeze.ts";
import { addOrigins, admitLate, lateVariant } from "../../core/rollout/groups.ts";
import { settleHome } from "../accounts/apply.ts";
import type { Db } from "../db.ts";
import { openRootRoom } from "../publisher/root-room.ts";
import { loadAccount, type AccountRecord } from "../store/accounts.ts";
import type { Moment } from "../store/changes.ts";
import { openGroupBook } from "../store/groups.ts";
import type { Homes } from "../store/home-sets.ts";
import { addLeft, forgetLeftBehind, saveLeftBehind } from "../store/left-behind.ts";
import { saveReplacedHomes } from "../store/replaced-homes.ts";
import {
  loadActiveRollouts,
  loadFrozen,
  saveFrozen,
  saveRollout,
  type RolloutRecord,
} from "../store/rollouts.ts";
import { hasMoved, loadFacts, readAccounts, toRunning, type ReadAccount } from "./facts.ts";
import { identityOf, moveGroups, splitOthers } from "./regroup.ts";

export interface Freed {
  readonly slug: AccountSlug;
  /** What it was kept for; null: a deferral, which is about all of them. */
  readonly product: ProductName | null;
}

/** Call it when the obstacle is gone and the home is written. */
export function keepInPlace(db: Db, moment: Moment, freed: Freed): void {
  for (const { id } of loadActiveRollouts(db)) {
    // Read again each time: what one rollout makes of it changes the others' groups.
    const record = loadActiveRollouts(db).find((one) => one.id === id);
    const [read] = readAccounts(db, moment.nowMs, [freed.slug]);
    if (record === undefined || read === undefined) continue;
    keepInOne(db, moment, { record, read, product: freed.product });
  }
}

/**
 * An obstacle begins (a pin, a quarantine, a deferral): running rollouts that may not move the account any more, and have
 * not, never will unless it ends; else they would move it by half, or into a pair that is not declared. Decisions stay.
 * @returns the rollouts that it is held back from; then its row must go out with the next root.
 */
export function holdBack(db: Db, moment: Moment, slug: AccountSlug): readonly string[] {
  const held: string[] = [];
  for (const { id } of loadActiveRollouts(db)) {
    const record = loadActiveRollouts(db).find((one) => one.id === id);
    const [read] = readAccounts(db, moment.nowMs, [slug]);
    if (record === undefined || read === undefined) continue;
    if (!isAhead(record.state, slug, read.record.groupId)) continue;
    const { targets } = record.state.plan;
    const query = { targets, facts: loadFacts(db), nowMs: moment.nowMs, again: true };
    const left = whyLeft(read.facts, query);
    if (left === null) continue;
    regroup(db, moment, { record, read, homes: read.facts.homes, late: false });
    saveLeftBehind(db, id, [{ account: slug, ...left }]);
    const now = loadActiveRollouts(db).find((one) => one.id === id);
    if (now !== undefined)
      saveRollout(db, { ...now, leftBehind: addLeft(now.leftBehind, slug, left.reason) });
    held.push(id);
  }
  return held;
}

/** The running rollout that is to move the account to that version, and has not begun to; null: none. */
export function findAhead(
  db: Db,
  { slug, groupId }: Pick<AccountRecord, "slug" | "groupId">,
  { product, version }: { readonly product: ProductName; readonly version: VersionName },
): string | null {
  const ahead = loadActiveRollouts(db).find(
    ({ state }) => own(state.plan.targets, product) === version && isAhead(state, slug, groupId),
  );
  return ahead?.id ?? null;
}

/** Whether the rollout has the account in a group and has neither moved it nor holds it in order to. */
function isAhead({ groups, salt }: RolloutState, slug: AccountSlug, group: number): boolean {
  const index = group === NO_GROUP ? -1 : groups.number.indexOf(group);
  const gone = Math.max(groups.moved[index] ?? 0, groups.held?.[index] ?? 0);
  return index >= 0 && bucketOf(salt, slug) >= gone;
}

interface Case {
  readonly record: RolloutRecord;
  readonly read: ReadAccount;
  readonly product: ProductName | null;
}

function keepInOne(db: Db, moment: Moment, { record, read, product }: Case): void {
  const { state } = record;
  const { targets } = state.plan;
  const { groupId, slug } = read.record;
  if (groupId === NO_GROUP) return;
  if (!state.groups.number.includes(groupId)) {
    const { homes } = read.facts;
    if (mayJoin(db, moment, { record, read, homes }))
      regroup(db, moment, { record, read, homes, late: true });
    return;
  }
  // Not moved yet: it goes with its group when the time comes.
  if (product === null || !hasMoved(toRunning(state), slug, groupId)) return;
  const target = own(targets, product);
  if (target === undefined || read.homes[product] === target) return;
  const homes = writeMoved(db, read, { rollout: record.id, targets, product });
  const late = mayJoin(db, moment, { record, read, homes });
  regroup(db, moment, { record, read, homes, late });
}

/** Whether the rollout may still take the account along; who came after its start, or is deleted, stays where it is. */
function mayJoin(
  db: Db,
  { nowMs }: Moment,
  { record, read, homes }: Pick<Case, "record" | "read"> & { readonly homes: Homes },
): boolean {
  const { plan, startedMs } = record.state;
  const { createdAt, deletedAt } = read.record;
  if (deletedAt !== null || createdAt > (startedMs ?? createdAt)) return false;
  const query = { targets: plan.targets, facts: loadFacts(db), nowMs, again: false };
  return leftBehindReason({ ...read.facts, homes }, query) === null;
}

/** What the rollout has moved of it besides `product` stays moved once it is out of its group, until everybody goes back. */
function writeMoved(
  db: Db,
  { record, facts, homes }: ReadAccount,
  {
    rollout,
    targets,
    product,
  }: { readonly rollout: string; readonly targets: Homes; readonly product: ProductName },
): Homes {
  saveReplacedHomes(db, rollout, [{ account: record.slug, homes }]);
  const after: Record<ProductName, string> = { ...homes };
  for (const [other, version] of Object.entries(targets)) {
    const kept = facts.pinned.includes(other) || facts.quarantined.includes(other);
    if (other === product || kept || own(homes, other) === undefined) continue;
    const now = loadAccount(db, record.slug);
    if (now !== null) settleHome(db, now, { product: other, version });
    after[other] = version;
  }
  return after;
}

/** Takes the account out of its group, into one that starts at zero (`late`) or one that the rollout does not move. */
function regroup(
  db: Db,
  moment: Moment,
  {
    record,
    read,
    homes,
    late,
  }: Pick<Case, "record" | "read"> & { readonly homes: Homes; readonly late: boolean },
): void {
  const { state, id } = record;
  const { slug, groupId: from } = read.record;
  const bucket = bucketOf(state.salt, slug);
  const frozen = withoutAccount(loadFrozen(db, id), from, bucket);
  const { cohort, zone, window, cell } = read.facts;
  const labels = labelsUnder(read.facts.labels, state.labelKeys);
  const variant = late ? `${lateVariant(state, frozen)}${labelVariant(labels)}` : `out:${id}`;
  const key: GroupKey = { cohort, zone, window, cell, variant };
  const to = takeNumber(db, moment, { key, slug, from, id });
  if (!late || to === NO_GROUP) {
    saveFrozen(db, id, frozen);
    return;
  }
  const group = { ...key, group: to, labels, buckets: Uint16Array.of(bucket) };
  const admitted = admitLate(addOrigins(state, homes), frozen, group);
  saveRollout(db, { ...record, state: admitted.state, leftBehind: notLeft(db, record, slug) });
  saveFrozen(db, id, admitted.frozen);
}

function withoutAccount(
  frozen: readonly FrozenGroup[],
  number: number,
  bucket: number,
): readonly FrozenGroup[] {
  return frozen.map((group) => {
    const at = group.group === number ? group.buckets.indexOf(bucket) : -1;
    return at < 0 ? group : { ...group, buckets: group.buckets.filter((_, index) => index !== at) };
  });
}

/** Puts the row into a group of that kind; other rollouts that know its old one see no difference. */
function takeNumber(
  db: Db,
  moment: Moment,
  {
    key,
    slug,
    from,
    id,
  }: { readonly key: GroupKey; readonly slug: AccountSlug; readonly from: number; readonly id: string },
): number {
  const book = openGroupBook(db, openRootRoom(db));
  const shared = loadActiveRollouts(db).length > 1;
  // Where others run, a group of its own: joining one would give it their thresholds for somebody else.
  const variant = shared ? `${key.variant}|${from}|${moment.seq}` : key.variant;
  const to = book.idOf(identityOf({ ...key, variant }));
  if (to === null) return leaveAll(db, moment, { slug, from });
  moveGroups(db, moment, { moves: [{ slug, from, to }], book });
  book.flush();
  if (shared) splitOthers(db, id, [{ from, to, variant, slugs: [slug] }]);
  return to;
}

/** No number is left: every rollout's word on it becomes its home, and none touches it before everybody goes back. */
export function leaveAll(
  db: Db,
  moment: Moment,
  { slug, from }: { readonly slug: AccountSlug; readonly from: number },
): number {
  const [read] = readAccounts(db, moment.nowMs, [slug]);
  for (const { id, state } of loadActiveRollouts(db)) {
    if (read !== undefined && hasMoved(toRunning(state), slug, from))
      saveReplacedHomes(db, id, [{ account: slug, homes: read.homes }]);
  }
  for (const [product, version] of Object.entries(read?.facts.homes ?? {})) {
    const now = loadAccount(db, slug);
    if (now !== null) settleHome(db, now, { product, version });
  }
  const book = openGroupBook(db);
  moveGroups(db, moment, { moves: [{ slug, from, to: NO_GROUP }], book });
  book.flush();
  return NO_GROUP;
}

/** The account is not left behind any more, for now. */
function notLeft(db: Db, { id, leftBehind }: RolloutRecord, slug: AccountSlug): RolloutRecord["leftBehind"] {
  const reason = forgetLeftBehind(db, id, slug);
  return leftBehind
    .map((left) =>
      left.reason === reason
        ? {
            ...left,
            accounts: left.accounts - 1,
            examples: left.examples.filter((example) => example !== slug),
          }
        : left,
    )
    .filter(({ accounts }) => accounts > 0);
}
