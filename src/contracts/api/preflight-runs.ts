/**
 * Preflight of one version over the API: asking for a run, the matrix with its bytes, what is known, waivers. Shapes
 * only. The bytes of a probe may hold a signature of the router, so the matrix is for who may run it.
 */
import * as z from "./zod.ts";
import { COVERED_CLASSES, type Probe, type StatusRange } from "../preflight.ts";
import {
  CellSchema,
  InstantSchema,
  OriginSchema,
  ProductNameSchema,
  ReasonSchema,
  RevisionSchema,
  VersionNameSchema,
} from "./common.ts";
import {
  ExpectationSchema,
  OutcomeSchema,
  PreflightSettingsSchema,
  PresetSchema,
  ProbeClassSchema,
  ProbeIdSchema,
  ProbeResultSchema,
  PurposeSchema,
  VantageSchema,
  WaiverSchema,
} from "./preflight.ts";

export const WaiverParamsSchema = z.strictObject({
  product: ProductNameSchema,
  version: VersionNameSchema,
  probe: ProbeIdSchema,
});

export const WithdrawQuerySchema = z.strictObject({
  reason: ReasonSchema,
  target: PurposeSchema.default("wave"),
});

export const PreflightRunInputSchema = z
  .strictObject({ purpose: PurposeSchema.default("wave") })
  .openapi("PreflightRunInput");

/** Settings with who wrote them; revision 0: nobody yet, these are the defaults. */
export const StoredSettingsSchema = z
  .object({
    product: ProductNameSchema,
    settings: PreflightSettingsSchema,
    by: z.string().nullable(),
    at: InstantSchema.nullable(),
    revision: RevisionSchema,
  })
  .openapi("StoredPreflightSettings");

export const PreflightVerdictSchema = z
  .object({
    verdict: z.enum(["pass", "fail", "inconclusive"]),
    failed: z.array(z.string()),
    waived: z.array(z.object({ id: z.string(), outcome: OutcomeSchema, waiver: WaiverSchema })),
    unreachable: z.array(z.string()),
    missing: z.array(z.string()),
    sentence: z.string(),
  })
  .openapi("PreflightVerdict");

const RunSchema = z.object({
  at: InstantSchema,
  by: z.string(),
  from: VantageSchema,
  purpose: PurposeSchema,
  via: OriginSchema.nullable(),
  stale: z
    .boolean()
    .openapi({ description: "The probes have changed since (settings or domains), so it does not count" }),
});

const PlannedProbeSchema = z.object({
  id: ProbeIdSchema,
  title: z.string(),
  class: ProbeClassSchema,
  cell: CellSchema.nullable(),
  why: z.string(),
  demandedBy: z.array(PresetSchema),
  expects: z.string().optional().openapi({ description: "What counts as well answered, in words" }),
});

/** What is known of a version: the last runs, what counts of them, and both verdicts. */
export const PreflightSchema = z
  .object({
    product: ProductNameSchema,
    version: VersionNameSchema,
    origin: OriginSchema,
    at: InstantSchema.nullable().openapi({ description: "When the newest run that counts was made" }),
    runs: z.array(RunSchema).openapi({ description: "The last from each place, newest first" }),
    wave: PreflightVerdictSchema.openapi({ description: "May accounts move to it?" }),
    default: PreflightVerdictSchema.openapi({ description: "May the default move to it?" }),
    uncovered: z
      .array(z.enum(COVERED_CLASSES))
      .openapi({ description: "Request classes that nobody has seen it answer well" }),
    waivers: z.array(WaiverSchema.extend({ target: PurposeSchema })),
    probes: z.array(PlannedProbeSchema),
    results: z.array(ProbeResultSchema),
  })
  .openapi("Preflight");

export const MatrixQuerySchema = z.strictObject({
  origin: OriginSchema.optional().openapi({
    description: "Ask here instead, where no raw connection leads to the version's own origin",
  }),
});

const TargetSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("socket"), host: z.string(), port: z.int(), tls: z.boolean() }),
  z.object({ kind: z.literal("unreachable"), why: z.string() }),
]);

const BytesSchema = z
  .base64()
  .transform((text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)))
  .openapi({ type: "string", format: "byte" });

export const ProbeSchema = PlannedProbeSchema.extend({
  target: TargetSchema,
  bytes: BytesSchema.openapi({ description: "Exactly what is to be sent, in base64" }),
  expect: ExpectationSchema,
}).openapi("Probe");

export const MatrixSchema = z
  .object({
    product: ProductNameSchema,
    version: VersionNameSchema,
    origin: OriginSchema,
    via: OriginSchema.nullable(),
    items: z.array(ProbeSchema),
    cursor: z.null(),
  })
  .openapi("PreflightMatrix");

/** A range as the wire has it: `200` or `200-399`. */
function writeRange([from, to]: StatusRange): string {
  return from === to ? `${from}` : `${from}-${to}`;
}

/** A probe as the wire has it. */
export function writeProbe({ bytes, expect, demandedBy, ...probe }: Probe): z.input<typeof ProbeSchema> {
  return {
    ...probe,
    demandedBy: [...demandedBy],
    bytes: btoa(String.fromCharCode(...bytes)),
    expect: writeExpectation(expect),
  };
}

/** An expectation as the wire has it: ranges are texts there. */
export function writeExpectation({ status, ...rest }: Probe["expect"]): z.input<typeof ExpectationSchema> {
  return { ...rest, status: status.map(writeRange) };
}

export type PreflightView = z.infer<typeof PreflightSchema>;
export type PreflightRunInput = z.infer<typeof PreflightRunInputSchema>;
export type StoredSettings = z.infer<typeof StoredSettingsSchema>;
export type Matrix = z.infer<typeof MatrixSchema>;
