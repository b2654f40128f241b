/** The rows of the benchmark, in the order in which they are run. A new one is a file in `rows/` and a line here. */
import type { Row } from "./row.ts";
import { decisionRow } from "./rows/decision.ts";
import { bundleRow } from "./rows/bundle.ts";
import { coldStartRow } from "./rows/cold-start.ts";
import { importRow } from "./rows/import.ts";
import { kvRow } from "./rows/kv.ts";
import { memoryRow } from "./rows/memory.ts";
import { routerRow } from "./rows/router.ts";
import { shiftRow } from "./rows/shift.ts";
import { tickRow } from "./rows/tick.ts";

export const ROWS: readonly Row[] = [
  routerRow,
  decisionRow,
  kvRow,
  coldStartRow,
  memoryRow,
  bundleRow,
  importRow,
  shiftRow,
  tickRow,
];
