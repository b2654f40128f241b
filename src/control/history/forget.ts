/**
 * Makes the history shorter, a little at a time: what is older than it is kept for is folded into what was true at its
 * end, so that nothing later loses its ground. Called by ticks, does something at most once an hour. Writes only here.
 */
import { HISTORY_KEPT_MS } from "../../contracts/limits.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { readInt } from "../row.ts";
import { readCounter, writeCounter } from "../store/meta.ts";
import { loadRootsUpTo } from "./roots.ts";
import { foldShards } from "./shards.ts";

const EVERY_MS = 60 * 60 * 1000;
/** Shards of one round: some 10 ms. */
const MAX_FOLDED = 100;

/** Forgets what is older than `HISTORY_KEPT_MS`. */
export function forgetHistory(db: Db, nowMs: EpochMs): void {
  if (nowMs - readCounter(db, "history_forgot") < EVERY_MS) return;
  writeCounter(db, "history_forgot", nowMs);
  const before = nowMs - HISTORY_KEPT_MS;
  // What edges answered by at that time is where the history begins from now on.
  const [first] = loadRootsUpTo(db, before, 1);
  if (first === undefined) return;
  foldShards(db, first.shardSeq, MAX_FOLDED);
  db.run("DELETE FROM history_roots WHERE generation < ?", first.generation);
  db.run(
    `DELETE FROM history_thresholds WHERE generation < ?1 AND EXISTS (
       SELECT 1 FROM history_thresholds AS later WHERE later.rollout = history_thresholds.rollout
       AND later.generation > history_thresholds.generation AND later.generation <= ?1)`,
    first.generation,
  );
  const glass = db.rows("SELECT max(at) AS at FROM history_break_glass WHERE at <= ?", before)[0];
  if (glass !== undefined && glass["at"] !== null)
    db.run("DELETE FROM history_break_glass WHERE at < ?", readInt(glass, "at"));
}
