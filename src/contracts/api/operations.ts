/** What operators ask and switch besides products and accounts: status, explain, halt, audit, tokens, overrides. */
import { z } from "@hono/zod-openapi";
import { InstantSchema, ProductNameSchema, ReasonSchema, SlugSchema, VersionNameSchema } from "./common.ts";

export const RoleSchema = z.enum(["viewer", "support", "deployer", "operator", "admin"]);

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

export const TokenInputSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9_.-]{0,62}$/),
    role: RoleSchema,
    products: z
      .array(ProductNameSchema)
      .min(1)
      .nullable()
      .default(null)
      .openapi({ description: "null: all products" }),
    expires: InstantSchema.nullable().default(null),
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

export const SeenGenerationSchema = z
  .object({ generation: z.int(), share: z.number(), isolates: z.int() })
  .openapi("SeenGeneration");

export const StatusSchema = z
  .object({
    now: InstantSchema,
    halt: HaltSchema,
    breakGlass: z.object({
      active: z.boolean(),
      reason: z.string().nullable(),
      expires: InstantSchema.nullable(),
    }),
    published: z.object({
      generation: z.int(),
      at: InstantSchema.nullable(),
      state: z.enum(["idle", "building", "settling", "blocked"]),
      waiting: z.int().openapi({ description: "Changes not yet in the published maps" }),
      oldestSeconds: z.number().nullable(),
      problem: z.string().nullable().openapi({ description: "Why publishing is blocked, and what to do" }),
    }),
    seen: z.object({
      generations: z
        .array(SeenGenerationSchema)
        .openapi({ description: "Share of the requests of the last two minutes" }),
      highest: z.int(),
      breakGlassShare: z.number(),
    }),
    lastTick: InstantSchema.nullable(),
    accounts: z.int(),
    domains: z.int(),
    products: z.array(
      z.object({
        name: ProductNameSchema,
        stable: z.string().nullable(),
        default: z.string().nullable(),
        standby: z.string().nullable(),
        versions: z.record(VersionNameSchema, z.int()).openapi({ description: "Accounts by home" }),
      }),
    ),
    warnings: z.array(z.string()),
  })
  .openapi("Status");

export const ExplainSchema = z
  .object({
    host: z.string(),
    class: z.string(),
    product: z.string().nullable(),
    account: z.string().nullable(),
    version: z.string().nullable(),
    origin: z.string().nullable(),
    reason: z.string(),
    generation: z.int(),
    sentence: z.string().openapi({ description: "The same in one sentence for people" }),
  })
  .openapi("Explain");

export type HaltInput = z.infer<typeof HaltInputSchema>;
export type Halt = z.infer<typeof HaltSchema>;
export type AuditEntry = z.infer<typeof AuditEntrySchema>;
export type AuditPage = z.infer<typeof AuditPageSchema>;
export type TokenInput = z.infer<typeof TokenInputSchema>;
export type TokenView = z.infer<typeof TokenSchema>;
export type OverrideInput = z.infer<typeof OverrideInputSchema>;
export type Status = z.infer<typeof StatusSchema>;
export type Explain = z.infer<typeof ExplainSchema>;
