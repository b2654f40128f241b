/** What operators ask and switch besides products and accounts: explain, halt, audit, tokens, overrides. */
import * as z from "./zod.ts";
import {
  InstantSchema,
  PageQuerySchema,
  ProductNameSchema,
  ReasonSchema,
  SlugSchema,
  VersionNameSchema,
  WholeNumberSchema,
} from "./common.ts";
import { ExplainedTimeSchema } from "./history.ts";
import { ROLE_FIELDS, RoleSchema } from "./role.ts";

export const HaltInputSchema = z.strictObject({ on: z.boolean(), reason: ReasonSchema }).openapi("HaltInput");
export const HaltSchema = z
  .object({
    on: z.boolean(),
    reason: z.string().nullable(),
    by: z.string().nullable(),
    at: InstantSchema.nullable(),
  })
  .openapi("Halt");

export const AuditEntrySchema = z
  .object({
    seq: z.int(),
    at: InstantSchema,
    actor: z.string(),
    role: z.string(),
    action: z.string().openapi({ example: "account.pin.set" }),
    target: z.string().openapi({ example: "account/acme" }),
    reason: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
    previous: z.string().openapi({ description: "Hash of the entry before: the audit is a chain" }),
    hash: z.string(),
  })
  .openapi("AuditEntry");
export const AuditPageSchema = z
  .object({ items: z.array(AuditEntrySchema), cursor: z.string().nullable() })
  .openapi("AuditPage");

const TokenNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_.-]{0,62}$/, "must be lower-case letters, digits and _ . -, at most 63")
  .openapi({ example: "deploy-pipeline" });

export const TokenInputSchema = z
  .strictObject({
    name: TokenNameSchema,
    ...ROLE_FIELDS,
  })
  .openapi("TokenInput");
export const TokenSchema = z
  .object({
    name: z.string(),
    role: RoleSchema,
    products: z.array(ProductNameSchema).nullable(),
    expires: InstantSchema.nullable(),
    createdAt: InstantSchema,
    createdBy: z.string(),
    revokedAt: InstantSchema.nullable(),
  })
  .openapi("Token");
export const IssuedTokenSchema = TokenSchema.extend({
  token: z.string().openapi({ description: "Shown once" }),
}).openapi("IssuedToken");

export const OverrideInputSchema = z
  .strictObject({
    product: ProductNameSchema,
    account: SlugSchema,
    version: VersionNameSchema,
    minutes: z.int().min(1).max(60).default(30),
    reason: ReasonSchema,
  })
  .openapi("OverrideInput");
export const OverrideSchema = z
  .object({ token: z.string(), header: z.string(), cookie: z.string(), expires: InstantSchema })
  .openapi("Override");

export const ExplainSchema = z
  .object({
    host: z.string(),
    class: z.string(),
    product: z.string().nullable(),
    account: z.string().nullable(),
    version: z.string().nullable(),
    origin: z.string().nullable(),
    reason: z.string(),
    replaced: z.string().optional().openapi({
      description:
        "What `version` takes the place of: a version that is being replaced, or break-glass `instead`",
    }),
    generation: z.int(),
    sentence: z.string().openapi({ description: "The same in one sentence for people" }),
    at: ExplainedTimeSchema.optional().openapi({ description: "Only when another time was asked about" }),
  })
  .openapi("Explain");

export const ExplainQuerySchema = z.strictObject({
  host: z.string().max(2000).optional().openapi({
    example: "acme.kiln.example.com",
    description:
      "Host header, byte for byte and however it is spelt; empty: an empty one; left out: a request without one",
  }),
  method: z
    .string()
    .regex(/^[A-Za-z][A-Za-z-]{0,31}$/, "must be a method such as GET or OPTIONS")
    .default("GET"),
  at: z
    .string()
    .refine(
      (text) => text === "now" || InstantSchema.safeParse(text).success,
      "must be now, or a time with its offset such as 2026-11-28T22:14:00Z",
    )
    .optional()
    .openapi({ example: "2026-11-28T22:14:00Z", description: "`now`, or a time that was or will be" }),
  rollout: z.string().max(64).optional().openapi({
    description: "For times ahead: the rollout to look at, also a draft; left out: whichever runs",
  }),
});

export const AuditQuerySchema = PageQuerySchema.extend({
  target: z.string().max(200).optional().openapi({ example: "account/acme" }),
  actor: z.string().max(100).optional(),
}).strict();

export const TokenListSchema = z
  .object({ items: z.array(TokenSchema), cursor: z.null() })
  .openapi("TokenList");
export const TokenParamsSchema = z.strictObject({ name: TokenNameSchema });

export const RevokeInputSchema = z.strictObject({ reason: ReasonSchema }).openapi("RevokeInput");
export const RevokedSchema = z
  .object({
    before: InstantSchema.openapi({
      description: "Overrides issued before this time are refused once maps have spread",
    }),
  })
  .openapi("Revoked");

export const MapsQuerySchema = z.strictObject({
  generation: WholeNumberSchema.optional().openapi({
    description: "An older root that is still kept; left out: the present one",
  }),
});

export const RestoreQuerySchema = z.strictObject({
  reason: ReasonSchema,
  highestSeen: WholeNumberSchema.optional().openapi({
    description:
      "Highest generation that any edge may have seen; only needed while the meters cannot be asked",
  }),
});

/** One line of the streamed answer to a restore. */
export const RestoreEventSchema = z.union([
  z.object({ event: z.literal("progress"), lines: z.int() }),
  z.object({ event: z.literal("done"), lines: z.int(), generation: z.int() }),
  z.object({ event: z.literal("failed"), problem: z.looseObject({ type: z.string(), detail: z.string() }) }),
]);

/** One entry of the published maps, as `wrangler kv bulk put` takes it. */
export const MapsEntrySchema = z.object({ key: z.string(), value: z.string() }).openapi("MapsEntry");

/** Words for people: no names, no numbers. */
export const ReadySchema = z
  .object({
    ready: z.enum(["yes", "degraded", "no"]),
    maps: z
      .enum(["published", "cached", "compiled-in"])
      .openapi({ description: "Where the maps come from that this node serves" }),
    age: z.enum(["fresh", "old"]).openapi({ description: "old: KV has confirmed nothing for two minutes" }),
    generation: z
      .enum(["current", "behind", "unknown"])
      .openapi({ description: "Against the newest that any node reported" }),
    control: z.enum(["reachable", "unreachable"]),
    breakGlass: z.enum(["none", "active"]),
    note: z.string(),
  })
  .openapi("Ready");

export type HaltInput = z.infer<typeof HaltInputSchema>;
export type Halt = z.infer<typeof HaltSchema>;
export type AuditEntry = z.infer<typeof AuditEntrySchema>;
export type AuditPage = z.infer<typeof AuditPageSchema>;
export type TokenInput = z.infer<typeof TokenInputSchema>;
export type TokenView = z.infer<typeof TokenSchema>;
export type OverrideInput = z.infer<typeof OverrideInputSchema>;
export type Explain = z.infer<typeof ExplainSchema>;
export type IssuedToken = z.infer<typeof IssuedTokenSchema>;
export type Override = z.infer<typeof OverrideSchema>;
export type RestoreEvent = z.infer<typeof RestoreEventSchema>;
export type MapsEntry = z.infer<typeof MapsEntrySchema>;
export type Ready = z.infer<typeof ReadySchema>;
