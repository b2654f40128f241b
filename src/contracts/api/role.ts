/** What somebody may do, as tokens and grants of Cloudflare Access have it alike: a role, for some products, for some time. */
import * as z from "./zod.ts";
import { InstantSchema, ProductNameSchema } from "./common.ts";

export const RoleSchema = z.enum(["viewer", "support", "deployer", "operator", "admin"]);

/** Fields of an input. */
export const ROLE_FIELDS = {
  role: RoleSchema,
  products: z
    .array(ProductNameSchema)
    .min(1)
    .nullable()
    .default(null)
    .openapi({ description: "null: all products" }),
  expires: InstantSchema.nullable().default(null),
} as const;
