/**
 * Looks at alarms once a tick: keeps what holds, and tells the audit what began and what is over, in one transaction, so
 * that each is told once whatever crashes. Asking about them in between turns nothing. Posture: meters that do not
 * answer leave what hangs on them unknown.
 */
import type { Alarm } from "../../contracts/alarms.ts";
import type { AlarmView } from "../../contracts/api/alarms.ts";
import type { ReadPulse } from "../../adapters/pulse-meters.ts";
import { findAlarms } from "../../core/alarms/find.ts";
import { turnAlarms } from "../../core/alarms/turn.ts";
import { toInstant, toInstantOrNull } from "../clock.ts";
import type { PublisherPorts } from "../publisher/ports.ts";
import { appendAudit } from "../store/audit.ts";
import { loadAlarms, saveAlarms, savePulse } from "../store/alarms.ts";
import { noteRefusedOverrides } from "../store/refused.ts";
import { loadAlarmFacts } from "./facts.ts";

/** Asks the meters how edges do, and keeps the answer. Never rejects, so that it can hold up no tick. */
export async function lookAtPulse({ db, clock }: PublisherPorts, read: ReadPulse): Promise<void> {
  const pulse = await read().catch(() => null);
  db.transaction(() => {
    savePulse(db, pulse, clock.nowMs());
    if (pulse !== null) noteRefusedOverrides(db, pulse.refusedOverrides, clock.nowMs());
  });
}

/** What holds now, without telling anybody. */
export function viewAlarms(ports: PublisherPorts): readonly AlarmView[] {
  const facts = loadAlarmFacts(ports);
  return turnAlarms(loadAlarms(ports.db), findAlarms(facts), facts.nowMs).alarms.map(
    ({ sinceMs, raisedMs, ...alarm }) => ({
      ...alarm,
      since: toInstant(sinceMs),
      raisedAt: toInstantOrNull(raisedMs),
    }),
  );
}

/** The look of a tick. @returns what is worth telling of it. */
export function lookAtAlarms(ports: PublisherPorts): readonly string[] {
  const { db } = ports;
  return db.transaction(() => {
    const facts = loadAlarmFacts(ports);
    const turn = turnAlarms(loadAlarms(db), findAlarms(facts), facts.nowMs);
    saveAlarms(db, turn.alarms);
    const tell = (action: "alarm.raised" | "alarm.cleared", alarm: Alarm): string => {
      const { name, subject, level, words, firstCommand } = alarm;
      const target = subject === "" ? `alarm/${name}` : `alarm/${name}/${subject}`;
      const detail = { name, subject, level, firstCommand };
      appendAudit(db, {
        at: facts.nowMs,
        actor: "tick",
        role: "system",
        action,
        target,
        reason: words,
        detail,
      });
      return `${action} ${name}${subject === "" ? "" : ` ${subject}`}`;
    };
    return [
      ...turn.cleared.map((alarm) => tell("alarm.cleared", alarm)),
      ...turn.raised.map((alarm) => tell("alarm.raised", alarm)),
    ];
  });
}
