/**
 * What a meter keeps of failed requests: the newest thousands, for a day, by their ids. Called by the meter object. What
 * edges send is cut to size here as well, because a report may come from another release.
 */
import {
  FAILED_KEPT_MS,
  MAX_FAILED,
  MAX_FAILED_ANSWER,
  MAX_KEPT_FAILED,
  type FailedAsk,
  type FailedRequest,
  type KeptFailure,
} from "../contracts/failed-request.ts";
import type { EpochMs } from "../contracts/units.ts";
import type { Db } from "./db.ts";
import { readInt, readText, readTextOrNull } from "./row.ts";

export function createFailedTable(db: Db): void {
  db.run(`CREATE TABLE IF NOT EXISTS failed_requests (
    n INTEGER PRIMARY KEY, at INTEGER NOT NULL, id TEXT NOT NULL, product TEXT, account TEXT, version TEXT,
    outcome TEXT NOT NULL, why TEXT NOT NULL, status INTEGER NOT NULL, generation INTEGER NOT NULL)`);
}

/** Takes what one report names; the oldest make room. */
export function recordFailed(db: Db, failed: readonly FailedRequest[], now: EpochMs): void {
  if (failed.length === 0) return;
  for (const { id, product, account, version, outcome, why, status, generation } of failed.slice(
    0,
    MAX_FAILED,
  ))
    db.run(
      `INSERT INTO failed_requests (at, id, product, account, version, outcome, why, status, generation)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      now,
      id,
      product,
      account,
      version,
      outcome,
      why,
      status,
      generation,
    );
  // Numbers grow by one and only the oldest go, so they say how many there are.
  const tooMany = "SELECT max(n) FROM failed_requests";
  db.run(`DELETE FROM failed_requests WHERE n <= (${tooMany}) - ?`, MAX_KEPT_FAILED);
  const oldest = `SELECT n FROM failed_requests ORDER BY n LIMIT ${2 * MAX_FAILED}`;
  db.run(`DELETE FROM failed_requests WHERE n IN (${oldest}) AND at < ?`, now - FAILED_KEPT_MS);
}

/** Newest first. Reads all of them, which is cheaper than keeping an index for the few who ask. */
export function readFailed(db: Db, { id, account }: FailedAsk, now: EpochMs): readonly KeptFailure[] {
  return db
    .rows(
      `SELECT * FROM failed_requests WHERE (?1 IS NULL OR id = ?1) AND (?2 IS NULL OR account = ?2) AND at >= ?3
       ORDER BY n DESC LIMIT ?4`,
      id ?? null,
      account ?? null,
      now - FAILED_KEPT_MS,
      MAX_FAILED_ANSWER,
    )
    .map((row) => ({
      id: readText(row, "id"),
      at: readInt(row, "at"),
      product: readTextOrNull(row, "product"),
      account: readTextOrNull(row, "account"),
      version: readTextOrNull(row, "version"),
      outcome: readText(row, "outcome"),
      why: readText(row, "why"),
      status: readInt(row, "status"),
      generation: readInt(row, "generation"),
    }));
}
