/** Sessions of the dashboard as the API shows them. */
import * as z from "./zod.ts";
import { InstantSchema } from "./common.ts";
import { RoleSchema } from "./role.ts";

export const SessionSchema = z
  .object({
    secret: z.string().openapi({ description: "Shown once; used in place of the token until `expires`" }),
    expires: InstantSchema,
  })
  .openapi("Session");
export const SessionEndSchema = z.object({ ended: z.boolean() }).openapi("SessionEnd");

/** Who asks, as the token or session says. */
export const WhoamiSchema = z
  .object({ name: z.string(), role: RoleSchema, products: z.array(z.string()).nullable() })
  .openapi("Whoami");

export type Session = z.infer<typeof SessionSchema>;
export type Whoami = z.infer<typeof WhoamiSchema>;
