/**
 * Writes planned accounts: rows, custom domains, homes, groups, counters and dirty keys, in bulk and in somebody's
 * transaction. Counters are kept by difference, so that nothing here scans. One account refused (no group left) is given
 * back, the others are written.
 */
import type { EpochMs } from "../../contracts/units.ts";
import { err, ok, type Result } from "../../contracts/result.ts";
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
import { openHomeBook, type HomeBook, type Homes } from "../store/home-sets.ts";
import { addCounter } from "../store/meta.ts";
import { openLateProducts, type LateProducts } from "../rollouts/late-products.ts";
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
  const late = frozen ? openLateProducts(db) : null;
  for (const change of changes) {
    const place = late === null ? placeAnew(books, change) : placeFrozen(late, change);
    if (!place.ok) {
      refused.push({ change, reason: place.error });
      continue;
    }
    const record = toRecord(change, { books, place: place.value, seq, nowMs });
    count(books, change.present?.record ?? null, record);
    if (record.seq === seq) hashes.push(...keysOf(change));
    records.push(record);
    written.push(change);
  }
  late?.flush();
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

interface Place {
  readonly groupId: number;
  readonly homes: Homes;
}

function placeAnew({ groups }: Books, { planned }: AccountChange): Result<Place, string> {
  const groupId = groups.idOf(planned);
  return groupId === null ? err(NO_GROUP_LEFT) : ok({ groupId, homes: planned.homes });
}

/** What a running rollout sees of an account is frozen: edits count from the next one, what is new is in none. */
function placeFrozen(late: LateProducts, { present, planned }: AccountChange): Result<Place, string> {
  const { slug, homes } = planned;
  if (present === null) return ok({ groupId: NO_GROUP, homes });
  const { groupId } = present.record;
  const left = late.take({ slug, groupId, before: present.homes, after: homes });
  if (!left.ok) return left;
  return ok(left.value === null ? { groupId, homes } : { groupId: NO_GROUP, homes: left.value });
}

function toRecord(
  { present, planned }: AccountChange,
  { books, place, seq, nowMs }: { books: Books; place: Place; seq: number; nowMs: EpochMs },
): AccountRecord {
  const before = present?.record ?? null;
  const { groupId } = place;
  const homesId = books.homes.idOf(place.homes);
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
