/**
 * The default moves with a second person's yes: the setting, a move that waits for it, and what waits for whom. Tokens and
 * identities of one name are one person.
 */
import * as z from "./zod.ts";
import { InstantSchema, ProductNameSchema, ReasonSchema, VersionNameSchema } from "./common.ts";

export const FourEyesInputSchema = z
  .strictObject({
    on: z.boolean().openapi({ description: "Whether the default moves only when a second person approves" }),
    reason: ReasonSchema,
  })
  .openapi("FourEyesInput");

/** A move that was asked for by hand and waits. */
export const DefaultRequestSchema = z
  .object({
    version: VersionNameSchema,
    force: z.boolean(),
    reason: z.string(),
    askedBy: z.string(),
    askedAt: InstantSchema,
    until: InstantSchema.openapi({ description: "Ends by itself then" }),
  })
  .openapi("DefaultRequest");

export const DefaultApproveInputSchema = z
  .strictObject({
    version: VersionNameSchema.openapi({
      description: "The one that is waited for, so that no other is meant",
    }),
  })
  .openapi("DefaultApproveInput");

export const DefaultWithdrawInputSchema = z
  .strictObject({ reason: ReasonSchema })
  .openapi("DefaultWithdrawInput");

/** Something that goes on when a person says yes. */
export const WaitingSchema = z
  .object({
    product: ProductNameSchema.nullable(),
    version: VersionNameSchema.nullable(),
    rollout: z.string().nullable().openapi({ description: "null: a move that was asked for by hand" }),
    sentence: z.string(),
    since: InstantSchema,
    until: InstantSchema.nullable(),
    notBy: z
      .array(z.string())
      .openapi({ description: "Who may not say it, because they asked or made it so" }),
    command: z.string().openapi({ example: "firebreak default approve kiln 2.9.0" }),
  })
  .openapi("Waiting");

export type FourEyesInput = z.infer<typeof FourEyesInputSchema>;
export type DefaultRequest = z.infer<typeof DefaultRequestSchema>;
export type DefaultApproveInput = z.infer<typeof DefaultApproveInputSchema>;
export type Waiting = z.infer<typeof WaitingSchema>;
