/** Handing accounts over from one version to another, on the wire: who moved since a generation, and events of moves. */
import * as z from "./zod.ts";
import {
  PageQuerySchema,
  ProductNameSchema,
  ReasonSchema,
  VersionNameSchema,
  WholeNumberSchema,
} from "./common.ts";

export const AssignmentSchema = z
  .object({
    account: z.string(),
    product: z.string(),
    from: z.string().nullable().openapi({ description: "null: not known for the product then" }),
    to: z.string().nullable().openapi({ description: "null: not known for the product any more" }),
    generation: z.int().openapi({ description: "Since which generation it is on `to`" }),
  })
  .openapi("Assignment");

export const AssignmentPageSchema = z
  .object({
    since: z.int(),
    generation: z.int().openapi({
      description: "What it was compared with, the same on all pages: `since` of the next question",
    }),
    items: z.array(AssignmentSchema),
    cursor: z.string().nullable().openapi({ description: "A page may be empty and still have a next one" }),
  })
  .openapi("AssignmentPage");

export const AssignmentQuerySchema = PageQuerySchema.extend({
  since: WholeNumberSchema.openapi({ type: "integer", minimum: 0, description: "A generation" }),
  product: ProductNameSchema.optional(),
  version: VersionNameSchema.optional().openapi({ description: "Only accounts that left or reached it" }),
}).strict();

export type AssignmentRow = z.infer<typeof AssignmentSchema>;

const InstantOrNull = z.string().nullable();

export const EventReceiverSchema = z
  .object({
    product: z.string(),
    version: z.string(),
    url: z.string().nullable(),
    delivered: z.int(),
    deliveredAt: InstantOrNull,
    waiting: z.int(),
    dead: z.int().openapi({ description: "Given up a day after they were made" }),
    failingSince: InstantOrNull.openapi({
      description: "Since when it has taken nothing; null: it takes them",
    }),
    retryAt: InstantOrNull,
    problem: z.string().nullable(),
  })
  .openapi("EventReceiver");

export const EventReceiverListSchema = z
  .object({ items: z.array(EventReceiverSchema), cursor: z.null() })
  .openapi("EventReceiverList");

export const DeadEventSchema = z
  .object({
    id: z.string(),
    product: z.string(),
    version: z.string().openapi({ description: "The one that did not take it" }),
    from: z.string(),
    to: z.string(),
    generation: z.int(),
    accounts: z.int(),
    madeAt: z.string(),
    attempts: z.int(),
    problem: z.string().nullable(),
  })
  .openapi("DeadEvent");

export const DeadEventPageSchema = z
  .object({ items: z.array(DeadEventSchema), cursor: z.string().nullable() })
  .openapi("DeadEventPage");

export const EventRetryInputSchema = z
  .strictObject({
    product: ProductNameSchema,
    version: VersionNameSchema,
    event: z
      .string()
      .max(100)
      .nullable()
      .default(null)
      .openapi({ description: "null: all that were given up" }),
    reason: ReasonSchema,
  })
  .openapi("EventRetryInput");

export const EventRetriedSchema = z.object({ retried: z.int() }).openapi("EventRetried");

export type EventReceiverRow = z.infer<typeof EventReceiverSchema>;
export type DeadEventRow = z.infer<typeof DeadEventSchema>;
