/** The rows of the benchmark, in the order in which they are run. A new one is a file in `rows/` and a line here. */
import type { Row } from "./row.ts";
import { tickRow } from "./rows/tick.ts";

export const ROWS: readonly Row[] = [tickRow];
