/**
 * Whether maps are young enough to answer for an account that two versions must never serve at once. A move waits until
 * every edge that keeps to this rule has left older maps behind, so an edge must not answer such an account from maps
 * that it read longer ago; it reads `root` first, and shows the hold page when that does not help. All other requests
 * are answered from whatever maps there are, however old: a broken control plane is not a broken router.
 * Pure; called by the edge after the row is known and before the decision is acted upon. Design §5.3.
 */
import type { AccountRow, Root } from "../contracts/maps.ts";
import type { ProductName } from "../contracts/units.ts";
import { own } from "./record.ts";

export interface FreshQuestion {
  readonly root: Root;
  readonly product: ProductName;
  /** Null: no known account, which no rollout moves. */
  readonly row: AccountRow | null;
  /** The row comes from a shard that the root does not name any more. */
  readonly rowIsStale: boolean;
  /** Since the read of `root` that brought these maps was begun; null: they did not come from KV. */
  readonly ageMs: number | null;
  /** How old they may be; a deployment's own, see `contracts/settling`. */
  readonly freshMs: number;
}

/**
 * @returns false: read `root` from KV and ask again; when the answer is false once more (or the read fails), answer with
 *   the hold page, whatever the decision says.
 */
export function mayAnswer({ root, product, row, rowIsStale, ageMs, freshMs }: FreshQuestion): boolean {
  if (row === null || row.group < 0) return true;
  const moving = root.rollouts.find(({ targets }) => own(targets, product) !== undefined);
  if (moving?.mixed !== "never") return true;
  return !rowIsStale && ageMs !== null && ageMs <= freshMs;
}
