/**
 * Grants to people and services that come in through Cloudflare Access: Access says who they are, this says what they may do.
 * They may be made before Access is configured, and mean nothing until then.
 */
import {
  AccessGrantInputSchema,
  AccessGrantListSchema,
  AccessGrantSchema,
  AccessParamsSchema,
} from "../../contracts/api/access.ts";
import { ReasonQuerySchema } from "../../contracts/api/common.ts";
import { ok } from "../../contracts/result.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";

const TAG = "access";
const ALL = "/api/v1/access";
const ONE = `${ALL}/{identity}`;

export const ACCESS_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "access.list",
    method: "get",
    path: ALL,
    tag: TAG,
    summary: "List grants to people of Cloudflare Access",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: {
      status: 200,
      description: "The grants, those that have run out too",
      schema: AccessGrantListSchema,
    },
    run: async (_input, { services }) => {
      const found = await services.control.query("access.grants", {});
      return found.ok ? ok({ items: [...found.value], cursor: null }) : found;
    },
  }),
  defineOperation({
    id: "access.grant",
    method: "put",
    path: ONE,
    tag: TAG,
    summary: "Grant a role to an identity of Cloudflare Access",
    description:
      "An e-mail address, or the client id of a service token. In place of what it had, from the next request on.",
    params: AccessParamsSchema,
    query: NOTHING,
    body: AccessGrantInputSchema,
    example: { role: "operator", products: ["kiln"], expires: null },
    answer: { status: 200, description: "The grant", schema: AccessGrantSchema },
    run: ({ params, body }, { services, write }) =>
      services.control.execute("access.grant", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "access.revoke",
    method: "delete",
    path: ONE,
    tag: TAG,
    summary: "Take away what was granted to an identity of Cloudflare Access",
    description: "From the next request on, everywhere.",
    params: AccessParamsSchema,
    query: ReasonQuerySchema,
    body: NO_BODY,
    answer: { status: 200, description: "The grant as it was", schema: AccessGrantSchema },
    run: ({ params, query }, { services, write }) =>
      services.control.execute("access.revoke", { ...params, ...query }, write),
  }),
];
