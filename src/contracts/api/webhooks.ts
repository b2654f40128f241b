/** Webhooks on the wire: who is told of entries of the audit, and what they never took. */
import * as z from "./zod.ts";
import { PageQuerySchema, ReasonSchema, RevisionSchema } from "./common.ts";

/** A name in the address of its own page and in a derived secret. */
export const WebhookNameSchema = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "must be lower-case letters, digits and hyphens")
  .openapi({ example: "on-call" });

export const WebhookParamsSchema = z.strictObject({ name: WebhookNameSchema });

/** `*`, an action as in the audit, or all below a point of it. */
export const EventPatternSchema = z
  .string()
  .max(100)
  .regex(/^(?:\*|[a-z][a-z-]*(?:\.[a-z][a-z-]*)*(?:\.\*)?)$/, "must be like alarm.raised, rollout.* or *");

export const WebhookUrlSchema = z
  .string()
  .max(1000)
  .regex(
    /^https?:\/\/[a-z0-9.-]+(?::[1-9]\d{0,4})?\/[\x21-\x7e]*$/,
    "must be like https://hooks.example.com/path, with a lower-case host and no user",
  )
  .refine((url) => !url.includes("#"), "must have no fragment");

const MAX_PATTERNS = 20;

export const WebhookInputSchema = z
  .strictObject({
    url: WebhookUrlSchema.openapi({
      description: "https; http only to this machine, where ORIGIN_ALLOW has it (local runs)",
    }),
    events: z
      .array(EventPatternSchema)
      .min(1)
      .max(MAX_PATTERNS)
      .openapi({ description: "Actions of the audit: one, all below a point of it (`rollout.*`), or `*`" }),
    notes: z.string().max(500).default(""),
  })
  .openapi("WebhookInput");

const InstantOrNull = z.string().nullable();

export const WebhookSchema = z
  .object({
    name: z.string(),
    url: z.string(),
    events: z.array(z.string()),
    notes: z.string(),
    madeBy: z.string(),
    madeAt: z.string(),
    rotatedAt: InstantOrNull,
    delivered: z.int(),
    deliveredAt: InstantOrNull,
    waiting: z.int().openapi({
      description:
        "Entries of the audit that it has not been told of, those that it does not want among them",
    }),
    dead: z.int().openapi({ description: "Given up after a day of trying; `retry` sends them again" }),
    failingSince: InstantOrNull,
    retryAt: InstantOrNull,
    problem: z.string().nullable(),
    revision: RevisionSchema,
  })
  .openapi("Webhook");

export const WebhookSecretSchema = z
  .object({
    secret: z.string().nullable().openapi({
      description: "`whsec_…` as Standard Webhooks has it; only in the answer that makes it, else null",
    }),
  })
  .openapi("WebhookSecret");

export const WebhookWithSecretSchema = WebhookSchema.extend(WebhookSecretSchema.shape).openapi(
  "WebhookWithSecret",
);

export const WebhookListSchema = z
  .object({ items: z.array(WebhookSchema), cursor: z.null() })
  .openapi("WebhookList");

export const DeadLetterSchema = z
  .object({
    id: z.string().openapi({ description: "The event's, as the receiver would see it" }),
    action: z.string(),
    target: z.string(),
    at: z.string(),
    attempts: z.int(),
    problem: z.string().nullable(),
  })
  .openapi("DeadLetter");

export const DeadLetterPageSchema = z
  .object({ items: z.array(DeadLetterSchema), cursor: z.string().nullable() })
  .openapi("DeadLetterPage");
export const DeadLetterQuerySchema = PageQuerySchema.strict();

export const WebhookRotateInputSchema = z
  .strictObject({ reason: ReasonSchema })
  .openapi("WebhookRotateInput");

export const WebhookRetryInputSchema = z
  .strictObject({
    event: z
      .string()
      .max(100)
      .nullable()
      .default(null)
      .openapi({ description: "null: all that were given up" }),
    reason: ReasonSchema,
  })
  .openapi("WebhookRetryInput");
export const WebhookRetriedSchema = z.object({ retried: z.int() }).openapi("WebhookRetried");

export type WebhookInput = z.infer<typeof WebhookInputSchema>;
export type Webhook = z.infer<typeof WebhookSchema>;
export type WebhookSecret = z.infer<typeof WebhookSecretSchema>;
export type WebhookWithSecret = z.infer<typeof WebhookWithSecretSchema>;
export type DeadLetter = z.infer<typeof DeadLetterSchema>;
