/**
 * Homes of moved accounts, written in the background, a batch a transaction, before a rollout leaves the maps: then
 * nobody's decision changes by that. And put back, should somebody roll back in between. Goes on where it was after a
 * crash; each batch is whole or not at all.
 */
import type { AccountRow } from "../../contracts/maps.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { AccountSlug } from "../../contracts/units.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { own } from "../../core/record.ts";
import { settledHome } from "../../core/rollout/root-rollout.ts";
import { rowsEach, runEach, type Db } from "../db.ts";
import { readInt } from "../row.ts";
import { ACCOUNT_COLUMNS, toAccountRecord, type AccountRecord } from "../store/accounts.ts";
import { markMany, type Moment } from "../store/changes.ts";
import { openHomeBook, type HomeBook, type Homes } from "../store/home-sets.ts";
import { loadPlacements, type Placements } from "../store/placements.ts";
import { forgetReplacedHomes, loadReplacedHomes, saveReplacedHomes } from "../store/replaced-homes.ts";
import { saveRollout, type RolloutRecord } from "../store/rollouts.ts";
import { hasMoved, toRunning } from "./facts.ts";

/** Accounts of one transaction: some 30 ms. */
const BATCH = 2000;

export interface Rehomed {
  readonly record: AccountRecord;
  readonly homes: Homes;
}

/** One batch of what is under way. @returns the rollout, stored. */
export function homesBatch(db: Db, moment: Moment, record: RolloutRecord): RolloutRecord {
  return record.homes === "writing" ? writeBatch(db, moment, record) : restoreBatch(db, moment, record);
}

function writeBatch(db: Db, moment: Moment, record: RolloutRecord): RolloutRecord {
  const accounts = db
    .rows(
      `SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE slug > ? ORDER BY slug LIMIT ?`,
      record.homesCursor,
      BATCH,
    )
    .map(toAccountRecord);
  const book = openHomeBook(db);
  const placements = loadPlacements(
    db,
    accounts.map(({ slug }) => slug),
  );
  const changed: Rehomed[] = [];
  for (const account of accounts) {
    const homes = book.homesOf(account.homesId);
    const after = homesAfter(record.state, account, { homes, placements });
    if (after !== null) changed.push({ record: account, homes: after });
  }
  saveReplacedHomes(
    db,
    record.id,
    changed.map(({ record: { slug, homesId } }) => ({ account: slug, homes: book.homesOf(homesId) })),
  );
  rehome(db, moment, { changed, book });
  return goOn(db, record, {
    cursor: accounts.at(-1)?.slug ?? record.homesCursor,
    seq: changed.length > 0 ? moment.seq : record.homesSeq,
    done: accounts.length < BATCH ? "written" : null,
  });
}

/** Homes once this rollout has left the maps; null when they stay. */
function homesAfter(
  state: RolloutState,
  { slug, groupId }: AccountRecord,
  { homes, placements }: { readonly homes: Homes; readonly placements: Placements },
): Homes | null {
  const row: Pick<AccountRow, "slug" | "group" | "homes" | "pins" | "quarantine"> = {
    slug,
    group: groupId,
    homes,
    pins: versionsOf(placements.pins.get(slug)),
    quarantine: versionsOf(placements.quarantines.get(slug)),
  };
  let after: Record<string, string> | null = null;
  for (const product of Object.keys(state.plan.targets)) {
    const home = settledHome(state, row, product);
    if (home === null) continue;
    after ??= { ...homes };
    after[product] = home;
  }
  return after;
}

function versionsOf(
  placed: readonly { readonly product: string; readonly version: string }[] | undefined,
): Readonly<Record<string, string>> | null {
  return placed === undefined
    ? null
    : Object.fromEntries(placed.map(({ product, version }) => [product, version]));
}

function restoreBatch(db: Db, moment: Moment, record: RolloutRecord): RolloutRecord {
  const before = loadReplacedHomes(db, record.id, { cursor: record.homesCursor, limit: BATCH });
  const book = openHomeBook(db);
  const running = toRunning(record.state);
  const accounts = rowsEach(
    db,
    { sql: `SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE slug IN (SELECT value FROM json_each(?1))` },
    [...before.keys()],
  )
    .map(toAccountRecord)
    // Whom no threshold holds would move by this: those go back when everybody has (kept-homes.ts).
    .filter(({ slug, groupId }) => hasMoved(running, slug, groupId));
  const changed = accounts.flatMap((account): Rehomed[] => {
    const homes = putBack(record.state, book.homesOf(account.homesId), before.get(account.slug) ?? {});
    return homes === null ? [] : [{ record: account, homes }];
  });
  rehome(db, moment, { changed, book });
  forgetReplacedHomes(
    db,
    record.id,
    accounts.map(({ slug }) => slug),
  );
  const done = before.size < BATCH;
  return goOn(db, record, {
    cursor: [...before.keys()].at(-1) ?? record.homesCursor,
    seq: changed.length > 0 ? moment.seq : record.homesSeq,
    done: done ? "restored" : null,
  });
}

/** What was written is unsaid; what somebody changed since stays. */
export function putBack({ plan }: RolloutState, homes: Homes, before: Homes): Homes | null {
  const after: Record<string, string> = { ...homes };
  for (const [product, target] of Object.entries(plan.targets)) {
    const old = own(before, product);
    if (own(homes, product) === target && old !== undefined) after[product] = old;
  }
  return canonicalJson(after) === canonicalJson(homes) ? null : after;
}

/** Writes homes, counters and dirty keys. */
export function rehome(
  db: Db,
  moment: Moment,
  { changed, book }: { readonly changed: readonly Rehomed[]; readonly book: HomeBook },
): void {
  if (changed.length === 0) return;
  const rows = changed.map(({ record, homes }) => {
    const to = book.idOf(homes);
    const [gone, come] =
      record.deletedAt === null
        ? [
            { accounts: -1, tombstones: 0 },
            { accounts: 1, tombstones: 0 },
          ]
        : [
            { accounts: 0, tombstones: -1 },
            { accounts: 0, tombstones: 1 },
          ];
    book.add(record.homesId, gone);
    book.add(to, come);
    return { slug: record.slug, to };
  });
  book.flush();
  runEach(
    db,
    {
      sql: `UPDATE accounts SET homes_id = CAST(moved.value ->> 'to' AS INTEGER), seq = ?2, updated_at = ?3, revision = revision + 1
        FROM json_each(?1) AS moved WHERE accounts.slug = moved.value ->> 'slug'`,
      params: [moment.seq, moment.nowMs],
    },
    rows,
  );
  markMany(db, moment, {
    hashes: hashesOf(
      db,
      rows.map(({ slug }) => slug),
    ),
    changes: rows.length,
  });
}

function hashesOf(db: Db, slugs: readonly AccountSlug[]): readonly number[] {
  return rowsEach(
    db,
    {
      sql: `SELECT key_hash FROM accounts WHERE slug IN (SELECT value FROM json_each(?1))
        UNION ALL SELECT key_hash FROM custom_domains WHERE account IN (SELECT value FROM json_each(?1))`,
    },
    slugs,
  ).map((row) => readInt(row, "key_hash"));
}

function goOn(
  db: Db,
  record: RolloutRecord,
  step: { readonly cursor: AccountSlug; readonly seq: number; readonly done: "written" | "restored" | null },
): RolloutRecord {
  const next = { ...record, homes: step.done ?? record.homes, homesCursor: step.cursor, homesSeq: step.seq };
  saveRollout(db, next);
  return next;
}
