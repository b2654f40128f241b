/** Who serves a product, and how today's fleet and our decisions agree, as the API shows and takes it. */
import * as z from "./zod.ts";
import { isHeaderName } from "../header-name.ts";
import { InstantSchema, OriginSchema, ProductNameSchema, ReasonSchema } from "./common.ts";

export const ProductModeSchema = z.enum(["active", "pass-through", "compare"]).openapi("ProductMode", {
  description:
    "active: decisions count; pass-through: today's fleet answers everything; compare: the same, and each decision is held against the version that answered",
});

export const HeaderNameSchema = z
  .string()
  .refine(isHeaderName, "must be the name of a header, as in X-Version");

export const ModeInputSchema = z
  .strictObject({
    mode: ProductModeSchema,
    origin: OriginSchema.optional().openapi({
      description: "Today's fleet; left out: as it is set. Needed the first time",
    }),
    versionHeader: HeaderNameSchema.nullable().optional().openapi({
      description: "Response header in which the fleet names the version, spelt as it is registered here",
    }),
    reason: ReasonSchema,
  })
  .openapi("ModeInput");

export const FleetSchema = z
  .object({
    mode: ProductModeSchema.exclude(["active"]),
    origin: z.string(),
    versionHeader: z.string().nullable(),
    run: z.string().openapi({ description: "Names the comparison; a new one begins with each setting" }),
    reason: z.string(),
    by: z.string(),
    since: InstantSchema,
  })
  .openapi("Fleet");

export const FleetDifferenceSchema = z.object({
  account: z.string().nullable().openapi({ description: "null: requests of no known account" }),
  theirs: z.string().openapi({ description: "The version that the fleet answered with, last time" }),
  ours: z.string().nullable().openapi({ description: "What the maps decide now; null: they cannot" }),
  requests: z.int(),
  lastAt: InstantSchema,
});

export const FleetComparisonSchema = z
  .object({
    product: ProductNameSchema,
    mode: ProductModeSchema,
    since: InstantSchema.nullable(),
    versionHeader: z.string().nullable(),
    compared: z.int().openapi({ description: "Answers of which both versions are known" }),
    agree: z.int(),
    differ: z.int(),
    unnamed: z.int().openapi({ description: "Answers in which the fleet named no version" }),
    undecided: z.int().openapi({ description: "Requests for which the maps had no version" }),
    differing: z.int().openapi({ description: "Accounts that would get another version now" }),
    settled: z.int().openapi({ description: "Accounts that differed and do not any more" }),
    forgotten: z.int().openapi({ description: "Differing answers whose accounts were too many to keep" }),
    accounts: z.array(FleetDifferenceSchema).openapi({ description: "Who would, the busiest first" }),
  })
  .openapi("FleetComparison");

export type ModeInput = z.infer<typeof ModeInputSchema>;
export type FleetView = z.infer<typeof FleetSchema>;
export type FleetComparisonView = z.infer<typeof FleetComparisonSchema>;
