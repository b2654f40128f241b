/**
 * What can be made wrong with a demo origin: the shape that `POST /demo` of the control server takes, checked strictly,
 * because a misspelt fault that does nothing would make a drill prove nothing. A field that is left out is well again.
 */
import { z } from "zod";

const MAX_LATENCY_MS = 120_000;

const FaultsSchema = z
  .strictObject({
    /** Share of requests answered with 500, 0–1, spread evenly and not by chance. */
    errorRate: z.number().min(0).max(1).default(0),
    /** Added before every answer. */
    latencyMs: z.int().min(0).max(MAX_LATENCY_MS).default(0),
    /** The port is closed, so that connections are refused. */
    refuse: z.boolean().default(false),
    /** Requests are read and never answered. */
    hang: z.boolean().default(false),
    /** The connection is reset (RST) as soon as a request has arrived. */
    reset: z.boolean().default(false),
    /** The bug of the incident: 500 for a request that names no account it knows. */
    failsWithoutAccount: z.boolean().default(false),
    /** Only requests of these accounts; empty: all. */
    onlyAccounts: z.array(z.string().min(1)).max(1000).default([]),
  })
  .refine((faults) => !faults.refuse || faults.onlyAccounts.length === 0, {
    message: "a closed port refuses everybody: refuse cannot be limited with onlyAccounts",
    path: ["refuse"],
  });

export type DemoFaults = z.infer<typeof FaultsSchema>;

/** Nothing wrong. */
export const WELL: DemoFaults = FaultsSchema.parse({});

const DemoRequestSchema = z.looseObject({ product: z.string().min(1), version: z.string().min(1) });

/** Body of `POST /demo`: which origin, and its faults from now on. */
export interface DemoRequest {
  readonly product: string;
  readonly version: string;
  readonly faults: DemoFaults;
}

/**
 * Parses the body of `POST /demo`.
 * @throws z.ZodError that names every wrong or unknown field.
 */
export function parseDemoRequest(body: unknown): DemoRequest {
  const { product, version, ...faults } = DemoRequestSchema.parse(body);
  return { product, version, faults: FaultsSchema.parse(faults) };
}

/** Parses faults given from a program rather than over HTTP. */
export function parseFaults(faults: unknown): DemoFaults {
  return FaultsSchema.parse(faults);
}
