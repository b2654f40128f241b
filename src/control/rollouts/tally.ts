/**
 * The passage over all accounts after a rollback and at the end of a rollout: who was moved back (which the flap brake
 * counts) and whom the rollout leaves behind, with why. In the background, a batch a transaction, going on where it was
 * after a crash. Groups of a rollout mean nothing any more once accounts are put into others, so whatever does that
 * finishes the passage first (`finishTallies`), or for the accounts it takes (`tallyAccounts`). Moves nobody.
 */
import type { LeftBehind } from "../../contracts/rollout-input.ts";
import type { AccountSlug, EpochMs } from "../../contracts/units.ts";
import { bucketOf } from "../../core/bucket.ts";
import { isTerminal } from "../../core/rollout/state.ts";
import { rowsEach, type Db } from "../db.ts";
import { readInt, readText } from "../row.ts";
import { ACCOUNT_COLUMNS, toAccountRecord, type AccountRecord } from "../store/accounts.ts";
import { dropTally, loadTallies, saveBacks, saveTally, type BackRecord } from "../store/backs.ts";
import { openHomeBook } from "../store/home-sets.ts";
import { loadPlacements } from "../store/placements.ts";
import { EXAMPLES, saveLeftBehind, type LeftAccount } from "../store/left-behind.ts";
import { loadFrozen, loadRollout, saveRollout, type RolloutRecord } from "../store/rollouts.ts";
import { createLeaving } from "./leaving.ts";

/** Accounts of one transaction: each reads what the rollout kept of all its accounts. */
const BATCH = 10_000;

/** Begins the passage, or begins it anew. */
export function beginTally(db: Db, rollout: string): void {
  saveTally(db, { rollout, cursor: "" });
}

export function hasTally(db: Db): boolean {
  return loadTallies(db).length > 0;
}

/** Goes through one batch, in a transaction of its own. @returns false when there is nothing left to go through. */
export function tallyBatch(db: Db): boolean {
  return db.transaction(() => goThrough(db));
}

/** Finishes every passage at once, in the caller's transaction: it is about to put accounts into other groups. */
export function finishTallies(db: Db): void {
  while (goThrough(db));
}

function goThrough(db: Db): boolean {
  const [tally] = loadTallies(db);
  if (tally === undefined) return false;
  const { rollout, cursor } = tally;
  const record = loadRollout(db, rollout);
  const accounts = db
    .rows(`SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE slug > ? ORDER BY slug LIMIT ?`, cursor, BATCH)
    .map(toAccountRecord);
  if (record !== null) note(db, record, accounts);
  const last = accounts.at(-1)?.slug;
  if (record !== null && accounts.length === BATCH && last !== undefined) {
    saveTally(db, { rollout, cursor: last });
  } else {
    dropTally(db, rollout);
    if (record !== null && isTerminal(record.state)) summarise(db, record);
  }
  return true;
}

/** The same for a few accounts. */
export function tallyAccounts(db: Db, slugs: readonly AccountSlug[]): void {
  const tallies = loadTallies(db);
  if (tallies.length === 0) return;
  const accounts = rowsEach(
    db,
    { sql: `SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE slug IN (SELECT value FROM json_each(?1))` },
    slugs,
  ).map(toAccountRecord);
  for (const { rollout, cursor } of tallies) {
    const record = loadRollout(db, rollout);
    const open = accounts.filter(({ slug }) => slug > cursor);
    if (record !== null) note(db, record, open);
  }
}

/** Writes down what there is to say of some accounts. */
function note(db: Db, record: RolloutRecord, accounts: readonly AccountRecord[]): void {
  const { state, id } = record;
  const at = new Map(state.groups.number.map((number, index) => [number, index]));
  const backs: BackRecord[] = [];
  const left: LeftAccount[] = [];
  const leaving = isTerminal(state)
    ? createLeaving(db, record, {
        frozen: loadFrozen(db, id),
        placements: loadPlacements(
          db,
          accounts.map(({ slug }) => slug),
        ),
        homes: openHomeBook(db),
      })
    : null;
  for (const account of accounts) {
    const index = at.get(account.groupId) ?? -1;
    const bucket = index < 0 ? 0 : bucketOf(state.salt, account.slug);
    const backMs = index < 0 ? null : backOf(state, index, bucket);
    if (backMs !== null) backs.push({ account: account.slug, at: backMs });
    const gone = leaving?.(account, { index, bucket }) ?? null;
    if (gone !== null) left.push(gone);
  }
  saveBacks(db, id, backs);
  saveLeftBehind(db, id, left);
}

/** When the rollout last moved the account back; null when it did not, or has moved it forward again. */
function backOf({ groups }: RolloutRecord["state"], index: number, bucket: number): EpochMs | null {
  const back = bucket >= (groups.moved[index] ?? 0) && bucket < (groups.peak[index] ?? 0);
  return back ? (groups.barredMs[index] ?? null) : null;
}

/** What the rollout itself shows of the list, once that is whole. */
function summarise(db: Db, record: RolloutRecord): void {
  const counts = db.rows(
    "SELECT reason, count(*) AS accounts FROM left_behind WHERE rollout = ? GROUP BY reason ORDER BY reason",
    record.id,
  );
  const leftBehind = counts.map((row): LeftBehind => {
    const reason = readText(row, "reason");
    const examples = db
      .rows(
        "SELECT account FROM left_behind WHERE rollout = ? AND reason = ? ORDER BY account LIMIT ?",
        record.id,
        reason,
        EXAMPLES,
      )
      .map((example) => readText(example, "account"));
    // Written from the closed list alone.
    return { reason: reason as LeftBehind["reason"], accounts: readInt(row, "accounts"), examples };
  });
  saveRollout(db, { ...record, leftBehind });
}
