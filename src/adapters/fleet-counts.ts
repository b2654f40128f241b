/**
 * Adds up how today's fleet and the decisions of an isolate agree, until the next report takes it away. A record of its own
 * beside the counters of `telemetry.ts`; of differing accounts the first few hundred are kept by name, the rest counted.
 * Nothing decides by it. Called by the edge for each answer and by telemetry for each report. Posture: open.
 */
import { MAX_FLEET_DIFFERENCES, type FleetDifference, type FleetReport } from "../contracts/fleet.ts";
import { MAX_PRODUCTS } from "../contracts/limits.ts";
import type { AccountSlug, ProductName } from "../contracts/units.ts";
import type { Compared } from "../core/fleet.ts";

/** What one answer adds. */
export interface FleetAnswer {
  readonly product: ProductName;
  readonly run: string;
  readonly account: AccountSlug | null;
  readonly compared: Compared;
}

export interface FleetCounter {
  add(answer: FleetAnswer): void;
  /** What was added since the last call; empty when nothing was. */
  take(): readonly FleetReport[];
}

interface Sums {
  readonly product: ProductName;
  readonly counts: { agree: number; differ: number; unnamed: number; undecided: number };
  readonly accounts: Map<string, FleetDifference>;
  forgotten: number;
}

/** Creates the counter of one isolate. */
export function createFleetCounter(): FleetCounter {
  let runs = new Map<string, Sums>();

  function sumsOf({ run, product }: FleetAnswer): Sums {
    const known = runs.get(run);
    if (known !== undefined) return known;
    const counts = { agree: 0, differ: 0, unnamed: 0, undecided: 0 };
    const sums: Sums = { product, counts, accounts: new Map(), forgotten: 0 };
    runs.set(run, sums);
    const [oldest] = runs.keys();
    if (runs.size > MAX_PRODUCTS && oldest !== undefined) runs.delete(oldest);
    return sums;
  }

  return {
    add(answer) {
      const { outcome, ours, theirs } = answer.compared;
      const sums = sumsOf(answer);
      sums.counts[outcome]++;
      if (outcome !== "differ" || ours === null || theirs === null) return;
      const account = answer.account ?? "";
      const known = sums.accounts.get(account);
      if (known === undefined && sums.accounts.size >= MAX_FLEET_DIFFERENCES) sums.forgotten++;
      else sums.accounts.set(account, { account, ours, theirs, requests: (known?.requests ?? 0) + 1 });
    },
    take() {
      if (runs.size === 0) return [];
      const taken = [...runs].map(([run, { product, counts, accounts, forgotten }]) => ({
        product,
        run,
        ...counts,
        accounts: [...accounts.values()],
        forgotten,
      }));
      runs = new Map();
      return taken;
    },
  };
}
