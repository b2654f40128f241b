/**
 * The accounts of a batch as they are when their hooks are about to be called: read from the batch's groups alone, by
 * their frozen buckets. Says also whether one account is on its way, and so may not be touched. Reads only. Design §5.3.
 */
import type { Batch, Member } from "../../contracts/move-data.ts";
import type { Facts } from "../../contracts/rollout-input.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { AccountSlug, EpochMs } from "../../contracts/units.ts";
import { bucketOf } from "../../core/bucket.ts";
import { own } from "../../core/record.ts";
import { returnTrouble } from "../../core/rollout/data/back.ts";
import { heldRanges, isHeld } from "../../core/rollout/data/units.ts";
import type { Db } from "../db.ts";
import { refuse } from "../refuse.ts";
import { readInt, readText } from "../row.ts";
import type { Refusal } from "../../contracts/problems.ts";
import type { Result } from "../../contracts/result.ts";
import { currentHomes, loadRunning } from "../rollouts/facts.ts";
import { ACCOUNT_COLUMNS, scanAccounts, toAccountRecord, type AccountRecord } from "../store/accounts.ts";
import { openHomeBook } from "../store/home-sets.ts";
import { loadStuck } from "../store/data-moves.ts";
import { loadPlacements, type Placements } from "../store/placements.ts";
import { loadActiveRollouts, type RolloutRecord } from "../store/rollouts.ts";

/** Whom a batch holds now. */
export function membersOf(
  db: Db,
  { state, batch }: { readonly state: RolloutState; readonly batch: Batch },
  { facts, nowMs }: { readonly facts: Facts; readonly nowMs: EpochMs },
): readonly Member[] {
  const held = heldAccounts(db, state);
  const placements = loadPlacements(
    db,
    held.map(({ slug }) => slug),
  );
  const book = openHomeBook(db);
  // Without this rollout: going back leads there, and going forward it has made nothing of them yet.
  const others = loadRunning(db).filter((one) => one.state.plan.id !== state.plan.id);
  const confirmed = state.rollback?.confirmed ?? false;
  const question = { state, facts, atMs: nowMs, confirmed };
  return held.map(({ slug, cell, groupId, homesId }) => {
    const homes = currentHomes(others, { slug, group: groupId, homes: book.homesOf(homesId) });
    const back = batch.direction === "back" ? (returnTrouble({ homes }, question)?.why ?? null) : null;
    return { slug, cell, homes, kept: placedFor(placements, slug, state) ?? back };
  });
}

function heldAccounts(db: Db, state: RolloutState): readonly AccountRecord[] {
  const ranges = new Map(heldRanges(state).map((range) => [range.group, range]));
  if (ranges.size === 0) return [];
  const held: AccountRecord[] = [];
  for (const row of scanAccounts(db, {
    columns: ACCOUNT_COLUMNS,
    where: "group_id IN (SELECT value FROM json_each(?))",
    params: [JSON.stringify([...ranges.keys()])],
  })) {
    const range = ranges.get(readInt(row, "group_id"));
    const bucket = bucketOf(state.salt, readText(row, "slug"));
    if (range !== undefined && range.from <= bucket && bucket < range.to) held.push(toAccountRecord(row));
  }
  return held;
}

/** What keeps an account off the targets; edges do not hold such a one either. */
function placedFor(
  { pins, quarantines }: Placements,
  slug: AccountSlug,
  { plan }: RolloutState,
): string | null {
  const named = ({ product }: { readonly product: string }): boolean =>
    own(plan.targets, product) !== undefined;
  if (quarantines.get(slug)?.some(named) === true) return "is in quarantine";
  return pins.get(slug)?.some(named) === true ? "is pinned" : null;
}

/** Why an account whose undo was never confirmed is nobody's to touch, and what ends that. */
export function tellStuck(slug: AccountSlug, rollout: string): string {
  return `the data of ${slug} lies between two versions: rollout ${rollout} asks its undo hook until that is done, and holds the account with a page. Make the hook answer "done"`;
}

/**
 * Null when nobody moves the account's data just now; else why it may not be touched.
 * @param rollouts the active ones, where they have been read already.
 */
export function refuseOnItsWay(
  db: Db,
  { slug, groupId }: Pick<AccountRecord, "slug" | "groupId">,
  rollouts: readonly Pick<RolloutRecord, "id" | "state">[] = loadActiveRollouts(db),
): Result<never, Refusal> | null {
  const mover = rollouts.find(({ state }) => isHeld(state, { slug, group: groupId }));
  if (mover !== undefined)
    return refuse(
      "conflict",
      `${slug} is being moved with its data by rollout ${mover.id}: try again when its hold is over`,
    );
  const stuckIn = loadStuck(db).get(slug);
  return stuckIn === undefined ? null : refuse("conflict", tellStuck(slug, stuckIn));
}
