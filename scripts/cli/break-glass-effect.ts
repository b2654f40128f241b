/**
 * What a break-glass document would do against maps: who would get something else, and which of its entries would do
 * nothing because they name what the maps do not have (edges pass those over in silence). Decides with the edge's own
 * function. Pure.
 */
import type { BreakGlass, Root } from "../../src/contracts/maps.ts";
import { own } from "../../src/core/record.ts";
import type { OpenMaps } from "./maps-dump.ts";
import { countMoved, movedBetween, sideOf, unknownOutcome, type MovedCount } from "./maps-diff.ts";

export interface Effect {
  readonly generation: number;
  /** Accounts and custom domains that would get something else, by product, from and to. */
  readonly counts: readonly MovedCount[];
  /** What requests of no known account would get, where it changes. */
  readonly unknown: readonly { readonly product: string; readonly from: string; readonly to: string }[];
  /** Entries that would do nothing, and why. */
  readonly idle: readonly string[];
}

/** Compares the maps with the document in force now (that of the maps) and with `document` in its place. */
export function effectOf(maps: OpenMaps, document: BreakGlass | null, nowMs: number): Effect {
  const before = sideOf(maps, nowMs);
  const after = { maps, breakGlass: document };
  const unknown = Object.keys(maps.root.products).flatMap((product) => {
    const [from, to] = [unknownOutcome(before, product), unknownOutcome(after, product)];
    return from === to ? [] : [{ product, from, to }];
  });
  return {
    generation: maps.root.generation,
    counts: countMoved([...movedBetween(before, after)]),
    unknown,
    idle: document === null ? [] : idleEntries(document, maps),
  };
}

function idleEntries(document: BreakGlass, maps: OpenMaps): readonly string[] {
  const { root } = maps;
  const { instead, hold, accounts, holdGeneration } = document;
  return [
    ...Object.entries(instead).flatMap(([product, versions]) =>
      Object.entries(versions).flatMap(([from, to]) => [
        ...missing(root, product, from),
        ...missing(root, product, to),
      ]),
    ),
    ...Object.entries(document.default).flatMap(([product, version]) => missing(root, product, version)),
    ...Object.entries(accounts).flatMap(([account, versions]) => [
      ...stranger(maps, account),
      ...Object.entries(versions).flatMap(([product, version]) => missing(root, product, version)),
    ]),
    ...Object.keys(hold.products)
      .filter((product) => own(root.products, product) === undefined)
      .map((product) => `there is no product ${product}`),
    ...Object.keys(hold.accounts).flatMap((account) => stranger(maps, account)),
    ...(holdGeneration !== null && holdGeneration > root.generation
      ? [`generation ${holdGeneration} is not published yet; the newest is ${root.generation}`]
      : []),
  ];
}

function missing(root: Root, product: string, version: string): readonly string[] {
  const facts = own(root.products, product);
  if (facts === undefined) return [`there is no product ${product}`];
  if (own(facts.versions, version) !== undefined) return [];
  return [`${product} has no ${version}; it has ${Object.keys(facts.versions).join(", ")}`];
}

function stranger(maps: OpenMaps, account: string): readonly string[] {
  return maps.find(account) === null ? [`there is no account ${account}`] : [];
}
