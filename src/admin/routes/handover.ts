/** Handing accounts over: who moved since a generation, for origins that poll, and the events that tell the others. */
import {
  AssignmentPageSchema,
  AssignmentQuerySchema,
  DeadEventPageSchema,
  EventReceiverListSchema,
  EventRetriedSchema,
  EventRetryInputSchema,
} from "../../contracts/api/handover.ts";
import { PageQuerySchema } from "../../contracts/api/common.ts";
import { err, ok } from "../../contracts/result.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";
import { refuseProduct } from "../permissions.ts";

const DESCRIPTION = `The net difference between the maps of a generation and those published now: an account that came back is not in it.
Edges adopt what is published within about a minute, idle ones within three. Break-glass is not in here. Ask again with the
answer's \`generation\` as \`since\`. When the record begins later, \`earliest_generation\` says where.`;

const EVENTS_DESCRIPTION = `\`accounts.moved\` is a CloudEvents 1.0 document (JSON, structured) of up to 500 accounts, POSTed to the \`events\` address of
both versions after the maps were published, in order for each receiver, until it answers 2xx, for a day. \`Firebreak-Signature\` is
\`time=SECONDS, signature=:BASE64:, key="KID"\`, an HMAC-SHA256 with ORIGIN_KEY over \`id\\ntime\\nbody\`. The same \`id\` again is
the same event: take it once.`;

export const HANDOVER_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "assignments.list",
    method: "get",
    path: "/api/v1/assignments",
    tag: "handover",
    summary: "Accounts that changed version since a generation",
    description: DESCRIPTION,
    params: NOTHING,
    query: AssignmentQuerySchema,
    body: NO_BODY,
    answer: { status: 200, description: "A page of accounts", schema: AssignmentPageSchema },
    run: async ({ query }, { services, actor }) => {
      const { since, product = null, version = null, cursor = null, limit } = query;
      const refused = actor === null ? null : refuseProduct(actor, product);
      if (refused !== null) return err(refused);
      // A limited token sees its own products.
      const products = product === null ? (actor?.products ?? null) : [product];
      const asked = { since, products, version, cursor, limit };
      const page = await services.control.query("assignments", asked);
      return page.ok ? ok({ ...page.value, items: [...page.value.items] }) : page;
    },
  }),
  defineOperation({
    id: "events.list",
    method: "get",
    path: "/api/v1/events",
    tag: "handover",
    summary: "Versions that are told of moves, and how they take it",
    description: EVENTS_DESCRIPTION,
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The receivers", schema: EventReceiverListSchema },
    run: async (_input, { services }) => {
      const found = await services.control.query("events", {});
      return found.ok ? ok({ items: [...found.value], cursor: null }) : found;
    },
  }),
  defineOperation({
    id: "events.dead.list",
    method: "get",
    path: "/api/v1/events/dead",
    tag: "handover",
    summary: "Events that a version never took",
    params: NOTHING,
    query: PageQuerySchema.strict(),
    body: NO_BODY,
    answer: { status: 200, description: "A page of events, oldest first", schema: DeadEventPageSchema },
    run: async ({ query: { cursor = null, limit } }, { services }) => {
      const page = await services.control.query("events.dead", { cursor, limit });
      return page.ok ? ok({ ...page.value, items: [...page.value.items] }) : page;
    },
  }),
  defineOperation({
    id: "events.retry",
    method: "post",
    path: "/api/v1/events/retry",
    tag: "handover",
    summary: "Send again what was given up",
    params: NOTHING,
    query: NOTHING,
    body: EventRetryInputSchema,
    example: { product: "kiln", version: "2.9.0", reason: "its receiver is back" },
    unconditional: true,
    answer: { status: 200, description: "How many are sent again", schema: EventRetriedSchema },
    productOf: ({ product }) => product,
    run: ({ body }, { services, write }) => services.control.execute("events.retry", body, write),
  }),
];
