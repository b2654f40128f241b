/**
 * Writes planned accounts: rows, custom domains, homes, groups, counters and dirty keys, in bulk and in somebody's
 * transaction. Counters are kept by difference, so that nothing here scans. One account refused (no group left) is given
 * back, the others are written.
 */
import type { EpochMs } from "../../contracts/units.ts";
import { MAX_GROUPS } from "../../contracts/limits.ts";
import { NO_GROUP } from "../../contracts/maps.ts";
import { keyHash } from "../../core/maps/key-hash.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import type { Db } from "../db.ts";
import {
  deleteDomains,
  loadDomainOwners,
  saveAccounts,
  saveDomains,
  type AccountRecord,
  type DomainRecord,
} from "../store/accounts.ts";
import { noteNewKeys } from "../store/account-keys.ts";
import { openGroupBook, type GroupBook } from "../store/groups.ts";
import { openHomeBook, type HomeBook } from "../store/home-sets.ts";
import { addCounter } from "../store/meta.ts";
import { tallyAccounts } from "../rollouts/tally.ts";
import { hasActiveRollout } from "../store/rollouts.ts";
import type { Planned, Present } from "./plan.ts";

export interface AccountChange {
  readonly present: Present | null;
  readonly planned: Planned;
}

export interface Applied {
  /** Hashes of keys whose rows in the maps have changed. */
  readonly hashes: readonly number[];
  /** Changes that could not be written, with the reason. */
  readonly refused: readonly { readonly change: AccountChange; readonly reason: string }[];
}

export const NO_GROUP_LEFT = `there are ${MAX_GROUPS} move groups (combinations of cohort, zone, window and cell) already, which is the most the maps take: use fewer distinct ones`;

interface Books {
  readonly homes: HomeBook;
  readonly groups: GroupBook;
}

/** Writes the changes. The caller marks `hashes` dirty and writes the outbox row. */
export function applyAccounts(
  db: Db,
  { seq, nowMs }: { readonly seq: number; readonly nowMs: EpochMs },
  changes: readonly AccountChange[],
): Applied {
  const books: Books = { homes: openHomeBook(db), groups: openGroupBook(db) };
  const frozen = hasActiveRollout(db);
  if (!frozen)
    tallyAccounts(
      db,
      changes.map(({ planned }) => planned.slug),
    );
  const records: AccountRecord[] = [];
  const written: AccountChange[] = [];
  const hashes: number[] = [];
  const refused: { change: AccountChange; reason: string }[] = [];
  for (const change of changes) {
    // What a running rollout sees of an account is frozen: edits count from the next one, new accounts are in none.
    const groupId = frozen ? (change.present?.record.groupId ?? NO_GROUP) : books.groups.idOf(change.planned);
    if (groupId === null) {
      refused.push({ change, reason: NO_GROUP_LEFT });
      continue;
    }
    const record = toRecord(change, { books, groupId, seq, nowMs });
    count(books, change.present?.record ?? null, record);
    if (record.seq === seq) hashes.push(...keysOf(change));
    records.push(record);
    written.push(change);
  }
  saveAccounts(db, records);
  noteNewKeys(
    db,
    written.filter(({ present }) => present === null).map(({ planned }) => planned.slug),
  );
  applyDomains(db, written);
  books.homes.flush();
  books.groups.flush();
  addCounter(db, "accounts", written.filter(({ present }) => present === null).length);
  return { hashes, refused };
}

function toRecord(
  { present, planned }: AccountChange,
  { books, groupId, seq, nowMs }: { books: Books; groupId: number; seq: number; nowMs: EpochMs },
): AccountRecord {
  const before = present?.record ?? null;
  const homesId = books.homes.idOf(planned.homes);
  const { slug, timeZone, cohort, labels, cell, window } = planned;
  const changesMaps =
    before === null ||
    before.groupId !== groupId ||
    before.homesId !== homesId ||
    before.cell !== cell ||
    planned.domainsAdded.length + planned.domainsRemoved.length > 0;
  return {
    slug,
    timeZone,
    cohort,
    labels,
    cell,
    window,
    groupId,
    homesId,
    revision: (before?.revision ?? 0) + 1,
    seq: changesMaps ? seq : before.seq,
    createdAt: before?.createdAt ?? nowMs,
    updatedAt: nowMs,
    deletedAt: null,
  };
}

function count(books: Books, before: AccountRecord | null, after: AccountRecord): void {
  if (before?.homesId !== after.homesId) {
    if (before !== null) books.homes.add(before.homesId, { accounts: -1, tombstones: 0 });
    books.homes.add(after.homesId, { accounts: 1, tombstones: 0 });
  }
  if (before?.groupId !== after.groupId) {
    if (before !== null) books.groups.add(before.groupId, -1);
    books.groups.add(after.groupId, 1);
  }
}

function keysOf({ present, planned }: AccountChange): number[] {
  const hosts = [...(present?.domains ?? []), ...planned.domainsAdded].map(({ host }) => keyHash(host));
  return [keyHash(planned.slug), ...hosts];
}

/** Removed ones first, so that a host may go from one account to another in one batch. */
function applyDomains(db: Db, changes: readonly AccountChange[]): void {
  const removed = changes.flatMap(({ planned }) => planned.domainsRemoved.map(({ host }) => host));
  const added: DomainRecord[] = changes.flatMap(({ planned }) =>
    planned.domainsAdded.map(({ host, product }) => ({ host, product, account: planned.slug })),
  );
  if (removed.length === 0 && added.length === 0) return;
  deleteDomains(db, removed);
  // A host still owned now is a tombstone's, which did not count as a living domain.
  const inherited = loadDomainOwners(
    db,
    added.map(({ host }) => host),
  );
  deleteDomains(db, [...inherited.keys()]);
  saveDomains(db, added);
  addCounter(db, "domains", added.length - removed.length);
  addCounter(db, "removed_domains", removed.length);
}

/** Puts an account on other homes; for pins and quarantines that end. Its row in the maps must be marked by the caller. */
export function settleHome(
  db: Db,
  record: AccountRecord,
  home: { readonly product: string; readonly version: string },
): void {
  const book = openHomeBook(db);
  const before = book.homesOf(record.homesId);
  if (canonicalJson(before[home.product] ?? null) === canonicalJson(home.version)) return;
  const homesId = book.idOf({ ...before, [home.product]: home.version });
  const field = record.deletedAt === null ? "accounts" : "tombstones";
  book.add(record.homesId, { accounts: 0, tombstones: 0, [field]: -1 });
  book.add(homesId, { accounts: 0, tombstones: 0, [field]: 1 });
  book.flush();
  db.run("UPDATE accounts SET homes_id = ? WHERE slug = ?", homesId, record.slug);
}
