/** A question of a tick in the terms of a meter's tables: which minutes, which series. Shared by what answers it. */
import type { ObservationAsk } from "../../contracts/observation.ts";
import type { Db } from "../db.ts";
import { intAt } from "../row.ts";

/** A question in the terms of the tables. */
export interface Scope {
  readonly ask: ObservationAsk;
  /** Minute of the clock. */
  readonly now: number;
  /** First minute that counts: of the hour where that hour is folded. */
  readonly since: number;
}

/** Numbers of the series of some versions, as a JSON array for `json_each`; of all versions but these with `others`. */
export function seriesOf(
  db: Db,
  of: { product: string; versions: readonly string[]; class: string | null; others?: boolean },
): string {
  const rows = db.raw(
    `SELECT id FROM series WHERE product = ?1 AND (?3 IS NULL OR class = ?3)
     AND (version IN (SELECT value FROM json_each(?2))) = ?4`,
    of.product,
    JSON.stringify(of.versions),
    of.class,
    of.others === true ? 0 : 1,
  );
  return JSON.stringify(rows.map((row) => intAt(row, 0)));
}
