/**
 * The rows that were asked for lately, so that a busy account costs one Map look-up. Bounded: two halves, and when the
 * young one is full it becomes the old one and the old one is dropped, so nothing has to be reordered on a hit.
 * Emptied when other maps are adopted. Absent keys are not kept: random hosts would push out real accounts.
 */
import type { RowLookup } from "./types.ts";

/** Rows in each half; two halves of 8,192 rows are about 2 MB. */
const HALF = 8192;

export interface HotRows {
  get(key: string): RowLookup | undefined;
  set(key: string, found: RowLookup): void;
  clear(): void;
}

/** An empty cache of rows. */
export function createHotRows(): HotRows {
  let young = new Map<string, RowLookup>();
  let old = new Map<string, RowLookup>();

  function set(key: string, found: RowLookup): void {
    if (young.size >= HALF) {
      old = young;
      young = new Map();
    }
    young.set(key, found);
  }

  return {
    get(key) {
      const found = young.get(key);
      if (found !== undefined) return found;
      const older = old.get(key);
      if (older !== undefined) set(key, older);
      return older;
    },
    set,
    clear() {
      young = new Map();
      old = new Map();
    },
  };
}
