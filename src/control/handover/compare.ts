/**
 * Which accounts two published generations answer by different versions, a range of hashes at a time: the same decision as
 * edges make, made twice where something about it differs. Nothing is stored for it, so a step of a rollout costs the same
 * whatever it moves. Break-glass is not in here: it is no generation, and overrules all of them. Reads only.
 */
import type { AccountRow } from "../../contracts/maps.ts";
import type { AccountSlug, Generation, ProductName, VersionName } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { loadRootsBelow } from "../history/roots.ts";
import { shardOf } from "../../core/maps/key-hash.ts";
import { GONE, loadRange, type KeyChange, type Range } from "./range.ts";
import {
  concerns,
  createRowReader,
  differenceOf,
  openSide,
  versionOn,
  type Difference,
  type Side,
} from "./side.ts";

/** An account whose version differs. Null: it was not known for the product, or could not be answered. */
export interface Moved {
  readonly account: AccountSlug;
  readonly product: ProductName;
  readonly from: VersionName | null;
  readonly to: VersionName | null;
}

/** Two generations made ready to be compared. */
export interface Comparison {
  readonly db: Db;
  readonly before: Side;
  readonly after: Side;
  readonly difference: Difference;
  readonly products: readonly ProductName[];
  readonly rowOf: (value: number) => AccountRow;
}

/** The maps in force at a generation: its own, or of the one before when it was never published. */
function sideAt(db: Db, generation: Generation): Side | null {
  const [record] = loadRootsBelow(db, generation + 1, 1);
  return record === undefined ? null : openSide(db, record);
}

/** @returns null when one of them is not recorded. */
export function openComparison(
  db: Db,
  { from, to }: { readonly from: Generation; readonly to: Generation },
): Comparison | null {
  const before = sideAt(db, from);
  const after = sideAt(db, to);
  if (before === null || after === null) return null;
  return {
    db,
    before,
    after,
    difference: differenceOf(before, after),
    products: [
      ...new Set([...Object.keys(before.root.products), ...Object.keys(after.root.products)]),
    ].sort(),
    rowOf: createRowReader(db),
  };
}

/** What of one account differs, and what is needed to say since when. */
export interface AccountChange {
  readonly account: AccountSlug;
  /** Of every product whose version differs, in the order of their names. */
  readonly moved: readonly Moved[];
  readonly trail: Trail;
}

/** The account's values in the earlier maps, and what they became. */
export interface Trail {
  readonly before: number;
  readonly changes: readonly KeyChange[];
}

/** Accounts of a range that differ, in the order of their slugs. */
export function compareRange(comparison: Comparison, range: Range): readonly AccountChange[] {
  const { db, before, after } = comparison;
  const past = loadRange(db, range, { before: before.record.shardSeq, after: after.record.shardSeq });
  const found: AccountChange[] = [];
  const look = (key: string): void => {
    // Custom domains go where their account goes, and slugs have no dot.
    if (key.includes(".")) return;
    const values = { was: past.before.get(key) ?? GONE, is: past.after.get(key) ?? GONE };
    if (!mayDiffer(comparison, key, values)) return;
    const moved = compareAccount(comparison, key, values);
    if (moved.length === 0) return;
    found.push({
      account: key,
      moved,
      trail: { before: values.was, changes: past.changes.get(key) ?? [] },
    });
  };
  for (const key of past.after.keys()) look(key);
  for (const key of past.before.keys()) if (!past.after.has(key)) look(key);
  for (const key of urgentOnly(comparison, range)) {
    if (!past.after.has(key) && !past.before.has(key)) look(key);
  }
  return found.sort((a, b) => (a.account < b.account ? -1 : 1));
}

/** Urgent rows of accounts that no shard has yet. */
function urgentOnly({ before, after }: Comparison, { shards, number }: Range): readonly string[] {
  const keys = new Set([...before.urgent.keys(), ...after.urgent.keys()]);
  return [...keys].filter((key) => shardOf(key, shards) === number);
}

interface Values {
  readonly was: number;
  readonly is: number;
}

function mayDiffer(
  { before, after, difference, rowOf }: Comparison,
  key: string,
  { was, is }: Values,
): boolean {
  if (was !== is || before.urgent.has(key) || after.urgent.has(key)) return true;
  return is !== GONE && concerns(difference, rowOf(is).group);
}

function compareAccount(comparison: Comparison, account: AccountSlug, { was, is }: Values): readonly Moved[] {
  const { before, after, products, rowOf } = comparison;
  const old = rowOn(before, account, { value: was, rowOf });
  const now = rowOn(after, account, { value: is, rowOf });
  return products.flatMap((product) => {
    const from = versionOn(before, old, product);
    const to = versionOn(after, now, product);
    return from === to ? [] : [{ account, product, from, to }];
  });
}

/** An account's row as the maps of a side had it, of the shard's value or an urgent one. */
export function rowOn(
  side: Side,
  account: AccountSlug,
  { value, rowOf }: { readonly value: number; readonly rowOf: Comparison["rowOf"] },
): AccountRow | null {
  const urgent = side.urgent.get(account);
  if (urgent !== undefined) return urgent;
  return value === GONE ? null : { ...rowOf(value), key: account, slug: account };
}
