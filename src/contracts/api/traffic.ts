/** Traffic of late as the API shows it: versions by their requests, and one account against its own past. Shapes only. */
import * as z from "./zod.ts";
import { InstantSchema, SlugSchema } from "./common.ts";

const ShareSchema = z.number().min(0).max(1);

const VersionTrafficSchema = z
  .object({
    product: z.string(),
    version: z.string(),
    requests: z.int(),
    share: ShareSchema.openapi({ description: "Of the requests of the product" }),
    failures: z.int().openapi({ description: "Answered with 5xx, or not answered" }),
    rate: ShareSchema,
    p95Ms: z.number().nullable().openapi({ description: "Time to the headers of the answer; null: unknown" }),
  })
  .openapi("VersionTraffic");

export const TrafficSchema = z
  .object({
    minutes: z.int().openapi({ description: "How far back it counts" }),
    items: z.array(VersionTrafficSchema),
    cursor: z.null(),
    known: z.object({ now: ShareSchema.nullable(), yesterday: ShareSchema.nullable() }).openapi({
      description:
        "Share of the requests that named a known account: now, and in the same hour of the day before; null: none were counted",
    }),
  })
  .openapi("Traffic");

const CountSchema = z.object({ requests: z.int(), failures: z.int(), rate: ShareSchema });

export const AccountTrafficSchema = z
  .object({
    account: SlugSchema,
    minutes: z.int().openapi({ description: "How far back `lately` counts" }),
    items: z.array(
      z.object({
        product: z.string(),
        version: z.string(),
        lately: CountSchema,
        before: CountSchema.openapi({
          description: "On this version before that, of the 14 days that are kept",
        }),
      }),
    ),
    cursor: z.null(),
  })
  .openapi("AccountTraffic");

export const FailedRequestsQuerySchema = z
  .object({ id: z.string().min(1).max(128).optional(), account: SlugSchema.optional() })
  .strict();

export const FailedRequestsSchema = z
  .object({
    items: z
      .array(
        z.object({
          id: z.string(),
          at: InstantSchema.openapi({
            description: "When it was reported: at most 15 s after it was answered",
          }),
          product: z.string().nullable(),
          account: z.string().nullable(),
          version: z.string().nullable(),
          outcome: z.string(),
          why: z
            .string()
            .openapi({ description: "Of the decision where the version answered, else what failed" }),
          status: z.int(),
          generation: z.int(),
        }),
      )
      .openapi({ description: "Newest first, at most 50" }),
    cursor: z.null(),
  })
  .openapi("FailedRequests");

export type FailedRequests = z.infer<typeof FailedRequestsSchema>;
export type Traffic = z.infer<typeof TrafficSchema>;
export type AccountTraffic = z.infer<typeof AccountTrafficSchema>;
