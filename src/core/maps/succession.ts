/**
 * Whether new maps may follow the ones already held: never back in time, never suddenly without many accounts.
 * The publisher asks before it writes, every reader asks again before it adopts, and both keep what they have
 * when the answer is no. Pure; says nothing about the root in itself (see `root-limits`).
 */
import { allowedLoss } from "../../contracts/limits.ts";
import type { Root } from "../../contracts/maps.ts";
import { encodeRoot } from "./root-codec.ts";
import type { MapsRefusal } from "./refusal.ts";

interface Population {
  readonly what: string;
  readonly held: number;
  readonly next: number;
  /** How many more were removed on purpose, by the root's own count, since the held one. */
  readonly meant: number;
}

/**
 * Compares a root with the one held before it, null when there was none.
 * @returns null when it may follow, else `generation` (lower, or the same number with other content) or `shrunken`
 *   (more accounts or domains missing than were removed on purpose plus the allowed loss).
 * Worked example: 10,000 held, 9,940 next, 15 more removed on purpose: 60 missing ≤ 15 + 50, allowed.
 */
export function checkSuccession(held: Root | null, next: Root): MapsRefusal | null {
  if (held === null) return null;
  if (next.generation < held.generation) {
    return {
      fault: "generation",
      detail: `generation ${next.generation} is older than the held ${held.generation}`,
    };
  }
  if (next.generation === held.generation && encodeRoot(next) !== encodeRoot(held)) {
    return { fault: "generation", detail: `generation ${next.generation} came twice with different content` };
  }
  return (
    checkPopulation(populationOf("accounts", held, next)) ??
    checkPopulation(populationOf("domains", held, next))
  );
}

function populationOf(what: "accounts" | "domains", held: Root, next: Root): Population {
  return {
    what,
    held: held[what],
    next: next[what],
    meant: Math.max(0, next.removed[what] - held.removed[what]),
  };
}

function checkPopulation({ what, held, next, meant }: Population): MapsRefusal | null {
  const missing = held - next;
  const allowed = meant + allowedLoss(held);
  if (missing <= allowed) return null;
  return {
    fault: "shrunken",
    detail: `${missing} of ${held} ${what} are missing, at most ${allowed} are explained`,
  };
}
