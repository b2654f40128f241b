/**
 * The life of a version: registered → candidate → live → draining → retired, and the steps back that make sense. Pure;
 * the control plane takes one step at a time by it, the command line finds its way to a state by it.
 */
import type { VersionState } from "../contracts/maps.ts";

/** Where a version can go from each state in one step. */
export const VERSION_STEPS: Readonly<Record<VersionState, readonly VersionState[]>> = {
  registered: ["candidate", "retired"],
  candidate: ["live", "registered", "retired"],
  live: ["draining", "candidate"],
  draining: ["live", "retired"],
  retired: ["registered"],
};

/** States in which people may be on a version. */
export const SERVING_STATES: readonly VersionState[] = ["live", "draining"];

/**
 * The fewest steps from one state to another, the last one being `to`; empty when they are the same.
 * @example stepsBetween("registered", "draining") // ["candidate", "live", "draining"]
 */
export function stepsBetween(from: VersionState, to: VersionState): readonly VersionState[] {
  const ways = new Map<VersionState, readonly VersionState[]>([[from, []]]);
  // A map grows while it is walked, and is walked in the order of its growth: nearest first.
  for (const [state, way] of ways) {
    if (state === to) return way;
    for (const next of VERSION_STEPS[state]) if (!ways.has(next)) ways.set(next, [...way, next]);
  }
  return [];
}
