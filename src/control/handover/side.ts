/**
 * The maps of one published generation as far as decisions about accounts go, put together from the history: thresholds of
 * all groups, urgent rows and everything else that a root said. Holds are left out, because a held account keeps its
 * version: also the one that is held to go back, until its hold ends. Reads only.
 */
import { NO_GROUP, type AccountRow, type Root } from "../../contracts/maps.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { decideVersion } from "../../core/decide-version.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { readRow } from "../../core/maps/row-json.ts";
import { complaint, newSite } from "../../core/maps/shape.ts";
import { own } from "../../core/record.ts";
import type { Db } from "../db.ts";
import { loadBase, loadThresholds, loadUrgent, type RootRecord } from "../history/roots.ts";
import { loadValue } from "../history/values.ts";
import { parseObject } from "../row.ts";

export interface Side {
  readonly record: RootRecord;
  /** What decides; counts and the index are empty. */
  readonly root: Root;
  readonly urgent: ReadonlyMap<string, AccountRow>;
}

/** @returns null when that root was published before the history was kept. */
export function openSide(db: Db, record: RootRecord): Side | null {
  if (record.base === null) return null;
  const base = loadBase(db, record.base);
  const products = Object.entries(base.products).map(([name, facts]) => [name, { ...facts, hold: null }]);
  const urgent = record.urgent === null ? [] : loadUrgent(db, record.urgent);
  return {
    record,
    root: {
      ...base,
      generation: record.generation,
      publishedAt: record.fromMs,
      accounts: 0,
      domains: 0,
      removed: { accounts: 0, domains: 0 },
      products: Object.fromEntries(products),
      rollouts: base.rollouts.map((rollout) => ({
        ...rollout,
        moved: loadThresholds(db, rollout.id, record.generation),
        held: [],
      })),
      urgent: [],
      index: { hash: "", shards: 1, inline: null },
    },
    urgent: new Map(urgent.map((row) => [row.key, row])),
  };
}

/** @returns null where the account is not known for the product, or cannot be answered. */
export function versionOn({ root }: Side, row: AccountRow | null, product: ProductName): VersionName | null {
  if (row === null || own(row.homes, product) === undefined) return null;
  const decision = decideVersion({
    root,
    breakGlass: null,
    product,
    slug: row.slug,
    row: row.hold === null ? row : { ...row, hold: null },
    override: null,
  });
  return decision.kind === "forward" ? decision.version : null;
}

/** Groups that stand differently in rollouts, and whether something differs for everybody. */
export interface Difference {
  readonly groups: ReadonlySet<number>;
  readonly everybody: boolean;
}

/** What two sides differ in besides rows: whoever has the same row and is not in it was not moved. */
export function differenceOf(before: Side, after: Side): Difference {
  const groups = new Set<number>();
  const ids = new Set([...before.root.rollouts, ...after.root.rollouts].map(({ id }) => id));
  for (const id of ids) {
    const [was, is] = [before, after].map(
      ({ root }) => root.rollouts.find((rollout) => rollout.id === id)?.moved ?? [],
    );
    const count = Math.max(was?.length ?? 0, is?.length ?? 0);
    for (let group = 0; group < count; group++)
      if ((was?.[group] ?? 0) !== (is?.[group] ?? 0)) groups.add(group);
  }
  return { groups, everybody: replacementsOf(before) !== replacementsOf(after) };
}

/** Products that came or went count too: whether an account is known for one hangs on them. */
function replacementsOf({ root }: Side): string {
  return canonicalJson(
    Object.entries(root.products).map(([product, { replacements }]) => [product, replacements]),
  );
}

/** True when the thresholds of a row's group, or the rules for everybody, differ. */
export function concerns({ groups, everybody }: Difference, group: number): boolean {
  return everybody || (group !== NO_GROUP && groups.has(group));
}

/** Gives the row of a numbered value; most accounts share a few of them. */
export function createRowReader(db: Db): (value: number) => AccountRow {
  const known = new Map<number, AccountRow>();
  return (value) => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const site = newSite("history");
    const row = readRow({ ...parseObject(loadValue(db, value)), key: "x" }, site);
    const problem = complaint(site);
    if (problem !== null) throw new TypeError(`the history holds a row that cannot be read: ${problem}`);
    known.set(value, row);
    return row;
  };
}
