/**
 * Moves of the default that take two: the switch for it, and the second person's yes. Asking for one is `products.default.set`,
 * putting it back is routes/version-bad.ts. What is allowed is decided by the control plane.
 */
import {
  DefaultApproveInputSchema,
  DefaultWithdrawInputSchema,
  FourEyesInputSchema,
} from "../../contracts/api/four-eyes.ts";
import { DefaultSchema, ProductParamsSchema, type Product } from "../../contracts/api/products.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { defineOperation, NOTHING, type Operation } from "../operation.ts";

const TAG = "products";
const ONE = "/api/v1/products/{product}";
const ANSWER = {
  status: 200,
  description: "The default, its standby, and what waits",
  schema: DefaultSchema,
} as const;

/** What a product says of its default. */
export function defaultOf({
  name,
  default: version,
  standby,
  fourEyes,
  pendingDefault: pending,
  revision,
}: Product) {
  return { product: name, default: version, standby, fourEyes, pending, revision };
}

function answered(done: Result<Product, Refusal>) {
  return done.ok ? ok(defaultOf(done.value)) : done;
}

export const DEFAULT_MOVES: readonly Operation[] = [
  defineOperation({
    id: "products.default.approve",
    method: "post",
    path: `${ONE}/default/approve`,
    tag: TAG,
    summary: "Approve a move of the default that somebody else asked for",
    description:
      "Moves it. Everything that a move by hand takes is looked at again; who asked may not approve, and tokens and identities of one name are one.",
    params: ProductParamsSchema,
    query: NOTHING,
    body: DefaultApproveInputSchema,
    example: { version: "2.9.0" },
    answer: ANSWER,
    run: async ({ params, body }, { services, write }) =>
      answered(await services.control.execute("product.default.approve", { ...params, input: body }, write)),
  }),
  defineOperation({
    id: "products.default.withdraw",
    method: "post",
    path: `${ONE}/default/withdraw`,
    tag: TAG,
    summary: "Withdraw a move of the default that waits for a second person",
    params: ProductParamsSchema,
    query: NOTHING,
    body: DefaultWithdrawInputSchema,
    example: { reason: "2.9.1 comes today" },
    answer: ANSWER,
    run: async ({ params, body }, { services, write }) =>
      answered(await services.control.execute("product.default.withdraw", { ...params, ...body }, write)),
  }),
  defineOperation({
    id: "products.four-eyes.set",
    method: "put",
    path: `${ONE}/four-eyes`,
    tag: TAG,
    summary: "Say whether the default moves only with a second person's yes",
    description:
      "By hand and by rollouts. Going back to the standby never needs it. Switched off, what waits is withdrawn.",
    params: ProductParamsSchema,
    query: NOTHING,
    body: FourEyesInputSchema,
    example: { on: true, reason: "After the outage in October" },
    answer: ANSWER,
    run: async ({ params, body }, { services, write }) =>
      answered(await services.control.execute("product.four-eyes.set", { ...params, input: body }, write)),
  }),
];
