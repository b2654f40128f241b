/**
 * Rows of webhooks, typed: who is told, how far each is in the audit (which is its outbox), and what was given up. Reads
 * and writes rows; decides nothing about when to send.
 */
import type { Webhook } from "../../contracts/api/webhooks.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { SecretRef } from "../../contracts/webhook-port.ts";
import { toInstant, toInstantOrNull } from "../clock.ts";
import type { Db, SqlRow } from "../db.ts";
import { parseList, readInt, readIntOrNull, readText, readTextOrNull } from "../row.ts";
import { lastAuditEntry } from "./audit.ts";

/** A secret that was replaced signs as well for so long. */
export const OLD_SECRET_MS = 24 * 60 * 60 * 1000;

export interface StoredWebhook {
  readonly name: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly notes: string;
  /** Number of its secret. */
  readonly key: number;
  readonly previousKey: number | null;
  readonly rotatedAt: EpochMs | null;
  readonly madeBy: string;
  readonly madeAt: EpochMs;
  readonly revision: number;
}

export interface WebhookState {
  /** The entry of the audit that it has dealt with. */
  readonly cursor: number;
  /** Tries of the entry that comes next. */
  readonly attempts: number;
  /** Failures without one success. */
  readonly failures: number;
  readonly failingSince: EpochMs | null;
  readonly retryAt: EpochMs;
}

const COLUMNS = "name, url, events, notes, key, previous_key, rotated_at, made_by, made_at, revision";

function toWebhook(row: SqlRow): StoredWebhook {
  return {
    name: readText(row, "name"),
    url: readText(row, "url"),
    events: parseList(readText(row, "events")),
    notes: readText(row, "notes"),
    key: readInt(row, "key"),
    previousKey: readIntOrNull(row, "previous_key"),
    rotatedAt: readIntOrNull(row, "rotated_at"),
    madeBy: readText(row, "made_by"),
    madeAt: readInt(row, "made_at"),
    revision: readInt(row, "revision"),
  };
}

export function loadWebhooks(db: Db): readonly StoredWebhook[] {
  return db.rows(`SELECT ${COLUMNS} FROM webhooks ORDER BY name`).map(toWebhook);
}

export function loadWebhook(db: Db, name: string): StoredWebhook | null {
  const row = db.rows(`SELECT ${COLUMNS} FROM webhooks WHERE name = ?`, name)[0];
  return row === undefined ? null : toWebhook(row);
}

/** Writes one; a new one is told from the next entry of the audit on. */
export function saveWebhook(db: Db, webhook: StoredWebhook): void {
  db.run(
    `INSERT OR REPLACE INTO webhooks (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    webhook.name,
    webhook.url,
    JSON.stringify(webhook.events),
    webhook.notes,
    webhook.key,
    webhook.previousKey,
    webhook.rotatedAt,
    webhook.madeBy,
    webhook.madeAt,
    webhook.revision,
  );
  db.run(
    `INSERT OR IGNORE INTO webhook_states (name, cursor, attempts, delivered, failures, retry_at) VALUES (?, ?, 0, 0, 0, 0)`,
    webhook.name,
    lastAuditEntry(db),
  );
}

export function deleteWebhook(db: Db, name: string): void {
  for (const table of ["webhooks", "webhook_states", "webhook_letters"])
    db.run(`DELETE FROM ${table} WHERE name = ?`, name);
}

export function loadState(db: Db, name: string): WebhookState {
  const row = db.rows("SELECT * FROM webhook_states WHERE name = ?", name)[0] ?? {};
  return {
    cursor: readInt(row, "cursor"),
    attempts: readInt(row, "attempts"),
    failures: readInt(row, "failures"),
    failingSince: readIntOrNull(row, "failing_since"),
    retryAt: readInt(row, "retry_at"),
  };
}

/** Secrets that sign now, the newest first. */
export function secretsAt({ name, madeAt, ...webhook }: StoredWebhook, nowMs: EpochMs): readonly SecretRef[] {
  const { key, previousKey, rotatedAt } = webhook;
  const old = previousKey !== null && rotatedAt !== null && nowMs - rotatedAt < OLD_SECRET_MS;
  return [key, ...(old ? [previousKey] : [])].map((each) => ({ name, madeAt, key: each }));
}

/** A webhook with how it does. `waiting` counts every entry behind its cursor, wanted or not, and what is sent again. */
export function viewWebhook(db: Db, webhook: StoredWebhook): Webhook {
  const { name, url, events, notes, madeBy, madeAt, rotatedAt, revision } = webhook;
  const state = db.rows("SELECT * FROM webhook_states WHERE name = ?", name)[0] ?? {};
  const letters = db.rows(
    "SELECT coalesce(sum(state = 'dead'), 0) AS dead, coalesce(sum(state = 'waiting'), 0) AS again FROM webhook_letters WHERE name = ?",
    name,
  )[0];
  const retryAt = readInt(state, "retry_at");
  const behind = Math.max(0, lastAuditEntry(db) - readInt(state, "cursor"));
  return {
    name,
    url,
    events: [...events],
    notes,
    madeBy,
    madeAt: toInstant(madeAt),
    rotatedAt: toInstantOrNull(rotatedAt),
    delivered: readInt(state, "delivered"),
    deliveredAt: toInstantOrNull(readIntOrNull(state, "delivered_at")),
    waiting: behind + readInt(letters ?? {}, "again"),
    dead: readInt(letters ?? {}, "dead"),
    failingSince: toInstantOrNull(readIntOrNull(state, "failing_since")),
    retryAt: retryAt === 0 ? null : toInstant(retryAt),
    problem: readTextOrNull(state, "problem"),
    revision,
  };
}

/** When the next webhook that has something waiting wants its turn; null: none has. */
export function nextTurn(db: Db): EpochMs | null {
  const row = db.rows(
    `SELECT min(retry_at) AS at FROM webhook_states AS s WHERE cursor < ?
     OR EXISTS (SELECT 1 FROM webhook_letters AS l WHERE l.name = s.name AND l.state = 'waiting')`,
    lastAuditEntry(db),
  )[0];
  return row === undefined ? null : readIntOrNull(row, "at");
}

/** The audit was replaced by another one: nobody is told of its past, and what was given up is not in it. */
export function skipToAuditEnd(db: Db): void {
  db.run("UPDATE webhook_states SET cursor = ?, attempts = 0", lastAuditEntry(db));
  db.run("DELETE FROM webhook_letters");
}
