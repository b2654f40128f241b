/**
 * Versions of a product: registering one with its origin, and moving it through its states. Neither moves an account.
 * Each route names the command or question it passes on; what is allowed is decided by the control plane.
 */
import {
  ProductParamsSchema,
  VersionInputSchema,
  VersionListSchema,
  VersionParamsSchema,
  VersionSchema,
  VersionStateInputSchema,
} from "../../contracts/api/products.ts";
import { ok } from "../../contracts/result.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";

const TAG = "versions";
const ALL = "/api/v1/products/{product}/versions";
const ONE = `${ALL}/{version}`;
const VERSION = { status: 200, description: "The version as it is now", schema: VersionSchema } as const;

export const VERSION_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "versions.list",
    method: "get",
    path: ALL,
    tag: TAG,
    summary: "List the versions of a product",
    params: ProductParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The versions", schema: VersionListSchema },
    run: async ({ params }, { services }) => {
      const found = await services.control.query("versions", params);
      return found.ok ? ok({ items: [...found.value], cursor: null }) : found;
    },
  }),
  defineOperation({
    id: "versions.get",
    method: "get",
    path: ONE,
    tag: TAG,
    summary: "Get a version",
    params: VersionParamsSchema,
    query: NOTHING,
    body: NO_BODY,
    answer: VERSION,
    run: ({ params }, { services }) => services.control.query("version", params),
  }),
  defineOperation({
    id: "versions.put",
    method: "put",
    path: ONE,
    tag: TAG,
    summary: "Register or change a version",
    description:
      "The origin must match ORIGIN_ALLOW. A new version is `registered` and serves nobody; only the first of a product is live, stable and default at once.",
    params: VersionParamsSchema,
    query: NOTHING,
    body: VersionInputSchema,
    example: {
      origin: "https://kiln-2-9-0.origins.example.net",
      reversible: true,
      mixed: "ok",
      upgradesFrom: ["2.8.0"],
    },
    answer: VERSION,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("version.put", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "versions.state.set",
    method: "post",
    path: `${ONE}/state`,
    tag: TAG,
    summary: "Set the state of a version",
    description: "A version that anything still refers to cannot be retired; the refusal lists what.",
    params: VersionParamsSchema,
    query: NOTHING,
    body: VersionStateInputSchema,
    example: { state: "candidate", reason: "Deployed and reachable" },
    answer: VERSION,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("version.state.set", { ...params, input: body }, write),
  }),
];
