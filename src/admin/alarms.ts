/**
 * Alarms as the API shows them: those of the control plane, or, while it does not answer, the one that says so. Never
 * refuses, because alarms are asked for when things are broken. Called by routes/alarms.ts and status.ts.
 */
import type { AlarmList, AlarmView } from "../contracts/api/alarms.ts";
import { ALARM_NAMES } from "../contracts/alarms.ts";
import type { EpochMs } from "../contracts/units.ts";
import { ALARM_TABLE } from "../core/alarms/table.ts";
import type { Services } from "./deps.ts";

/** What holds now, told or not yet. */
export async function loadAlarms({ control, clock }: Services): Promise<readonly AlarmView[]> {
  const found = await control.query("alarms", {});
  return found.ok ? found.value : [controlDown(control.silentSince() ?? clock.nowMs())];
}

/** What this node tells instead of the control plane. `sinceMs`: since when it has had no answer. */
export function controlDown(sinceMs: EpochMs): AlarmView {
  const { level, condition, firstCommand } = ALARM_TABLE["control-down"];
  const words = `${condition.charAt(0).toUpperCase()}${condition.slice(1)}`;
  const since = new Date(sinceMs).toISOString();
  return { name: "control-down", subject: "", level, words, firstCommand, since, raisedAt: since };
}

/** The table, in its order. */
export function alarmRules(): AlarmList["table"] {
  return ALARM_NAMES.map((name) => {
    const { level, condition, forMs, firstCommand } = ALARM_TABLE[name];
    return { name, level, condition, forSeconds: forMs / 1000, firstCommand };
  });
}
