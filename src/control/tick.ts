/**
 * One tick: what is due by the object's clock is done, whether ticks came once, twice, late or never. The clock is the
 * greatest time ever ticked with; an older tick does nothing, and missed ticks fold into one. Expiries never move an
 * account. Publishing goes on by itself; the tick is only its watchdog.
 */
import type { ReadPulse } from "../adapters/pulse-meters.ts";
import type { ReadUse } from "../adapters/use-meters.ts";
import type { TickReport } from "../contracts/control.ts";
import type { EpochMs } from "../contracts/units.ts";
import { lookAtAlarms, lookAtPulse } from "./alarms/look.ts";
import { endDefaultRequests } from "./commands/default-requests.ts";
import { expireDeferrals } from "./commands/deferrals.ts";
import { expirePins } from "./commands/pins.ts";
import { freeTombstones } from "./accounts/remove.ts";
import { judgeRunning } from "./gates/judge.ts";
import { measureUse, noteUse } from "./handover/use.ts";
import { forgetHistory } from "./history/forget.ts";
import type { Db } from "./db.ts";
import { dropOldImports } from "./imports/cleanup.ts";
import { lookAtTraffic, type MeasureTraffic } from "./observations/gather.ts";
import { collect } from "./publisher/collect.ts";
import type { PublisherPorts, ReadMirrored } from "./publisher/ports.ts";
import type { Publisher } from "./publisher/publisher.ts";
import { lookAtMirrored } from "./rollouts/mirrors.ts";
import type { RolloutWork } from "./rollouts/work-on.ts";
import { FLAP_MEMORY_MS } from "../core/rollout/eligible.ts";
import { appendAudit } from "./store/audit.ts";
import { dropOldBacks } from "./store/backs.ts";
import { nextSeq } from "./store/changes.ts";
import { dropOldAnswers } from "./store/idempotency.ts";
import { readCounter, writeCounter } from "./store/meta.ts";
import { tellRefused } from "./store/refused.ts";
import { dropReplacedHomes } from "./store/replaced-homes.ts";
import { loadPublished } from "./store/roots.ts";
import { dropOldSnapshots } from "./transfer/export.ts";

/** Expiries and freed slugs of one tick; the rest is done by the next. */
const MAX_EXPIRIES = 2000;
/** Outbox rows that are done are kept this long, for `visibleBy` and for people. */
const OUTBOX_KEPT_MS = 24 * 60 * 60 * 1000;
/** Slugs that one audit entry spells out. */
const MAX_LISTED = 20;

/** Does what is due at `scheduledTime`. */
export async function tick(
  ports: PublisherPorts & {
    readonly mirrored: ReadMirrored;
    readonly measure: MeasureTraffic;
    readonly use: ReadUse;
    readonly pulse: ReadPulse;
  },
  publisher: Publisher,
  { scheduledTime, rollouts }: { readonly scheduledTime: EpochMs; readonly rollouts: RolloutWork },
): Promise<TickReport> {
  const { db, clock } = ports;
  const before = readCounter(db, "clock");
  writeCounter(db, "tick_received", clock.nowMs());
  if (scheduledTime <= before) return report(ports, before, { advanced: false, happened: [] });
  const [measured, use] = await Promise.all([
    lookAtTraffic(db, ports.measure, scheduledTime),
    measureUse(ports.use),
    rollouts.lookAtBreakGlass(),
    lookAtMirrored(db, ports.mirrored),
    lookAtPulse(ports, ports.pulse),
  ]);
  // Another tick may have come while this one asked KV and the meters.
  const clockNow = readCounter(db, "clock");
  if (scheduledTime <= clockNow) return report(ports, clockNow, { advanced: false, happened: [] });
  const happened = db.transaction(() => doWhatIsDue(ports, rollouts, scheduledTime));
  const carried = await rollouts.carryOn();
  db.transaction(() => noteUse(db, use, scheduledTime));
  const collected = await collect(ports, publisher, scheduledTime);
  return report(ports, scheduledTime, {
    advanced: true,
    happened: [...measured, ...happened, ...carried, ...collected, ...lookAtAlarms(ports)],
  });
}

function doWhatIsDue(
  { db, clock }: PublisherPorts,
  rollouts: RolloutWork,
  nowMs: EpochMs,
): readonly string[] {
  writeCounter(db, "clock", nowMs);
  const moment = { seq: nextSeq(db), nowMs };
  const expired = [
    ...expirePins(db, moment, MAX_EXPIRIES),
    ...expireDeferrals(db, moment, MAX_EXPIRIES),
    ...endDefaultRequests(db, nowMs),
  ];
  const freed = freeTombstones(db, moment, MAX_EXPIRIES);
  if (freed.length > 0) {
    appendAudit(db, {
      at: nowMs,
      actor: "tick",
      role: "system",
      action: "account.freed",
      target: "accounts",
      reason: "90 days after their deletion",
      detail: { count: freed.length, accounts: freed.slice(0, MAX_LISTED) },
    });
  }
  tellRefused(db, clock.nowMs());
  dropOldAnswers(db, nowMs);
  dropOldBacks(db, nowMs - FLAP_MEMORY_MS);
  dropReplacedHomes(db);
  dropOldOutbox(db, clock.nowMs() - OUTBOX_KEPT_MS);
  db.run("DELETE FROM home_sets WHERE accounts = 0 AND tombstones = 0");
  dropOldSnapshots(db, clock.nowMs());
  forgetHistory(db, nowMs);
  const stale = dropOldImports(db, clock.nowMs());
  judgeRunning(db, nowMs);
  return [
    ...rollouts.advanceAll(moment),
    ...expired,
    ...(freed.length > 0 ? [`${freed.length} slugs of deleted accounts are free again`] : []),
    ...stale,
  ];
}

/** Oldest first, up to the first that must stay: a day of changes is not looked through every minute. */
function dropOldOutbox(db: Db, before: EpochMs): void {
  db.run(
    `DELETE FROM outbox WHERE id < coalesce(
       (SELECT id FROM outbox WHERE done_at IS NULL OR done_at >= ? ORDER BY id LIMIT 1), 9007199254740991)`,
    before,
  );
}

function report(
  { db }: PublisherPorts,
  now: EpochMs,
  done: Pick<TickReport, "advanced" | "happened">,
): TickReport {
  return { now, generation: loadPublished(db)?.generation ?? 0, ...done };
}
