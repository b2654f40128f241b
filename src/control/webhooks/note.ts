/**
 * Writes down how a sending ended: the cursor goes on, or the pause grows, or a day has gone by and what is a day old is
 * given up. Called inside a transaction, with what is still next for the receiver.
 */
import type { EpochMs } from "../../contracts/units.ts";
import type { EventAnswer } from "../../contracts/handover-port.ts";
import { wants } from "../../core/webhooks/event.ts";
import { fromInstant } from "../clock.ts";
import type { Db } from "../db.ts";
import { loadAuditAfter } from "../store/audit.ts";
import { loadState, loadWebhook } from "../store/webhooks.ts";
import type { Due } from "./next.ts";

const FIRST_RETRY_MS = 10_000;
const LAST_RETRY_MS = 15 * 60_000;
/** A receiver may ask for a longer pause, but not to be forgotten. */
const MAX_ASKED_MS = 60 * 60_000;
const DOUBLINGS = 10;
/** How long a receiver may take to take an event. */
export const GIVE_UP_MS = 24 * 60 * 60 * 1000;
/** Entries that are given up with one failure. */
const MAX_GIVEN_UP = 1000;

interface Sent {
  readonly name: string;
  readonly due: Due;
  readonly nowMs: EpochMs;
}

export function noteTaken(db: Db, { name, due: { entry, again }, nowMs }: Sent): void {
  if (again) db.run("DELETE FROM webhook_letters WHERE name = ? AND event = ?", name, entry.seq);
  else db.run("UPDATE webhook_states SET cursor = ?, attempts = 0 WHERE name = ?", entry.seq, name);
  db.run(
    `UPDATE webhook_states SET delivered = delivered + 1, delivered_at = ?2, failures = 0, failing_since = NULL,
       retry_at = 0, problem = NULL WHERE name = ?1`,
    name,
    nowMs,
  );
}

export function noteFailure(
  db: Db,
  sent: Sent & { readonly answer: Extract<EventAnswer, { taken: false }> },
): void {
  const { name, due, nowMs, answer } = sent;
  const { problem, retryAfterMs } = answer;
  const { failures, failingSince } = loadState(db, name);
  const own = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures, DOUBLINGS), LAST_RETRY_MS);
  const pause = Math.max(own, Math.min(retryAfterMs ?? 0, MAX_ASKED_MS));
  db.run(
    `UPDATE webhook_states SET failures = failures + 1, failing_since = coalesce(failing_since, ?2), retry_at = ?3,
       problem = ?4, attempts = attempts + ?5 WHERE name = ?1`,
    name,
    nowMs,
    nowMs + pause,
    problem,
    due.again ? 0 : 1,
  );
  if (due.again) {
    db.run(
      "UPDATE webhook_letters SET attempts = attempts + 1, problem = ? WHERE name = ? AND event = ?",
      problem,
      name,
      due.entry.seq,
    );
  }
  const given = { nowMs, problem };
  giveUpLetters(db, name, given);
  if (nowMs - (failingSince ?? nowMs) >= GIVE_UP_MS) giveUpEntries(db, name, given);
}

interface Given {
  readonly nowMs: EpochMs;
  readonly problem: string;
}

/** What was asked for again has a day of its own. */
function giveUpLetters(db: Db, name: string, { nowMs, problem }: Given): void {
  db.run(
    `UPDATE webhook_letters SET state = 'dead', problem = coalesce(problem, ?3)
     WHERE name = ?1 AND state = 'waiting' AND give_up_at <= ?2`,
    name,
    nowMs,
    problem,
  );
}

/** What waited for a day behind a receiver that takes nothing would wait for ever if each were tried for a day. */
function giveUpEntries(db: Db, name: string, { nowMs, problem }: Given): void {
  const webhook = loadWebhook(db, name);
  if (webhook === null) return;
  const { cursor, attempts } = loadState(db, name);
  let [passed, tried] = [cursor, attempts];
  for (const { seq, at, action } of loadAuditAfter(db, cursor, MAX_GIVEN_UP)) {
    if (fromInstant(at) > nowMs - GIVE_UP_MS) break;
    passed = seq;
    if (!wants(webhook.events, action)) continue;
    db.run(
      `INSERT OR REPLACE INTO webhook_letters (name, event, state, attempts, give_up_at, problem)
       VALUES (?, ?, 'dead', ?, ?, ?)`,
      name,
      seq,
      tried,
      nowMs,
      problem,
    );
    // Only the first of them was ever sent.
    tried = 0;
  }
  if (passed > cursor)
    db.run("UPDATE webhook_states SET cursor = ?, attempts = 0 WHERE name = ?", passed, name);
}
