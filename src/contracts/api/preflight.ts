/**
 * Preflight as the API shows and takes it: own probes, waivers, a run and its verdict. Parsed here once; behind the
 * admin surface the plain types of `contracts/preflight` are used. It must not restate rules: own probes are refused by
 * `refuseOwnProbe`. Results sent from a command line are kept as such (`from: here`) and never as the control plane's.
 */
import * as z from "./zod.ts";
import {
  DEFAULT_PRESETS,
  EXCHANGE_FAULTS,
  MAX_EVIDENCE_CHARS,
  MAX_OWN_PROBES,
  MAX_PROBED_CELLS,
  PRESETS,
  PROBE_CLASSES,
  refuseOwnProbe,
  type OwnProbe,
  type StatusRange,
} from "../preflight.ts";
import { CellSchema, InstantSchema, OriginSchema, ReasonSchema, SlugSchema } from "./common.ts";

export const PresetSchema = z.enum(PRESETS);
export const ProbeClassSchema = z.enum(PROBE_CLASSES);
export const ProbeIdSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,63}(?:@[a-z0-9-]{1,32})?$/,
    "must be a probe id such as unknown-account or unknown-account@eu1",
  )
  .openapi({ example: "options-hostless" });

/** `"200"`, `"2xx"` or `"200-399"` on the wire, an inclusive range inside. */
export const StatusRangeSchema = z
  .string()
  .regex(/^(?:[1-5]\d\d|[1-5]xx|[1-5]\d\d-[1-5]\d\d)$/, "must be like 200, 2xx or 200-399")
  .transform(readRange)
  .refine(([from, to]) => from <= to, "must run from low to high")
  .openapi({ type: "string", example: "200-399" });

function readRange(text: string): StatusRange {
  if (text.endsWith("xx")) return [Number(text.charAt(0)) * 100, Number(text.charAt(0)) * 100 + 99];
  const [from, to] = text.split("-");
  return [Number(from), Number(to ?? from)];
}

export const ExpectationSchema = z
  .strictObject({
    status: z.array(StatusRangeSchema).min(1).max(8),
    header: z
      .strictObject({
        name: z.string().min(1).max(64),
        contains: z.string().max(500).nullable().default(null),
      })
      .nullable()
      .default(null),
    bodyContains: z.string().min(1).max(500).nullable().default(null),
  })
  .openapi("ProbeExpectation");

const OwnRequestSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("request"),
    method: z.string().default("GET"),
    target: z.string().default("/"),
    httpVersion: z.enum(["1.0", "1.1"]).default("1.1"),
    host: z.string().nullable().openapi({
      description: "null: no Host line; empty: an empty one; {domain} and {cell} are filled in",
    }),
    headers: z
      .array(z.tuple([z.string(), z.string()]))
      .max(64)
      .default([]),
    body: z.string().nullable().default(null),
  }),
  z.strictObject({
    kind: z.literal("raw"),
    text: z.string().openapi({ description: "Sent as it is; every character is one byte, U+0000 to U+00FF" }),
  }),
]);

export const OwnProbeSchema = z
  .strictObject({
    id: z.string().openapi({ example: "own-scanner" }),
    title: z.string().trim().min(1).max(100),
    class: ProbeClassSchema,
    why: z.string().trim().min(1).max(300),
    request: OwnRequestSchema,
    expect: ExpectationSchema,
  })
  .superRefine((own: OwnProbe, context) => {
    const refusal = refuseOwnProbe(own);
    if (refusal !== null) context.addIssue({ code: "custom", message: refusal });
  })
  .openapi("OwnProbe");

/** How a product is probed. Replaced as a whole. */
export const PreflightSettingsSchema = z
  .strictObject({
    presets: z
      .array(PresetSchema)
      .max(PRESETS.length)
      .default([...DEFAULT_PRESETS]),
    syntheticAccount: SlugSchema.nullable().default(null).openapi({
      description:
        "An account of your own that the version may be asked about; without one the class `known` waits for real traffic",
    }),
    syntheticByCell: z.record(CellSchema, SlugSchema).default({}).openapi({
      description: "One account per cell, where the accounts of one cell are unknown in the next",
    }),
    cells: z.array(CellSchema).max(MAX_PROBED_CELLS).default([]),
    own: z
      .array(OwnProbeSchema)
      .max(MAX_OWN_PROBES)
      .refine((list) => new Set(list.map(({ id }) => id)).size === list.length, "two probes have the same id")
      .default([]),
  })
  .openapi("PreflightSettings");

/** What a waiver is for; see `PreflightPurpose`. */
export const PurposeSchema = z.enum(["wave", "default"]);

export const WaiverInputSchema = z
  .strictObject({ target: PurposeSchema.default("wave"), reason: ReasonSchema })
  .openapi("WaiverInput");

export const WaiverSchema = z
  .object({ probe: ProbeIdSchema, reason: z.string(), by: z.string(), at: InstantSchema })
  .openapi("Waiver");

export const OutcomeSchema = z.enum(["pass", "fail", "unreachable", "error"]);
export const VantageSchema = z.enum(["control", "here"]);

export const ProbeResultSchema = z
  .strictObject({
    id: ProbeIdSchema,
    title: z.string().max(100),
    class: ProbeClassSchema,
    cell: CellSchema.nullable(),
    outcome: OutcomeSchema,
    evidence: z.strictObject({
      sent: z.string().max(MAX_EVIDENCE_CHARS),
      received: z.string().max(MAX_EVIDENCE_CHARS),
      status: z.int().min(100).max(999).nullable(),
      ms: z.number().min(0),
      fault: z.enum(EXCHANGE_FAULTS).nullable(),
      from: VantageSchema,
    }),
    sentence: z.string().max(1000),
  })
  .openapi("ProbeResult");

/** A matrix run from somebody's command line: recorded under its sender's name, always as `from: here`. */
export const PreflightReportSchema = z
  .strictObject({
    origin: OriginSchema.openapi({
      description: "As the matrix named it; refused when the version has another one by now",
    }),
    via: OriginSchema.nullable().default(null).openapi({
      description: "The address that was asked in its place, where no raw connection leads to the origin",
    }),
    results: z
      .array(ProbeResultSchema)
      .min(1)
      .max(64 * MAX_PROBED_CELLS)
      .refine(
        (list) => list.every(({ evidence }) => evidence.from === "here"),
        "results sent in must say from: here",
      ),
  })
  .openapi("PreflightReport");

export type PreflightSettings = z.infer<typeof PreflightSettingsSchema>;
export type PreflightReport = z.infer<typeof PreflightReportSchema>;
export type WaiverInput = z.infer<typeof WaiverInputSchema>;
