/**
 * Sends events to their receivers: one at a time to each, in the order in which they were made, several receivers at once.
 * What is not taken is tried again with growing pauses; a day after it was made it is given up and kept for people. An
 * event that was taken but not noted (a crash in between) is sent again under the same id. Times are the control plane's
 * own, so that ticks drive it.
 */
import type { EventAnswer, SendEvent } from "../../contracts/handover-port.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { movedEvent } from "../../core/moved-event.ts";
import { commandTime } from "../clock.ts";
import { refuseEvents } from "../commands/products.ts";
import type { Db } from "../db.ts";
import type { PublisherPorts } from "../publisher/ports.ts";
import { readInt } from "../row.ts";
import { loadVersion } from "../store/versions.ts";
import { dropEvents, loadDue, loadNext, type Receiver, type StoredEvent } from "./event-rows.ts";

const FIRST_RETRY_MS = 10_000;
const LAST_RETRY_MS = 15 * 60_000;
/** A receiver may ask for a longer pause, but not to be forgotten. */
const MAX_ASKED_MS = 60 * 60_000;
/** Receivers that are sent to at once; the platform opens six connections. */
const PARALLEL = 6;
/** Events that one run sends to a receiver: no invocation may go on for ever. */
const MAX_IN_A_ROW = 100;

export interface DeliveryPorts extends PublisherPorts {
  readonly sendEvent: SendEvent;
}

/** Sends to every receiver whose turn it is. */
export async function deliverDue(ports: DeliveryPorts): Promise<void> {
  const due = [...loadDue(ports.db, commandTime(ports.db, ports.clock))];
  const take = async (): Promise<void> => {
    for (let receiver = due.shift(); receiver !== undefined; receiver = due.shift())
      await deliverTo(ports, receiver);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, due.length) }, take));
}

async function deliverTo(ports: DeliveryPorts, receiver: Receiver): Promise<void> {
  const { db, clock } = ports;
  for (let sent = 0; sent < MAX_IN_A_ROW; sent++) {
    const event = loadNext(db, receiver);
    if (event === null) return;
    const url = loadVersion(db, receiver.product, receiver.version)?.events ?? null;
    if (url === null) {
      forget(db, receiver);
      return;
    }
    const answer = await send(ports, url, event);
    const nowMs = commandTime(db, clock);
    const went = db.transaction(() => note(db, { receiver, event, answer, nowMs }));
    if (!went) return;
  }
}

function send(ports: DeliveryPorts, url: string, event: StoredEvent): Promise<EventAnswer> {
  const { adminHost } = ports.config;
  const refused = refuseEvents(ports, url);
  if (refused !== null) return Promise.resolve({ taken: false, problem: refused, retryAfterMs: null });
  return ports.sendEvent({ url, id: event.id, body: movedEvent({ ...event, adminHost }) });
}

/** Nobody is told any more: the version says so, or is gone. */
function forget(db: Db, { product, version }: Receiver): void {
  db.transaction(() => {
    db.run(
      "DELETE FROM event_deliveries WHERE product = ? AND version = ? AND state = 'waiting'",
      product,
      version,
    );
    dropEvents(db);
  });
}

interface Outcome {
  readonly receiver: Receiver;
  readonly event: StoredEvent;
  readonly answer: EventAnswer;
  readonly nowMs: EpochMs;
}

/** @returns true when the next one may follow at once. */
function note(db: Db, { receiver: { product, version }, event, answer, nowMs }: Outcome): boolean {
  if (answer.taken) {
    db.run(
      "DELETE FROM event_deliveries WHERE product = ? AND version = ? AND event = ?",
      product,
      version,
      event.seq,
    );
    db.run(
      `INSERT INTO event_receivers (product, version, delivered, delivered_at, failures, failing_since, retry_at, problem)
       VALUES (?1, ?2, 1, ?3, 0, NULL, 0, NULL)
       ON CONFLICT (product, version) DO UPDATE SET delivered = delivered + 1, delivered_at = ?3, failures = 0,
         failing_since = NULL, retry_at = 0, problem = NULL`,
      product,
      version,
      nowMs,
    );
    dropEvents(db);
    return true;
  }
  const { problem } = answer;
  db.run(
    "UPDATE event_deliveries SET attempts = attempts + 1, problem = ?4 WHERE product = ?1 AND version = ?2 AND event = ?3",
    product,
    version,
    event.seq,
    problem,
  );
  const pause = pauseAfter(db, { product, version }, answer.retryAfterMs);
  db.run(
    `INSERT INTO event_receivers (product, version, delivered, delivered_at, failures, failing_since, retry_at, problem)
     VALUES (?1, ?2, 0, NULL, 1, ?3, ?4, ?5)
     ON CONFLICT (product, version) DO UPDATE SET failures = failures + 1, failing_since = coalesce(failing_since, ?3),
       retry_at = ?4, problem = ?5`,
    product,
    version,
    nowMs,
    nowMs + pause,
    problem,
  );
  giveUp(db, { product, version }, { nowMs, problem });
  return false;
}

function pauseAfter(db: Db, { product, version }: Receiver, askedMs: number | null): number {
  const row = db.rows(
    "SELECT failures FROM event_receivers WHERE product = ? AND version = ?",
    product,
    version,
  )[0];
  const failures = row === undefined ? 0 : readInt(row, "failures");
  const own = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures, 10), LAST_RETRY_MS);
  return Math.max(own, Math.min(askedMs ?? 0, MAX_ASKED_MS));
}

/** What waited for a day behind a receiver that takes nothing would wait for ever if each were tried for a day. */
function giveUp(
  db: Db,
  { product, version }: Receiver,
  { nowMs, problem }: { readonly nowMs: EpochMs; readonly problem: string },
): void {
  db.run(
    `UPDATE event_deliveries SET state = 'dead', problem = coalesce(problem, ?4)
     WHERE product = ?1 AND version = ?2 AND state = 'waiting' AND give_up_at <= ?3`,
    product,
    version,
    nowMs,
    problem,
  );
}
