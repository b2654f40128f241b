/**
 * The mark `bad` of a version, and the way back of the default. Each route names the command it passes on; what is
 * allowed is decided by the control plane. Protective, all of it: no preflight, window or freeze is asked.
 */
import { ReasonQuerySchema } from "../../contracts/api/common.ts";
import {
  DefaultSchema,
  ProductParamsSchema,
  VersionParamsSchema,
  VersionSchema,
} from "../../contracts/api/products.ts";
import { DefaultRevertInputSchema, VersionBadInputSchema } from "../../contracts/api/reasons.ts";
import { ok } from "../../contracts/result.ts";
import { defaultOf } from "./default-moves.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";

const BAD = "/api/v1/products/{product}/versions/{version}/bad";
const VERSION = { status: 200, description: "The version as it is now", schema: VersionSchema } as const;

export const VERSION_BAD_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "versions.bad.mark",
    method: "put",
    path: BAD,
    tag: "versions",
    summary: "Mark a version bad",
    description:
      "Never a target again until it is cleared: not of a rollout, the default, stable, a pin, a quarantine or a way back, and no standby. Running rollouts to it pause. Moves nobody.",
    params: VersionParamsSchema,
    query: NOTHING,
    body: VersionBadInputSchema,
    example: { reason: "Answers 500 to requests without Host" },
    answer: VERSION,
    run: ({ params, body }, { services, write }) =>
      services.control.execute("version.bad.mark", { ...params, input: body }, write),
  }),
  defineOperation({
    id: "versions.bad.clear",
    method: "delete",
    path: BAD,
    tag: "versions",
    summary: "Clear the mark of a bad version",
    description: "It may be a target again. Nothing that was paused goes on by this.",
    params: VersionParamsSchema,
    query: ReasonQuerySchema,
    body: NO_BODY,
    answer: VERSION,
    run: ({ params, query }, { services, write }) =>
      services.control.execute("version.bad.clear", { ...params, ...query }, write),
  }),
  defineOperation({
    id: "products.default.revert",
    method: "post",
    path: "/api/v1/products/{product}/default/revert",
    tag: "products",
    summary: "Put the default (unknown accounts) back on its standby",
    description:
      "The version that it had before serves unknown accounts again, without a preflight. There is no standby afterwards, so a second one is refused.",
    params: ProductParamsSchema,
    query: NOTHING,
    body: DefaultRevertInputSchema,
    example: { reason: "Unknown accounts get 500" },
    answer: { status: 200, description: "The default and its standby", schema: DefaultSchema },
    run: async ({ params, body }, { services, write }) => {
      const done = await services.control.execute(
        "product.default.revert",
        { ...params, input: body },
        write,
      );
      if (!done.ok) return done;
      return ok(defaultOf(done.value));
    },
  }),
];
