/**
 * The control plane put together from its parts, apart from the Durable Object that carries it: the same value runs in
 * tests on any SQLite, with a clock and a KV of their own. Every change ends with a look at when the publisher wants to
 * run; the alarm is the caller's.
 */
import type { ControlPort } from "../contracts/control.ts";
import { createBackground } from "./background.ts";
import { execute } from "./commands/execute.ts";
import { commandTime } from "./clock.ts";
import { beginImport } from "./imports/begin.ts";
import { takeBatch, type Importing } from "./imports/batch.ts";
import { endImport } from "./imports/end.ts";
import type { ReadPulse } from "../adapters/pulse-meters.ts";
import type { ReadUse } from "../adapters/use-meters.ts";
import type { SendEvent } from "../contracts/handover-port.ts";
import type { WebhookPorts } from "../contracts/webhook-port.ts";
import { createHandoverWork } from "./handover/work.ts";
import { noteSettling } from "./data/facts.ts";
import { migrate } from "./migrations.ts";
import type { MeasureTraffic } from "./observations/gather.ts";
import type { PublisherPorts, ReadMirrored } from "./publisher/ports.ts";
import { createPreflightRunner, type PreflightPorts } from "./preflight/run.ts";
import { createPublisher } from "./publisher/publisher.ts";
import { answer } from "./queries.ts";
import { createRolloutWork, type HookPorts } from "./rollouts/work-on.ts";
import { readCounter, readMeta, writeCounter } from "./store/meta.ts";
import { findGranted } from "./store/access-grants.ts";
import { noteRefused, tellRefused } from "./store/refused.ts";
import { findSessionActor } from "./store/sessions.ts";
import { findActor } from "./store/tokens.ts";
import { tick } from "./tick.ts";
import { createWebhookWork } from "./webhooks/work.ts";
import { exportPage } from "./transfer/export.ts";
import { beginRestore, restoreLines } from "./transfer/restore.ts";
import { endRestore } from "./transfer/swap.ts";

/** Without a tick for this long the alarm ticks itself: the second source of ticks. */
const WATCHDOG_MS = 3 * 60 * 1000;

export interface ControlPorts extends PublisherPorts, HookPorts {
  /** Asks for an alarm at a time, or (null) none. An earlier one that is set already may stay. */
  wakeAt(at: number | null): void;
  /** The ways out to versions. */
  readonly preflight: PreflightPorts;
  /** What the meters know of mirrored requests. */
  readonly mirrored: ReadMirrored;
  /** What the meters know of requests by version and account. */
  readonly measure: MeasureTraffic;
  /** What the meters know of open connections and last requests. */
  readonly use: ReadUse;
  /** What the meters know of edges themselves. */
  readonly pulse: ReadPulse;
  /** Sends one event to an origin. */
  readonly sendEvent: SendEvent;
  /** Sends webhooks, and knows their secrets. */
  readonly webhooks: WebhookPorts;
}

export interface Control extends ControlPort {
  /** What an alarm does: publishes on, and ticks when cron has gone silent. Arms the next alarm whatever happens. */
  alarm(): Promise<void>;
  /** Resolves when what alarms left going in the background has ended. */
  idle(): Promise<void>;
}

/** Migrates the database and makes the control plane over it. */
export function createControl(ports: ControlPorts): Control {
  const { db, clock, config } = ports;
  migrate(db);
  const publisher = createPublisher(ports);
  const runPreflight = createPreflightRunner(ports);
  noteSettling(db, config.settling);
  const rollouts = createRolloutWork(ports, { runPreflight, onOver: () => carryOn() });
  const handover = createHandoverWork(ports);
  const webhooks = createWebhookWork(ports);
  const wake = (): void => ports.wakeAt(nextWake(ports, [publisher, rollouts, handover, webhooks]));
  const background = createBackground();
  const carryOn = (): void => background.add(rollouts.carryOn().finally(wake));
  // Alarms do not wait for origins, and ticks have an alarm for it.
  const handOver = (): void => background.add(handover.run().finally(wake), webhooks.run().finally(wake));
  const importing = (): Importing => ({ db, config, nowMs: commandTime(db, clock), wallMs: clock.nowMs() });
  const thenWake = async <T>(body: () => T | Promise<T>): Promise<T> => {
    try {
      return await body();
    } finally {
      wake();
    }
  };
  return {
    execute: (name, input, context) =>
      thenWake(() => {
        const times = { nowMs: commandTime(db, clock), wallMs: clock.nowMs() };
        const result = execute({ db, config, context, ...times }, name, input);
        // What was refused may be in order now, and whoever changed it should not wait for the next try.
        if (result.ok && readMeta(db, "blocked") !== null) writeCounter(db, "kv_retry_at", 0);
        return result;
      }),
    query: (name, input) => answer(ports, name, input),
    authenticate: async (sha256) =>
      findActor(db, sha256, clock.nowMs()) ?? findSessionActor(db, sha256, clock.nowMs()),
    findGranted: async (identity) => findGranted(db, identity, clock.nowMs()),
    runPreflight,
    importBegin: async (begin, actor) => beginImport(db, { begin, actor, nowMs: clock.nowMs() }),
    importBatch: (id, lines) => thenWake(() => takeBatch(importing(), id, lines)),
    importEnd: (id, rejected) => thenWake(() => endImport(importing(), { id, unreadable: rejected }, clock)),
    exportPage: async (cursor) => exportPage(db, cursor, clock.nowMs()),
    restoreBegin: async (actor, reason) => beginRestore(db, { actor, reason, nowMs: clock.nowMs() }),
    restoreLines: async (lines) => restoreLines(db, lines, clock.nowMs()),
    // Not while a root is on its way: what it says about the old state must be noted before that state is gone.
    restoreEnd: (highestSeen) =>
      thenWake(() =>
        publisher.exclusively(async () => endRestore(db, { highestSeen, nowMs: commandTime(db, clock) })),
      ),
    noteRefused: async (attempts) =>
      db.transaction(() => {
        noteRefused(db, attempts);
        tellRefused(db, clock.nowMs());
      }),
    tick: (scheduledTime) =>
      thenWake(() => {
        // The watchdog ticks by itself; an alarm tells when only it does.
        writeCounter(db, "cron_received", clock.nowMs());
        return tick(ports, publisher, { scheduledTime, rollouts });
      }),
    idle: async () => {
      await rollouts.idle();
      await background.idle();
    },
    alarm: () =>
      thenWake(async () => {
        await publisher.run();
        handOver();
        const received = readCounter(db, "tick_received");
        const isSilent = received > 0 && clock.nowMs() - received >= WATCHDOG_MS;
        const ticked = isSilent && (await tick(ports, publisher, { scheduledTime: clock.nowMs(), rollouts }));
        // A tick that is older than the object's clock does nothing, and what waits must not wait for the next.
        if (ticked === false || !ticked.advanced) carryOn();
      }),
  };
}

function soonest(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}

interface BackgroundWork {
  nextDueAt(): number | null;
}

/** The soonest of what goes on behind, and the watchdog over cron, which begins with the first tick. */
function nextWake({ db }: ControlPorts, works: readonly BackgroundWork[]): number | null {
  const received = readCounter(db, "tick_received");
  const watchdogAt = received === 0 ? null : received + WATCHDOG_MS;
  return works.map((work) => work.nextDueAt()).reduce(soonest, watchdogAt);
}
