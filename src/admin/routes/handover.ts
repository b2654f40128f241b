/** Handing accounts over: who moved since a generation, for origins that poll. Reads only. */
import { AssignmentPageSchema, AssignmentQuerySchema } from "../../contracts/api/handover.ts";
import { err } from "../../contracts/result.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";
import { refuseProduct } from "../permissions.ts";

const DESCRIPTION = `The net difference between the maps of a generation and those published now: an account that came back is not in it.
Edges adopt what is published within about a minute, idle ones within three. Break-glass is not in here. Ask again with the
answer's \`generation\` as \`since\`. When the record begins later, \`earliest_generation\` says where.`;

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
      return page.ok ? { ok: true, value: { ...page.value, items: [...page.value.items] } } : page;
    },
  }),
];
