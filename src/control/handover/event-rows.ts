/**
 * Rows of `events` and their deliveries, typed. An event is written once for both versions it is about and names up to
 * `MAX_EVENT_ACCOUNTS` accounts; more may join it until it is sealed, then its bytes never change again. Whoever has taken
 * an event leaves its list, and with the last of them the event goes. Decides nothing about when to send.
 */
import type { AccountSlug, EpochMs, Generation, ProductName, VersionName } from "../../contracts/units.ts";
import { MAX_EVENT_ACCOUNTS, type MovedFacts } from "../../core/moved-event.ts";
import type { Db, SqlRow } from "../db.ts";
import { parseList, readInt, readText } from "../row.ts";
import { addCounter } from "../store/meta.ts";

/** How long a receiver may take to take an event. */
export const GIVE_UP_MS = 24 * 60 * 60 * 1000;

export interface Receiver {
  readonly product: ProductName;
  readonly version: VersionName;
}

export interface StoredEvent extends Omit<MovedFacts, "adminHost"> {
  readonly seq: number;
  readonly madeAt: EpochMs;
}

/** What all accounts of one comparison share. */
export interface Step {
  readonly previous: Generation;
  readonly generation: Generation;
  readonly fromMs: EpochMs;
  readonly settledMs: EpochMs;
  readonly nowMs: EpochMs;
}

interface Pair {
  readonly product: ProductName;
  readonly from: VersionName;
  readonly to: VersionName;
}

export interface MovedPair extends Pair {
  readonly accounts: readonly AccountSlug[];
}

const COLUMNS =
  "seq, id, product, moved_from, moved_to, previous, generation, from_at, settled_at, made_at, accounts";

function toEvent(row: SqlRow): StoredEvent {
  return {
    seq: readInt(row, "seq"),
    id: readText(row, "id"),
    product: readText(row, "product"),
    from: readText(row, "moved_from"),
    to: readText(row, "moved_to"),
    previous: readInt(row, "previous"),
    generation: readInt(row, "generation"),
    fromMs: readInt(row, "from_at"),
    settledMs: readInt(row, "settled_at"),
    madeAt: readInt(row, "made_at"),
    accounts: parseList(readText(row, "accounts")),
  };
}

/** Adds accounts to the open event of a pair, and seals each that is full. */
export function addToEvents(db: Db, step: Step, { accounts, ...pair }: MovedPair): void {
  const open = db.rows(
    `SELECT ${COLUMNS} FROM events WHERE sealed = 0 AND product = ? AND moved_from = ? AND moved_to = ?`,
    pair.product,
    pair.from,
    pair.to,
  )[0];
  const before = open === undefined ? null : toEvent(open);
  const all = [...(before?.accounts ?? []), ...accounts];
  for (let at = 0; at < all.length; at += MAX_EVENT_ACCOUNTS) {
    const some = JSON.stringify(all.slice(at, at + MAX_EVENT_ACCOUNTS));
    const seq = at === 0 && before !== null ? before.seq : insertEvent(db, step, pair);
    db.run("UPDATE events SET accounts = ? WHERE seq = ?", some, seq);
    if (all.length - at >= MAX_EVENT_ACCOUNTS) sealEvent(db, seq, step.nowMs);
  }
}

function insertEvent(db: Db, { previous, generation, fromMs, settledMs, nowMs }: Step, pair: Pair): number {
  const { product, from, to } = pair;
  const part = addCounter(db, "event_part", 1);
  db.run(
    `INSERT INTO events (id, product, moved_from, moved_to, previous, generation, from_at, settled_at, made_at, accounts, sealed)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '[]', 0)`,
    `${generation}.${product}.${part}`,
    product,
    from,
    to,
    previous,
    generation,
    fromMs,
    settledMs,
    nowMs,
  );
  return readInt(db.rows("SELECT max(seq) AS seq FROM events")[0] ?? {}, "seq");
}

/** Seals what is still open: the comparison has ended. */
export function sealEvents(db: Db, nowMs: EpochMs): void {
  for (const row of db.rows("SELECT seq FROM events WHERE sealed = 0"))
    sealEvent(db, readInt(row, "seq"), nowMs);
}

/** From now on it is for those versions of the pair that want to be told. */
function sealEvent(db: Db, seq: number, nowMs: EpochMs): void {
  db.run("UPDATE events SET sealed = 1 WHERE seq = ?", seq);
  db.run(
    `INSERT INTO event_deliveries (product, version, event, state, attempts, give_up_at, problem)
     SELECT v.product, v.name, e.seq, 'waiting', 0, ?2, NULL FROM events AS e
     JOIN versions AS v ON v.product = e.product AND v.name IN (e.moved_from, e.moved_to)
     WHERE e.seq = ?1 AND v.events IS NOT NULL AND v.state <> 'retired'`,
    seq,
    nowMs + GIVE_UP_MS,
  );
  dropEvents(db);
}

/** Events that nobody waits for any more. */
export function dropEvents(db: Db): void {
  db.run(
    "DELETE FROM events WHERE sealed = 1 AND NOT EXISTS (SELECT 1 FROM event_deliveries AS d WHERE d.event = events.seq)",
  );
}

/** The next event of a receiver, in the order in which they were made. */
export function loadNext(db: Db, { product, version }: Receiver): StoredEvent | null {
  const row = db.rows(
    `SELECT ${COLUMNS} FROM events WHERE seq = (
       SELECT min(event) FROM event_deliveries WHERE product = ? AND version = ? AND state = 'waiting')`,
    product,
    version,
  )[0];
  return row === undefined ? null : toEvent(row);
}

/** Receivers that have something waiting, whose turn is at `nowMs` or before. */
export function loadDue(db: Db, nowMs: EpochMs): readonly Receiver[] {
  return db
    .rows(
      `SELECT DISTINCT d.product, d.version FROM event_deliveries AS d
       LEFT JOIN event_receivers AS r ON r.product = d.product AND r.version = d.version
       WHERE d.state = 'waiting' AND coalesce(r.retry_at, 0) <= ? ORDER BY d.product, d.version`,
      nowMs,
    )
    .map((row) => ({ product: readText(row, "product"), version: readText(row, "version") }));
}

/** When the next receiver's turn is; null: nothing waits. */
export function nextTurn(db: Db): EpochMs | null {
  const row = db.rows(
    `SELECT min(coalesce(r.retry_at, 0)) AS at FROM (SELECT DISTINCT product, version FROM event_deliveries WHERE state = 'waiting') AS d
     LEFT JOIN event_receivers AS r ON r.product = d.product AND r.version = d.version`,
  )[0];
  return row === undefined || row["at"] === null ? null : readInt(row, "at");
}
