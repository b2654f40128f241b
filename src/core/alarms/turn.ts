/**
 * Alarms from one look to the next: what holds newly, what is told now, what is over. The same look twice tells nothing
 * twice; what lasted too short to be told goes without a word. Pure. Called by the control plane, which keeps the result.
 */
import type { Alarm, AlarmFinding } from "../../contracts/alarms.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { ALARM_TABLE } from "./table.ts";

export interface Turn {
  /** Everything that holds, told or not, in the order of the findings. */
  readonly alarms: readonly Alarm[];
  readonly raised: readonly Alarm[];
  /** As they were told. */
  readonly cleared: readonly Alarm[];
}

/** Identity of an alarm while it lasts. */
export function alarmKey({ name, subject }: Pick<Alarm, "name" | "subject">): string {
  return `${name}/${subject}`;
}

/** @param before what the last look left. */
export function turnAlarms(
  before: readonly Alarm[],
  findings: readonly AlarmFinding[],
  nowMs: EpochMs,
): Turn {
  const known = new Map(before.map((alarm) => [alarmKey(alarm), alarm]));
  const alarms = findings.map((finding) => {
    const was = known.get(alarmKey(finding));
    const { level, forMs, firstCommand } = ALARM_TABLE[finding.name];
    const sinceMs = was?.sinceMs ?? nowMs;
    const raisedMs = was?.raisedMs ?? (nowMs - sinceMs >= forMs ? nowMs : null);
    return { firstCommand, ...finding, level, sinceMs, raisedMs };
  });
  const now = new Set(alarms.map(alarmKey));
  return {
    alarms,
    raised: alarms.filter((alarm) => alarm.raisedMs !== null && known.get(alarmKey(alarm))?.raisedMs == null),
    cleared: before.filter((alarm) => alarm.raisedMs !== null && !now.has(alarmKey(alarm))),
  };
}
