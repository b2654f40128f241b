/**
 * The moves an account has made: the decision is made again for every published root and every break-glass document, and
 * where its version differs from the one before there is a move. Nothing is stored for it, so a step of a rollout costs
 * the same whatever it moves, and the list cannot disagree with what edges were told. Holds are not moves. Reads only.
 */
import type { AccountMove, AccountMoves, PastMaps } from "../../contracts/history-port.ts";
import type { BreakGlass } from "../../contracts/maps.ts";
import type { AccountSlug, EpochMs, Generation, ProductName } from "../../contracts/units.ts";
import { decideVersion } from "../../core/decide-version.ts";
import type { Forward } from "../../core/decision.ts";
import { fleetOf, outranksFleet } from "../../core/fleet.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { toInstant, toInstantOrNull } from "../clock.ts";
import type { Db } from "../db.ts";
import { documentAt, loadBreakGlasses } from "./break-glass.ts";
import { causeOf, tellCause } from "./cause.ts";
import { openPast, type Past } from "./past.ts";
import { firstRecordedMs, loadRootRecord, loadRootsBelow, type RootRecord } from "./roots.ts";

/** Roots of one reading. */
const CHUNK = 1000;

export interface MovesQuery {
  readonly account: AccountSlug;
  /** Null: of every product. */
  readonly product: ProductName | null;
  /** Of the page before. */
  readonly cursor: string | null;
  readonly limit: number;
}

/** Something that may have changed the answer, with what was in force from then on. */
interface Point {
  readonly atMs: EpochMs;
  readonly root: RootRecord;
  readonly breakGlass: BreakGlass | null;
}

/** What an account was answered by, holds left aside; nothing of products that today's fleet answered. */
export interface Answers {
  readonly maps: PastMaps;
  readonly byProduct: ReadonlyMap<ProductName, Forward>;
}

/** A page of moves, newest first. */
export function viewMoves(db: Db, query: MovesQuery): AccountMoves {
  const items: AccountMove[] = [];
  const page = { account: query.account, since: toInstantOrNull(firstRecordedMs(db)), items };
  const answersAt = createAnswers(db, openPast(db, query.account, "aside"));
  let newer: { readonly point: Point; readonly answers: Answers } | null = null;
  for (const point of points(db, parseCursor(query.cursor))) {
    const answers = answersAt(point);
    if (newer !== null && newer.answers !== answers) {
      if (items.length >= query.limit) return { ...page, cursor: cursorOf(newer.point) };
      if (answers !== null) items.push(...movesBetween(db, query, { before: answers, ...newer }));
    }
    // Of the time before the key was recorded nothing is known.
    if (answers === null) break;
    newer = { point, answers };
  }
  if (newer === null) return { ...page, cursor: null };
  if (items.length >= query.limit) return { ...page, cursor: cursorOf(newer.point) };
  items.push(...firstKnown(query, newer));
  return { ...page, cursor: null };
}

/** Where it was when the record begins. */
function firstKnown(
  { product: only }: MovesQuery,
  { answers, point }: { readonly answers: Answers; readonly point: Point },
): readonly AccountMove[] {
  const nothing = { from: null, why: "recorded", rollout: null, by: null, reason: null } as const;
  return [...answers.byProduct]
    .filter(([product]) => only === null || product === only)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([product, { version }]) => ({
      ...nothing,
      at: toInstant(point.atMs),
      generation: point.root.generation,
      product,
      to: version,
    }));
}

/** A page goes on at the point that the page before did not tell of. */
interface Cursor {
  readonly generation: Generation;
  readonly atMs: EpochMs;
}

function cursorOf({ root, atMs }: Point): string {
  return `${root.generation}.${atMs}`;
}

function parseCursor(text: string | null): Cursor {
  const [generation = Number.NaN, atMs = Number.NaN] = (text ?? "").split(".").map(Number);
  const isOurs = Number.isSafeInteger(generation) && Number.isSafeInteger(atMs);
  return isOurs ? { generation, atMs } : { generation: Number.MAX_SAFE_INTEGER - 1, atMs: Infinity };
}

/** Every root and every change of break-glass, newest first, from the cursor on. */
function* points(db: Db, from: Cursor): Generator<Point> {
  const glasses = loadBreakGlasses(db);
  const documentOf = (atMs: EpochMs): BreakGlass | null => {
    const record = glasses.findLast((one) => one.atMs <= atMs);
    return record === undefined ? null : documentAt(record, atMs);
  };
  const changes = glasses
    .flatMap((record) => [record.atMs, documentAt(record, record.atMs)?.expires ?? record.atMs])
    .sort((a, b) => b - a);
  let below = from.generation + 1;
  let untilMs = from.atMs;
  for (;;) {
    const roots = loadRootsBelow(db, below, CHUNK);
    for (const root of roots) {
      for (const atMs of changes) {
        if (atMs > root.atMs && atMs <= untilMs) yield { atMs, root, breakGlass: documentOf(atMs) };
      }
      yield { atMs: root.atMs, root, breakGlass: documentOf(root.atMs) };
      untilMs = root.atMs - 1;
    }
    const last = roots.at(-1);
    if (last === undefined || roots.length < CHUNK) return;
    below = last.generation;
  }
}

/** Makes the decision of every product at a point; the same object again while nothing of it changes. */
function createAnswers(db: Db, past: Past): (point: Point) => Answers | null {
  let last: { readonly signature: string; readonly answers: Answers | null } | null = null;
  return ({ root, breakGlass }) => {
    const held = breakGlass?.holdGeneration ?? null;
    // Edges that are told to stay at a generation answer by its maps.
    const served = (held === null ? null : loadRootRecord(db, held)) ?? root;
    const signature = `${past.signature(served)}\n${breakGlass === null ? "" : canonicalJson(breakGlass)}`;
    if (last?.signature === signature) return last.answers;
    const maps = past.at(served);
    const answers = maps === null ? null : { maps, byProduct: decideAll(maps, breakGlass) };
    last = { signature, answers };
    return answers;
  };
}

function decideAll({ root, row }: PastMaps, breakGlass: BreakGlass | null): Answers["byProduct"] {
  const decided = new Map<ProductName, Forward>();
  if (row === null) return decided;
  const free = breakGlass === null ? null : { ...breakGlass, hold: { accounts: {}, products: {} } };
  for (const [product, facts] of Object.entries(root.products)) {
    const products = { ...root.products, [product]: { ...facts, hold: null } };
    const decision = decideVersion({
      root: { ...root, products },
      breakGlass: free,
      product,
      slug: row.slug,
      row: { ...row, hold: null },
      override: null,
    });
    const isTheirs = fleetOf(root, product) !== null && !outranksFleet(decision);
    if (decision.kind === "forward" && decision.reason !== "default" && !isTheirs)
      decided.set(product, decision);
  }
  return decided;
}

function movesBetween(
  db: Db,
  { account, product: only }: MovesQuery,
  { before, answers, point }: { readonly before: Answers; readonly answers: Answers; readonly point: Point },
): readonly AccountMove[] {
  const products = [...new Set([...before.byProduct.keys(), ...answers.byProduct.keys()])].sort();
  return products
    .filter((product) => only === null || product === only)
    .flatMap((product): AccountMove[] => {
      const from = before.byProduct.get(product) ?? null;
      const to = answers.byProduct.get(product) ?? null;
      if (from?.version === to?.version) return [];
      const cause = causeOf(
        product,
        { maps: before.maps, decision: from },
        { maps: answers.maps, decision: to },
      );
      return [
        {
          at: toInstant(point.atMs),
          generation: point.root.generation,
          product,
          from: from?.version ?? null,
          to: to?.version ?? null,
          ...cause,
          ...tellCause(db, { account, product, atMs: point.atMs, ...cause }),
        },
      ];
    });
}
