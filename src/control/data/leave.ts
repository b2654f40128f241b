/**
 * Takes whoever does not go with a batch out of it: into groups that the rollout does not move, so that the switch cannot
 * take them along. Those that could not go back keep the target as their home; those whose undo is not confirmed are held
 * by name until it is. All are listed with the reason. In the transaction of the engine's order. Design §5.3.
 */
import type { HoldView } from "../../contracts/api/products.ts";
import type { Outcome } from "../../contracts/move-data.ts";
import type { LeftBehindReason, RolloutState } from "../../contracts/rollout.ts";
import { NO_GROUP } from "../../contracts/maps.ts";
import type { AccountSlug } from "../../contracts/units.ts";
import { bucketOf } from "../../core/bucket.ts";
import { own } from "../../core/record.ts";
import { withoutAccounts } from "../../core/rollout/data/state.ts";
import { settleHome } from "../accounts/apply.ts";
import { toInstant } from "../clock.ts";
import type { Db } from "../db.ts";
import { openRootRoom } from "../publisher/root-room.ts";
import { leaveAll } from "../rollouts/keep-in-place.ts";
import { identityOf, moveGroups, splitOthers, type GroupMove, type Split } from "../rollouts/regroup.ts";
import { loadAccount, loadAccounts, type AccountRecord } from "../store/accounts.ts";
import { markAccount, type Moment } from "../store/changes.ts";
import { openGroupBook } from "../store/groups.ts";
import { openHomeBook } from "../store/home-sets.ts";
import { addLeft, forgetLeftBehind, saveLeftBehind } from "../store/left-behind.ts";
import { loadPlacements, saveHold } from "../store/placements.ts";
import {
  hasActiveRollout,
  loadActiveRollouts,
  loadFrozen,
  saveFrozen,
  type RolloutRecord,
} from "../store/rollouts.ts";

const REASONS: Readonly<Record<Outcome["fate"], LeftBehindReason>> = {
  left: "migration",
  kept: "kept",
  stuck: "stuck",
};

/** @returns the rollout with its summary of whom it leaves behind; the caller stores it. */
export function takeOut(
  db: Db,
  moment: Moment,
  { record, out }: { readonly record: RolloutRecord; readonly out: readonly Outcome[] },
): RolloutRecord {
  const { id, state } = record;
  const accounts = loadAccounts(
    db,
    out.map(({ account }) => account),
  );
  const present = out.flatMap((outcome) => {
    const account = accounts.get(outcome.account);
    return account === undefined ? [] : [{ ...outcome, row: account }];
  });
  for (const { fate, row, why } of present) {
    if (fate === "kept") keepTargets(db, state, row);
    if (fate === "stuck") holdByName(db, moment, { id, slug: row.slug, why });
  }
  const gone = present
    .filter(({ row }) => row.groupId !== NO_GROUP)
    .map(({ row }) => ({ group: row.groupId, bucket: bucketOf(state.salt, row.slug) }));
  saveFrozen(db, id, withoutAccounts(loadFrozen(db, id), gone));
  regroup(db, moment, { id, rows: present.map(({ row }) => row) });
  saveLeftBehind(
    db,
    id,
    present.map(({ account, fate, why }) => ({ account, reason: REASONS[fate], detail: why })),
  );
  const leftBehind = present.reduce(
    (sum, { account, fate }) => addLeft(sum, account, REASONS[fate]),
    record.leftBehind,
  );
  return { ...record, leftBehind };
}

/** What it was moved to before stays its version once it is out of its group. */
function keepTargets(db: Db, { plan }: RolloutState, { slug, homesId }: AccountRecord): void {
  const homes = openHomeBook(db).homesOf(homesId);
  for (const [product, version] of Object.entries(plan.targets)) {
    const now = own(homes, product) === undefined ? null : loadAccount(db, slug);
    if (now !== null) settleHome(db, now, { product, version });
  }
}

/** An operator's own hold stays what it is; that nothing is read meanwhile, its row in the maps says. */
function holdByName(
  db: Db,
  moment: Moment,
  { id, slug, why }: { readonly id: string; readonly slug: AccountSlug; readonly why: string },
): void {
  if (!loadPlacements(db, [slug]).holds.has(slug))
    saveHold(db, slug, stuckHold(moment, { rollout: id, why }));
  markAccount(db, moment, { account: slug, urgent: true });
}

/** The hold of an account whose undo is not confirmed. */
export function stuckHold(
  { nowMs }: Pick<Moment, "nowMs">,
  { rollout, why }: { readonly rollout: string; readonly why: string },
): HoldView {
  return {
    mode: "page",
    message: null,
    until: null,
    reason: `its move with rollout ${rollout} was not confirmed to be undone: ${why}`.slice(0, 500),
    by: `rollout/${rollout}`,
    at: toInstant(nowMs),
  };
}

/** The undo was confirmed at last: the hold by name ends, unless somebody has made it their own. */
export function letGo(
  db: Db,
  moment: Moment,
  { id, slug, why }: { readonly id: string; readonly slug: AccountSlug; readonly why: string },
): void {
  if (loadPlacements(db, [slug]).holds.get(slug)?.by === `rollout/${id}`) saveHold(db, slug, null);
  markAccount(db, moment, { account: slug, urgent: true });
  if (forgetLeftBehind(db, id, slug) !== null)
    saveLeftBehind(db, id, [{ account: slug, reason: "migration", detail: why }]);
}

/** Others that run see no difference: where there are some, a group of its own for each that is left. */
function regroup(
  db: Db,
  moment: Moment,
  { id, rows }: { readonly id: string; readonly rows: readonly AccountRecord[] },
): void {
  const shared = hasActiveRollout(db) && loadActiveRollouts(db).length > 1;
  const frozen = loadFrozen(db, id);
  const book = openGroupBook(db, shared ? openRootRoom(db) : null);
  const moves: GroupMove[] = [];
  const splits: Split[] = [];
  const homeless: GroupMove[] = [];
  for (const [from, members] of Map.groupBy(rows, ({ groupId }) => groupId)) {
    const key = frozen.find(({ group }) => group === from);
    if (key === undefined) continue;
    const variant = shared ? `out:${id}|${from}|${moment.seq}` : `out:${id}`;
    const to = book.idOf(identityOf({ ...key, variant }));
    const slugs = members.map(({ slug }) => slug);
    if (to === null) homeless.push(...slugs.map((slug) => ({ slug, from, to: NO_GROUP })));
    else {
      moves.push(...slugs.map((slug) => ({ slug, from, to })));
      splits.push({ from, to, variant, slugs });
    }
  }
  moveGroups(db, moment, { moves, book });
  book.flush();
  if (shared) splitOthers(db, id, splits);
  for (const { slug, from } of homeless) leaveAll(db, moment, { slug, from });
}
