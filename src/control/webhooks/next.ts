/**
 * What a receiver is to be sent next: what was asked for again, else the next entry of the audit that it wants. Entries
 * that it does not want are passed by for good. Called inside a transaction.
 */
import type { AuditEntry } from "../../contracts/api/operations.ts";
import { wants } from "../../core/webhooks/event.ts";
import type { Db } from "../db.ts";
import { readInt } from "../row.ts";
import { loadAuditAfter } from "../store/audit.ts";
import { loadState, loadWebhook } from "../store/webhooks.ts";

/** Entries that are looked at in one piece. */
const PIECE = 200;

export interface Due {
  readonly entry: AuditEntry;
  /** It had been given up, and somebody asked for it again. */
  readonly again: boolean;
}

/** Null: nothing waits, or there is no such webhook. */
export function nextDue(db: Db, name: string): Due | null {
  const webhook = loadWebhook(db, name);
  if (webhook === null) return null;
  return nextLetter(db, name) ?? nextEntry(db, name, webhook.events);
}

function nextLetter(db: Db, name: string): Due | null {
  const row = db.rows(
    "SELECT event FROM webhook_letters WHERE name = ? AND state = 'waiting' ORDER BY event LIMIT 1",
    name,
  )[0];
  if (row === undefined) return null;
  const event = readInt(row, "event");
  const [entry] = loadAuditAfter(db, event - 1, 1);
  if (entry?.seq === event) return { entry, again: true };
  // It would be next for ever.
  db.run("DELETE FROM webhook_letters WHERE name = ? AND event = ?", name, event);
  return nextLetter(db, name);
}

function nextEntry(db: Db, name: string, events: readonly string[]): Due | null {
  for (;;) {
    const { cursor } = loadState(db, name);
    const piece = loadAuditAfter(db, cursor, PIECE);
    const entry = piece.find(({ action }) => wants(events, action));
    const passed = entry === undefined ? piece.at(-1)?.seq : entry.seq - 1;
    if (passed !== undefined && passed > cursor)
      db.run("UPDATE webhook_states SET cursor = ?, attempts = 0 WHERE name = ?", passed, name);
    if (entry !== undefined) return { entry, again: false };
    if (piece.length < PIECE) return null;
  }
}
