/**
 * Changing webhooks. Their secrets are no part of it: they are derived, and shown by the admin surface when one is made.
 * The audit names the host and not the whole address, because paths of receivers often hold a secret of theirs.
 */
import type { Webhook } from "../../contracts/api/webhooks.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { WebhookCommandInputs, WebhookCommandOutputs } from "../../contracts/webhook-port.ts";
import type { Change, Work } from "../commands/work.ts";
import type { Db } from "../db.ts";
import { checkRevision, notFound, refuse } from "../refuse.ts";
import { readInt } from "../row.ts";
import {
  deleteWebhook,
  loadWebhook,
  loadWebhooks,
  OLD_SECRET_MS,
  saveWebhook,
  viewWebhook,
  type StoredWebhook,
} from "../store/webhooks.ts";
import { findLetter } from "./dead.ts";
import { refuseAddress } from "./address.ts";
import { GIVE_UP_MS } from "./note.ts";

const MAX_WEBHOOKS = 20;

type Done<K extends keyof WebhookCommandOutputs> = Result<Change<WebhookCommandOutputs[K]>, Refusal>;

function putWebhook(work: Work, { name, input }: WebhookCommandInputs["webhook.put"]): Done<"webhook.put"> {
  const { db, actor, nowMs } = work;
  const before = loadWebhook(db, name);
  const stale = checkRevision(work.ifMatch, before?.revision ?? 0);
  if (stale !== null) return stale;
  if (before === null && loadWebhooks(db).length >= MAX_WEBHOOKS)
    return refuse("conflict", `there are ${MAX_WEBHOOKS} webhooks already: delete one`);
  const refused = refuseAddress(work, input.url);
  if (refused !== null) return refuse("invalid", refused);
  if (before !== null && isSame(before, input)) return ok({ output: viewWebhook(db, before), told: null });
  const made = { key: 1, previousKey: null, rotatedAt: null, madeBy: actor.name, madeAt: nowMs, revision: 0 };
  const after = { ...made, ...before, name, ...input, revision: (before?.revision ?? 0) + 1 };
  saveWebhook(db, after);
  // Who mends an address should not wait for the pause of the broken one.
  tryNow(db, name);
  const { url, events } = input;
  const detail = { host: hostOf(url), events, moved: before !== null && before.url !== url };
  return ok({ output: viewWebhook(db, after), told: { target: `webhook/${name}`, reason: null, detail } });
}

function isSame(
  before: StoredWebhook,
  { url, events, notes }: WebhookCommandInputs["webhook.put"]["input"],
): boolean {
  const list = JSON.stringify(before.events);
  return before.url === url && before.notes === notes && list === JSON.stringify(events);
}

function hostOf(url: string): string {
  return /^https?:\/\/([^/]+)/.exec(url)?.[1] ?? "";
}

function tryNow(db: Db, name: string): void {
  db.run("UPDATE webhook_states SET retry_at = 0 WHERE name = ?", name);
}

function dropWebhook(
  work: Work,
  { name, reason }: WebhookCommandInputs["webhook.delete"],
): Done<"webhook.delete"> {
  const found = find(work, name);
  if (!found.ok) return found;
  const output: Webhook = viewWebhook(work.db, found.value);
  deleteWebhook(work.db, name);
  const detail = { host: hostOf(output.url), waiting: output.waiting, dead: output.dead };
  return ok({ output, told: { target: `webhook/${name}`, reason, detail } });
}

function rotateWebhook(
  work: Work,
  { name, reason }: WebhookCommandInputs["webhook.rotate"],
): Done<"webhook.rotate"> {
  const { db, nowMs } = work;
  const found = find(work, name);
  if (!found.ok) return found;
  const before = found.value;
  const { key, revision } = before;
  const after = { ...before, key: key + 1, previousKey: key, rotatedAt: nowMs, revision: revision + 1 };
  saveWebhook(db, after);
  const oldUntil = new Date(nowMs + OLD_SECRET_MS).toISOString();
  return ok({
    output: viewWebhook(db, after),
    told: { target: `webhook/${name}`, reason, detail: { secret: after.key, oldUntil } },
  });
}

function find(work: Work, name: string): Result<StoredWebhook, Refusal> {
  const webhook = loadWebhook(work.db, name);
  if (webhook === null) return notFound(`webhook ${name}`);
  const stale = checkRevision(work.ifMatch, webhook.revision);
  return stale ?? ok(webhook);
}

/** Gives what was given up another day, at once. */
function retryWebhook(
  work: Work,
  { name, event, reason }: WebhookCommandInputs["webhook.retry"],
): Done<"webhook.retry"> {
  const { db, nowMs } = work;
  const found = find(work, name);
  if (!found.ok) return found;
  const one = event === null ? null : findLetter(db, name, event);
  if (event !== null && one === null) return notFound(`dead event ${event} of webhook ${name}`);
  const dead = db
    .rows(
      "SELECT event FROM webhook_letters WHERE name = ?1 AND state = 'dead' AND (?2 IS NULL OR event = ?2)",
      name,
      one,
    )
    .map((row) => readInt(row, "event"));
  if (dead.length === 0) return notFound(`dead event of webhook ${name}`);
  db.run(
    `UPDATE webhook_letters SET state = 'waiting', give_up_at = ?3
     WHERE name = ?1 AND state = 'dead' AND (?2 IS NULL OR event = ?2)`,
    name,
    one,
    nowMs + GIVE_UP_MS,
  );
  tryNow(db, name);
  return ok({
    output: { retried: dead.length },
    told: { target: `webhook/${name}`, reason, detail: { event, retried: dead.length } },
  });
}

export const WEBHOOK_COMMANDS = {
  "webhook.put": putWebhook,
  "webhook.delete": dropWebhook,
  "webhook.rotate": rotateWebhook,
  "webhook.retry": retryWebhook,
};
