/** What receivers never took, for people and alarms, and whose deliveries are late. Reads only. */
import type { EpochMs } from "../../contracts/units.ts";
import type { WebhookQueryInputs, WebhookQueryOutputs } from "../../contracts/webhook-port.ts";
import { eventId } from "../../core/webhooks/event.ts";
import type { Db } from "../db.ts";
import { readInt, readTextOrNull } from "../row.ts";
import { loadAuditAfter } from "../store/audit.ts";
import { loadWebhooks, viewWebhook } from "../store/webhooks.ts";

const NUMBER = /^\d{1,15}$/;

/** A page of what was given up, oldest first. */
export function viewDeadLetters(
  db: Db,
  { name, cursor, limit }: WebhookQueryInputs["webhook.dead"],
): WebhookQueryOutputs["webhook.dead"] {
  const after = cursor !== null && NUMBER.test(cursor) ? Number(cursor) : 0;
  const rows = db.rows(
    `SELECT event, attempts, problem FROM webhook_letters WHERE name = ? AND state = 'dead' AND event > ?
     ORDER BY event LIMIT ?`,
    name,
    after,
    limit + 1,
  );
  const shown = rows.slice(0, limit);
  const items = shown.flatMap((row) => {
    const [entry] = loadAuditAfter(db, readInt(row, "event") - 1, 1);
    if (entry === undefined) return [];
    const { action, target, at } = entry;
    const attempts = readInt(row, "attempts");
    return [{ id: eventId(entry), action, target, at, attempts, problem: readTextOrNull(row, "problem") }];
  });
  const last = shown.at(-1);
  return { items, cursor: rows.length > limit && last !== undefined ? String(readInt(last, "event")) : null };
}

/** The number of a dead letter by the id of its event; null: there is none. */
export function findLetter(db: Db, name: string, id: string): number | null {
  const [number = ""] = id.split(".");
  if (!NUMBER.test(number)) return null;
  const seq = Number(number);
  const known = db.rows(
    "SELECT 1 FROM webhook_letters WHERE name = ? AND event = ? AND state = 'dead'",
    name,
    seq,
  );
  const [entry] = loadAuditAfter(db, seq - 1, 1);
  return known.length > 0 && entry !== undefined && eventId(entry) === id ? seq : null;
}

/** For alarms: webhooks with something given up, and how many. */
export function countDeadLetters(db: Db): readonly { readonly name: string; readonly count: number }[] {
  return loadWebhooks(db)
    .map((webhook) => ({ name: webhook.name, count: viewWebhook(db, webhook).dead }))
    .filter(({ count }) => count > 0);
}

/** Receivers that have not taken anything for this long are worth a look. */
const LATE_MS = 15 * 60_000;

/** For `status`: nobody else would notice. */
export function webhookWarnings(db: Db, nowMs: EpochMs): readonly string[] {
  return loadWebhooks(db).flatMap((webhook) => {
    const { name, failingSince, problem, waiting } = viewWebhook(db, webhook);
    if (failingSince === null || waiting === 0 || nowMs - Date.parse(failingSince) < LATE_MS) return [];
    return [`webhook ${name} has taken nothing since ${failingSince} (${problem ?? "no answer"})`];
  });
}
