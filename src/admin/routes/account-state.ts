/**
 * What operators and support own of an account: pins, quarantine, hold, deferral. A sync never touches these.
 * Each route names the command it passes on; what is allowed is decided by the control plane. Lifting one makes an
 * account eligible again, it does not move it.
 */
import {
  AccountParamsSchema,
  AccountProductParamsSchema,
  AccountSchema,
  DeferralInputSchema,
  PinInputSchema,
  QuarantineInputSchema,
} from "../../contracts/api/accounts.ts";
import { ReasonQuerySchema } from "../../contracts/api/common.ts";
import { HoldInputSchema } from "../../contracts/api/products.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";

const TAG = "accounts";
const ONE = "/api/v1/accounts/{account}";
const ACCOUNT = { status: 200, description: "The account as it is now", schema: AccountSchema } as const;

export const ACCOUNT_STATE_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "accounts.pin.set",
    method: "put",
    path: `${ONE}/pins/{product}`,
    tag: TAG,
    summary: "Pin an account to a version",
    params: AccountProductParamsSchema,
    query: NOTHING,
    body: PinInputSchema,
    example: {
      version: "2.8.0",
      reason: "Audit at the customer until Friday",
      expires: "2026-12-04T18:00:00Z",
    },
    answer: ACCOUNT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("account.pin.set", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "accounts.pin.lift",
    method: "delete",
    path: `${ONE}/pins/{product}`,
    tag: TAG,
    summary: "Lift a pin",
    params: AccountProductParamsSchema,
    query: ReasonQuerySchema,
    body: NO_BODY,
    answer: ACCOUNT,
    run: ({ params, query }, { services, write }) =>
      services.control.execute("account.pin.lift", { ...params, ...query }, write),
  }),
  defineOperation({
    id: "accounts.quarantine.set",
    method: "put",
    path: `${ONE}/quarantine/{product}`,
    tag: TAG,
    summary: "Put one account back to a version that works for it",
    params: AccountProductParamsSchema,
    query: NOTHING,
    body: QuarantineInputSchema,
    example: { version: "2.8.0", reason: "Search fails since the move, case 4711" },
    answer: ACCOUNT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("account.quarantine.set", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "accounts.quarantine.lift",
    method: "delete",
    path: `${ONE}/quarantine/{product}`,
    tag: TAG,
    summary: "Lift a quarantine",
    params: AccountProductParamsSchema,
    query: ReasonQuerySchema,
    body: NO_BODY,
    answer: ACCOUNT,
    run: ({ params, query }, { services, write }) =>
      services.control.execute("account.quarantine.lift", { ...params, ...query }, write),
  }),
  defineOperation({
    id: "accounts.hold.set",
    method: "put",
    path: `${ONE}/hold`,
    tag: TAG,
    summary: "Hold an account",
    description:
      "It gets a maintenance page, or may only read, on all its products. It ends by being lifted.",
    params: AccountParamsSchema,
    query: NOTHING,
    body: HoldInputSchema,
    example: { mode: "readOnly", message: null, until: null, reason: "Restoring their repository" },
    answer: ACCOUNT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("account.hold.set", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "accounts.hold.lift",
    method: "delete",
    path: `${ONE}/hold`,
    tag: TAG,
    summary: "Lift the hold of an account",
    params: AccountParamsSchema,
    query: ReasonQuerySchema,
    body: NO_BODY,
    answer: ACCOUNT,
    run: ({ params, query }, { services, write }) =>
      services.control.execute("account.hold.lift", { ...params, ...query }, write),
  }),
  defineOperation({
    id: "accounts.deferral.set",
    method: "put",
    path: `${ONE}/deferral`,
    tag: TAG,
    summary: "Defer an account",
    description: "No rollout moves it before that time. Somebody owns the promise.",
    params: AccountParamsSchema,
    query: NOTHING,
    body: DeferralInputSchema,
    example: { until: "2026-12-15T00:00:00Z", reason: "Year-end close", owner: "support-emea" },
    answer: ACCOUNT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("account.deferral.set", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "accounts.deferral.lift",
    method: "delete",
    path: `${ONE}/deferral`,
    tag: TAG,
    summary: "Lift a deferral",
    params: AccountParamsSchema,
    query: ReasonQuerySchema,
    body: NO_BODY,
    answer: ACCOUNT,
    run: ({ params, query }, { services, write }) =>
      services.control.execute("account.deferral.lift", { ...params, ...query }, write),
  }),
];
