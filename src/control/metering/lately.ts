/**
 * Traffic of late, as a meter knows it: versions by their requests in the last minutes, and one account's failures in the
 * last hour beside what is kept of it. For people who look; nothing decides by it. Reads only.
 */
import type { EdgePulse } from "../../contracts/alarms.ts";
import {
  ACCOUNT_LATELY_MINUTES,
  LATELY_MINUTES,
  type AccountLately,
  type TrafficLately,
} from "../../contracts/traffic-port.ts";
import type { AccountSlug } from "../../contracts/units.ts";
import { emptyLatency } from "../../core/observation/latency.ts";
import type { Db } from "../db.ts";
import { intAt, textAt } from "../row.ts";
import { minuteOf, readNumber } from "./schema.ts";

/** @param known this meter's counts of known and unknown accounts. */
export function readLately(
  db: Db,
  { lately, yesterday }: Pick<EdgePulse, "lately" | "yesterday">,
): TrafficLately {
  const since = minuteOf(readNumber(db, "clock")) - LATELY_MINUTES;
  const latencies = new Map<string, number[]>();
  const nameOf = (product: string, version: string): string => `${product} ${version}`;
  const buckets = db.raw(
    `SELECT s.product, s.version, l.bucket, sum(l.n) FROM latency AS l JOIN series AS s ON s.id = l.series
     WHERE l.minute > ? GROUP BY s.product, s.version, l.bucket`,
    since,
  );
  for (const row of buckets) {
    const name = nameOf(textAt(row, 0), textAt(row, 1));
    const list = latencies.get(name) ?? emptyLatency();
    latencies.set(name, list);
    list[intAt(row, 2)] = intAt(row, 3);
  }
  const versions = db
    .raw(
      `SELECT s.product, s.version, sum(c.requests), sum(c.errors + c.failures) FROM cells AS c
       JOIN series AS s ON s.id = c.series WHERE c.minute > ? GROUP BY s.product, s.version`,
      since,
    )
    .map((row) => {
      const [product, version] = [textAt(row, 0), textAt(row, 1)];
      return {
        product,
        version,
        requests: intAt(row, 2),
        failures: intAt(row, 3),
        latency: latencies.get(nameOf(product, version)) ?? emptyLatency(),
      };
    });
  return { versions, known: { lately, yesterday } };
}

/** An account is in one meter; the others answer nothing. What is folded into hours counts as before. */
export function readAccountLately(db: Db, account: AccountSlug): readonly AccountLately[] {
  const since = minuteOf(readNumber(db, "clock")) - ACCOUNT_LATELY_MINUTES;
  return db
    .raw(
      `SELECT s.product, s.version, sum(a.requests * a.late), sum(a.failed * a.late),
         sum(a.requests * (1 - a.late)), sum(a.failed * (1 - a.late)) FROM (
         SELECT series, requests, failed, block > ?2 AS late FROM blocks WHERE account = ?1
         UNION ALL SELECT series, requests, failed, 0 AS late FROM hours WHERE account = ?1) AS a
       JOIN series AS s ON s.id = a.series WHERE s.class = 'known'
       GROUP BY s.product, s.version ORDER BY s.product, s.version`,
      account,
      since,
    )
    .map((row) => ({
      product: textAt(row, 0),
      version: textAt(row, 1),
      lately: { requests: intAt(row, 2), failures: intAt(row, 3) },
      before: { requests: intAt(row, 4), failures: intAt(row, 5) },
    }));
}
