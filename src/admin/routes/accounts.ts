/**
 * Accounts as the system of record sees them: list, get, put, delete, and the streamed import. No edit moves anybody.
 * Each route names the command or question it passes on; what is allowed is decided by the control plane.
 */
import {
  AccountInputSchema,
  AccountPageSchema,
  AccountParamsSchema,
  AccountQuerySchema,
  AccountSchema,
  ImportEventSchema,
  ImportLineSchema,
  ImportQuerySchema,
} from "../../contracts/api/accounts.ts";
import { AccountHistoryQuerySchema, AccountHistorySchema } from "../../contracts/api/history.ts";
import { ReasonQuerySchema } from "../../contracts/api/common.ts";
import { AccountUndeleteInputSchema } from "../../contracts/api/reasons.ts";
import { ok } from "../../contracts/result.ts";
import { startImport } from "../import-stream.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";
import { NDJSON } from "../respond.ts";

const TAG = "accounts";
const ALL = "/api/v1/accounts";
const ONE = `${ALL}/{account}`;
const ACCOUNT = { status: 200, description: "The account as it is now", schema: AccountSchema } as const;

const IMPORT_DESCRIPTION = `Streams accounts in, one JSON object a line, and the outcome back while it runs: rejected lines with
their number and reason, progress, in a dry run every difference, and at the end \`done\` with the summary or \`failed\` with a
problem. A bad line never costs a good one. Without a last line \`done\` the import was not finished: send it again with the
same id. Pins, holds, quarantine and deferrals are the operators' and stay.`;

const HISTORY_DESCRIPTION = `Which version answered an account since when, per product: every published change decided on again, with why,
which rollout, and who asked for it where the audit says so. A move counts from its publication; edges learn of it within
minutes. Holds are not moves. \`since\` says how far back the record goes.`;

export const ACCOUNT_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "accounts.list",
    method: "get",
    path: ALL,
    tag: TAG,
    summary: "List accounts",
    params: NOTHING,
    query: AccountQuerySchema,
    body: NO_BODY,
    answer: {
      status: 200,
      description: "A page of accounts, and where the next one starts",
      schema: AccountPageSchema,
    },
    run: ({ query }, { services }) => services.control.query("accounts", query),
  }),
  defineOperation({
    id: "accounts.get",
    method: "get",
    path: ONE,
    tag: TAG,
    summary: "Get an account",
    params: AccountParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: ACCOUNT,
    run: ({ params }, { services }) => services.control.query("account", params),
  }),
  defineOperation({
    id: "accounts.history.list",
    method: "get",
    path: `${ONE}/history`,
    tag: TAG,
    summary: "List the moves of an account",
    description: HISTORY_DESCRIPTION,
    params: AccountParamsSchema,
    query: AccountHistoryQuerySchema,
    body: NO_BODY,
    answer: { status: 200, description: "Moves, newest first", schema: AccountHistorySchema },
    run: async ({ params, query: { product = null, cursor = null, limit } }, { services }) => {
      const asked = { ...params, product, cursor, limit };
      const found = await services.control.query("account.history", asked);
      return found.ok ? ok({ ...found.value, items: [...found.value.items] }) : found;
    },
  }),
  defineOperation({
    id: "accounts.put",
    method: "put",
    path: ONE,
    tag: TAG,
    summary: "Create or change an account",
    description: "A new account starts on stable. `visibleBy` says from when every edge knows it.",
    params: AccountParamsSchema,
    query: NOTHING,
    body: AccountInputSchema,
    example: {
      timeZone: "Europe/Paris",
      cohort: "early",
      labels: { plan: "team" },
      domains: [{ host: "code.acme.example", product: "kiln" }],
    },
    answer: ACCOUNT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("account.put", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "accounts.delete",
    method: "delete",
    path: ONE,
    tag: TAG,
    summary: "Delete an account",
    description:
      "Leaves a tombstone: it is still answered by its last home, and its slug stays taken for 90 days.",
    params: AccountParamsSchema,
    query: ReasonQuerySchema,
    body: NO_BODY,
    answer: ACCOUNT,
    run: ({ params, query }, { services, write }) =>
      services.control.execute("account.delete", { ...params, ...query }, write),
  }),
  defineOperation({
    id: "accounts.undelete",
    method: "post",
    path: `${ONE}/undelete`,
    tag: TAG,
    summary: "Take the deletion of an account back",
    description:
      "While its slug is kept: the account is again what it was, with its homes, pins, hold and the custom domains that nobody has taken since. It moves nobody.",
    params: AccountParamsSchema,
    query: NOTHING,
    body: AccountUndeleteInputSchema,
    example: { reason: "Deleted by mistake, case 4711" },
    answer: ACCOUNT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("account.undelete", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "accounts.import",
    method: "post",
    path: `${ALL}/import`,
    tag: TAG,
    summary: "Import or sync accounts",
    description: IMPORT_DESCRIPTION,
    params: NOTHING,
    query: ImportQuerySchema,
    body: NO_BODY,
    lines: ImportLineSchema,
    answer: { status: 200, description: "Events, one a line", schema: ImportEventSchema, mediaType: NDJSON },
    run: async ({ query }, call) => {
      const started = await startImport(query, call);
      return started.ok ? ok(started.value) : started;
    },
  }),
];
