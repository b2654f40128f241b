/** Handing accounts over from one version to another, on the wire: who moved since a generation. */
import { z } from "@hono/zod-openapi";
import { PageQuerySchema, ProductNameSchema, VersionNameSchema, WholeNumberSchema } from "./common.ts";

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
