/**
 * What the last answers of the meters say about a rollout, in the engine's words: requests since the wave at hand was
 * done, requests of the default since it moved, and which classes a target has been seen to answer, by real requests and
 * by probes, kept apart. What was not measured is not known, never zero. Reads only.
 */
import { COVERED_CLASSES, type CoveredClass } from "../../contracts/preflight.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { ProductName } from "../../contracts/units.ts";
import { coverage, syntheticSeen, type SeenRequests } from "../../core/preflight/verdict.ts";
import type { Db } from "../db.ts";
import type { Weigher } from "../rollouts/heard.ts";
import { loadObserved, type Observed } from "../store/observations.ts";
import type { RolloutRecord } from "../store/rollouts.ts";
import { markNames } from "./marks.ts";

export type ClassCoverage = Readonly<Record<CoveredClass, SeenRequests>>;

export interface SeenTraffic {
  /** Of moved accounts on all targets together; null: not known. */
  readonly requests: number | null;
  readonly defaultRequests: Readonly<Record<ProductName, number>>;
}

export function seenTraffic(db: Db, { id, state }: RolloutRecord): SeenTraffic {
  const observed = loadObserved(db, id);
  return { requests: requestsSinceWave(state, observed), defaultRequests: defaultRequests(state, observed) };
}

function answerSince(
  observed: readonly Observed[],
  of: { name: string; product: ProductName; since: number | null },
): Observed | undefined {
  return observed.find(
    ({ name, product, since }) => name === of.name && product === of.product && since === of.since,
  );
}

function requestsSinceWave(
  { plan, waves, wave }: RolloutState,
  observed: readonly Observed[],
): number | null {
  const since = waves[wave]?.shiftedMs ?? null;
  if (since === null) return null;
  let sum = 0;
  for (const product of Object.keys(plan.targets)) {
    const found = answerSince(observed, { name: markNames.shifted(wave), product, since });
    if (found === undefined) return null;
    sum += found.answer.target.known.tally.requests;
  }
  return sum;
}

function defaultRequests(
  { defaults }: RolloutState,
  observed: readonly Observed[],
): Readonly<Record<ProductName, number>> {
  const requests: Record<ProductName, number> = {};
  for (const { product, movedMs } of defaults) {
    const found = answerSince(observed, { name: markNames.default(product), product, since: movedMs });
    if (found !== undefined) requests[product] = found.answer.target.unknown.tally.requests;
  }
  return requests;
}

/** Requests by class that a target has answered well since the rollout began, and probes that passed; null: neither is known. */
export function coverageOf(
  db: Db,
  { id, state }: RolloutRecord,
  { product, weigher }: { readonly product: ProductName; readonly weigher: Weigher },
): ClassCoverage | null {
  const version = state.plan.targets[product];
  const weighed = version === undefined ? null : weigher(product, version);
  const found = answerSince(loadObserved(db, id), { name: markNames.start, product, since: state.startedMs });
  if (weighed === null && found === undefined) return null;
  const synthetic = syntheticSeen(weighed?.results ?? []);
  const seen = (name: CoveredClass): SeenRequests => {
    const tally = found?.answer.target[name].tally;
    const real = tally === undefined ? 0 : tally.requests - tally.errors - tally.failures;
    return { real, synthetic: synthetic[name].synthetic };
  };
  return { known: seen("known"), unknown: seen("unknown"), none: seen("none"), ip: seen("ip") };
}

/** Classes that a target has not been seen to answer. */
export function uncoveredBy(seen: ClassCoverage): readonly CoveredClass[] {
  return coverage(COVERED_CLASSES, seen);
}
