/**
 * Products: their domains and time-outs, what new accounts get (stable), what unknown ones get (default), and holds.
 * Each route names the command or question it passes on; what is allowed is decided by the control plane.
 */
import { ReasonQuerySchema } from "../../contracts/api/common.ts";
import {
  DefaultInputSchema,
  DefaultSchema,
  HoldInputSchema,
  ProductInputSchema,
  ProductListSchema,
  ProductParamsSchema,
  ProductSchema,
  StableInputSchema,
} from "../../contracts/api/products.ts";
import { ok } from "../../contracts/result.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";
import { mayTouch } from "../permissions.ts";
import { defaultOf } from "./default-moves.ts";

const TAG = "products";
const ONE = "/api/v1/products/{product}";
const PRODUCT = { status: 200, description: "The product as it is now", schema: ProductSchema } as const;

export const PRODUCT_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "products.list",
    method: "get",
    path: "/api/v1/products",
    tag: TAG,
    summary: "List the products",
    description: "A token that is limited to products sees those.",
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The products", schema: ProductListSchema },
    run: async (_input, { services, actor }) => {
      const found = await services.control.query("products", {});
      if (!found.ok) return found;
      return ok({
        items: found.value.filter(({ name }) => actor !== null && mayTouch(actor, name)),
        cursor: null,
      });
    },
  }),
  defineOperation({
    id: "products.get",
    method: "get",
    path: ONE,
    tag: TAG,
    summary: "Get a product",
    params: ProductParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: PRODUCT,
    run: ({ params }, { services }) => services.control.query("product", params),
  }),
  defineOperation({
    id: "products.put",
    method: "put",
    path: ONE,
    tag: TAG,
    summary: "Create or change a product",
    description: "Sets its base domains and time-outs. Moves nobody.",
    params: ProductParamsSchema,
    query: NOTHING,
    body: ProductInputSchema,
    example: { domains: ["kiln.example.com"], timeouts: [{ prefix: "/git/", seconds: 600 }] },
    answer: PRODUCT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("product.put", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "products.stable.set",
    method: "post",
    path: `${ONE}/stable`,
    tag: TAG,
    summary: "Set stable",
    description: "The version that new accounts get as their home, and nothing else. Moves nobody.",
    params: ProductParamsSchema,
    query: NOTHING,
    body: StableInputSchema,
    example: { version: "2.9.0", reason: "2.9.0 has baked for a week" },
    answer: PRODUCT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("product.stable.set", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "products.default.get",
    method: "get",
    path: `${ONE}/default`,
    tag: TAG,
    summary: "Get the default (unknown accounts)",
    params: ProductParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The default and its standby", schema: DefaultSchema },
    run: async ({ params }, { services }) => {
      const found = await services.control.query("product", params);
      return found.ok ? ok(defaultOf(found.value)) : found;
    },
  }),
  defineOperation({
    id: "products.default.set",
    method: "post",
    path: `${ONE}/default`,
    tag: TAG,
    summary: "Move the default (unknown accounts)",
    description:
      "A step of its own, never part of a wave. Takes a preflight of the version that passed for the default within 60 minutes, or `force`. The default before it becomes the standby. Where four eyes hold it moves nothing yet: `pending` says what now waits for a second person.",
    params: ProductParamsSchema,
    query: NOTHING,
    body: DefaultInputSchema,
    example: { version: "2.9.0", reason: "All waves have baked", force: false },
    answer: { status: 200, description: "The default and its standby", schema: DefaultSchema },
    run: async ({ params, body }, { services, write }) => {
      const done = await services.control.execute("product.default.set", { ...params, input: body }, write);
      return done.ok ? ok(defaultOf(done.value)) : done;
    },
  }),
  defineOperation({
    id: "products.hold.set",
    method: "put",
    path: `${ONE}/hold`,
    tag: TAG,
    summary: "Hold a product",
    description:
      "Everybody of the product gets a maintenance page, or may only read. It ends by being lifted.",
    params: ProductParamsSchema,
    query: NOTHING,
    body: HoldInputSchema,
    example: {
      mode: "page",
      message: "Back at 23:00 UTC",
      until: "2026-11-28T23:00:00Z",
      reason: "Storage move",
    },
    answer: PRODUCT,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("product.hold.set", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "products.hold.lift",
    method: "delete",
    path: `${ONE}/hold`,
    tag: TAG,
    summary: "Lift the hold of a product",
    params: ProductParamsSchema,
    query: ReasonQuerySchema,
    body: NO_BODY,
    answer: PRODUCT,
    run: ({ params, query }, { services, write }) =>
      services.control.execute("product.hold.lift", { ...params, ...query }, write),
  }),
];
