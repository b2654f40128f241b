/** Options that say what somebody may do, the same for tokens and for grants of Cloudflare Access. */
import { RoleSchema } from "../../src/contracts/api/role.ts";
import { commaList, oneOf, toInstant, toProduct } from "./arguments.ts";
import type { Session } from "./verb.ts";

export const ROLE_OPTIONS = [
  {
    flags: "--role <role>",
    about: RoleSchema.options.join(", "),
    parse: oneOf(...RoleSchema.options),
    required: true,
  },
  {
    flags: "--products <products>",
    about: "only these products, apart by commas (default: all)",
    parse: commaList(toProduct),
  },
  { flags: "--expires <instant>", about: "good until then (default: until revoked)", parse: toInstant },
] as const;

/** What they said, as the API takes it; not yet checked. */
export function givenRole({ words }: Session): Readonly<Record<string, unknown>> {
  return {
    role: words.text("role"),
    products: words.texts("products") ?? null,
    expires: words.maybe("expires") ?? null,
  };
}
