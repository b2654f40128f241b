/**
 * Whom a restore moves: what every account is served before and after, by the tables alone, and as edges decide it: pins,
 * quarantines, running rollouts and replacements counted in, break-glass and holds aside. Homes say too little, since a
 * rollout moves nobody's home before it settles. Called within the transaction of the swap, before and after. Reads the
 * accounts in pages; what it keeps in memory is one entry for each pin, group and set of homes, not for each account.
 */
import type { AccountSlug } from "../../contracts/units.ts";
import { own } from "../../core/record.ts";
import { followReplacements, rootReplacement } from "../../core/rollout/replacement-plan.ts";
import type { Db } from "../db.ts";
import { readInt, readText } from "../row.ts";
import { currentHomes, loadHeldVersions, loadRunning } from "../rollouts/facts.ts";
import { loadHomeSets, type Homes } from "../store/home-sets.ts";
import { loadActiveReplacements } from "../store/replacements.ts";

const PAGE = 10_000;

interface Placed {
  readonly slug: AccountSlug;
  readonly group: number;
  readonly homesId: number;
}

export interface Effect {
  /** Accounts that are served another version of some product, or have other products. */
  readonly accountsMoved: number;
  /** Accounts that are no more. */
  readonly accountsDropped: number;
}

/** Notes what accounts are served now. @returns what counts, after the swap, whom it moved and dropped. */
export function noteServed(db: Db): () => Effect {
  db.run(
    "CREATE TABLE served_before AS SELECT slug, group_id, homes_id FROM accounts WHERE deleted_at IS NULL",
  );
  const before = openServed(db);
  return () => {
    const effect = compare(db, before, openServed(db));
    db.run("DROP TABLE served_before");
    return effect;
  };
}

function compare(db: Db, before: (account: Placed) => Homes, after: (account: Placed) => Homes): Effect {
  let [moved, dropped] = [0, 0];
  for (let last = 0, read = PAGE; read === PAGE; last += PAGE) {
    const rows = db.rows(
      `SELECT b.slug, b.group_id AS was_group, b.homes_id AS was_homes, a.group_id, a.homes_id FROM served_before b
       LEFT JOIN accounts a ON a.slug = b.slug AND a.deleted_at IS NULL WHERE b.rowid > ? ORDER BY b.rowid LIMIT ?`,
      last,
      PAGE,
    );
    read = rows.length;
    for (const row of rows) {
      if (row["homes_id"] === null) {
        dropped += 1;
        continue;
      }
      const slug = readText(row, "slug");
      const was = before({ slug, group: readInt(row, "was_group"), homesId: readInt(row, "was_homes") });
      const is = after({ slug, group: readInt(row, "group_id"), homesId: readInt(row, "homes_id") });
      if (differ(was, is)) moved += 1;
    }
  }
  return { accountsMoved: moved, accountsDropped: dropped };
}

function differ(one: Homes, other: Homes): boolean {
  const products = Object.keys(one);
  return (
    products.length !== Object.keys(other).length ||
    products.some((product) => one[product] !== own(other, product))
  );
}

/** Remembers the tables that decide, so that it can be asked when they have become others. */
function openServed(db: Db): (account: Placed) => Homes {
  const sets = new Map(loadHomeSets(db).map(({ id, homes }) => [id, homes]));
  const running = loadRunning(db);
  const held = loadHeldVersions(db);
  const rules = Map.groupBy(
    loadActiveReplacements(db).flatMap(({ state }) => {
      const rule = rootReplacement(state);
      return rule === null ? [] : [{ product: state.plan.product, rule }];
    }),
    ({ product }) => product,
  );
  return ({ slug, group, homesId }) => {
    const homes = currentHomes(running, { slug, group, homes: sets.get(homesId) ?? {} });
    const kept = held.get(slug);
    if (kept === undefined && rules.size === 0) return homes;
    return Object.fromEntries(
      Object.entries(homes).map(([product, version]) => {
        const replacing = (rules.get(product) ?? []).map(({ rule }) => rule);
        return [product, followReplacements(replacing, slug, own(kept ?? {}, product) ?? version)];
      }),
    );
  };
}
