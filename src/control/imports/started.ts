/** Counts which accounts got a product, and on which version: what an import brought in. Pure. */
import { own } from "../../core/record.ts";
import type { AccountChange } from "../accounts/apply.ts";
import type { Started } from "../store/imports.ts";

/** Every product that an account did not have before, by product and version. */
export function countStarted(changes: readonly AccountChange[]): Started {
  const counts: Record<string, Record<string, number>> = {};
  for (const { present, planned } of changes) {
    for (const [product, version] of Object.entries(planned.homes)) {
      if (own(present?.homes ?? {}, product) !== undefined) continue;
      const versions = (counts[product] ??= {});
      versions[version] = (versions[version] ?? 0) + 1;
    }
  }
  return counts;
}

/** The sum of two counts. */
export function addStarted(a: Started, b: Started): Started {
  const sum: Record<string, Record<string, number>> = {};
  for (const [product, versions] of [...Object.entries(a), ...Object.entries(b)]) {
    const known = (sum[product] ??= {});
    for (const [version, accounts] of Object.entries(versions))
      known[version] = (known[version] ?? 0) + accounts;
  }
  return sum;
}
