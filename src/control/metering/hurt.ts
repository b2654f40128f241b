/**
 * The accounts that failed on some versions since a time, worst first: what `rollout impact` lists. Minutes are the shares
 * of failures of each five minutes, added up: two minutes of nothing but failures, or four of every second request.
 * Reads only.
 */
import type { HurtAccount, HurtAsk } from "../../contracts/observation.ts";
import type { Db } from "../db.ts";
import { intAt, textAt } from "../row.ts";
import { BLOCK_MINUTES, floorTo, HOUR_MINUTES, minuteOf } from "./schema.ts";
import { seriesOf } from "./scope.ts";

export function readHurt(db: Db, { product, versions, sinceMs, limit }: HurtAsk): readonly HurtAccount[] {
  const since = minuteOf(sinceMs);
  return db
    .raw(
      `SELECT account, sum(requests), sum(failed), sum(share_sum) FROM (
         SELECT account, sum(requests) AS requests, sum(failed) AS failed, sum(failed) * 1.0 / sum(requests) AS share_sum
         FROM blocks WHERE series IN (SELECT value FROM json_each(?1)) AND block >= ?2 GROUP BY account, block
         UNION ALL
         SELECT account, requests, failed, share_sum FROM hours
         WHERE series IN (SELECT value FROM json_each(?1)) AND hour >= ?3)
       GROUP BY account HAVING sum(failed) > 0 ORDER BY sum(share_sum) DESC, account LIMIT ?4`,
      seriesOf(db, { product, versions, class: "known" }),
      floorTo(since, BLOCK_MINUTES),
      floorTo(since, HOUR_MINUTES),
      limit,
    )
    .map((row) => ({
      account: textAt(row, 0),
      requests: intAt(row, 1),
      failures: intAt(row, 2),
      minutes: intAt(row, 3) * BLOCK_MINUTES,
    }));
}
