/** What a meter ever took, for monitoring: sums by product, version and class, and what is known to be missing. */
import {
  OBSERVED_CLASSES,
  type MeterIntake,
  type MeterTotals,
  type SeriesTotal,
} from "../../contracts/observation.ts";
import { emptyLatency } from "../../core/observation/latency.ts";
import type { Db } from "../db.ts";
import { intAt, readInt, readText } from "../row.ts";
import { HOUR_MINUTES, minuteOf, readNumber } from "./schema.ts";

export function readTotals(db: Db): MeterTotals {
  return { intake: readIntake(db), series: readSeries(db) };
}

function readIntake(db: Db): MeterIntake {
  const since = minuteOf(readNumber(db, "clock")) - HOUR_MINUTES;
  const lately = db.raw("SELECT coalesce(sum(lost_requests), 0) FROM intake WHERE minute > ?", since)[0];
  return {
    reports: readNumber(db, "reports"),
    requests: readNumber(db, "requests"),
    droppedReports: readNumber(db, "dropped_reports"),
    droppedRequests: readNumber(db, "dropped_requests"),
    droppedRequestsLastHour: intAt(lately ?? [], 0),
  };
}

function readSeries(db: Db): readonly SeriesTotal[] {
  const latencies = new Map<number, number[]>();
  for (const row of db.raw("SELECT series, bucket, n FROM series_latency")) {
    const list = latencies.get(intAt(row, 0)) ?? emptyLatency();
    latencies.set(intAt(row, 0), list);
    list[intAt(row, 1)] = intAt(row, 2);
  }
  return db.rows("SELECT * FROM series ORDER BY product, version, class").flatMap((row) => {
    const name = OBSERVED_CLASSES.find((one) => one === readText(row, "class"));
    if (name === undefined) return [];
    return [
      {
        product: readText(row, "product"),
        version: readText(row, "version"),
        class: name,
        total: {
          requests: readInt(row, "requests"),
          errors: readInt(row, "errors"),
          failures: readInt(row, "failures"),
          gone: readInt(row, "gone"),
        },
        latency: latencies.get(readInt(row, "id")) ?? emptyLatency(),
      },
    ];
  });
}
