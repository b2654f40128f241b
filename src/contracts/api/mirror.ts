/**
 * Mirroring as plan files ask for it and as rollouts show it. Shapes only; what the numbers mean for the default is decided
 * by `core/rollout/phases/mirror`, and the same words as plain data are in `contracts/mirror`. Design §5, default.
 */
import * as z from "./zod.ts";
import { InstantSchema, PercentSchema } from "./common.ts";

const MINUTES_PER_MONTH = 31 * 24 * 60;
const MAX_REQUESTS = 1_000_000_000;

const MirrorSchema = z
  .strictObject({
    percent: PercentSchema.default(10).openapi({ description: "Of the requests that may be mirrored" }),
    minutes: z.int().min(1).max(MINUTES_PER_MONTH).default(30),
    requests: z
      .int()
      .min(1)
      .max(MAX_REQUESTS)
      .default(200)
      .openapi({ description: "Compared ones, at least: not measured is not a pass" }),
    worsePercent: z
      .number()
      .min(0)
      .max(50)
      .refine((percent) => Math.abs(percent * 100 - Math.round(percent * 100)) < 1e-6, {
        message: "must have at most two decimals",
      })
      .default(1)
      .openapi({ description: "Tolerated share of answers that fail where those of the default do not" }),
    waitMinutes: z.int().min(1).max(MINUTES_PER_MONTH).optional().openapi({
      description: "Mirrored minutes after which a person is asked; left out: 8 times `minutes`",
    }),
  })
  .refine(({ minutes, waitMinutes }) => waitMinutes === undefined || waitMinutes >= minutes, {
    path: ["waitMinutes"],
    message: "must be at least `minutes`",
  })
  .openapi("Mirror");

/** `true` is mirroring as it is done when nothing is said about it, `false` none. */
function readMirrorSwitch(given: unknown): unknown {
  if (typeof given !== "boolean") return given;
  return given ? {} : null;
}

/** In a plan: what to ask for, `true`, or nothing. */
export const MirrorChoiceSchema = z
  .preprocess(readMirrorSwitch, MirrorSchema.nullable().default(null))
  .openapi({
    description:
      "Before it moves, send some GET and HEAD requests of no known account to the target too, and compare",
  });

export const MirrorViewSchema = z
  .object({
    state: z.enum(["waiting", "mirroring", "interrupted", "passed", "failed", "too-few", "broken-off"]),
    percent: z.number(),
    minutes: z.object({ mirrored: z.number(), wanted: z.int() }),
    compared: z.int(),
    wanted: z.int(),
    same: z.int(),
    different: z.int().openapi({ description: "Another status class, neither worse" }),
    worse: z.int().openapi({ description: "5xx or no answer where the default did better" }),
    worsePercent: z.number().nullable(),
    toleratedPercent: z.number(),
    slower: z.int().openapi({ description: "Twice the time to headers, and 100 ms more; not judged" }),
    skipped: z.int().openapi({ description: "Not sent: too many on their way" }),
    meanMs: z.object({ default: z.number(), candidate: z.number() }).nullable(),
    waived: z.object({ by: z.string(), at: InstantSchema }).nullable(),
  })
  .openapi("MirrorView");

export type MirrorInput = z.infer<typeof MirrorChoiceSchema>;
export type MirrorView = z.infer<typeof MirrorViewSchema>;
