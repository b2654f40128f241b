/** Accounts as the API shows and takes them, one by one and as lines of an import. */
import * as z from "./zod.ts";
import { MAX_CUSTOM_DOMAINS_PER_ACCOUNT } from "../limits.ts";
import {
  CellSchema,
  CohortSchema,
  DomainSchema,
  InstantSchema,
  PageQuerySchema,
  ProductNameSchema,
  ReasonSchema,
  RevisionSchema,
  SlugSchema,
  TimeZoneSchema,
  VersionNameSchema,
  WholeNumberSchema,
} from "./common.ts";
import { HoldSchema } from "./products.ts";

export const CustomDomainSchema = z
  .strictObject({ host: DomainSchema, product: ProductNameSchema })
  .openapi("CustomDomain");

export const LabelsSchema = z
  .record(
    z.string().regex(/^[a-z][a-z0-9_.-]{0,62}$/, "label names are lower-case, at most 63"),
    z.string().max(200),
  )
  .refine((labels) => Object.keys(labels).length <= 32, "at most 32 labels");

/**
 * What the system of record says of an account. A field that is left out stays as it is for a known account; a new
 * one gets every product, its stable version, and no labels, domains or cell.
 */
export const AccountInputSchema = z
  .strictObject({
    timeZone: TimeZoneSchema,
    cohort: CohortSchema,
    labels: LabelsSchema.optional(),
    cell: CellSchema.nullable().optional(),
    domains: z.array(CustomDomainSchema).max(MAX_CUSTOM_DOMAINS_PER_ACCOUNT).optional(),
    products: z
      .array(ProductNameSchema)
      .max(32)
      .optional()
      .openapi({ description: "Products it has; left out: all, for a new account" }),
    homes: z.record(ProductNameSchema, VersionNameSchema).optional().openapi({
      description:
        "Versions a new account starts on, when it is not stable. For a known account it must equal what is recorded: nothing moves by an edit",
    }),
  })
  .openapi("AccountInput");

export const ImportLineSchema = AccountInputSchema.extend({ account: SlugSchema }).openapi("ImportLine");

/** In place of an account: what the sender could not read of its own file. Counted as rejected, so that no line is lost. */
export const UnreadableLineSchema = z.strictObject({
  unreadable: z.string().min(1).max(500),
  account: z.string().max(253).optional(),
});

export const PinSchema = z
  .object({
    version: VersionNameSchema,
    reason: z.string(),
    expires: InstantSchema.nullable(),
    by: z.string(),
    at: InstantSchema,
  })
  .openapi("Pin");

export const PinInputSchema = z
  .strictObject({
    version: VersionNameSchema,
    reason: ReasonSchema,
    expires: InstantSchema.nullable().default(null),
  })
  .openapi("PinInput");

export const QuarantineSchema = z
  .object({ version: VersionNameSchema, reason: z.string(), by: z.string(), at: InstantSchema })
  .openapi("Quarantine");

export const QuarantineInputSchema = z
  .strictObject({ version: VersionNameSchema, reason: ReasonSchema })
  .openapi("QuarantineInput");

export const DeferralSchema = z
  .object({ until: InstantSchema, reason: z.string(), owner: z.string(), by: z.string(), at: InstantSchema })
  .openapi("Deferral");

export const DeferralInputSchema = z
  .strictObject({ until: InstantSchema, reason: ReasonSchema, owner: z.string().trim().min(1).max(100) })
  .openapi("DeferralInput");

/** What an account is on, and what comes next. */
export const AccountNowSchema = z
  .object({
    version: VersionNameSchema,
    reason: z
      .enum(["quarantine", "pin", "rollout", "home"])
      .openapi({ description: "What decides it; break-glass and holds are shown where they are" }),
    rollout: z.string().nullable().openapi({ description: "The running rollout that has moved it" }),
    replaced: VersionNameSchema.nullable().openapi({ description: "In place of this one, by a replacement" }),
    next: z
      .object({
        rollout: z.string(),
        to: VersionNameSchema,
        wave: z.string().nullable(),
        local: z.string().openapi({ description: "In the account's zone, if all goes as planned" }),
        utc: InstantSchema,
      })
      .nullable(),
    stays: z.string().nullable().openapi({ description: "Why the running rollout does not move it further" }),
  })
  .openapi("AccountNow");

export const AccountSchema = z
  .object({
    account: SlugSchema,
    timeZone: TimeZoneSchema,
    cohort: CohortSchema,
    labels: z.record(z.string(), z.string()),
    cell: CellSchema.nullable(),
    domains: z.array(CustomDomainSchema),
    homes: z.record(ProductNameSchema, VersionNameSchema).openapi({
      description: "As recorded: where it stays when nothing else decides. See `now` for what it is on",
    }),
    now: z
      .record(ProductNameSchema, AccountNowSchema)
      .optional()
      .openapi({ description: "What it is on, by product; only where one account is asked for" }),
    pins: z.record(ProductNameSchema, PinSchema),
    quarantine: z.record(ProductNameSchema, QuarantineSchema),
    hold: HoldSchema.nullable(),
    deferral: DeferralSchema.nullable(),
    deleted: z.object({ at: InstantSchema, slugFreeAt: InstantSchema }).nullable(),
    createdAt: InstantSchema,
    updatedAt: InstantSchema,
    visibleBy: InstantSchema.nullable().openapi({
      description: "From then on every edge knows the latest change; null: it already does",
    }),
    revision: RevisionSchema,
  })
  .openapi("Account");

/** A flag in a query: the words `true` and `false`; left out is false. */
const FlagSchema = z
  .enum(["true", "false"])
  .default("false")
  .transform((text) => text === "true");

export const AccountParamsSchema = z.strictObject({ account: SlugSchema });
export const AccountProductParamsSchema = z.strictObject({ account: SlugSchema, product: ProductNameSchema });

/** How an import is to be taken; the lines themselves are the body. */
export const ImportQuerySchema = z
  .strictObject({
    mode: z.enum(["import", "sync", "adopt"]).default("import").openapi({
      description:
        "import: adds and changes; sync: the lines are all accounts there are, the others are removed; adopt: adds accounts, and products to known ones, on the versions they are served by today (`homes`), and changes nothing else of a known account",
    }),
    dryRun: FlagSchema.openapi({
      description: "true: says what would change, line by line, and changes nothing",
    }),
    expectRemoved: WholeNumberSchema.optional().openapi({
      description: "How many accounts a sync may remove, or take a product from; left out: at most 0.5 %",
    }),
    id: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "must be letters, digits and . _ -, at most 64")
      .optional()
      .openapi({
        description:
          "Name of this import. Sent again after a break it goes on where it was; another file needs another one",
      }),
  })
  .refine(({ mode, expectRemoved }) => mode === "sync" || expectRemoved === undefined, {
    path: ["expectRemoved"],
    message: "is for mode=sync: nothing else removes anything",
  });

export const AccountQuerySchema = PageQuerySchema.extend({
  cohort: CohortSchema.optional(),
  product: ProductNameSchema.optional(),
  version: VersionNameSchema.optional().openapi({ description: "Home; needs product" }),
  cell: CellSchema.optional(),
  prefix: z.string().max(63).optional().openapi({ description: "Start of the slug" }),
  deleted: FlagSchema.openapi({
    description: "true: deleted accounts whose slug is not free yet, and only those",
  }),
})
  .strict()
  .refine(({ version, product }) => version === undefined || product !== undefined, {
    path: ["product"],
    message: "is needed to filter by version",
  });

export const AccountPageSchema = z
  .object({ items: z.array(AccountSchema), cursor: z.string().nullable() })
  .openapi("AccountPage");

/** Outcome of an import or sync. `dryRun` says that nothing was changed. */
export const ImportSummarySchema = z
  .object({
    id: z.string(),
    mode: z.enum(["import", "sync", "adopt"]),
    dryRun: z.boolean(),
    lines: z.int(),
    rejected: z.int(),
    added: z.int(),
    changed: z.int(),
    unchanged: z.int(),
    removed: z.int(),
    homes: z
      .record(z.string(), z.record(z.string(), z.int()))
      .optional()
      .openapi({ description: "Accounts that got a product by it, by product and version" }),
    digest: z.string().openapi({ description: "SHA-256 over the accepted lines in order" }),
    visibleBy: InstantSchema.nullable(),
  })
  .openapi("ImportSummary");

/** One line of the streamed answer to an import: a rejected line, progress, the diff of a dry run, or the end. */
export const ImportEventSchema = z.union([
  z.object({
    event: z.literal("rejected"),
    line: z.int(),
    account: z.string().nullable(),
    reason: z.string(),
  }),
  z.object({
    event: z.literal("progress"),
    lines: z.int(),
    added: z.int(),
    changed: z.int(),
    unchanged: z.int(),
  }),
  z.object({
    event: z.literal("diff"),
    account: z.string(),
    change: z.enum(["added", "changed", "removed"]),
    fields: z.array(z.string()),
  }),
  z.object({ event: z.literal("done"), summary: ImportSummarySchema }),
  z.object({ event: z.literal("failed"), problem: z.looseObject({ type: z.string(), detail: z.string() }) }),
]);

export type CustomDomain = z.infer<typeof CustomDomainSchema>;
export type AccountInput = z.infer<typeof AccountInputSchema>;
export type ImportLine = z.infer<typeof ImportLineSchema>;
export type Account = z.infer<typeof AccountSchema>;
export type AccountQuery = z.infer<typeof AccountQuerySchema>;
export type AccountPage = z.infer<typeof AccountPageSchema>;
export type PinInput = z.infer<typeof PinInputSchema>;
export type QuarantineInput = z.infer<typeof QuarantineInputSchema>;
export type DeferralInput = z.infer<typeof DeferralInputSchema>;
export type ImportSummary = z.infer<typeof ImportSummarySchema>;
export type ImportEvent = z.infer<typeof ImportEventSchema>;
