/**
 * The accounts of one question: those seen on the target and those still on the versions they come from, each against its
 * own past. Makes the moments that gates judge the error rate by, and picks the accounts that look worst. What an account
 * did before the asked time never changes, so it is worked out once for a question. Called by answer.ts.
 */
import type { AccountTally, BlockTally, SideMoments } from "../../contracts/gate.ts";
import {
  MAX_SUSPECTS,
  PAST_MS,
  type FamilyAnswer,
  type ObservationAnswer,
  type PastCount,
} from "../../contracts/observation.ts";
import { rankOf } from "../../core/gates/account-evidence.ts";
import { addAccount, capFor, NO_MOMENTS, pastShareOf } from "../../core/gates/moments.ts";
import { addBlocks, NO_BLOCKS } from "../../core/observation/sum.ts";
import type { Db } from "../db.ts";
import { intAt, textAt } from "../row.ts";
import { BLOCK_MINUTES, floorTo, HOUR_MINUTES, MINUTE_MS } from "./schema.ts";
import { seriesOf, type Scope } from "./scope.ts";

type AccountsAnswer = Pick<ObservationAnswer, "moved" | "notMoved" | "movedPast" | "notMovedPast" | "family">;

const NOBODY: AccountsAnswer = {
  moved: NO_MOMENTS,
  notMoved: NO_MOMENTS,
  movedPast: { requests: 0, failures: 0 },
  notMovedPast: { requests: 0, failures: 0 },
  family: { size: 0, suspects: [], past: NO_BLOCKS },
};

interface Account {
  readonly account: string;
  readonly requests: number;
  readonly failures: number;
  readonly past: BlockTally;
}

export function answerAccounts(db: Db, scope: Scope): AccountsAnswer {
  const { ask } = scope;
  const { accounts } = ask;
  if (accounts === null) return NOBODY;
  const past = pastOf(db, scope);
  const moved = sideOf(db, scope, { versions: ask.target, past });
  const notMoved = sideOf(db, scope, { versions: ask.from, past });
  const movedPast = sumPast(moved);
  const notMovedPast = sumPast(notMoved);
  return {
    moved: momentsOf(moved, accounts.movedCap, accounts.movedPastShare ?? shareOf(movedPast)),
    notMoved: momentsOf(notMoved, accounts.notMovedCap, accounts.notMovedPastShare ?? shareOf(notMovedPast)),
    movedPast,
    notMovedPast,
    family: familyOf(db, scope, moved),
  };
}

/** A question's own number of accounts' pasts; worked out when it is asked for the first time. */
function pastOf(db: Db, { ask, since, now }: Scope): number {
  const question = JSON.stringify([ask.product, ask.target, since, ask.minGeneration]);
  const known = db.raw("SELECT id FROM pasts WHERE question = ?", question)[0];
  if (known !== undefined) {
    const id = intAt(known, 0);
    db.run("UPDATE pasts SET asked = ? WHERE id = ?", now, id);
    return id;
  }
  db.run("INSERT INTO pasts (question, asked) VALUES (?, ?)", question, now);
  const id = intAt(db.raw("SELECT id FROM pasts WHERE question = ?", question)[0] ?? [], 0);
  const { product, target, minGeneration } = ask;
  // Blocks and hours that the asked time lies in count as past as far as older maps decided them.
  db.run(
    `INSERT INTO past (past, account, blocks, share_sum, requests, failed)
     SELECT CAST(?1 AS INTEGER), account, sum(blocks), sum(share_sum), sum(requests), sum(failed) FROM (
       SELECT account, 1 AS blocks, sum(failed) * 1.0 / sum(requests) AS share_sum, sum(requests) AS requests, sum(failed) AS failed
       FROM blocks WHERE series IN (SELECT value FROM json_each(?2)) AND (block < ?3 OR (block = ?3 AND generation < ?5))
       GROUP BY account, block
       UNION ALL
       SELECT account, blocks, share_sum, requests, failed FROM hours
       WHERE series IN (SELECT value FROM json_each(?2)) AND hour >= ?6 AND (hour < ?4 OR (hour = ?4 AND generation < ?5)))
     GROUP BY account`,
    id,
    seriesOf(db, { product, versions: target, class: "known", others: true }),
    floorTo(since, BLOCK_MINUTES),
    floorTo(since, HOUR_MINUTES),
    minGeneration,
    since - PAST_MS / MINUTE_MS,
  );
  return id;
}

function sideOf(
  db: Db,
  { ask, since }: Scope,
  { versions, past }: { versions: readonly string[]; past: number },
): readonly Account[] {
  return db
    .raw(
      `SELECT n.account, n.requests, n.failed, coalesce(p.blocks, 0), coalesce(p.share_sum, 0), coalesce(p.requests, 0),
         coalesce(p.failed, 0)
       FROM (SELECT account, sum(requests) AS requests, sum(failed) AS failed FROM (
           SELECT account, requests, failed FROM blocks
           WHERE series IN (SELECT value FROM json_each(?1)) AND block >= ?2 AND generation >= ?4
           UNION ALL
           SELECT account, requests, failed FROM hours
           WHERE series IN (SELECT value FROM json_each(?1)) AND hour >= ?3 AND generation >= ?4)
         GROUP BY account) AS n
       LEFT JOIN past AS p ON p.past = ?5 AND p.account = n.account`,
      seriesOf(db, { product: ask.product, versions, class: "known" }),
      floorTo(since, BLOCK_MINUTES),
      floorTo(since, HOUR_MINUTES),
      ask.minGeneration,
      past,
    )
    .map((row) => ({
      account: textAt(row, 0),
      requests: intAt(row, 1),
      failures: intAt(row, 2),
      past: {
        blocks: intAt(row, 3),
        shareSum: intAt(row, 4),
        requests: intAt(row, 5),
        failures: intAt(row, 6),
      },
    }));
}

function sumPast(side: readonly Account[]): PastCount {
  let requests = 0;
  let failures = 0;
  for (const { past } of side) {
    requests += past.requests;
    failures += past.failures;
  }
  return { requests, failures };
}

function shareOf({ requests, failures }: PastCount): number {
  return requests === 0 ? 0 : failures / requests;
}

/** @param cap null: nobody has seen all meters yet, so this one takes its own accounts for a fair part of them. */
function momentsOf(side: readonly Account[], cap: number | null, pooledShare: number): SideMoments {
  const requests = side.reduce((sum, account) => sum + account.requests, 0);
  const limit = cap ?? capFor({ requests, accounts: side.length });
  return side.reduce(
    (moments, { requests: asked, failures, past }) =>
      addAccount(moments, { requests: asked, failures, pastShare: pastShareOf(past, pooledShare) }, limit),
    NO_MOMENTS,
  );
}

function familyOf(db: Db, scope: Scope, moved: readonly Account[]): FamilyAnswer {
  const past = moved.reduce((sum, account) => addBlocks(sum, account.past), NO_BLOCKS);
  const pasts = new Map(moved.map((account) => [account.account, account.past]));
  const suspects = failingBlocks(db, scope)
    .map(({ account, now }): AccountTally => ({ account, now, past: pasts.get(account) ?? NO_BLOCKS }))
    .map((tally) => ({ tally, evidence: rankOf(tally, past) }))
    // Failing less than before is evidence of a change as well, and must not push the others out.
    .filter(({ evidence }) => evidence > -Infinity)
    .toSorted((a, b) => b.evidence - a.evidence || (a.tally.account < b.tally.account ? -1 : 1))
    .slice(0, MAX_SUSPECTS)
    .map(({ tally }) => tally);
  return { size: moved.length, suspects, past };
}

/** Moved accounts with at least one failure, in blocks that are over. */
function failingBlocks(db: Db, { ask, since, now }: Scope): readonly { account: string; now: BlockTally }[] {
  return db
    .raw(
      `SELECT account, sum(blocks), sum(share_sum), sum(requests), sum(failed) FROM (
         SELECT account, 1 AS blocks, sum(failed) * 1.0 / sum(requests) AS share_sum, sum(requests) AS requests, sum(failed) AS failed
         FROM blocks WHERE series IN (SELECT value FROM json_each(?1)) AND block >= ?2 AND block + ?5 <= ?6 AND generation >= ?4
         GROUP BY account, block
         UNION ALL
         SELECT account, blocks, share_sum, requests, failed FROM hours
         WHERE series IN (SELECT value FROM json_each(?1)) AND hour >= ?3 AND generation >= ?4)
       GROUP BY account HAVING sum(failed) > 0`,
      seriesOf(db, { product: ask.product, versions: ask.target, class: "known" }),
      floorTo(since, BLOCK_MINUTES),
      floorTo(since, HOUR_MINUTES),
      ask.minGeneration,
      BLOCK_MINUTES,
      now,
    )
    .map((row) => ({
      account: textAt(row, 0),
      now: {
        blocks: intAt(row, 1),
        shareSum: intAt(row, 2),
        requests: intAt(row, 3),
        failures: intAt(row, 4),
      },
    }));
}
