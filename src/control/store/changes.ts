/**
 * What has changed and is not yet in the published maps: one outbox row a change, the dirty slots of the key space, and
 * the accounts that cannot wait for their shard. Written in the transaction of the change; drained by the publisher.
 * A slot is the smallest shard there can be (top 14 bits of a key's hash), so that a million changed accounts are at
 * most 16,384 rows here, and a slot lies in one shard whatever the shard count.
 */
import { MAX_SHARDS } from "../../contracts/limits.ts";
import type { AccountSlug, EpochMs } from "../../contracts/units.ts";
import { runEach, type Db } from "../db.ts";
import { intAt } from "../row.ts";
import { addCounter, writeCounter } from "./meta.ts";

const SLOT_SHIFT = Math.clz32(MAX_SHARDS) + 1;

/** `root`: the root itself; `shard`: waits for its shard; `urgent`: goes out with the next root. */
export type ChangeScope = "root" | "shard" | "urgent";

export interface Moment {
  readonly seq: number;
  readonly nowMs: EpochMs;
}

/** Number of the change that is being made: one a transaction. */
export function nextSeq(db: Db): number {
  return addCounter(db, "seq", 1);
}

/** Says that the root must change: products, versions, halt, override epoch. */
export function markRoot(db: Db, { seq, nowMs }: Moment): void {
  writeCounter(db, "root_seq", seq);
  writeOutbox(db, { seq, nowMs, scope: "root", account: null, changes: 1 });
}

/** Says that what the maps show of one account has changed; its custom domains change with it. */
export function markAccount(db: Db, moment: Moment, change: { account: AccountSlug; urgent: boolean }): void {
  const { account, urgent } = change;
  const hashes = db
    .raw(
      "SELECT key_hash FROM accounts WHERE slug = ?1 UNION ALL SELECT key_hash FROM custom_domains WHERE account = ?1",
      account,
    )
    .map((row) => intAt(row, 0));
  markDirty(db, moment.seq, hashes);
  db.run("UPDATE accounts SET seq = ? WHERE slug = ?", moment.seq, account);
  if (urgent) {
    db.run(
      "INSERT INTO urgent (account, seq) VALUES (?1, ?2) ON CONFLICT (account) DO UPDATE SET seq = ?2",
      account,
      moment.seq,
    );
  }
  writeOutbox(db, { ...moment, scope: urgent ? "urgent" : "shard", account, changes: 1 });
}

/** Says that many accounts have changed; their own `seq` is written with them. */
export function markMany(
  db: Db,
  moment: Moment,
  change: { hashes: Iterable<number>; changes: number },
): void {
  markDirty(db, moment.seq, change.hashes);
  writeOutbox(db, { ...moment, scope: "shard", account: null, changes: change.changes });
}

/** Marks keys by their hashes, without an outbox row: a custom domain that went away, for example. */
export function markDirty(db: Db, seq: number, hashes: Iterable<number>): void {
  const slots = new Set<number>();
  for (const hash of hashes) slots.add(hash >>> SLOT_SHIFT);
  runEach(
    db,
    {
      sql: "INSERT INTO dirty_slots (slot, seq) SELECT value, ?2 FROM json_each(?1) WHERE true ON CONFLICT (slot) DO UPDATE SET seq = ?2",
      params: [seq],
    },
    [...slots],
  );
}

/** Marks everything: after a restore, or when the number of shards grows. */
export function markAllDirty(db: Db, seq: number): void {
  db.run(
    `WITH RECURSIVE slots (slot) AS (SELECT 0 UNION ALL SELECT slot + 1 FROM slots WHERE slot + 1 < ?1)
     INSERT INTO dirty_slots (slot, seq) SELECT slot, ?2 FROM slots WHERE true ON CONFLICT (slot) DO UPDATE SET seq = ?2`,
    MAX_SHARDS,
    seq,
  );
}

interface OutboxRow extends Moment {
  readonly scope: ChangeScope;
  readonly account: AccountSlug | null;
  readonly changes: number;
}

function writeOutbox(db: Db, row: OutboxRow): void {
  db.run(
    "INSERT INTO outbox (seq, at, scope, account, changes) VALUES (?, ?, ?, ?, ?)",
    row.seq,
    row.nowMs,
    row.scope,
    row.account,
    row.changes,
  );
}
