/** Grants to people and services that come in through Cloudflare Access, as the API shows and takes them. */
import * as z from "./zod.ts";
import { parseAccessIdentity } from "../access-identity.ts";
import { InstantSchema, ProductNameSchema, RevisionSchema } from "./common.ts";
import { ROLE_FIELDS, RoleSchema } from "./role.ts";

/** An e-mail address, or the client id of a service token. */
export const AccessIdentitySchema = z
  .string()
  .max(254)
  .transform((text, context) => {
    const identity = parseAccessIdentity(text);
    if (identity !== null) return identity;
    const message =
      "must be an e-mail address in ASCII, or the client id of a service token such as 88bf3b6d86161464.access";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  })
  .openapi({ type: "string", example: "alice@example.com" });

export const AccessParamsSchema = z.strictObject({ identity: AccessIdentitySchema });

export const AccessGrantInputSchema = z.strictObject(ROLE_FIELDS).openapi("AccessGrantInput");

export const AccessGrantSchema = z
  .object({
    identity: z.string().openapi({ example: "alice@example.com" }),
    role: RoleSchema,
    products: z.array(ProductNameSchema).nullable(),
    expires: InstantSchema.nullable(),
    grantedAt: InstantSchema,
    grantedBy: z.string(),
    revision: RevisionSchema,
  })
  .openapi("AccessGrant");

export const AccessGrantListSchema = z
  .object({ items: z.array(AccessGrantSchema), cursor: z.null() })
  .openapi("AccessGrantList");

export type AccessGrantInput = z.infer<typeof AccessGrantInputSchema>;
export type AccessGrant = z.infer<typeof AccessGrantSchema>;
