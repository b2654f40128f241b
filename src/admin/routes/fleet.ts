/**
 * Who serves a product: Firebreak or today's fleet, and how the two agree. What is allowed is decided by the control plane;
 * the counts come from the meters, so they are asked here and handed on for the audit.
 */
import { FleetComparisonSchema, ModeInputSchema } from "../../contracts/api/fleet.ts";
import { ProductParamsSchema, ProductSchema } from "../../contracts/api/products.ts";
import type { KnownDifferences } from "../../contracts/fleet-port.ts";
import { ok, err } from "../../contracts/result.ts";
import { compareProduct } from "../fleet-comparison.ts";
import { defineOperation, NO_BODY, NOTHING, type Call, type Operation } from "../operation.ts";

const TAG = "products";
const ONE = "/api/v1/products/{product}";

export const FLEET_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "products.mode.set",
    method: "put",
    path: `${ONE}/mode`,
    tag: TAG,
    summary: "Say who serves a product",
    description:
      "active: Firebreak decides and acts; pass-through: today's fleet answers everything; compare: the same, and every decision is held against the version that the fleet names. Health checks, break-glass and holds come first in each. Refused while a rollout or a replacement runs.",
    params: ProductParamsSchema,
    query: NOTHING,
    body: ModeInputSchema,
    example: {
      mode: "compare",
      origin: "https://fleet.origins.example.net",
      versionHeader: "X-Version",
      reason: "adoption begins",
    },
    answer: { status: 200, description: "The product as it is now", schema: ProductSchema },
    run: async ({ params, body }, call) => {
      const known = body.mode === "active" ? await knownDifferences(params.product, call) : null;
      return call.services.control.execute("product.mode.set", { ...params, input: body, known }, call.write);
    },
  }),
  defineOperation({
    id: "products.compare.get",
    method: "get",
    path: `${ONE}/compare`,
    tag: TAG,
    summary: "See how today's fleet and the decisions agree",
    description: "Counts since the mode was set, and the accounts that would get another version now.",
    params: ProductParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The comparison", schema: FleetComparisonSchema },
    run: async ({ params }, { services, context }) => {
      const product = await services.control.query("product", params);
      if (!product.ok) return product;
      const compared = await compareProduct(product.value, services, context);
      if (compared !== null) return ok(compared);
      return err({
        problem: "control-unavailable",
        detail: "The meters that edges report to do not answer, so the comparison is not known.",
      });
    },
  }),
];

/** What is known when somebody makes a product active; it never stands in the way of doing so. */
async function knownDifferences(name: string, { services, context }: Call): Promise<KnownDifferences | null> {
  const product = await services.control.query("product", { product: name });
  if (!product.ok || product.value.fleet?.mode !== "compare") return null;
  const compared = await compareProduct(product.value, services, context).catch(() => null);
  return compared === null ? null : { accounts: compared.differing, compared: compared.compared };
}
