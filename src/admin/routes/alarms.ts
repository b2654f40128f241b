/** What is wrong now, what to type first, and the table of everything that can be told. */
import { AlarmListSchema } from "../../contracts/api/alarms.ts";
import { ok } from "../../contracts/result.ts";
import { alarmRules, loadAlarms } from "../alarms.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";

export const ALARM_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "alarms.list",
    method: "get",
    path: "/api/v1/alarms",
    tag: "insight",
    summary: "Alarms in force, and the table of all of them",
    description:
      "Decided from state and time once a tick and when asked. Each is told once in the audit when it begins (`alarm.raised`) and once when it is over (`alarm.cleared`).",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "Alarms", schema: AlarmListSchema },
    run: async (_input, { services }) =>
      ok({ items: [...(await loadAlarms(services))], cursor: null, table: [...alarmRules()] }),
  }),
];
