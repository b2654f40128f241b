/**
 * Answers what a tick asks a meter: counts by class, latency over time, and the accounts on both sides of a comparison.
 * Reads only, but for the pasts it works out once. Sums are of this meter alone; whoever asks adds them up.
 * Called inside a transaction of the meter object.
 */
import type { LatencyWindow } from "../../contracts/gate.ts";
import {
  LATENCY_BUCKETS,
  type AnswerMeasurement,
  type ByClass,
  type ObservationAnswer,
  type ObservationAsk,
} from "../../contracts/observation.ts";
import { emptyLatency } from "../../core/observation/latency.ts";
import { byClass } from "../../core/observation/sum.ts";
import type { Db } from "../db.ts";
import { intAt, textAt } from "../row.ts";
import { answerAccounts } from "./answer-accounts.ts";
import { FINE_MINUTES } from "./fold.ts";
import { seriesOf, type Scope } from "./scope.ts";
import { BLOCK_MINUTES, floorTo, HOUR_MINUTES, MINUTE_MS, minuteOf, readNumber } from "./schema.ts";

export function answerAsk(db: Db, ask: ObservationAsk): ObservationAnswer {
  const asked = minuteOf(ask.sinceMs);
  const since = asked >= readNumber(db, "folded") ? asked : floorTo(asked, HOUR_MINUTES);
  const scope = { ask, now: minuteOf(readNumber(db, "clock")), since };
  return {
    key: ask.key,
    target: countByClass(db, scope, ask.target),
    from: countByClass(db, scope, ask.from),
    windows: ask.accounts === null ? [] : windowsOf(db, scope),
    measurement: measure(db, scope),
    ...answerAccounts(db, scope),
  };
}

const SCOPED = "series IN (SELECT value FROM json_each(?1)) AND minute >= ?2 AND generation >= ?3";

function countByClass(db: Db, { ask, since }: Scope, versions: readonly string[]): ByClass {
  const { product, minGeneration } = ask;
  const series = seriesOf(db, { product, versions, class: null });
  const tallies = new Map(
    db
      .raw(
        `SELECT s.class, sum(c.requests), sum(c.errors), sum(c.failures), sum(c.gone)
         FROM cells AS c JOIN series AS s ON s.id = c.series WHERE ${SCOPED} GROUP BY s.class`,
        series,
        since,
        minGeneration,
      )
      .map((row) => [textAt(row, 0), row]),
  );
  const latencies = new Map<string, number[]>();
  const counts = db.raw(
    `SELECT s.class, l.bucket, sum(l.n) FROM latency AS l JOIN series AS s ON s.id = l.series
     WHERE ${SCOPED} GROUP BY s.class, l.bucket`,
    series,
    since,
    minGeneration,
  );
  for (const row of counts) addToLists(latencies, textAt(row, 0), row.slice(1));
  return byClass((name) => {
    const row = tallies.get(name) ?? [name, 0, 0, 0, 0];
    return {
      tally: {
        requests: intAt(row, 1),
        errors: intAt(row, 2),
        failures: intAt(row, 3),
        gone: intAt(row, 4),
      },
      latency: latencies.get(name) ?? emptyLatency(),
    };
  });
}

/** @param row bucket and count. */
function addToLists<K>(lists: Map<K, number[]>, key: K, row: readonly unknown[]): void {
  const list = lists.get(key) ?? emptyLatency();
  lists.set(key, list);
  const bucket = Math.min(intAt(row, 0), LATENCY_BUCKETS - 1);
  list[bucket] = (list[bucket] ?? 0) + intAt(row, 1);
}

function windowsOf(db: Db, { ask, now, since }: Scope): readonly LatencyWindow[] {
  const first = Math.max(
    since,
    floorTo(Math.max(0, now - FINE_MINUTES), HOUR_MINUTES),
    readNumber(db, "folded"),
  );
  const sideOf = (versions: readonly string[]): Map<number, number[]> => {
    const lists = new Map<number, number[]>();
    const rows = db.raw(
      `SELECT minute - minute % CAST(?4 AS INTEGER), bucket, sum(n) FROM latency WHERE ${SCOPED} GROUP BY 1, bucket`,
      seriesOf(db, { product: ask.product, versions, class: "known" }),
      first,
      ask.minGeneration,
      BLOCK_MINUTES,
    );
    for (const row of rows) addToLists(lists, intAt(row, 0), row.slice(1));
    return lists;
  };
  const moved = sideOf(ask.target);
  const notMoved = sideOf(ask.from);
  return [...new Set([...moved.keys(), ...notMoved.keys()])]
    .toSorted((left, right) => left - right)
    .map((start) => ({
      startMs: start * MINUTE_MS,
      endMs: Math.min(start + BLOCK_MINUTES, now + 1) * MINUTE_MS,
      moved: moved.get(start) ?? emptyLatency(),
      notMoved: notMoved.get(start) ?? emptyLatency(),
    }));
}

function measure(db: Db, { ask, since }: Scope): AnswerMeasurement {
  const intake = db.raw(
    `SELECT coalesce(sum(reports), 0), coalesce(sum(lost_reports), 0), coalesce(sum(lost_requests), 0),
       coalesce(sum(requests), 0) FROM intake WHERE minute >= ?`,
    since,
  )[0];
  const seen = db.raw(
    `SELECT max(minute), coalesce(sum(requests), 0), coalesce(sum(CASE WHEN generation < ?3 THEN requests ELSE 0 END), 0)
     FROM cells WHERE series IN (SELECT value FROM json_each(?1)) AND minute >= ?2`,
    seriesOf(db, { product: ask.product, versions: [], class: null, others: true }),
    since,
    ask.minGeneration,
  )[0];
  const newest = seen?.[0];
  return {
    newestMs: typeof newest === "number" ? newest * MINUTE_MS : null,
    reports: intAt(intake ?? [], 0),
    lostReports: intAt(intake ?? [], 1),
    lostRequests: intAt(intake ?? [], 2),
    takenRequests: intAt(intake ?? [], 3),
    requests: intAt(seen ?? [], 1),
    staleRequests: intAt(seen ?? [], 2),
  };
}
