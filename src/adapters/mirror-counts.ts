/**
 * Adds up what an isolate has mirrored and compared, until the next report takes it away. A record of its own beside the
 * counters of `telemetry.ts`; bounded by the few measurements that run at a time. Nothing decides by it in the edge.
 * Called by the edge for each pair and by telemetry for each report. Posture: open; past the bound it forgets the oldest.
 */
import type { MirrorCounts, MirrorReport } from "../contracts/mirror.ts";
import { MAX_PRODUCTS } from "../contracts/limits.ts";
import type { ProductName } from "../contracts/units.ts";
import { addCounts } from "../core/mirror.ts";

/** What one mirrored request adds to a measurement. */
export interface MirroredRequest {
  readonly product: ProductName;
  readonly run: string;
  readonly counts: MirrorCounts;
}

export interface MirrorCounter {
  add(request: MirroredRequest): void;
  /** What was added since the last call; empty when nothing was. */
  take(): readonly MirrorReport[];
}

/** Creates the counter of one isolate. */
export function createMirrorCounter(): MirrorCounter {
  let reports = new Map<string, MirrorReport>();
  return {
    add({ product, run, counts }) {
      const known = reports.get(run);
      const sum = known === undefined ? counts : addCounts(known, counts);
      reports.set(run, { ...sum, product, run });
      if (reports.size <= MAX_PRODUCTS) return;
      const [oldest] = reports.keys();
      if (oldest !== undefined) reports.delete(oldest);
    },
    take() {
      if (reports.size === 0) return [];
      const taken = [...reports.values()];
      reports = new Map();
      return taken;
    },
  };
}
