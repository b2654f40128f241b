/**
 * Keeps a meter small: what is older than two hours is folded into hours, what is older than 14 days is forgotten, and
 * when there are too many accounts their past gets shorter or fewer of them are kept by themselves. Folding keeps apart
 * only the generations that somebody asks about (marks). Driven by the control plane's clock, once a tick; an hour at a
 * time, so that a long silence is caught up with over several ticks.
 */
import { PAST_MS } from "../../contracts/observation.ts";
import { MAX_LEVEL } from "../../core/observation/account-hash.ts";
import type { Db } from "../db.ts";
import { intAt } from "../row.ts";
import {
  BLOCK_MINUTES,
  floorTo,
  HOUR_MINUTES,
  MINUTE_MS,
  minuteOf,
  readNumber,
  writeNumber,
} from "./schema.ts";

/** Minutes and blocks are kept apart this long. */
export const FINE_MINUTES = 2 * HOUR_MINUTES;
/** Hours that one tick folds at most. */
const MAX_FOLDS = 4;
/** Rows of accounts by the hour that a meter keeps, about 100 bytes each. */
const MAX_HOUR_ROWS = 1_000_000;
/** Accounts that a meter keeps by themselves in five minutes, a row for each version and generation. */
const MAX_BLOCK_ROWS = 100_000;
const PAST_MINUTES = PAST_MS / MINUTE_MS;
/** A series nobody has sent a request to for this long leaves the monitoring. */
const FORGET_SERIES_MINUTES = 30 * 24 * HOUR_MINUTES;
/** What was worked out for a question is kept this long after it was asked last. */
const FORGET_QUESTION_MINUTES = 24 * HOUR_MINUTES;

/** Only by way of the series can a table be entered at a time: its key begins with them. */
const OF_SERIES = "series IN (SELECT id FROM series)";

/** Folds, forgets and sets the sample, after the clock has moved on. */
export function tidy(db: Db): void {
  const now = minuteOf(readNumber(db, "clock"));
  const before = floorTo(Math.max(0, now - FINE_MINUTES), HOUR_MINUTES);
  let hour = oldestFine(db, before);
  for (let folds = 0; folds < MAX_FOLDS && hour !== null; folds++) {
    foldHour(db, hour);
    writeNumber(db, "folded", hour + HOUR_MINUTES);
    hour = oldestFine(db, before);
  }
  if (hour === null) writeNumber(db, "folded", Math.max(before, readNumber(db, "folded")));
  forget(db, now);
  setSample(db, floorTo(now, BLOCK_MINUTES));
}

/** The first hour before `before` that is not folded and has anything; null: none. */
function oldestFine(db: Db, before: number): number | null {
  const row = db.raw(
    `SELECT min(least) FROM (
       SELECT (SELECT min(minute) FROM cells WHERE series = s.id AND minute >= ?1 AND minute < ?2) AS least FROM series AS s
       UNION ALL
       SELECT (SELECT min(block) FROM blocks WHERE series = s.id AND block >= ?1 AND block < ?2) FROM series AS s
       UNION ALL SELECT min(minute) FROM intake WHERE minute >= ?1 AND minute < ?2)`,
    readNumber(db, "folded"),
    before,
  )[0];
  return typeof row?.[0] === "number" ? floorTo(row[0], HOUR_MINUTES) : null;
}

const SNAPPED =
  "(SELECT coalesce(max(marks.generation), 0) FROM marks WHERE marks.generation <= fine.generation)";

function foldHour(db: Db, hour: number): void {
  const end = hour + HOUR_MINUTES;
  foldTable(db, {
    from: "cells",
    keys: "series",
    sums: ["requests", "errors", "failures", "gone"],
    range: [hour, end],
  });
  foldTable(db, { from: "latency", keys: "series, bucket", sums: ["n"], range: [hour, end] });
  const intake = db.raw(
    "SELECT sum(reports), sum(requests), sum(lost_reports), sum(lost_requests) FROM intake WHERE minute >= ? AND minute < ?",
    hour,
    end,
  )[0];
  db.run("DELETE FROM intake WHERE minute >= ? AND minute < ?", hour, end);
  if (typeof intake?.[0] === "number") {
    const [reports, requests, lostReports, lostRequests] = [0, 1, 2, 3].map((at) => intAt(intake, at));
    db.run(
      "INSERT INTO intake (minute, reports, requests, lost_reports, lost_requests) VALUES (?, ?, ?, ?, ?)",
      hour,
      reports ?? 0,
      requests ?? 0,
      lostReports ?? 0,
      lostRequests ?? 0,
    );
  }
  foldAccounts(db, hour, end);
}

/** Through a table of its own, because rows are taken out of the very place that their sum goes to. */
function foldTable(
  db: Db,
  {
    from,
    keys,
    sums,
    range,
  }: { from: string; keys: string; sums: readonly string[]; range: readonly number[] },
): void {
  const [hour = 0, end = 0] = range;
  const summed = sums.map((name) => `sum(${name})`).join(", ");
  db.run("DROP TABLE IF EXISTS folding");
  db.run(
    `CREATE TABLE folding AS SELECT ${keys}, CAST(?1 AS INTEGER) AS minute, ${SNAPPED} AS snapped, ${summed}
     FROM ${from} AS fine WHERE ${OF_SERIES} AND minute >= ?1 AND minute < ?2 GROUP BY ${keys}, snapped`,
    hour,
    end,
  );
  db.run(`DELETE FROM ${from} WHERE ${OF_SERIES} AND minute >= ?1 AND minute < ?2`, hour, end);
  db.run(`INSERT INTO ${from} (${keys}, minute, generation, ${sums.join(", ")}) SELECT * FROM folding`);
  db.run("DROP TABLE folding");
}

/** A block that a mark cuts in two counts on both sides of it. */
function foldAccounts(db: Db, hour: number, end: number): void {
  db.run(
    `INSERT INTO hours (series, hour, account, generation, blocks, share_sum, requests, failed)
     SELECT series, CAST(?1 AS INTEGER), account, snapped, count(*), sum(failed * 1.0 / requests), sum(requests), sum(failed)
     FROM (SELECT series, block, account, ${SNAPPED} AS snapped, sum(requests) AS requests, sum(failed) AS failed
           FROM blocks AS fine WHERE ${OF_SERIES} AND block >= ?1 AND block < ?2 GROUP BY series, block, account, snapped)
     WHERE requests > 0 GROUP BY series, account, snapped
     ON CONFLICT (series, hour, account, generation) DO UPDATE SET blocks = blocks + excluded.blocks,
       share_sum = share_sum + excluded.share_sum, requests = requests + excluded.requests, failed = failed + excluded.failed`,
    hour,
    end,
  );
  db.run(`DELETE FROM blocks WHERE ${OF_SERIES} AND block >= ?1 AND block < ?2`, hour, end);
  db.run(
    `INSERT OR REPLACE INTO hour_rows (hour, rows)
     SELECT CAST(?1 AS INTEGER), count(*) FROM hours WHERE ${OF_SERIES} AND hour = ?1`,
    hour,
  );
}

function forget(db: Db, now: number): void {
  const oldest = now - PAST_MINUTES;
  for (const table of ["cells", "latency"])
    db.run(`DELETE FROM ${table} WHERE ${OF_SERIES} AND minute < ?`, oldest);
  db.run("DELETE FROM intake WHERE minute < ?", oldest);
  db.run(`DELETE FROM blocks WHERE ${OF_SERIES} AND block < ?`, oldest);
  for (const hour of hoursToForget(db, oldest)) {
    db.run(`DELETE FROM hours WHERE ${OF_SERIES} AND hour = ?`, hour);
    db.run("DELETE FROM hour_rows WHERE hour = ?", hour);
  }
  const forgotten = "(SELECT id FROM series WHERE seen < ?1)";
  const seen = now - FORGET_SERIES_MINUTES;
  db.run(`DELETE FROM series_latency WHERE series IN ${forgotten}`, seen);
  db.run("DELETE FROM series WHERE seen < ?1", seen);
  db.run(
    "DELETE FROM past WHERE past IN (SELECT id FROM pasts WHERE asked < ?1)",
    now - FORGET_QUESTION_MINUTES,
  );
  db.run("DELETE FROM pasts WHERE asked < ?1", now - FORGET_QUESTION_MINUTES);
}

/** Too old, or the oldest of too many. */
function hoursToForget(db: Db, oldest: number): readonly number[] {
  const hours = db.raw("SELECT hour, rows FROM hour_rows ORDER BY hour DESC");
  let rows = 0;
  return hours.flatMap((row) => {
    rows += intAt(row, 1);
    return intAt(row, 0) < oldest || rows > MAX_HOUR_ROWS ? [intAt(row, 0)] : [];
  });
}

/** Fewer accounts are kept by themselves when the last whole block had too many, and more again when it had few. */
function setSample(db: Db, block: number): void {
  const level = readNumber(db, "level");
  const rows = intAt(
    db.raw(`SELECT count(*) FROM blocks WHERE ${OF_SERIES} AND block = ?`, block - BLOCK_MINUTES)[0] ?? [],
    0,
  );
  if (rows > MAX_BLOCK_ROWS) writeNumber(db, "level", Math.min(MAX_LEVEL, level + 1));
  else if (level > 0 && rows < MAX_BLOCK_ROWS / 4) writeNumber(db, "level", level - 1);
}
