/**
 * Homes, interned: a million accounts share a few sets of "product → version", so each distinct set is one row with the
 * number of accounts and tombstones on it. A `HomeBook` collects the differences of one transaction and writes them once.
 */
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import type { Db } from "../db.ts";
import { parseTexts, readInt, readText } from "../row.ts";

export type Homes = Readonly<Record<ProductName, VersionName>>;

export interface HomeSet {
  readonly id: number;
  readonly homes: Homes;
  readonly accounts: number;
  readonly tombstones: number;
}

/** One account more (or fewer) on a set, living or as a tombstone. */
export interface HomeDelta {
  readonly accounts: number;
  readonly tombstones: number;
}

export interface HomeBook {
  /** Number of the set, made when it is new. */
  idOf(homes: Homes): number;
  homesOf(id: number): Homes;
  add(id: number, delta: HomeDelta): void;
  /** Writes the collected differences. Call once, at the end of the transaction. */
  flush(): void;
}

export function loadHomeSets(db: Db): readonly HomeSet[] {
  return db.rows("SELECT id, homes, accounts, tombstones FROM home_sets ORDER BY id").map((row) => ({
    id: readInt(row, "id"),
    homes: parseTexts(readText(row, "homes")),
    accounts: readInt(row, "accounts"),
    tombstones: readInt(row, "tombstones"),
  }));
}

export function openHomeBook(db: Db): HomeBook {
  const byText = new Map<string, number>();
  const byId = new Map<number, Homes>();
  /** By homes as they are spelled: most come spelled alike, and canonical text costs ten times as much. */
  const bySpelling = new Map<string, number>();
  const deltas = new Map<number, HomeDelta>();
  for (const { id, homes } of loadHomeSets(db)) {
    byText.set(canonicalJson(homes), id);
    byId.set(id, homes);
  }
  const idOfText = (text: string, homes: Homes): number => {
    const known = byText.get(text);
    if (known !== undefined) return known;
    db.run("INSERT INTO home_sets (homes, accounts, tombstones) VALUES (?, 0, 0)", text);
    const id = readInt(db.rows("SELECT last_insert_rowid() AS id")[0] ?? {}, "id");
    byText.set(text, id);
    byId.set(id, homes);
    return id;
  };
  return {
    idOf: (homes) => {
      const spelling = JSON.stringify(homes);
      const id = bySpelling.get(spelling) ?? idOfText(canonicalJson(homes), homes);
      bySpelling.set(spelling, id);
      return id;
    },
    homesOf: (id) => {
      const homes = byId.get(id);
      if (homes === undefined) throw new Error(`an account names homes ${id}, which are not there`);
      return homes;
    },
    add: (id, delta) => {
      const before = deltas.get(id) ?? { accounts: 0, tombstones: 0 };
      deltas.set(id, {
        accounts: before.accounts + delta.accounts,
        tombstones: before.tombstones + delta.tombstones,
      });
    },
    flush: () => {
      for (const [id, { accounts, tombstones }] of deltas) {
        db.run(
          "UPDATE home_sets SET accounts = accounts + ?2, tombstones = tombstones + ?3 WHERE id = ?1",
          id,
          accounts,
          tombstones,
        );
      }
      deltas.clear();
    },
  };
}

/** Accounts and tombstones whose home is a version, from the counters: no scan. */
export function countHomes(db: Db, product: ProductName): ReadonlyMap<VersionName, HomeDelta> {
  const counts = new Map<VersionName, HomeDelta>();
  for (const { homes, accounts, tombstones } of loadHomeSets(db)) {
    const version = homes[product];
    if (version === undefined) continue;
    const before = counts.get(version) ?? { accounts: 0, tombstones: 0 };
    counts.set(version, {
      accounts: before.accounts + accounts,
      tombstones: before.tombstones + tombstones,
    });
  }
  return counts;
}
