/**
 * What edges have compared with today's fleet, over all meters: each isolate reports to one of them, so an answer is the
 * sum of theirs; of an account that several have seen the last word counts. All or nothing, as for what is mirrored.
 * Called by the admin surface. Posture: rejects; who asks says that it is not known.
 */
import type { FleetComparison, SeenDifference } from "../contracts/fleet.ts";
import { askAllMeters } from "./meters.ts";

/** What a meter object offers through RPC for this. */
export interface FleetMeterStub {
  fleet(run: string): Promise<FleetComparison>;
}

/** @param meter finds a meter by name; null when the deployment binds none. */
export function createFleetReader(
  meter: (name: string) => FleetMeterStub | null,
): (run: string) => Promise<FleetComparison> {
  return async (run) => {
    const answers = await askAllMeters(meter, (stub) => stub.fleet(run));
    return answers.reduce(addComparisons);
  };
}

/** Sums of two meters. */
export function addComparisons(a: FleetComparison, b: FleetComparison): FleetComparison {
  const accounts = new Map(a.accounts.map((one) => [one.account, one]));
  for (const one of b.accounts) accounts.set(one.account, merged(accounts.get(one.account), one));
  return {
    agree: a.agree + b.agree,
    differ: a.differ + b.differ,
    unnamed: a.unnamed + b.unnamed,
    undecided: a.undecided + b.undecided,
    forgotten: a.forgotten + b.forgotten,
    accounts: [...accounts.values()],
  };
}

function merged(a: SeenDifference | undefined, b: SeenDifference): SeenDifference {
  if (a === undefined) return b;
  const latest = a.lastAt > b.lastAt ? a : b;
  return { ...latest, requests: a.requests + b.requests };
}
