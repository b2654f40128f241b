/** Products and their versions as the API shows and takes them. */
import * as z from "./zod.ts";
import {
  DomainSchema,
  InstantSchema,
  OriginSchema,
  ProductNameSchema,
  ReasonSchema,
  RevisionSchema,
  VersionNameSchema,
} from "./common.ts";
import { DefaultRequestSchema } from "./four-eyes.ts";
import { FleetSchema } from "./fleet.ts";
import { isAssetPrefix } from "../asset-prefix.ts";
import { HookUrlSchema, MigrationSchema } from "./move-data.ts";
import {
  MAX_ASSET_PREFIXES_PER_VERSION,
  MAX_DOMAINS_PER_PRODUCT,
  MAX_TIMEOUTS_PER_PRODUCT,
} from "../limits.ts";

export const HoldModeSchema = z.enum(["page", "readOnly"]);

export const HoldInputSchema = z
  .strictObject({
    mode: HoldModeSchema.default("page").openapi({
      description: "page: 503 for everything; readOnly: GET, HEAD, OPTIONS pass",
    }),
    message: z
      .string()
      .max(500)
      .nullable()
      .default(null)
      .openapi({ description: "Wording on the page, plain text" }),
    until: InstantSchema.nullable().default(null).openapi({ description: "Expected end, for Retry-After" }),
    reason: ReasonSchema,
  })
  .openapi("HoldInput");

export const HoldSchema = z
  .object({
    mode: HoldModeSchema,
    message: z.string().nullable(),
    until: InstantSchema.nullable(),
    reason: z.string(),
    by: z.string(),
    at: InstantSchema,
  })
  .openapi("Hold");

export const PathTimeoutSchema = z
  .strictObject({
    prefix: z
      .string()
      .regex(/^\/[^?#\s]*$/, "must start with / and hold no query")
      .max(200),
    seconds: z.int().min(1).max(3600),
  })
  .openapi("PathTimeout");

export const ProductInputSchema = z
  .strictObject({
    domains: z.array(DomainSchema).min(1).max(MAX_DOMAINS_PER_PRODUCT),
    timeouts: z.array(PathTimeoutSchema).max(MAX_TIMEOUTS_PER_PRODUCT).default([]),
  })
  .openapi("ProductInput");

const FourEyesSchema = z.boolean().default(false).openapi({
  description: "The default moves only when a second person approves",
});
const PendingSchema = DefaultRequestSchema.nullable().default(null).openapi({
  description: "A move of the default that waits for a second person",
});

export const ProductSchema = z
  .object({
    name: ProductNameSchema,
    domains: z.array(DomainSchema),
    timeouts: z.array(PathTimeoutSchema),
    stable: VersionNameSchema.nullable().openapi({
      description: "What new accounts get as their home, and nothing else",
    }),
    default: VersionNameSchema.nullable().openapi({ description: "Default (unknown accounts)" }),
    standby: VersionNameSchema.nullable(),
    hold: HoldSchema.nullable(),
    fourEyes: FourEyesSchema,
    pendingDefault: PendingSchema,
    fleet: FleetSchema.nullable().default(null).openapi({
      description: "Today's fleet, while it serves the product; null: active",
    }),
    accounts: z.int(),
    revision: RevisionSchema,
  })
  .openapi("Product");

export const VersionStateSchema = z.enum(["registered", "candidate", "live", "draining", "retired"]);

/** true, false, or until when. Undeclared is false: the way back is closed unless somebody says it is open. */
export const ReversibleSchema = z.union([z.boolean(), InstantSchema]);

/** A path prefix of files that only one version has. */
export const AssetPrefixSchema = z
  .string()
  .refine(
    isAssetPrefix,
    "must begin and end with /, of letters, digits, . _ ~ - only, and be more than /, as in /assets/2.9.0/",
  )
  .openapi("AssetPrefix", { example: "/assets/2.9.0/" });

export const VersionInputSchema = z
  .strictObject({
    origin: OriginSchema,
    reversible: ReversibleSchema.default(false),
    mixed: z.enum(["ok", "never"]).default("never").openapi({
      description:
        "May this version and the one before serve one account for the minutes that maps take to spread?",
    }),
    migration: MigrationSchema.default({ kind: "none" }),
    upgradesFrom: z
      .array(VersionNameSchema)
      .max(32)
      .nullable()
      .default(null)
      .openapi({ description: "null: from any" }),
    requires: z.record(ProductNameSchema, z.array(VersionNameSchema).min(1).max(32)).default({}).openapi({
      description: "Versions of other products that an account must be on",
    }),
    assets: z.array(AssetPrefixSchema).max(MAX_ASSET_PREFIXES_PER_VERSION).default([]).openapi({
      description:
        "GET and HEAD below these go to this version whatever the account, without cookies and authorization, while it is live or draining",
    }),
    events: HookUrlSchema.nullable().default(null).openapi({
      description:
        "Where it is told which accounts moved to it or from it (CloudEvents, signed); null: nowhere",
    }),
    notes: z.string().max(2000).default(""),
  })
  .openapi("VersionInput");

export const VersionSchema = z
  .object({
    product: ProductNameSchema,
    name: VersionNameSchema,
    origin: OriginSchema,
    state: VersionStateSchema,
    reversible: ReversibleSchema,
    mixed: z.enum(["ok", "never"]),
    migration: MigrationSchema,
    upgradesFrom: z.array(VersionNameSchema).nullable(),
    requires: z.record(ProductNameSchema, z.array(VersionNameSchema)),
    assets: z.array(z.string()),
    events: z.string().nullable(),
    notes: z.string(),
    bad: z.object({ reason: z.string(), by: z.string(), at: InstantSchema }).nullable(),
    accounts: z.int().openapi({ description: "Accounts whose home it is" }),
    connections: z
      .object({ webSockets: z.int(), eventStreams: z.int(), measuredAt: InstantSchema })
      .nullable()
      .openapi({ description: "Open at the edges, as the last tick knew; null: none, or not known" }),
    switchOff: z
      .object({
        since: InstantSchema.nullable().openapi({
          description: "It may be switched off since then; null: not yet",
        }),
        waitsFor: z.array(z.string()),
      })
      .nullable()
      .openapi({ description: "Only while it drains" }),
    registeredAt: InstantSchema,
    revision: RevisionSchema,
  })
  .openapi("Version");

export const VersionStateInputSchema = z
  .strictObject({ state: VersionStateSchema, reason: ReasonSchema })
  .openapi("VersionStateInput");
export const StableInputSchema = z
  .strictObject({ version: VersionNameSchema, reason: ReasonSchema })
  .openapi("StableInput");

export const DefaultInputSchema = z
  .strictObject({
    version: VersionNameSchema,
    reason: ReasonSchema,
    force: z.boolean().default(false).openapi({
      description:
        "Move the default although preflight of the version did not pass, or was not run within the hour",
    }),
  })
  .openapi("DefaultInput");

export const ProductListSchema = z
  .object({ items: z.array(ProductSchema), cursor: z.null() })
  .openapi("ProductList");
export const VersionListSchema = z
  .object({ items: z.array(VersionSchema), cursor: z.null() })
  .openapi("VersionList");

/** What requests that name no known account get, and what stands by for it. */
export const DefaultSchema = z
  .object({
    product: ProductNameSchema,
    default: VersionNameSchema.nullable().openapi({ description: "Default (unknown accounts)" }),
    standby: VersionNameSchema.nullable().openapi({
      description: "The default before it; takes over when its origin cannot be reached",
    }),
    fourEyes: FourEyesSchema,
    pending: PendingSchema,
    revision: RevisionSchema,
  })
  .openapi("Default");

export const ProductParamsSchema = z.strictObject({ product: ProductNameSchema });
export const VersionParamsSchema = z.strictObject({ product: ProductNameSchema, version: VersionNameSchema });

export type ProductInput = z.infer<typeof ProductInputSchema>;
export type Product = z.infer<typeof ProductSchema>;
export type VersionInput = z.infer<typeof VersionInputSchema>;
export type Version = z.infer<typeof VersionSchema>;
export type VersionStateInput = z.infer<typeof VersionStateInputSchema>;
export type StableInput = z.infer<typeof StableInputSchema>;
export type DefaultInput = z.infer<typeof DefaultInputSchema>;
export type HoldInput = z.infer<typeof HoldInputSchema>;
export type HoldView = z.infer<typeof HoldSchema>;
