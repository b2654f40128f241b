/**
 * Which accounts changed version since a generation, for origins that poll: what they were on by the maps of then against
 * what they are on by those published now, so that an account that came back is not told of. Pages go through the ranges
 * of hashes; all of them compare with the generation of the first. Reads only.
 */
import type { Assignment, AssignmentPage, AssignmentQuery } from "../../contracts/handover-port.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { err, ok, type Result } from "../../contracts/result.ts";
import type { AccountSlug, Generation } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { firstComparable, loadRootsBelow } from "../history/roots.ts";
import { refuse } from "../refuse.ts";
import { compareRange, openComparison, type AccountChange, type Comparison } from "./compare.ts";
import { shardCount } from "./range.ts";
import { createSince } from "./since.ts";

/** Ranges that one page looks through at most, about 1,000 accounts each: some 100 ms. */
const MAX_RANGES = 64;

/** Where a page begins. */
interface Place {
  /** The generation that is compared with. */
  readonly upTo: Generation;
  readonly shards: number;
  readonly number: number;
  /** The last account that was told of in this range; empty: none. */
  readonly after: AccountSlug;
}

/** A page of assignments. */
export function viewAssignments(db: Db, query: AssignmentQuery): Result<AssignmentPage, Refusal> {
  const newest = loadRootsBelow(db, Number.MAX_SAFE_INTEGER, 1)[0]?.generation ?? 0;
  const earliest = firstComparable(db);
  if (query.since > newest)
    return refuse("invalid", `generation ${query.since} is not published yet; the newest is ${newest}`);
  if (earliest === null || query.since < earliest) return err(tooOld(query.since, earliest, newest));
  const place = parseCursor(query.cursor, { newest, shards: shardCount(db) });
  if (place === null) return refuse("invalid", "the cursor is not one of these pages");
  const comparison = openComparison(db, { from: query.since, to: place.upTo });
  return comparison === null
    ? err(tooOld(query.since, earliest, newest))
    : ok(readPage(db, query, { place, comparison }));
}

function tooOld(since: Generation, earliest: Generation | null, newest: Generation): Refusal {
  const known =
    earliest === null ? "nothing was published yet" : `the record begins at generation ${earliest}`;
  return {
    problem: "not-found",
    detail: `what generation ${since} said is not recorded here: ${known}. Take every account for moved and go on from generation ${newest}`,
    extensions: { earliest_generation: earliest, generation: newest },
  };
}

function readPage(
  db: Db,
  query: AssignmentQuery,
  { place, comparison }: { readonly place: Place; readonly comparison: Comparison },
): AssignmentPage {
  const { since, limit } = query;
  const sinceOf = createSince(db, comparison);
  const items: Assignment[] = [];
  const page = { since, generation: place.upTo, items };
  const end = Math.min(place.shards, place.number + MAX_RANGES);
  for (let number = place.number; number < end; number++) {
    let after = number === place.number ? place.after : "";
    for (const change of compareRange(comparison, { shards: place.shards, number })) {
      if (change.account <= after) continue;
      const told = assignmentsOf(change, query);
      if (items.length > 0 && items.length + told.length > limit)
        return { ...page, cursor: cursorOf({ ...place, number, after }) };
      for (const moved of told) {
        const answer = { product: moved.product, version: moved.to };
        items.push({ ...moved, generation: sinceOf(change, answer) });
      }
      after = change.account;
    }
  }
  return { ...page, cursor: end === place.shards ? null : cursorOf({ ...place, number: end, after: "" }) };
}

function cursorOf({ upTo, shards, number, after }: Place): string {
  return [upTo, shards, number, after].join(".");
}

/** @returns null for what is no cursor of ours. A place of fewer shards than there are now begins its range again. */
function parseCursor(
  text: string | null,
  { newest, shards }: { readonly newest: Generation; readonly shards: number },
): Place | null {
  if (text === null) return { upTo: newest, shards, number: 0, after: "" };
  const parts = /^(\d{1,15})\.(\d{1,5})\.(\d{1,5})\.([a-z0-9-]*)$/.exec(text);
  if (parts === null) return null;
  const [upTo, count, number] = parts.slice(1, 4).map(Number);
  if (upTo === undefined || upTo > newest || count === undefined || count < 1 || number === undefined)
    return null;
  const growth = shards / count;
  if (!Number.isInteger(growth) || number >= count) return null;
  return { upTo, shards, number: number * growth, after: growth === 1 ? (parts[4] ?? "") : "" };
}

function assignmentsOf(
  { moved }: AccountChange,
  { products, version }: AssignmentQuery,
): AccountChange["moved"] {
  return moved.filter(
    ({ product, from, to }) =>
      (products === null || products.includes(product)) &&
      (version === null || from === version || to === version),
  );
}
