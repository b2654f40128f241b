/**
 * Whether something changed places between root and shards from one root to another: a rollout that began or left, a
 * replacement or urgent row that was folded into the rows. Across such a change, new root and old rows do not belong
 * together: an account moved by a rollout would seem to be at its old home once the rollout has left the root.
 * Then only the right shard will do: an older copy could send a moved account back. A reader may have missed the roots
 * between, in which something came and went; `rowsFrom` of the later one tells of them. Pure; publisher and reader ask.
 */
import type { Root } from "../../contracts/maps.ts";

/** True when rows read under `previous` may not be used under `next`. */
export function folds(previous: Root, next: Root): boolean {
  if (next.generation < previous.generation || previous.generation < (next.rowsFrom ?? 0)) return true;
  const after = carried(next);
  const before = carried(previous);
  return (
    before.rows.some((one) => !after.rows.includes(one)) ||
    before.rollouts.join("\n") !== after.rollouts.join("\n")
  );
}

interface Carried {
  /** What waits in the root to be written into rows. */
  readonly rows: readonly string[];
  /** Rollouts, which read rows by group. */
  readonly rollouts: readonly string[];
}

function carried(root: Root): Carried {
  const replacements = Object.entries(root.products).flatMap(([product, { replacements: rules }]) =>
    rules.map(({ from, to, salt }) => `${product} ${from} ${to} ${salt}`),
  );
  return {
    rows: [...replacements, ...root.urgent.map(({ key }) => key)],
    rollouts: root.rollouts.map(({ id, salt }) => `${id} ${salt}`).toSorted(),
  };
}
