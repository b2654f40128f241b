/**
 * `maps diff A B`: what would be different if B were served instead of A: accounts whose decision differs, and what
 * differs in the root. Decides every key of both sides with the edge's own function, so that rollouts, pins, holds and
 * replacements count as they would. Pure; both dumps are in memory, rows are made one by one.
 */
import type { AccountRow, BreakGlass, Root } from "../../src/contracts/maps.ts";
import type { Decision } from "../../src/core/decision.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import { chooseBreakGlass } from "../../src/core/maps/break-glass.ts";
import { rowsOf, type OpenMaps } from "./maps-dump.ts";
import { sortedJson } from "./render.ts";

/** One account (or custom domain) that would get something else for one product. */
export interface Moved {
  /** Slug or custom host. */
  readonly key: string;
  readonly account: string;
  readonly product: string;
  readonly from: string;
  readonly to: string;
}

/** One value of the root that differs; undefined on a side that does not have it. */
export interface RootDifference {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** One side of a comparison, with the break-glass document that is in force. */
export interface Side {
  readonly maps: OpenMaps;
  readonly breakGlass: BreakGlass | null;
}

/** Leaves out a break-glass document that has expired. */
export function sideOf(maps: OpenMaps, nowMs: number): Side {
  return { maps, breakGlass: chooseBreakGlass(maps.breakGlass, null, nowMs) };
}

/** Every key whose decision differs, from A's rows in order, then those only B has. */
export function* movedBetween(a: Side, b: Side): Generator<Moved> {
  for (const row of rowsOf(a.maps)) yield* movedFor(row, [a, b]);
  for (const row of rowsOf(b.maps)) {
    if (a.maps.find(row.key) === null) yield* movedFor(row, [a, b]);
  }
}

function* movedFor({ key, slug }: AccountRow, [a, b]: readonly [Side, Side]): Generator<Moved> {
  const before = a.maps.find(key);
  const after = b.maps.find(key);
  const products = new Set([...Object.keys(before?.homes ?? {}), ...Object.keys(after?.homes ?? {})]);
  for (const product of [...products].toSorted()) {
    const question: Question = { key, slug, product };
    const from = outcome(a, { ...question, row: before });
    const to = outcome(b, { ...question, row: after });
    if (from !== to) yield { key, account: slug, product, from, to };
  }
}

interface Question {
  readonly key: string;
  readonly slug: string;
  readonly product: string;
}

/** What a request for this key gets, in a few words; two that are equal are the same to a client. */
function outcome(
  { maps, breakGlass }: Side,
  { key, slug, product, row }: Question & { readonly row: AccountRow | null },
): string {
  const known = row !== null && Object.hasOwn(row.homes, product);
  // A custom domain that the maps do not know is nobody's: 421, never the default.
  if (!known && key !== slug) return "not served";
  const decision = decideVersion({
    root: maps.root,
    breakGlass,
    product,
    slug,
    row: known ? row : null,
    override: null,
  });
  return known ? describe(decision) : `unknown (${describe(decision)})`;
}

/** What a request of no known account gets for a product. */
export function unknownOutcome({ maps, breakGlass }: Side, product: string): string {
  return describe(
    decideVersion({ root: maps.root, breakGlass, product, slug: null, row: null, override: null }),
  );
}

function describe(decision: Decision): string {
  switch (decision.kind) {
    case "forward":
      return decision.version;
    case "hold":
      return decision.forward === null ? "held" : `held, reads ${decision.forward.version}`;
    case "unresolved":
      return "unresolved";
  }
}

/** Fields that differ by the passing of time alone. */
const ALWAYS_DIFFERENT = new Set(["generation", "publishedAt"]);

/** True for a difference that says more than that the maps were published at another time. */
export function isSubstantial({ field }: RootDifference): boolean {
  return !ALWAYS_DIFFERENT.has(field);
}

/** What differs between two roots, product by product and version by version. The index of accounts is left out. */
export function rootDifferences(a: Side, b: Side): RootDifference[] {
  const before = flatten(a);
  const after = flatten(b);
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((field) => sortedJson(before.get(field)) !== sortedJson(after.get(field)))
    .map((field) => ({ field, from: before.get(field), to: after.get(field) }));
}

function flatten({ maps: { root }, breakGlass }: Side): Map<string, unknown> {
  const { generation, publishedAt, accounts, domains, removed, halt, overrideEpoch } = root;
  const fields = new Map<string, unknown>([
    ["generation", generation],
    ["publishedAt", new Date(publishedAt).toISOString()],
    ["accounts", accounts],
    ["domains", domains],
    ["removed", removed],
    ["halt", halt],
    ["overrideEpoch", overrideEpoch],
  ]);
  if (breakGlass !== null) fields.set("break-glass", breakGlass);
  flattenProducts(root, fields);
  for (const { id, ...rollout } of root.rollouts) fields.set(`rollouts.${id}`, rollout);
  for (const row of root.urgent) fields.set(`urgent.${row.key}`, row);
  return fields;
}

function flattenProducts({ products }: Root, fields: Map<string, unknown>): void {
  for (const [name, { versions, ...product }] of Object.entries(products)) {
    for (const [field, value] of Object.entries(product)) fields.set(`${name}.${field}`, value);
    for (const [version, about] of Object.entries(versions)) fields.set(`${name}.versions.${version}`, about);
  }
}

/** How many went from one version to another. */
export interface MovedCount {
  readonly product: string;
  readonly from: string;
  readonly to: string;
  readonly accounts: number;
  readonly domains: number;
}

/** Counts moves by product, from and to; the largest first. */
export function countMoved(moves: readonly Moved[]): MovedCount[] {
  const counts = new Map<string, MovedCount>();
  for (const { key, account, product, from, to } of moves) {
    const group = JSON.stringify([product, from, to]);
    const held = counts.get(group) ?? { product, from, to, accounts: 0, domains: 0 };
    const isDomain = key !== account;
    counts.set(group, {
      ...held,
      accounts: held.accounts + (isDomain ? 0 : 1),
      domains: held.domains + (isDomain ? 1 : 0),
    });
  }
  return [...counts.values()].toSorted((a, b) => b.accounts + b.domains - a.accounts - a.domains);
}
