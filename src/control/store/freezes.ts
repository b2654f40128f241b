/** Rows of `freezes`, typed. Reads and writes rows; decides nothing. A row of another shape throws. */
import type { Freeze, FreezeScope } from "../../contracts/calendar.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { Db, SqlRow } from "../db.ts";
import { parseList, parseObject, parseTexts, readInt, readText } from "../row.ts";

export interface FreezeRecord extends Freeze {
  readonly by: string;
  readonly at: EpochMs;
  readonly revision: number;
}

const COLUMNS = "name, starts, ends, zone, scope, reason, made_by, made_at, revision";

export function loadFreezes(db: Db): readonly FreezeRecord[] {
  return db.rows(`SELECT ${COLUMNS} FROM freezes ORDER BY name`).map(toRecord);
}

export function loadFreeze(db: Db, name: string): FreezeRecord | null {
  const row = db.rows(`SELECT ${COLUMNS} FROM freezes WHERE name = ?`, name)[0];
  return row === undefined ? null : toRecord(row);
}

export function saveFreeze(db: Db, freeze: FreezeRecord): void {
  db.run(
    `INSERT OR REPLACE INTO freezes (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    freeze.name,
    freeze.from,
    freeze.to,
    freeze.zone,
    JSON.stringify(freeze.scope),
    freeze.reason,
    freeze.by,
    freeze.at,
    freeze.revision,
  );
}

export function deleteFreeze(db: Db, name: string): void {
  db.run("DELETE FROM freezes WHERE name = ?", name);
}

function toRecord(row: SqlRow): FreezeRecord {
  return {
    name: readText(row, "name"),
    from: readText(row, "starts"),
    to: readText(row, "ends"),
    zone: readText(row, "zone"),
    scope: parseScope(readText(row, "scope")),
    reason: readText(row, "reason"),
    by: readText(row, "made_by"),
    at: readInt(row, "made_at"),
    revision: readInt(row, "revision"),
  };
}

function parseScope(text: string): FreezeScope {
  const { products, labels, cells } = parseObject(text);
  return {
    ...(products === undefined ? {} : { products: parseList(JSON.stringify(products)) }),
    ...(labels === undefined ? {} : { labels: parseTexts(JSON.stringify(labels)) }),
    ...(cells === undefined ? {} : { cells: parseList(JSON.stringify(cells)) }),
  };
}
