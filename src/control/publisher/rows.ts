/**
 * Account rows as the maps carry them, made from the tables: by range of key hashes for a shard, by account for urgent
 * rows. One place for both, so that a row is the same wherever it is published. Reads only.
 */
import type { Hold, AccountRow } from "../../contracts/maps.ts";
import type { AccountSlug, ProductName, VersionName } from "../../contracts/units.ts";
import { own } from "../../core/record.ts";
import type { Db } from "../db.ts";
import { intAt, textAt } from "../row.ts";
import { loadStuck } from "../store/data-moves.ts";
import { openHomeBook, type HomeBook, type Homes } from "../store/home-sets.ts";
import { loadPlacements, type Placements } from "../store/placements.ts";
import { toMapsHold } from "../store/products.ts";

/** Reads rows; made once for a piece of work, because it remembers homes and who has pins, quarantine or hold. */
export interface RowSource {
  /** Rows whose key hash is from `from` to `to`, both included. */
  inRange(from: number, to: number): AccountRow[];
  /** The rows of one account: its slug and its custom domains. */
  ofAccount(slug: AccountSlug): AccountRow[];
}

const ACCOUNT = "SELECT a.slug, a.slug, NULL, a.group_id, a.homes_id, a.cell, a.deleted_at FROM accounts a";
const DOMAIN = `SELECT d.host, a.slug, d.product, a.group_id, a.homes_id, a.cell, a.deleted_at
  FROM custom_domains d JOIN accounts a ON a.slug = d.account`;

export function createRowSource(db: Db): RowSource {
  const homes = openHomeBook(db);
  const placed = new Set(
    db
      .raw("SELECT account FROM pins UNION SELECT account FROM quarantines UNION SELECT account FROM holds")
      .map((row) => textAt(row, 0)),
  );
  const stuck = loadStuck(db);
  const toRows = (raw: readonly (readonly unknown[])[]): AccountRow[] => {
    const slugs =
      placed.size === 0 ? [] : raw.map((row) => textAt(row, 1)).filter((slug) => placed.has(slug));
    const placements = slugs.length === 0 ? null : loadPlacements(db, [...new Set(slugs)]);
    return raw.map((row) => toAccountRow(row, homes, { placements, stuck }));
  };
  return {
    inRange: (from, to) =>
      toRows(
        db.raw(
          `${ACCOUNT} JOIN account_keys k ON k.slug = a.slug WHERE k.key_hash BETWEEN ?1 AND ?2 UNION ALL ${DOMAIN} WHERE d.key_hash BETWEEN ?1 AND ?2`,
          from,
          to,
        ),
      ),
    ofAccount: (slug) =>
      toRows(db.raw(`${ACCOUNT} WHERE a.slug = ?1 UNION ALL ${DOMAIN} WHERE d.account = ?1`, slug)),
  };
}

interface Around {
  readonly placements: Placements | null;
  /** Accounts whose data lies between two versions. */
  readonly stuck: ReadonlyMap<AccountSlug, string>;
}

function toAccountRow(row: readonly unknown[], book: HomeBook, around: Around): AccountRow {
  const { placements } = around;
  const slug = textAt(row, 1);
  const product = row[2] === null ? null : textAt(row, 2);
  const all = book.homesOf(intAt(row, 4));
  const homes = product === null ? all : onlyOf(all, product);
  return {
    key: textAt(row, 0),
    slug,
    product,
    homes,
    group: intAt(row, 3),
    cell: row[5] === null ? null : textAt(row, 5),
    deleted: row[6] !== null,
    pins: versionsOf(placements?.pins.get(slug), homes),
    quarantine: versionsOf(placements?.quarantines.get(slug), homes),
    hold: holdOf(around, slug),
  };
}

function onlyOf(homes: Homes, product: ProductName): Homes {
  const home = own(homes, product);
  return home === undefined ? {} : { [product]: home };
}

/** What binds now: a pin for a product that the account has lost says nothing. */
function versionsOf(
  entries: readonly { readonly product: ProductName; readonly version: VersionName }[] | undefined,
  homes: Homes,
): Homes | null {
  const versions: Record<ProductName, VersionName> = {};
  for (const { product, version } of entries ?? []) {
    if (own(homes, product) !== undefined) versions[product] = version;
  }
  return Object.keys(versions).length === 0 ? null : versions;
}

/** Reads of an account that is held read-only are served; from data between two versions nothing is. */
function holdOf({ placements, stuck }: Around, slug: AccountSlug): Hold | null {
  const hold = placements?.holds.get(slug);
  if (hold === undefined) return null;
  return toMapsHold(stuck.has(slug) ? { ...hold, mode: "page" } : hold);
}

/** `product/version` of everything that the rows name. */
export function namesIn(rows: readonly AccountRow[]): readonly string[] {
  const names = new Set<string>();
  const seen = new Set<unknown>();
  for (const { homes, pins, quarantine } of rows) {
    for (const versions of [homes, pins, quarantine]) {
      if (versions === null || seen.has(versions)) continue;
      seen.add(versions);
      for (const [product, version] of Object.entries(versions)) names.add(`${product}/${version}`);
    }
  }
  return [...names].toSorted();
}
