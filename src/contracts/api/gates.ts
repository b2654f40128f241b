/** Gates as plan files say them, and as the API shows their verdicts, signals from outside and whom they hurt. Shapes only. */
import { z } from "@hono/zod-openapi";
import { GATE_ACTIONS, GATE_PARTS } from "../gate.ts";

const MAX_REQUESTS = 1_000_000_000;

const GateActionSchema = z.enum(GATE_ACTIONS);

export const GateSchema = z
  .strictObject({
    errorIncreasePercent: z.number().positive().max(100).default(1),
    alpha: z.number().gt(0).max(0.5).default(0.05),
    minAccounts: z.int().min(1).max(1_000_000).default(20),
    onFail: z.enum(["pause", "rollback"]).default("pause"),
    onInconclusive: z
      .enum(["hold", "approve"], {
        error: ({ input }) =>
          input === "advance" || input === "pause"
            ? `"${input}" is not taken any more: "hold" waits for more requests or a waiver, "approve" asks a person`
            : undefined,
      })
      .default("hold")
      .openapi({ description: "After the bake, when the gate cannot tell: wait, or ask a person" }),
    mustHave: z
      .array(z.string().min(1).max(100))
      .max(32)
      .default([])
      .openapi({ description: "Sources of signals without which nothing passes" }),
    minRequests: z
      .int()
      .min(1)
      .max(MAX_REQUESTS)
      .optional()
      .openapi({ description: "Of moved accounts; left out: 300" }),
    latency: z
      .strictObject({
        ratio: z.number().gt(1).max(100).optional(),
        floorMs: z.number().min(0).max(60_000).optional(),
        minRequests: z.int().min(1).max(MAX_REQUESTS).optional(),
      })
      .nullable()
      .optional()
      .openapi({
        description:
          "p95 of moved over that of not moved accounts; left out: 1.5 and 250 ms; null: not watched",
      }),
    quarantineLimit: z.int().min(0).max(10_000).optional().openapi({
      description: "Accounts put back alone, beyond which the wave stops; left out: max(5, 0.2 %)",
    }),
    actions: z
      .strictObject({
        errors: GateActionSchema.optional(),
        accounts: GateActionSchema.optional(),
        latency: GateActionSchema.optional(),
        signals: GateActionSchema.optional(),
      })
      .optional()
      .openapi({ description: "What is done when a part fails; left out: onFail, and hold for latency" }),
    dryRun: z
      .array(z.enum(GATE_PARTS))
      .max(GATE_PARTS.length)
      .optional()
      .openapi({ description: "Parts that only say what they would have done" }),
  })
  .openapi("Gate");
