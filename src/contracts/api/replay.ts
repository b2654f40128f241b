/**
 * A recorded timeline: what was planned, who was there, how each version answered which requests. Plain data that people
 * write by hand from what is known of an incident; `assumed` says what is not. Read by the replay. Shapes only.
 */
import * as z from "./zod.ts";
import { InstantSchema, ProductNameSchema, VersionNameSchema } from "./common.ts";
import { RolloutInputSchema } from "./rollouts.ts";

const ShareSchema = z.number().min(0).max(1);
const ClassSchema = z.enum(["known", "unknown", "none", "ip"]);

export const RecordingSchema = z.strictObject({
  schema: z.literal(1),
  name: z.string().min(1).max(200),
  /** What is known, and what was filled in so that it can be played. */
  known: z.array(z.string()).min(1),
  assumed: z.array(z.string()),
  start: InstantSchema,
  until: InstantSchema,
  plan: RolloutInputSchema,
  /** Versions that serve when it begins: of accounts, and of requests without one. */
  products: z.record(
    ProductNameSchema,
    z.strictObject({ home: VersionNameSchema, default: VersionNameSchema, reversible: z.boolean() }),
  ),
  accounts: z
    .array(
      z.strictObject({
        count: z.int().min(1).max(5000),
        cohort: z.string(),
        zone: z.string(),
        requestsPerMinute: z.number().min(0).max(1000),
      }),
    )
    .min(1),
  /** Share of failures that everybody always had. */
  usualFailures: ShareSchema,
  /** What a version does to requests of a class, from its first request on; what is not named it answers as usual. */
  behaviour: z.array(
    z.strictObject({
      product: ProductNameSchema,
      version: VersionNameSchema,
      class: ClassSchema,
      failures: ShareSchema,
      /** Names of accounts (`account-12`) that it is limited to; left out: all. */
      accounts: z.array(z.string()).optional(),
    }),
  ),
});

export type Recording = z.infer<typeof RecordingSchema>;
export type RecordedClass = z.infer<typeof ClassSchema>;
