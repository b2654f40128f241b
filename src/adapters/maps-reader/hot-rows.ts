/**
 * The rows that were asked for lately, so that a busy account costs one Map look-up. Bounded. Emptied when other maps are
 * adopted. Absent keys are not kept: random hosts would push out real accounts.
 */
import { createRecent, type Recent } from "../../core/recent.ts";
import type { RowLookup } from "./types.ts";

/** Rows in each half; two halves of 8,192 rows are about 2 MB. */
const HALF = 8192;

export type HotRows = Recent<RowLookup>;

/** An empty cache of rows. */
export function createHotRows(): HotRows {
  return createRecent(HALF);
}
