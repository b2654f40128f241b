/**
 * Sends webhooks: to each receiver one at a time, in the order of the audit, what was asked for again first; several
 * receivers at once. What is not taken is tried again with growing pauses. After a day of failing, what is a day old is
 * given up and kept for people. An event that was taken but not noted (a crash in between) is sent again under the same
 * id, so that a receiver that remembers ids has it once. Times are the control plane's own, so that ticks drive it.
 */
import type { AuditEntry } from "../../contracts/api/operations.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { EventAnswer } from "../../contracts/handover-port.ts";
import type { WebhookPorts } from "../../contracts/webhook-port.ts";
import { auditEvent, eventId } from "../../core/webhooks/event.ts";
import { commandTime } from "../clock.ts";
import type { Db } from "../db.ts";
import type { PublisherPorts } from "../publisher/ports.ts";
import { loadWebhook, loadWebhooks, loadState, secretsAt } from "../store/webhooks.ts";
import { nextDue, type Due } from "./next.ts";
import { noteFailure, noteTaken } from "./note.ts";
import { refuseAddress } from "./address.ts";

/** Receivers that are sent to at once; the platform opens six connections, and events of moves want some. */
const PARALLEL = 3;
/** Events that one run sends to a receiver: no invocation may go on for ever. */
const MAX_IN_A_ROW = 100;

export interface WebhookDelivery extends PublisherPorts {
  readonly webhooks: WebhookPorts;
}

/** Sends to every receiver whose turn it is. */
export async function deliverWebhooks(ports: WebhookDelivery): Promise<void> {
  const { db, clock } = ports;
  const now = commandTime(db, clock);
  const due = loadWebhooks(db)
    .map(({ name }) => name)
    .filter((name) => loadState(db, name).retryAt <= now);
  const take = async (): Promise<void> => {
    for (let name = due.shift(); name !== undefined; name = due.shift()) await deliverTo(ports, name);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, due.length) }, take));
}

async function deliverTo(ports: WebhookDelivery, name: string): Promise<void> {
  const { db, clock } = ports;
  for (let sent = 0; sent < MAX_IN_A_ROW; sent++) {
    const next = db.transaction(() => nextDue(db, name));
    if (next === null) return;
    const answer = await send(ports, name, next.entry);
    const nowMs = commandTime(db, clock);
    const went = db.transaction(() => note(db, { name, due: next, answer, nowMs }));
    if (!went) return;
  }
}

function send(ports: WebhookDelivery, name: string, entry: AuditEntry): Promise<EventAnswer> {
  const { db, clock, config } = ports;
  const webhook = loadWebhook(db, name);
  if (webhook === null)
    return Promise.resolve({ taken: false, problem: "it was deleted", retryAfterMs: null });
  const refused = refuseAddress(ports, webhook.url);
  if (refused !== null) return Promise.resolve({ taken: false, problem: refused, retryAfterMs: null });
  return ports.webhooks.send({
    url: webhook.url,
    id: eventId(entry),
    body: auditEvent(entry, config.adminHost),
    secrets: secretsAt(webhook, commandTime(db, clock)),
  });
}

interface Outcome {
  readonly name: string;
  readonly due: Due;
  readonly answer: EventAnswer;
  readonly nowMs: EpochMs;
}

/** @returns true when the next one may follow at once. */
function note(db: Db, { name, due, answer, nowMs }: Outcome): boolean {
  // It may have been deleted, or made anew, while the receiver took its time.
  const still = nextDue(db, name);
  if (still?.entry.hash !== due.entry.hash || still.again !== due.again) return false;
  if (answer.taken) noteTaken(db, { name, due, nowMs });
  else noteFailure(db, { name, due, answer, nowMs });
  return answer.taken;
}
