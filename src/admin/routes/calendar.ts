/**
 * Maintenance windows and freezes. A write is answered with when they hold next, local and UTC, so that a mistake shows
 * before a night does. Each route names the command or question it passes on; what is allowed is decided there.
 */
import {
  CalendarNameParamsSchema,
  FreezeInputSchema,
  StoredFreezeListSchema,
  StoredFreezeSchema,
  StoredWindowListSchema,
  StoredWindowSchema,
  WindowPutSchema,
} from "../../contracts/api/calendar.ts";
import { ReasonQuerySchema } from "../../contracts/api/common.ts";
import { ok } from "../../contracts/result.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";

const TAG = "calendar";
const WINDOWS = "/api/v1/windows";
const WINDOW = {
  status: 200,
  description: "The window and its next three openings",
  schema: StoredWindowSchema,
} as const;
const FREEZES = "/api/v1/freezes";
const FREEZE = {
  status: 200,
  description: "The freeze and when it holds",
  schema: StoredFreezeSchema,
} as const;

const WINDOW_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "windows.list",
    method: "get",
    path: WINDOWS,
    tag: TAG,
    summary: "List the windows",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The windows", schema: StoredWindowListSchema },
    run: async (_input, { services }) => {
      const found = await services.control.query("windows", {});
      return found.ok ? ok({ items: [...found.value], cursor: null }) : found;
    },
  }),
  defineOperation({
    id: "windows.get",
    method: "get",
    path: `${WINDOWS}/{name}`,
    tag: TAG,
    summary: "Get a window",
    params: CalendarNameParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: WINDOW,
    run: ({ params }, { services }) => services.control.query("window", params),
  }),
  defineOperation({
    id: "windows.put",
    method: "put",
    path: `${WINDOWS}/{name}`,
    tag: TAG,
    summary: "Create or change a window",
    description:
      "Weekdays, weekdays of the month, wall-clock times, a zone or the account's own. Any of its windows allows. Rollouts that name it see the change at their next tick.",
    params: CalendarNameParamsSchema,
    query: NOTHING,
    body: WindowPutSchema,
    example: { windows: [{ days: ["fri", "sat"], from: "22:00", to: "04:00", zone: "account" }] },
    answer: WINDOW,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("window.put", { ...params, ...body }, write),
  }),
  defineOperation({
    id: "windows.delete",
    method: "delete",
    path: `${WINDOWS}/{name}`,
    tag: TAG,
    summary: "Delete a window",
    description: "Refused while anything refers to it; the refusal lists what.",
    params: CalendarNameParamsSchema,
    query: ReasonQuerySchema,
    body: NO_BODY,
    answer: { ...WINDOW, description: "The window that was there" },
    run: ({ params, query }, { services, write }) =>
      services.control.execute("window.delete", { ...params, ...query }, write),
  }),
];

const FREEZE_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "freezes.list",
    method: "get",
    path: FREEZES,
    tag: TAG,
    summary: "List the freezes",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: {
      status: 200,
      description: "The freezes, those that are over too",
      schema: StoredFreezeListSchema,
    },
    run: async (_input, { services }) => {
      const found = await services.control.query("freezes", {});
      return found.ok ? ok({ items: [...found.value], cursor: null }) : found;
    },
  }),
  defineOperation({
    id: "freezes.get",
    method: "get",
    path: `${FREEZES}/{name}`,
    tag: TAG,
    summary: "Get a freeze",
    params: CalendarNameParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: FREEZE,
    run: ({ params }, { services }) => services.control.query("freeze", params),
  }),
  defineOperation({
    id: "freezes.put",
    method: "put",
    path: `${FREEZES}/{name}`,
    tag: TAG,
    summary: "Create or change a freeze",
    description:
      "Nothing in its scope moves forward while it holds, whatever a window allows. Going back is always possible.",
    params: CalendarNameParamsSchema,
    query: NOTHING,
    body: FreezeInputSchema,
    example: {
      from: "2026-12-20",
      to: "2027-01-03",
      zone: "account",
      scope: { products: ["kiln"], labels: { tier: "gold" } },
      reason: "Year-end close of our customers",
    },
    answer: FREEZE,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("freeze.put", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "freezes.delete",
    method: "delete",
    path: `${FREEZES}/{name}`,
    tag: TAG,
    summary: "Delete a freeze",
    description: "What it held back may move again.",
    params: CalendarNameParamsSchema,
    query: ReasonQuerySchema,
    body: NO_BODY,
    answer: { ...FREEZE, description: "The freeze that was there" },
    run: ({ params, query }, { services, write }) =>
      services.control.execute("freeze.delete", { ...params, ...query }, write),
  }),
];

export const CALENDAR_OPERATIONS: readonly Operation[] = [...WINDOW_OPERATIONS, ...FREEZE_OPERATIONS];
