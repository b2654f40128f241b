/**
 * What a run gives to programs: the keys of design §9 as plain numbers, nested where their name has a dot, and beside each
 * what it was compared to, its limit and by how much it was missed. Pure; `bench.ts` writes it.
 */
import type { Machine } from "./machine.ts";
import type { Key, Spread } from "./row.ts";
import type { RowResult } from "./runner.ts";

/** What stands beside a number. */
export interface Beside {
  readonly comparedTo: string;
  readonly limit: Key["limit"];
  /** Null: not judged. */
  readonly reached: boolean | null;
  /** How far beyond its limit, as a share of the limit; 0 when it is within. */
  readonly missedBy: number;
  readonly spread: Spread | null;
  readonly rounds: number;
}

type Tree = { [name: string]: number | Tree };

/** The document of `--json`. */
export interface Results {
  readonly [key: string]: unknown;
  readonly about: {
    readonly at: string;
    readonly machine: Machine;
    readonly beside: Readonly<Record<string, Beside>>;
    readonly rows: readonly RowResult[];
  };
}

/** Whether a number is within its limit; null: it has none. */
export function isReached({ value, limit }: Pick<Key, "value" | "limit">): boolean | null {
  if (limit === null) return null;
  return "most" in limit ? value <= limit.most : value >= limit.least;
}

/** By how much a limit was missed, as a share of it: 0.1 is a tenth too much or too little. */
export function missedBy({ value, limit }: Pick<Key, "value" | "limit">): number {
  if (limit === null || isReached({ value, limit }) === true) return 0;
  const bound = "most" in limit ? limit.most : limit.least;
  return Math.abs(value - bound) / Math.abs(bound);
}

/** Puts the keys of all rows into one document. */
export function createResults(
  rows: readonly RowResult[],
  { at, machine }: { readonly at: string; readonly machine: Machine },
): Results {
  const tree: Tree = {};
  const beside: Record<string, Beside> = {};
  for (const { conclusion, rounds } of rows) {
    for (const key of conclusion.keys) {
      place(tree, key.key.split("."), key.value);
      const { comparedTo, limit, spread = null } = key;
      beside[key.key] = {
        comparedTo,
        limit,
        reached: isReached(key),
        missedBy: missedBy(key),
        spread,
        rounds,
      };
    }
  }
  return { ...tree, about: { at, machine, beside, rows } };
}

function place(tree: Tree, path: readonly string[], value: number): void {
  const [name, ...rest] = path;
  if (name === undefined) return;
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  const inner = tree[name];
  const branch = typeof inner === "object" ? inner : {};
  tree[name] = branch;
  place(branch, rest, value);
}
