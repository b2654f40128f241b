/** How things stand, as one document: what is published and seen, what runs, what waits for a person, what is wrong. */
import { AlarmSchema } from "./alarms.ts";
import * as z from "./zod.ts";
import { InstantSchema, ProductNameSchema, VersionNameSchema } from "./common.ts";
import { ProductModeSchema } from "./fleet.ts";
import { WaitingSchema } from "./four-eyes.ts";
import { HaltSchema } from "./operations.ts";

export const SeenGenerationSchema = z
  .object({ generation: z.int(), share: z.number(), isolates: z.int() })
  .openapi("SeenGeneration");

const StatusReplacementSchema = z
  .object({
    product: ProductNameSchema,
    from: VersionNameSchema,
    to: VersionNameSchema,
    percent: z.number(),
    phase: z.string().nullable().openapi({ description: "null: only the maps could be asked" }),
    reason: z.string().nullable(),
  })
  .openapi("StatusReplacement");

const StatusRolloutSchema = z
  .object({
    id: z.string(),
    targets: z.record(ProductNameSchema, VersionNameSchema),
    phase: z
      .string()
      .nullable()
      .openapi({ description: "null, as all that follows: only the maps could be asked" }),
    wave: z.string().nullable().openapi({ description: "The wave at hand; null: all are done" }),
    reason: z.string().nullable(),
    moved: z.int().nullable().openapi({ description: "Accounts that it has moved so far" }),
    accounts: z.int().nullable().openapi({ description: "Accounts that it may move" }),
  })
  .openapi("StatusRollout");

export const CountingSchema = z
  .object({
    requests: z.int().openapi({ description: "Requests for versions that were counted" }),
    droppedReports: z.int(),
    droppedRequests: z.int().openapi({ description: "Requests that edges counted and that are lost" }),
    droppedRequestsLastHour: z.int(),
  })
  .openapi("Counting");

export const StatusSchema = z
  .object({
    now: InstantSchema,
    halt: HaltSchema,
    breakGlass: z.object({
      active: z.boolean(),
      reason: z.string().nullable(),
      expires: InstantSchema.nullable(),
      by: z.enum(["kv", "variable"]).nullable().default(null).openapi({
        description:
          "Which of the two ways it came by; null: not in use, or only a node's maps could be asked",
      }),
      written: InstantSchema.nullable().default(null),
      does: z.array(z.string()).default([]).openapi({ description: "What it does, a sentence each" }),
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
      breakGlassIsolates: z.int().default(0).openapi({
        description: "Isolates of the last two minutes that go by a break-glass document",
      }),
    }),
    environment: z
      .string()
      .nullable()
      .default(null)
      .openapi({ description: "Its variable ENVIRONMENT: production, staging, local; null: not set" }),
    router: z
      .object({ version: z.string(), tag: z.string() })
      .nullable()
      .default(null)
      .openapi({ description: "Version of the Worker that gave this answer; null: the platform names none" }),
    lastTick: InstantSchema.nullable(),
    accounts: z.int(),
    domains: z.int(),
    products: z.array(
      z.object({
        name: ProductNameSchema,
        stable: z.string().nullable(),
        default: z.string().nullable(),
        standby: z.string().nullable(),
        mode: ProductModeSchema.default("active"),
        versions: z.record(VersionNameSchema, z.int()).openapi({
          description: "Accounts by home, which a running rollout leaves as it is",
        }),
      }),
    ),
    rollouts: z.array(StatusRolloutSchema).default([]).openapi({
      description: "Those that are running, paused or going back",
    }),
    replacements: z.array(StatusReplacementSchema).default([]).openapi({
      description: "Versions that are being replaced, for whoever is on them",
    }),
    counting: CountingSchema.nullable().default(null).openapi({
      description: "What the meters took since they exist; null: they do not answer, or there are none",
    }),
    waiting: z.array(WaitingSchema).default([]).openapi({ description: "What waits for a person's yes" }),
    alarms: z.array(AlarmSchema).default([]).openapi({ description: "What holds now, told or not yet" }),
    warnings: z.array(z.string()).openapi({ description: "What else somebody should look at" }),
  })
  .openapi("Status");

export type Status = z.infer<typeof StatusSchema>;
