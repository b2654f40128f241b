/**
 * What a meter keeps of mirrored requests: sums by measurement, over all isolates that report to it. A table of its own;
 * a measurement that nobody has reported to for a month is forgotten. Called by the meter object for each report that is
 * newer than the last of its isolate, and when the control plane asks for the measurements that run.
 */
import type { MirrorReport } from "../contracts/mirror.ts";
import type { EpochMs } from "../contracts/units.ts";
import type { Db } from "./db.ts";
import { readInt, readText } from "./row.ts";

const FORGET_MS = 30 * 24 * 60 * 60 * 1000;
/** Measurements of one report, and of one question: an isolate has one a product. */
const MAX_RUNS = 32;

const TABLE = `CREATE TABLE IF NOT EXISTS mirrored (
  run TEXT PRIMARY KEY, product TEXT NOT NULL, same INTEGER NOT NULL, different INTEGER NOT NULL,
  worse INTEGER NOT NULL, slower INTEGER NOT NULL, default_ms INTEGER NOT NULL, candidate_ms INTEGER NOT NULL,
  timed INTEGER NOT NULL, skipped INTEGER NOT NULL, reported_at INTEGER NOT NULL
) WITHOUT ROWID`;

export function createMirrorTable(db: Db): void {
  db.run(TABLE);
}

/** Adds what one report has compared. */
export function recordMirrored(db: Db, mirrored: readonly MirrorReport[], now: EpochMs): void {
  for (const one of mirrored.slice(0, MAX_RUNS)) {
    db.run(
      `INSERT INTO mirrored (run, product, same, different, worse, slower, default_ms, candidate_ms, timed, skipped, reported_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
       ON CONFLICT (run) DO UPDATE SET same = same + ?3, different = different + ?4, worse = worse + ?5,
         slower = slower + ?6, default_ms = default_ms + ?7, candidate_ms = candidate_ms + ?8, timed = timed + ?9,
         skipped = skipped + ?10, reported_at = ?11`,
      one.run,
      one.product,
      one.same,
      one.different,
      one.worse,
      one.slower,
      Math.round(one.defaultMs),
      Math.round(one.candidateMs),
      one.timed,
      one.skipped,
      now,
    );
  }
  if (mirrored.length > 0) db.run("DELETE FROM mirrored WHERE reported_at < ?", now - FORGET_MS);
}

/** The measurements that were asked about, as far as this meter has heard of them. */
export function listMirrored(db: Db, runs: readonly string[]): readonly MirrorReport[] {
  return db
    .rows(
      "SELECT * FROM mirrored WHERE run IN (SELECT value FROM json_each(?)) ORDER BY run",
      JSON.stringify(runs.slice(0, MAX_RUNS)),
    )
    .map((row) => ({
      run: readText(row, "run"),
      product: readText(row, "product"),
      same: readInt(row, "same"),
      different: readInt(row, "different"),
      worse: readInt(row, "worse"),
      slower: readInt(row, "slower"),
      defaultMs: readInt(row, "default_ms"),
      candidateMs: readInt(row, "candidate_ms"),
      timed: readInt(row, "timed"),
      skipped: readInt(row, "skipped"),
    }));
}
