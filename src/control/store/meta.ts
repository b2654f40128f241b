/**
 * Small facts with a name: counters (whole numbers) and texts. The names are listed here, so that a misspelt one does
 * not compile. Called all over the control plane; writes only inside somebody's transaction.
 */
import type { Db } from "../db.ts";
import { readInt, readText } from "../row.ts";

export type CounterName =
  /** Number of the last change. */
  | "seq"
  /** The object's clock: the greatest time it was ever ticked with. */
  | "clock"
  /** Wall time at which the last tick came. */
  | "tick_received"
  /** Wall time at which cron last ticked; ticks of the watchdog do not count. */
  | "cron_received"
  | "accounts"
  | "domains"
  | "removed_accounts"
  | "removed_domains"
  /** Highest generation ever used or heard of. */
  | "generation"
  | "override_epoch"
  /** Greatest time that an override was stamped with. */
  | "override_issued"
  /** Overrides that edges refused, as far as the audit was told. */
  | "overrides_refused"
  /** Last change that is about the root itself (products, versions, halt). */
  | "root_seq"
  /** 1 once KV was asked for a root of somebody else, and publishing may go on. */
  | "held_root_read"
  | "shard_count"
  /** 1: shards built since the last batch have rows that edges have otherwise, or not any more. */
  | "rows_rewritten"
  | "last_root_write"
  | "break_glass_made"
  /** When a tick last read the break-glass document. */
  | "break_glass_looked"
  /** When the history was last made shorter. */
  | "history_forgot"
  /** Numbers events of moves. */
  | "event_part"
  /** Moves up to this generation are in events; and, while one is compared, with which, how far and over how many shards. */
  | "moves_told"
  | "moves_target"
  | "moves_range"
  | "moves_shards"
  /** Entries of refused attempts in the audit in this hour (hours since 1970), about people who are known and others. */
  | "refused_hour"
  | "refused_told_known"
  | "refused_told_unknown"
  | "kv_failing_since"
  | "kv_failures"
  | "kv_retry_at"
  /** Urgent changes up to this one have been offered to a root; those that did not fit wait for their shard. */
  | "urgent_tried";

export type MetaName =
  /** How long publishes of moves that carry data settle, as configured at the last start. */
  | "settling"
  /** Isolates and their generations, as the meters named them when a batch last asked. */
  | "edges"
  | "halt"
  /** Set while break-glass says halt, as the last tick read it. */
  | "break_glass_halt"
  /** What edges said about themselves, as the last tick read it. */
  | "pulse"
  /** What edges have compared of mirrored requests, as the last tick read it. */
  | "mirrored"
  /** `none` while this deployment has no meters, as the last tick found. */
  | "meters"
  /** Where the publisher is with its batch; see publisher/phase.ts. */
  | "phase"
  /** Root that is out: its text, for comparison and succession. */
  | "published_root"
  /** Root found in KV that somebody else published; held against the first one of ours. */
  | "held_root"
  /** Why nothing can be published, one sentence. */
  | "blocked"
  | "kv_problem"
  /** Set by a restore until its maps are out. */
  | "restored"
  | "restore";

export function readCounter(db: Db, name: CounterName): number {
  const row = db.rows("SELECT value FROM counters WHERE name = ?", name)[0];
  return row === undefined ? 0 : readInt(row, "value");
}

export function writeCounter(db: Db, name: CounterName, value: number): void {
  db.run(
    "INSERT INTO counters (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
    name,
    value,
  );
}

/** Adds to a counter and gives its new value. */
export function addCounter(db: Db, name: CounterName, delta: number): number {
  const value = readCounter(db, name) + delta;
  if (delta !== 0) writeCounter(db, name, value);
  return value;
}

export function readMeta(db: Db, name: MetaName): string | null {
  const row = db.rows("SELECT value FROM meta WHERE name = ?", name)[0];
  return row === undefined ? null : readText(row, "value");
}

/** Writes a text; null removes it. */
export function writeMeta(db: Db, name: MetaName, value: string | null): void {
  if (value === null) db.run("DELETE FROM meta WHERE name = ?", name);
  else
    db.run(
      "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
      name,
      value,
    );
}
